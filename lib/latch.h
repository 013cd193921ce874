/* SPDX-License-Identifier: MIT */
/*
 * A latch: two copies of something, of which the writer changes the one that readers do not use, so
 * that a reader finishes even while the writer is stopped halfway (the kernel's seqcount latch).
 *
 * Even sequence: readers use copy 0; odd: copy 1. Data is stored with release and loaded with
 * acquire order, which on x86-64 costs nothing and needs no fence: a reader that saw any of a newer
 * write sees the newer sequence too. One writer at a time: the caller's lock.
 */
#ifndef HOSTMEM_LATCH_H
#define HOSTMEM_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct latch {
    _Atomic uint64_t sequence;
};

#define latch_load(place)         atomic_load_explicit(place, memory_order_acquire)
#define latch_store(place, value) atomic_store_explicit(place, value, memory_order_release)

/* The writer: change copy 0 after the first flip and copy 1 after the second. */
static inline void latch_flip(struct latch *latch)
{
    uint64_t now = atomic_load_explicit(&latch->sequence, memory_order_relaxed);
    latch_store(&latch->sequence, now + 1);
}

static inline uint64_t latch_read(struct latch *latch)
{
    return latch_load(&latch->sequence);
}

static inline unsigned latch_copy(uint64_t sequence)
{
    return sequence & 1;
}

/* Whether what was read since latch_read() is to be read again. */
static inline bool latch_changed(struct latch *latch, uint64_t sequence)
{
    return latch_load(&latch->sequence) != sequence;
}

#endif
