/* SPDX-License-Identifier: MIT */
/* The line that says on stderr what is being measured. One thread; no lock. */
#ifndef HOSTMEM_BENCH_PROGRESS_H
#define HOSTMEM_BENCH_PROGRESS_H

#include <stdbool.h>

/* Shown on a terminal, rewritten in place; with `asked`, on anything, a line each. */
void progress_open(bool asked);

/* So many steps are still to come. */
void progress_expect(unsigned steps);

/* A step begins. */
void progress_step(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The line goes away. */
void progress_close(void);

#endif
