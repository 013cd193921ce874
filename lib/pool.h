/* SPDX-License-Identifier: MIT */
/*
 * A node's budget: what may be committed from it, what is, and what is kept warm. Invariant:
 * committed <= limit and warm <= warm_limit of its backing, whatever the order of threads. Each
 * figure is one atomic word; no lock.
 */
#ifndef HOSTMEM_POOL_H
#define HOSTMEM_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hugepage/hp.h"

struct pool {
    uint64_t limit;                       /* bytes that may be committed; UINT64_MAX: no limit */
    uint64_t warm_limit[HP_BACKINGS];     /* bytes kept warm of each backing */
    _Atomic uint64_t committed;           /* bytes; whole frames of huge pages, pages of the rest */
    _Atomic uint64_t warm[HP_BACKINGS];   /* bytes populated and taken by nobody */
    _Atomic uint64_t low_mark, high_mark; /* committed bytes between which nobody need be told */
    _Atomic uint64_t populating;          /* bytes taken that may not have their memory yet */
    _Atomic uint64_t populated, zeroed, returned, spilled; /* bytes ever: hostmem_node_stats */
};

/* Takes from the budget. -ENOMEM: less than `held` bytes would be left of the limit. */
int pool_take(struct pool *pool, size_t bytes, uint64_t held);
void pool_give(struct pool *pool, size_t bytes);

/* Whether the committed bytes are outside of the marks, which a watcher leaves. */
bool pool_passed(struct pool *pool);
void pool_mark(struct pool *pool, uint64_t low, uint64_t high);

/* How many of `count` frames may be kept warm besides what is; these are counted. */
size_t pool_keep(struct pool *pool, enum hp_backing backing, size_t frame_bytes, size_t count);
void pool_unkeep(struct pool *pool, enum hp_backing backing, size_t bytes);

static inline void pool_count(_Atomic uint64_t *figure, uint64_t bytes)
{
    atomic_fetch_add_explicit(figure, bytes, memory_order_relaxed);
}

static inline uint64_t pool_figure(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

#endif
