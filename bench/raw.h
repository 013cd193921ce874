/* SPDX-License-Identifier: MIT */
/* Mappings as the sides need them, and what the kernel says of its huge pages. No lock. */
#ifndef HOSTMEM_BENCH_RAW_H
#define HOSTMEM_BENCH_RAW_H

#include <stdbool.h>
#include <stddef.h>

#define RAW_PAGE ((size_t)4096)
#define RAW_2M   ((size_t)2 << 20)
#define RAW_1G   ((size_t)1 << 30)

/* Up to the next multiple; `page` is a power of 2. */
size_t raw_round(size_t size, size_t page);

/* Private anonymous memory, bound to the node unless that is negative; NULL. */
void *raw_map(size_t size, int flags, int node);

/* The same, aligned to 2 MiB; to be unmapped with the same size. */
void *raw_map_aligned(size_t size, int node);

/*
 * Memory that is populated and stays: of reserved huge pages where there are enough of them, else
 * of transparent ones. *ret_backing is set to which. NULL.
 */
void *raw_keep(size_t size, int node, const char **ret_backing);

bool raw_has_thp(void);

#endif
