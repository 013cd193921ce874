/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a window's populated frames may hold old contents. A page is dirty from the moment
 * it leaves the committed state until it is zeroed for its next owner; of a committed page the mark
 * means nothing. Invariant: a frame is `all`, or `some` with a bit for each page, or clean; never
 * all and some at once. A frame's bits belong to who has the frame, a granule's word to the region
 * that has the granule; no lock.
 */
#ifndef HOSTMEM_DIRTY_H
#define HOSTMEM_DIRTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"
#include "lib/store.h"

struct dirty {
    char *base;              /* the window's first byte */
    size_t frame_pages;      /* pages of a frame */
    bits *all, *some;        /* a bit for each frame */
    _Atomic uint16_t *pages; /* a word for each granule; means something in `some` frames only */
};

/* The metadata for frames, and laying it out in zeroed memory of that size; or both at once. */
size_t dirty_bytes(size_t frames, size_t frame_bytes);
void dirty_lay_out(
    struct dirty *dirty, char *base, size_t frames, size_t frame_bytes, void *memory);
int dirty_open(
    struct dirty *dirty, struct store *store, char *base, size_t frames, size_t frame_bytes);

/* The pages [first, end) of the window are not committed any more. */
void dirty_soil(struct dirty *dirty, size_t first, size_t end);

/* Makes the pages [first, end) zero and clean; returns the bytes that had to be written. */
size_t dirty_clean(struct dirty *dirty, size_t first, size_t end);

/*
 * Cleans a frame that nobody uses, granule by granule, while go_on() says so; true: all of it is
 * clean. What was cleaned, in bytes, is added to *cleaned. The stores go past the caches.
 */
bool dirty_scrub(struct dirty *dirty, size_t frame, bool (*go_on)(void *context), void *context,
    size_t *cleaned);

/* The frames' memory is new from the kernel: all zero. */
void dirty_forget(struct dirty *dirty, size_t frame, size_t count);

/* Puts a frame into the form that lets several regions work on their granules at the same time. */
void dirty_share(struct dirty *dirty, size_t frame);

/* The granules of a frame of at most 64 that have a dirty page, as bits. */
uint64_t dirty_granules(const struct dirty *dirty, size_t frame);

/* For tests and checks. */
bool dirty_page(const struct dirty *dirty, size_t page);
bool dirty_check(const struct dirty *dirty, size_t frame);

#endif
