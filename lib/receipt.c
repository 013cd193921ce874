/* SPDX-License-Identifier: MIT */
/* Receipts, gathered extent by extent and, where frames are lent or small, frame by frame. Lock:
 * the region's. */
#include "lib/receipt.h"

#include <errno.h>

#include "lib/units.h"
#include "lib/window.h"

static const enum hostmem_backing public_backing[HP_BACKINGS] = {
    [HP_HUGETLB] = HOSTMEM_BACKING_HUGETLB,
    [HP_THP] = HOSTMEM_BACKING_THP,
    [HP_BASE] = HOSTMEM_BACKING_BASE,
};

/* A piece of memory from one place. */
struct piece {
    int node;
    enum hp_backing backing;
    size_t page_size;
    size_t bytes;
};

static void add(struct hostmem_receipt *receipt, struct piece piece)
{
    enum hostmem_backing backing = public_backing[piece.backing];
    if (receipt->committed == 0) {
        receipt->node_given = piece.node;
        receipt->backing = backing;
        receipt->page_size = piece.page_size;
    }
    if (receipt->node_given != piece.node)
        receipt->node_given = HOSTMEM_NODE_MIXED;
    if (receipt->backing != backing)
        receipt->backing = HOSTMEM_BACKING_MIXED;
    receipt->page_size = min_size(receipt->page_size, piece.page_size);
    receipt->committed += piece.bytes;
}

static void add_exact(
    struct hostmem_receipt *receipt, const struct region *region, struct extent e, size_t bytes)
{
    unsigned lender = state_lender(e.state);
    const struct node *node = lender ? &region->node->manager->nodes[lender - 1] : region->node;
    add(receipt, (struct piece){node->id, HP_BASE, PAGE_BYTES, bytes});
}

static struct piece frame_piece(const struct window *window, size_t frame)
{
    const struct hostmem *manager = window->node->manager;
    struct piece piece = {window->node->id, window->backing, window->frame_bytes, 0};
    if (bits_get(window->lent, frame)) {
        unsigned code = atomic_load_explicit(&window->lender[frame], memory_order_relaxed);
        piece.node = manager->nodes[LENDER_NODE(code)].id;
        piece.backing = LENDER_BACKING(code);
        piece.page_size = manager->spec[piece.backing].page_size;
    }
    if (bits_get(window->small, frame))
        piece.page_size = PAGE_BYTES;
    return piece;
}

/* Whether all of the frames are as the window makes them. */
static bool uniform(const struct window *window, size_t first, size_t count)
{
    return bits_next(window->lent, first, first + count, true) == first + count &&
           bits_next(window->small, first, first + count, true) == first + count;
}

static void add_framed(
    struct hostmem_receipt *receipt, const struct region *region, size_t first, size_t end)
{
    const struct window *window = region->window;
    size_t per = window_frame_pages(window), from = region->origin + first;
    size_t to = region->origin + end, last = (to - 1) / per;
    if (uniform(window, from / per, last + 1 - from / per)) {
        struct piece piece = {
            window->node->id, window->backing, window->frame_bytes, (to - from) * PAGE_BYTES};
        add(receipt, piece);
        return;
    }
    for (size_t frame = from / per; frame <= last; frame++) {
        struct piece piece = frame_piece(window, frame);
        size_t a = max_size(from, frame * per), b = min_size(to, (frame + 1) * per);
        piece.bytes = (b - a) * PAGE_BYTES;
        add(receipt, piece);
    }
}

static void gather(struct hostmem_receipt *receipt, const struct region *region, struct pages pages)
{
    for (struct walk w = region_walk(region, pages); walk_next(&w);) {
        if (!state_committed(w.extent.state))
            continue;
        if (region->exact)
            add_exact(receipt, region, w.extent, (w.part.end - w.part.first) * PAGE_BYTES);
        else
            add_framed(receipt, region, w.part.first, w.part.end);
    }
}

/* -- asking the kernel -- */

/* Committed pages of the range, evenly spread, the first and the last of it among them if they are.
 */
static size_t pick_pages(
    const struct region *region, struct pages range, void *ret_pages[HP_LOCATE_MAX])
{
    size_t all = range.end - range.first, most = min_size(all, HP_LOCATE_MAX), count = 0;
    for (size_t i = 0; i < most; i++) {
        size_t page = range.first + i * (all - 1) / max_size(most - 1, 1);
        if (state_committed(region_extent(region, page).state))
            ret_pages[count++] = region_page(region, page);
    }
    return count;
}

/* The node that all pages lie on, or HOSTMEM_NODE_MIXED. false: a page is not there. */
static bool common_node(const int *nodes, size_t count, int *ret_node)
{
    int common = nodes[0];
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] < 0)
            return false;
        if (nodes[i] != common)
            common = HOSTMEM_NODE_MIXED;
    }
    *ret_node = common;
    return true;
}

/*
 * What the kernel says stands above what was seen when the memory was taken; but a sample cannot
 * unsay that the pages lie on several nodes, which is known of every frame.
 */
static void ask_kernel(
    struct hostmem_receipt *receipt, const struct region *region, struct pages range)
{
    const struct hostmem *manager = region->node->manager;
    void *pages[HP_LOCATE_MAX] = {0};
    int nodes[HP_LOCATE_MAX], common;
    size_t count = pick_pages(region, range, pages);
    receipt->verified = 0;
    if (!manager_locates(manager) || !count || manager->parts->locate(pages, count, nodes))
        return;
    if (!common_node(nodes, count, &common))
        return;
    receipt->verified = 1;
    if (receipt->node_given != HOSTMEM_NODE_MIXED)
        receipt->node_given = common;
}

/* -- receipts -- */

static struct hostmem_receipt blank(const struct region *region)
{
    return (struct hostmem_receipt){
        .node_asked = region->asked->id,
        .node_given = HOSTMEM_NODE_LOCAL,
        .reason = region->reason,
        .verified = manager_locates(region->node->manager),
    };
}

static int fill_in(
    const struct region *region, struct range range, bool ask, struct hostmem_receipt *ret_receipt)
{
    size_t offset = range.address - region_base(region);
    struct pages pages = {offset / PAGE_BYTES, (offset + range.size + PAGE_BYTES - 1) / PAGE_BYTES};
    struct hostmem_receipt receipt = blank(region);
    if (pages.end > region_pages(region))
        return -EADDRNOTAVAIL;
    gather(&receipt, region, pages);
    if (ask)
        ask_kernel(&receipt, region, pages);
    *ret_receipt = receipt;
    return 0;
}

static int receipt_of(struct hostmem *manager, struct range range, bool ask,
    struct hostmem_receipt *ret_receipt) UNCHECKED_LOCKING
{
    struct region *region = region_lock_at(manager, range.address);
    if (!region)
        return -EADDRNOTAVAIL;
    int error = fill_in(region, range, ask, ret_receipt);
    region_unlock(region);
    return error;
}

int receipt_recorded(
    struct hostmem *manager, struct range range, struct hostmem_receipt *ret_receipt)
{
    return receipt_of(manager, range, false, ret_receipt);
}

int receipt_asked(struct hostmem *manager, struct range range, struct hostmem_receipt *ret_receipt)
{
    return receipt_of(manager, range, true, ret_receipt);
}
