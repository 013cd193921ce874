/* SPDX-License-Identifier: MIT */
/* Amounts of memory as people read them. No state, no lock. */
#ifndef TOOLS_UNITS_H
#define TOOLS_UNITS_H

#include <stdint.h>

#define UNITS_TEXT 64 /* bytes that hold every amount, with room to spare */

/* "15.5 GiB": one digit after the point, or none where it would be 0. Returns `ret_text`. */
const char *units_text(uint64_t bytes, char ret_text[UNITS_TEXT]);

#endif
