/* SPDX-License-Identifier: MIT */
/*
 * System calls and page faults of an order, counted in the process of a side under ptrace(2), never
 * while times are taken. An order of N operations and one of twice as many are counted: what each
 * order costs by itself falls out. Calls of the side's other threads are not counted. No lock.
 */
#ifndef HOSTMEM_BENCH_COUNTED_H
#define HOSTMEM_BENCH_COUNTED_H

#include <stdbool.h>

#include "bench/child.h"

/* Of an operation. False: tracing is refused here, or the side failed. */
bool counted_order(
    struct child *child, const struct order *order, double *ret_calls, double *ret_faults);

#endif
