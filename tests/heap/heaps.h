/* SPDX-License-Identifier: MIT */
/*
 * What the tests of heaps share: a manager over each backing that needs no huge pages, a heap, and
 * calls that must succeed. No lock.
 */
#ifndef HOSTMEM_TESTS_HEAP_HEAPS_H
#define HOSTMEM_TESTS_HEAP_HEAPS_H

#include <hostmem/heap.h>

#include "live.h"

extern struct hostmem *manager;

/* A manager over HOSTMEM_BACKING, thp where it is not set; setup and teardown of a test. */
int heaps_setup(void **state);
int heaps_teardown(void **state);

struct hostmem_heap *heaps_new(void);
void *heaps_get(struct hostmem_heap *heap, size_t size);
void heaps_put(struct hostmem_heap *heap, void *block);
struct hostmem_heap_stats heaps_stats(struct hostmem_heap *heap);

/* Keys of thread-specific data that are left to the program. */
size_t heaps_keys_left(void);

/* Writes a pattern into a block, and whether it is still there. */
void heaps_fill(void *block, size_t size, unsigned seed);
bool heaps_filled(const void *block, size_t size, unsigned seed);

#endif
