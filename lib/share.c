/* SPDX-License-Identifier: MIT */
/* Frames that small regions share: whose granules are taken, and when the frame's memory is.
 * Invariant and locks: see share.h. */
#include "lib/share.h"

#include <string.h>

#include "lib/bits.h"
#include "lib/check.h"
#include "lib/frame.h"
#include "lib/window.h"

static size_t granules(const struct share *share)
{
    return share->window->frame_bytes / GRANULE_BYTES;
}

size_t share_size(size_t frame_bytes)
{
    return sizeof(struct share) + bits_words(frame_bytes / GRANULE_BYTES) * sizeof(uint64_t);
}

void share_init(struct share *share, struct window *window)
{
    lock_init(&share->lock, RANK_SHARE);
    share->window = window;
    share->words = bits_words(granules(share));
}

void share_begin(struct share *share, size_t frame)
{
    share->frame = frame;
    share->free = granules(share);
    memset(share->taken, 0, share->words * sizeof(share->taken[0]));
    dirty_share(&share->window->dirty, frame);
}

static bool taken(const struct share *share, size_t granule)
{
    return share->taken[granule / 64] >> (granule % 64) & 1;
}

int share_is_free(const struct share *share, size_t granule, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (taken(share, granule + i))
            return 0;
    return 1;
}

/* Bits below `count` set; a frame of 2 MiB has 32 granules, all in one word. */
static uint64_t low_bits(size_t count)
{
    return count < 64 ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0);
}

static size_t find_in_word(uint64_t word, size_t limit, size_t count)
{
    uint64_t starts = ~word & low_bits(limit);
    for (size_t i = 1; i < count && starts; i++)
        starts &= starts >> 1;
    return starts ? (size_t)__builtin_ctzll(starts) : SIZE_MAX;
}

static size_t find_in_words(const struct share *share, size_t count)
{
    size_t run = 0;
    for (size_t at = 0; at < granules(share); at++) {
        run = taken(share, at) ? 0 : run + 1;
        if (run == count)
            return at + 1 - count;
    }
    return SIZE_MAX;
}

/* Best where nothing has to be zeroed; in frames of 1 GiB it is not worth the search. What others
 * do to their granules meanwhile is not seen, and does not matter. */
static size_t find_clean(const struct share *share, size_t count)
{
    uint64_t dirty = dirty_granules(&share->window->dirty, share->frame);
    return find_in_word(share->taken[0] | dirty, granules(share), count);
}

size_t share_find(const struct share *share, size_t count)
{
    if (share->free < count)
        return SIZE_MAX;
    if (share->words > 1)
        return find_in_words(share, count);
    size_t found = find_clean(share, count);
    return found == SIZE_MAX ? find_in_word(share->taken[0], granules(share), count) : found;
}

size_t share_find_in(const struct window *window, size_t frame, size_t count)
{
    size_t granules = window->frame_bytes / GRANULE_BYTES;
    size_t found = SIZE_MAX;
    if (granules <= 64)
        found = find_in_word(dirty_granules(&window->dirty, frame), granules, count);
    return found == SIZE_MAX ? 0 : found;
}

void share_mark(struct share *share, size_t granule, size_t count)
{
    for (size_t at = granule; at < granule + count; at++)
        share->taken[at / 64] |= UINT64_C(1) << (at % 64);
    share->free -= count;
}

void share_unmark(struct share *share, size_t granule, size_t count)
{
    for (size_t at = granule; at < granule + count; at++)
        share->taken[at / 64] &= ~(UINT64_C(1) << (at % 64));
    share->free += count;
}

/* -- its memory -- */

bool share_check(const struct share *share)
{
    return share->users == 0 || (bits_get(share->window->populated, share->frame) &&
                                    bits_get(share->window->dirty.some, share->frame));
}

static struct frames frame_of(const struct share *share)
{
    return (struct frames){share->window, share->frame, 1};
}

int share_enter(struct share *share, struct taking *taking)
{
    int error = 0;
    lock_take(&share->lock);
    if (share->users == 0) {
        error = frame_take(frame_of(share), taking);
        /* Memory that is new from the kernel has made the frame clean as a whole. */
        if (!error)
            dirty_share(&share->window->dirty, share->frame);
    }
    if (!error)
        share->users++;
    /* Perhaps it was another region's commit that had to borrow. */
    if (!error && bits_get(share->window->lent, share->frame))
        taking->reason = frame_shortage(share->window);
    CHECKED(hm_assert(share_check(share)));
    lock_drop(&share->lock);
    return error;
}

void share_leave(struct share *share)
{
    lock_take(&share->lock);
    hm_assert(share->users > 0);
    if (--share->users == 0)
        frame_put(frame_of(share));
    lock_drop(&share->lock);
}
