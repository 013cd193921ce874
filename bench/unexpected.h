/* SPDX-License-Identifier: MIT */
/*
 * What went otherwise than it should: said on stderr at once, and counted for the exit status. The
 * count is atomic; no lock.
 */
#ifndef HOSTMEM_BENCH_UNEXPECTED_H
#define HOSTMEM_BENCH_UNEXPECTED_H

#include <stdbool.h>

#include <hostmem/mscoree.h>

void unexpected(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often it was called. */
unsigned unexpected_count(void);

/* Whether a call went well; if not, that is unexpected. */
bool went_well(HRESULT result, const char *what);

#endif
