/* SPDX-License-Identifier: MIT */
/*
 * Times of the sides, taken in turn in the same run so that whatever disturbs the machine disturbs
 * all of them. The calling thread stays on one CPU meanwhile. No lock.
 */
#ifndef HOSTMEM_BENCH_TIMING_H
#define HOSTMEM_BENCH_TIMING_H

#include "bench/side.h"

/* Of one operation: get, write, give back. Microseconds; negative where there is none. */
struct timing {
    double least, median;
};

/* Prints both tables; the times of 2 MiB with every page written are returned. */
void timing_show(const struct side sides[SIDES], struct timing ret_times[SIDES]);

#endif
