/* SPDX-License-Identifier: MIT */
/*
 * From an address to its region, by arithmetic: a slot for each GiB names one region or a leaf, a
 * slot of the leaf for each 2 MiB names one region or its granules, which name one each. Leaves and
 * granules are made once and stay. Invariant: a slot names a region only while the region has a
 * granule there, but a reader may see a slot that is about to change: what the region says of
 * itself (region_view) decides. Writers of one granule are kept apart by who claimed the address
 * space; no lock.
 */
#ifndef HOSTMEM_TABLE_H
#define HOSTMEM_TABLE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store.h"

struct region;
struct table_leaf;

struct table_slot {
    _Atomic(struct region *) region; /* it has all of the slot's addresses */
    _Atomic(void *) below;           /* the leaf or the granules; kept even while region is set */
};

struct table {
    struct store *store;
    struct table_slot *gib; /* a slot for each GiB of user space */
};

int table_open(struct table *table, struct store *store);

/* The region that is entered for the granule of `address`, or NULL. Waits for nothing. */
struct region *table_get(const struct table *table, uintptr_t address);

/* Makes the leaves and granules that table_set() of the same range will need. -ENOMEM. */
int table_prepare(struct table *table, uintptr_t base, size_t size);

/* Enters the region (or NULL) for every granule of the range, which table_prepare() has seen. */
void table_set(struct table *table, uintptr_t base, size_t size, struct region *region);

/*
 * The lowest address in [from, end), both multiples of a granule, for which a region is entered;
 * else end. For a walk: the granule found may be that of a region that began below `from`.
 */
uintptr_t table_next(const struct table *table, uintptr_t from, uintptr_t end);

#endif
