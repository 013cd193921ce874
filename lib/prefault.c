/* SPDX-License-Identifier: MIT */
/* HOSTMEM_PREFAULT: frames are claimed, taken, and put back, which leaves them idle. No lock is
 * held while they are populated. */
#include "lib/prefault.h"

#include <errno.h>

#include "lib/frame.h"
#include "lib/offer.h"
#include "lib/space.h"
#include "lib/units.h"
#include "lib/window.h"

/* The address space of `size` bytes in the node's first window of the backing. */
static int claim(struct offer offer, size_t size, struct frames *ret_frames)
{
    int error = window_grow(offer.node, offer.backing, size, NULL);
    if (error)
        return error;
    struct window *window = atomic_load(&offer.node->windows[offer.backing]);
    error = space_enter(window);
    if (error)
        return error;
    uintptr_t base = space_find(window, size);
    error = base ? space_claim(window, base, size) : -ENOMEM;
    space_leave(window);
    if (error)
        return error;
    size_t first = (base - (uintptr_t)window->base) / window->frame_bytes;
    *ret_frames = (struct frames){window, first, size / window->frame_bytes};
    return 0;
}

static int prefault(struct offer offer, size_t size)
{
    struct frames frames;
    int error = claim(offer, size, &frames);
    if (error)
        return error;
    error = frame_prefault(frames);
    space_enter(frames.window);
    space_free(frames.window, (uintptr_t)window_frame(frames.window, frames.first), size);
    space_leave(frames.window);
    return error;
}

/* The first backing that frames are made of on the node; 4 KiB pages are never kept. */
static int first_offer(struct node *node, struct offer *ret_offer)
{
    struct offers offers = offers_for(node, OFFER_ANY & ~OFFER_EXACT);
    if (!offers_next(&offers, ret_offer) || ret_offer->node != node)
        return -ENOMEM;
    return 0;
}

static int prefault_node(struct node *node, uint64_t bytes)
{
    struct hostmem *manager = node->manager;
    struct offer offer;
    int error = first_offer(node, &offer);
    if (!error)
        error = prefault(offer, align_up(bytes, manager->frame_bytes[offer.backing]));
    if (error)
        log_line(&manager->log, LOG_ERROR,
            "HOSTMEM_PREFAULT: node %d cannot give %llu bytes; it has %llu huge pages of %zu bytes",
            node->id, (unsigned long long)bytes, (unsigned long long)node->huge,
            manager->frame_bytes[HP_HUGETLB]);
    return error ? -ENOMEM : 0;
}

int prefault_all(struct hostmem *manager)
{
    int error = 0;
    for (size_t i = 0; i < manager->node_count && !error; i++) {
        struct node *node = &manager->nodes[i];
        uint64_t bytes = config_prefault(&manager->config, node->id, node->bytes);
        if (bytes)
            error = prefault_node(node, bytes);
    }
    return error;
}
