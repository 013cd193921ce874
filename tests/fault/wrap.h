/* SPDX-License-Identifier: MIT */
/*
 * The C library's functions as our objects see them, put in place at link time (-Wl,--wrap): the
 * n-th call of the thread that counts fails as the kernel might let it. Only calls from objects of
 * this program are seen, not those of shared libraries.
 */
#ifndef HOSTMEM_TESTS_WRAP_H
#define HOSTMEM_TESTS_WRAP_H

#include <stdbool.h>

/*
 * Counts the calling thread's calls from now on and lets the nth fail; 0: none. A function has up
 * to three ways to fail: `way` 0, 1 or 2; where it has fewer the last one is taken.
 */
void wrap_arm(unsigned long nth, int way);

/* Stops counting. */
void wrap_disarm(void);

/* Whether a call has failed since wrap_arm(); the function's name. */
bool wrap_failed(void);
const char *wrap_name(unsigned long nth);

#endif
