/* SPDX-License-Identifier: MIT */
/* Loads a library and finds what is needed of it. A library that was loaded stays. No lock. */
#ifndef HOSTMEM_BENCH_LOADED_H
#define HOSTMEM_BENCH_LOADED_H

#include <stddef.h>

#include "bench/order.h"

/* A symbol and the pointer that is to point to it, a function's or a variable's. */
struct loaded {
    const char *name;
    void *pointer;
};

/* -ENOENT: no such library; -ENOTSUP: it is another one than expected. Why, in words. */
int loaded_open(
    const char *library, const struct loaded *symbols, size_t count, char ret_said[ORDER_SAID]);

#endif
