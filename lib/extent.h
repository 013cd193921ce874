/* SPDX-License-Identifier: MIT */
/*
 * The state of a region's pages: a sorted array of extents, each from its first page to the next
 * extent's, so that committing 256 MiB is one step. Invariant: the first extent begins at page 0,
 * starts ascend strictly, neighbours differ. Writers hold the region's lock and keep two copies in
 * step (latch.h); every word is atomic, because a reader may look at the copy that is being changed
 * and find out only afterwards.
 */
#ifndef HOSTMEM_EXTENT_H
#define HOSTMEM_EXTENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What pages have in common, 0 = reserved. Committed pages carry their access rights (enum
 * hp_access) and, in regions of 4 KiB pages, the node that they were taken from when it is not the
 * region's own: its index in the manager's array plus one.
 */
typedef uint16_t page_state;
#define STATE_RESERVED   0u
#define STATE_COMMITTED  1u
#define STATE_ACCESS(a)  ((a) << 1)
#define STATE_LENDER(n)  ((n) << 4)
#define STATE_QUERY_MASK 15u /* what a query tells apart */
#define STATE_LENDERS    1024u

static inline bool state_committed(page_state state)
{
    return state & STATE_COMMITTED;
}

static inline unsigned state_access(page_state state)
{
    return state >> 1 & 7;
}

static inline unsigned state_lender(page_state state)
{
    return state >> 4;
}

/* One word: the first page in the upper 48 bits, the state in the lower 16. */
typedef _Atomic uint64_t extent_word;

#define EXTENT_INLINE 6 /* words without an array of their own */

struct extents {
    _Atomic uint32_t count;
    uint32_t capacity;            /* words; for writers */
    _Atomic(extent_word *) words; /* this structure's own `few`, or a block of the region's pool */
    extent_word few[EXTENT_INLINE];
};

/* A maximal piece of pages in one state. */
struct extent {
    size_t first, end; /* pages; end is exclusive */
    page_state state;
};

void extents_init(struct extents *extents);

/* The extent that holds `page` < pages, for who holds the region's lock. */
struct extent extents_at(const struct extents *extents, size_t page, size_t pages);

/* Most words that one extents_set() adds. */
#define EXTENT_GROWTH 2
bool extents_full(const struct extents *extents);

/* Moves the words into a larger block; the former place stays as it is, for readers that are there.
 */
void extents_move(struct extents *extents, extent_word *block, uint32_t capacity);

/* Gives the pages [first, end) a state. The caller has seen that extents_full() is false. */
void extents_set(struct extents *extents, size_t first, size_t end, size_t pages, page_state state);

/* The same lookup for readers without the lock, over words that they have seen to belong together.
 */
struct extent extents_search(const extent_word *words, uint32_t count, size_t page, size_t pages);

/* Whether the invariant holds. */
bool extents_check(const struct extents *extents, size_t pages);

#endif
