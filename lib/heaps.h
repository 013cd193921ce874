/* SPDX-License-Identifier: MIT */
/*
 * All heaps of the process, and which of their regions has an address. Invariant: a granule names a
 * region exactly while a heap's pool has it. Locks: a mutex over the list; addresses are looked up
 * without one, and entered by who has the region.
 *
 * In a child no heap of the parent is touched any more, not even when the process exits.
 */
#ifndef HOSTMEM_HEAPS_H
#define HOSTMEM_HEAPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/units.h"

struct heap_region;
struct hostmem;
struct hostmem_heap;

/* How often this line of processes has forked since; changed in the child alone. */
extern unsigned heaps_forks;

/* Before the first heap. -ENOMEM. */
int heaps_open(void);

void heaps_add(struct hostmem_heap *heap);
void heaps_drop(struct hostmem_heap *heap);

/* Destroys all heaps of a manager that is about to end. */
void heaps_end(const struct hostmem *manager);

/* A slot for each granule of 64 GiB; made where a heap has a region, and never unmade. */
#define HEAPS_LEAF_SHIFT 36
#define HEAPS_SLOTS      ((size_t)1 << (HEAPS_LEAF_SHIFT - GRANULE_SHIFT))
#define HEAPS_LEAVES     ((USER_END >> HEAPS_LEAF_SHIFT) + 1)
struct heaps_leaf {
    _Atomic(struct heap_region *) region[HEAPS_SLOTS];
};
extern _Atomic(struct heaps_leaf *) heaps_leaves[HEAPS_LEAVES];

/* The region of a heap that has the address, or NULL. Waits for nothing. */
static inline struct heap_region *heaps_at(uintptr_t address)
{
    if (address >= USER_END)
        return NULL;
    struct heaps_leaf *leaf =
        atomic_load_explicit(&heaps_leaves[address >> HEAPS_LEAF_SHIFT], memory_order_acquire);
    if (!leaf)
        return NULL;
    return atomic_load_explicit(
        &leaf->region[(address >> GRANULE_SHIFT) % HEAPS_SLOTS], memory_order_acquire);
}

/* The same for thread-specific data and the like. */
bool heaps_have(const void *value);

/* Whole granules become a heap's region. -ENOMEM. And they are nobody's any more. */
int heaps_enter(struct heap_region *region, size_t size);
void heaps_leave(struct heap_region *region, size_t size);

#endif
