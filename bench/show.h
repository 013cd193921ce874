/* SPDX-License-Identifier: MIT */
/* What the demo prints of the library: configuration, receipts, nodes. Pure output; no lock. */
#ifndef HOSTMEM_BENCH_SHOW_H
#define HOSTMEM_BENCH_SHOW_H

#include <stdint.h>

#include <hostmem/mscoree.h>

/* A heading with an empty line above it. */
void show_heading(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "2 MiB", in the largest unit that is exact, or with one digit behind the point. */
#define SHOW_AMOUNT 24 /* bytes that hold it */
const char *show_amount(uint64_t bytes, char ret_text[SHOW_AMOUNT]);

const char *show_backing(enum hostmem_backing backing);
const char *show_reason(enum hostmem_reason reason);

/* Each variable with its value and whether it was set. */
void show_configuration(struct hostmem *manager);

/* A line for each node: its pool and its load; then GetMemoryLoad(). */
void show_nodes(IHostMemoryManager *manager);

#endif
