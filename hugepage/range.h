/* SPDX-License-Identifier: MIT */
/*
 * What the three backings have in common: the system calls of hp.h on a range, told apart by a
 * small description of the backing. No state and no lock.
 */
#ifndef HOSTMEM_RANGE_H
#define HOSTMEM_RANGE_H

#include "hugepage/hp.h"

/* How mmap, madvise and mbind are to be called so that a range becomes of one backing. */
struct hp_kind {
    size_t page;      /* bytes: what mmap aligns to without being asked */
    int flags;        /* of mmap, beside MAP_PRIVATE and MAP_NORESERVE */
    int fd;           /* what is mapped, or -1 */
    int advice;       /* the madvise that sets it apart, or MADV_NORMAL for none */
    int policy;       /* the mode of mbind */
    unsigned at_rest; /* enum hp_access of a fresh mapping */
};

int hp_range_map(const struct hp_kind *kind, const struct hp_spec *spec, void *at, size_t size,
    size_t align, void **ret_base);
int hp_range_unmap(void *base, size_t size);
int hp_range_bind(void *base, size_t size, int policy, int node);
int hp_range_populate(void *base, size_t size);
int hp_range_discard(void *base, size_t size);
int hp_range_protect(void *base, size_t size, unsigned access);
int hp_range_replace(const struct hp_kind *kind, const struct hp_spec *spec, void *at, size_t size,
    int node, bool populate);

#endif
