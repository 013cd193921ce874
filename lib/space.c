/* SPDX-License-Identifier: MIT */
/* Address space of windows, in granules. Lock: the space lock of the window's node, throughout. */
#include "lib/space.h"

#include <errno.h>

#include "lib/check.h"

/* One claim begins at most two shares: at its head and at its tail. */
#define SHARES_NEEDED 2
/* How many shares are looked into before a further frame is opened. */
#define SHARES_TRIED 16

/* -- lists of shares -- */

static void open_insert(struct window *window, struct share *share)
{
    share->previous = NULL;
    share->next = window->open;
    if (window->open)
        window->open->previous = share;
    window->open = share;
}

static void open_remove(struct window *window, struct share *share)
{
    if (share->next)
        share->next->previous = share->previous;
    if (share->previous)
        share->previous->next = share->next;
    else
        window->open = share->next;
}

static void spare_push(struct window *window, struct share *share)
{
    share->next = window->spare;
    window->spare = share;
    window->spares++;
}

static struct share *spare_pop(struct window *window)
{
    struct share *share = window->spare;
    window->spare = share->next;
    window->spares--;
    return share;
}

int space_enter(struct window *window) UNCHECKED_LOCKING
{
    struct node *node = window->node;
    lock_take(&node->space);
    while (window->spares < SHARES_NEEDED) {
        /* Taking memory from the store may map some: not under the space lock. */
        void *memory;
        lock_drop(&node->space);
        int error = store_take(&node->manager->store, share_size(window->frame_bytes), &memory);
        if (error)
            return error;
        share_init(memory, window);
        lock_take(&node->space);
        spare_push(window, memory);
    }
    return 0;
}

void space_leave(struct window *window) UNCHECKED_LOCKING
{
    lock_drop(&window->node->space);
}

/* -- finding -- */

static size_t granules_of(size_t size)
{
    return (size + GRANULE_BYTES - 1) / GRANULE_BYTES;
}

static uintptr_t granule_address(const struct window *window, size_t frame, size_t granule)
{
    return (uintptr_t)window_frame(window, frame) + granule * GRANULE_BYTES;
}

static uintptr_t find_in_shares(struct window *window, size_t size)
{
    size_t count = granules_of(size), tried = 0;
    for (struct share *s = window->open; s && tried < SHARES_TRIED; s = s->next, tried++) {
        size_t granule = share_find(s, count);
        if (granule != SIZE_MAX)
            return granule_address(window, s->frame, granule);
    }
    return 0;
}

/*
 * Free frames that have memory: best those of which nothing has to be zeroed. Populated ones that
 * are not idle are just being cleaned or given back. There are none beyond `high`.
 */
static size_t find_warm(struct window *window, size_t count)
{
    uint64_t warm = pool_figure(&window->node->pool.warm[window->backing]);
    const struct dirty *dirty = &window->dirty;
    const struct bits_choice clean = {{window->claimed, dirty->all, dirty->some}, window->idle};
    const struct bits_choice idle = {.clear = {window->claimed}, .set = window->idle};
    const struct bits_choice any = {.clear = {window->claimed}, .set = window->populated};
    if (warm < count * window->frame_bytes)
        return BITS_NONE;
    size_t high = atomic_load_explicit(&window->high, memory_order_relaxed);
    size_t frame = bits_find(&clean, window->hint, high, count);
    if (frame == BITS_NONE)
        frame = bits_find(&idle, window->hint, high, count);
    return frame == BITS_NONE ? bits_find(&any, window->hint, high, count) : frame;
}

static size_t find_claimable(const struct window *window, size_t from, size_t count)
{
    const struct bits_choice choice = {.clear = {window->claimed}};
    return bits_find(&choice, from, window->frames, count);
}

/* Large regions begin on whole GiB where that is possible: see window.c. */
static size_t find_on_gib(struct window *window, size_t count)
{
    size_t per = GIB_BYTES / window->frame_bytes, at = window->hint, frame;
    if (count < per || !is_aligned((uintptr_t)window->base, GIB_BYTES))
        return BITS_NONE;
    while ((frame = find_claimable(window, at, count)) != BITS_NONE) {
        at = (frame + per - 1) / per * per;
        if (at == frame)
            break;
    }
    return frame;
}

static size_t find_free(struct window *window, size_t count)
{
    size_t frame = find_on_gib(window, count);
    if (frame == BITS_NONE)
        frame = find_claimable(window, window->hint, count);
    return frame;
}

static uintptr_t find_frames(struct window *window, size_t size)
{
    size_t count = (size + window->frame_bytes - 1) / window->frame_bytes, granule = 0;
    size_t frame = find_warm(window, count);
    if (frame == BITS_NONE)
        frame = find_free(window, count);
    if (frame == BITS_NONE)
        return 0;
    if (size < window->frame_bytes)
        granule = share_find_in(window, frame, granules_of(size));
    return granule_address(window, frame, granule);
}

uintptr_t space_find(struct window *window, size_t size)
{
    uintptr_t found = 0;
    if (size < window->frame_bytes)
        found = find_in_shares(window, size);
    return found ? found : find_frames(window, size);
}

/* -- claiming -- */

/* A range as granules of its head share, whole frames, and granules of its tail share. */
struct layout {
    size_t head_frame, head_granule, head_count;
    size_t first, count; /* whole frames */
    size_t tail_frame, tail_count;
};

static struct layout lay_out(const struct window *window, uintptr_t base, size_t size)
{
    size_t per = window->frame_bytes / GRANULE_BYTES;
    size_t from = (base - (uintptr_t)window->base) / GRANULE_BYTES;
    size_t to = from + granules_of(size);
    struct layout l = {.first = (from + per - 1) / per, .head_granule = from % per};
    if (l.head_granule || to - from < per) {
        l.head_frame = from / per;
        l.head_count = min_size(to - from, per - l.head_granule);
        l.first = l.head_frame + 1;
    }
    if (to <= l.first * per)
        return l;
    l.count = to / per - l.first;
    l.tail_frame = to / per;
    l.tail_count = to % per;
    return l;
}

static int part_is_free(struct window *window, size_t frame, size_t granule, size_t count)
{
    if (!count || !bits_get(window->claimed, frame))
        return 1;
    return window->shares[frame] && share_is_free(window->shares[frame], granule, count);
}

static int is_free(struct window *window, const struct layout *l)
{
    return part_is_free(window, l->head_frame, l->head_granule, l->head_count) &&
           part_is_free(window, l->tail_frame, 0, l->tail_count) &&
           bits_next(window->claimed, l->first, l->first + l->count, true) == l->first + l->count;
}

static void claim_frames(struct window *window, size_t first, size_t count)
{
    bits_set(window->claimed, first, count);
    if (first <= window->hint)
        window->hint = max_size(window->hint, first + count);
    if (first + count > window->high)
        atomic_store_explicit(&window->high, first + count, memory_order_relaxed);
}

static void claim_part(struct window *window, size_t frame, size_t granule, size_t count)
{
    struct share *share = window->shares[frame];
    if (!share) {
        share = spare_pop(window);
        share_begin(share, frame);
        window->shares[frame] = share;
        claim_frames(window, frame, 1);
        open_insert(window, share);
    }
    share_mark(share, granule, count);
    if (share->free == 0)
        open_remove(window, share);
}

int space_claim(struct window *window, uintptr_t base, size_t size)
{
    struct layout l = lay_out(window, base, size);
    if (!is_free(window, &l))
        return -EADDRNOTAVAIL;
    if (l.head_count)
        claim_part(window, l.head_frame, l.head_granule, l.head_count);
    if (l.count)
        claim_frames(window, l.first, l.count);
    if (l.tail_count)
        claim_part(window, l.tail_frame, 0, l.tail_count);
    return 0;
}

/* -- freeing -- */

static void free_frames(struct window *window, size_t first, size_t count)
{
    size_t freed = bits_clear(window->claimed, first, count);
    hm_assert(freed == count);
    window->hint = min_size(window->hint, first);
}

static void free_part(struct window *window, size_t frame, size_t granule, size_t count)
{
    struct share *share = window->shares[frame];
    if (share->free == 0)
        open_insert(window, share);
    share_unmark(share, granule, count);
    if (share->free < window->frame_bytes / GRANULE_BYTES)
        return;
    open_remove(window, share);
    window->shares[frame] = NULL;
    free_frames(window, frame, 1);
    spare_push(window, share);
}

void space_free(struct window *window, uintptr_t base, size_t size)
{
    struct layout l = lay_out(window, base, size);
    if (l.head_count)
        free_part(window, l.head_frame, l.head_granule, l.head_count);
    if (l.count)
        free_frames(window, l.first, l.count);
    if (l.tail_count)
        free_part(window, l.tail_frame, 0, l.tail_count);
}
