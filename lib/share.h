/* SPDX-License-Identifier: MIT */
/*
 * A share: a frame that several regions live in, granule by granule. Invariant: a granule's bit is
 * set in `taken` while a region has it; the frame's memory is taken from the pool while `users`,
 * the regions with committed pages in it, are not zero, and its pages are then soiled one by one
 * (dirty.h), because two regions do it at once. Locks: `taken`, `free` and the links under
 * the node's space lock, `users` and the frame's memory under the share's own.
 */
#ifndef HOSTMEM_SHARE_H
#define HOSTMEM_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/lock.h"

struct window;

struct share {
    struct lock lock;
    struct window *window;
    size_t frame;
    size_t users GUARDED_BY(lock);
    struct share *next, *previous; /* in the window's list of open or spare shares */
    size_t free;                   /* granules that no region has */
    size_t words;                  /* of taken */
    uint64_t taken[];              /* a bit for each granule */
};

/* A region gets its first committed pages in the frame: its memory is there when this returns 0. */
struct taking;
int share_enter(struct share *share, struct taking *taking);

/* A region has no committed pages in the frame any more. */
void share_leave(struct share *share);

/* A share without a frame, for the windows of one frame size. */
size_t share_size(size_t frame_bytes);
void share_init(struct share *share, struct window *window);

/* Begins to be the share of a frame, all granules free; the caller holds the space lock. */
void share_begin(struct share *share, size_t frame);

/* The lowest run of `count` free granules without a dirty page, else of any, else SIZE_MAX. */
size_t share_find(const struct share *share, size_t count);
/* Where to begin in a frame that is about to become a share: at its first clean run. */
size_t share_find_in(const struct window *window, size_t frame, size_t count);
int share_is_free(const struct share *share, size_t granule, size_t count);
void share_mark(struct share *share, size_t granule, size_t count);
void share_unmark(struct share *share, size_t granule, size_t count);

/* Of one that is not being entered or left. */
bool share_check(const struct share *share);

#endif
