/* SPDX-License-Identifier: MIT */
/*
 * A window: one large piece of address space of one node and one backing, in frames. A frame's
 * address is free, or belongs to one region, or is a share of several small ones; its memory is
 * cold, idle (populated and taken by nobody) or taken.
 *
 * Invariant: idle implies populated. Who clears a frame's idle bit has the frame's memory, and with
 * it the frame's bits in fresh, small, lent and dirty; populated without idle means that somebody
 * has it. Locks: claimed, high, hint and the shares' lists under the node's space lock; the bitmaps
 * need none.
 */
#ifndef HOSTMEM_WINDOW_H
#define HOSTMEM_WINDOW_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"
#include "lib/dirty.h"
#include "lib/manager.h"
#include "lib/node.h"
#include "lib/share.h"
#include "lib/units.h"

struct window {
    char *base;
    size_t frames;
    size_t frame_bytes;
    enum hp_backing backing;
    const struct hp_ops *ops;
    struct node *node;
    struct window *next;     /* of the same node and backing */
    struct window *next_all; /* of the manager */

    /* address space; under node->space */
    bits *claimed;         /* frames that have an owner or are a share */
    size_t hint;           /* no frame below it is free */
    _Atomic size_t high;   /* no frame from it on was ever claimed */
    struct share **shares; /* for each frame: its share, or NULL */
    struct share *open;    /* shares with a granule free */
    struct share *spare;   /* shares without a frame */
    unsigned spares;

    /* memory */
    bits *idle;
    bits *populated;
    bits *fresh;               /* populated by the take that is going on */
    bits *aged;                /* idle and dirty when the scrubber last looked; a mere hint */
    bits *small;               /* a THP frame of which the kernel made 4 KiB pages */
    bits *lent;                /* the frame's memory came from elsewhere: lender says from where */
    _Atomic uint16_t *lender;  /* LENDER(node index, backing); meaningful where lent */
    _Atomic size_t lent_count; /* frames that are lent */
    struct dirty dirty;
};

#define LENDER(index, backing) ((uint16_t)((index) | (unsigned)(backing) << 10))
#define LENDER_NODE(code)      ((code)&1023u)
#define LENDER_BACKING(code)   ((enum hp_backing)((code) >> 10))

static inline char *window_frame(const struct window *window, size_t frame)
{
    return window->base + frame * window->frame_bytes;
}

static inline size_t window_frame_pages(const struct window *window)
{
    return window->frame_bytes / PAGE_BYTES;
}

static inline uintptr_t window_end(const struct window *window)
{
    return (uintptr_t)window->base + window->frames * window->frame_bytes;
}

/*
 * Makes a further window of the node and backing with room for at least `size` bytes and makes it
 * the first of the node's. Where address space is short it is made smaller. Another thread that
 * does the same is waited for. `seen` is the window that was the first when the caller found no
 * room: if another one is by now, nothing is done.
 */
int window_grow(struct node *node, enum hp_backing backing, size_t size, struct window *seen);

/* The manager's window that holds the address, or NULL. Waits for nothing. */
struct window *window_of(struct hostmem *manager, uintptr_t address);

/* Unmaps it; its structure goes with the store. */
void window_close(struct window *window);

/* Whether the invariants hold, for a window in which nothing is going on. */
int window_check(struct window *window);

#endif
