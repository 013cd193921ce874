/* SPDX-License-Identifier: MIT */
/* Frames whose memory came from elsewhere. A loan replaces the frame's mapping, which costs up to
 * two further mappings of the process for good, so it is the last resort. Invariant: see loan.h. No
 * lock: the caller has the frames. */
#include "lib/loan.h"

#include <errno.h>

#include "lib/offer.h"
#include "lib/populate.h"
#include "lib/window.h"

static size_t bytes_of(struct frames f)
{
    return f.count * f.window->frame_bytes;
}

static char *start_of(struct frames f)
{
    return window_frame(f.window, f.first);
}

static struct frames one(struct frames f, size_t frame)
{
    return (struct frames){f.window, frame, 1};
}

static void set_lender(struct frames f, uint16_t code)
{
    bits_clear(f.window->small, f.first, f.count);
    for (size_t i = 0; i < f.count; i++)
        atomic_store_explicit(&f.window->lender[f.first + i], code, memory_order_relaxed);
    atomic_fetch_add(&f.window->lent_count, bits_set(f.window->lent, f.first, f.count));
}

static uint16_t lender_of(struct frames f)
{
    return atomic_load_explicit(&f.window->lender[f.first], memory_order_relaxed);
}

/* Puts an empty mapping of the window's own kind where lent frames are; -ENOMEM near max_map_count.
 */
static int restore_mapping(struct frames f)
{
    struct hostmem *manager = f.window->node->manager;
    int node = manager_binds(manager) ? f.window->node->id : -1;
    int error = f.window->ops->replace(
        &manager->spec[f.window->backing], start_of(f), bytes_of(f), node, false);
    if (error)
        return error;
    atomic_fetch_sub(&f.window->lent_count, bits_clear(f.window->lent, f.first, f.count));
    return 0;
}

/*
 * Ends the loan of one frame. Where its mapping cannot be restored now, it stays lent and empty,
 * and the next take of the frame tries again.
 */
static void return_frame(struct frames f, void (*give)(struct node *node, size_t bytes))
{
    struct hostmem *manager = f.window->node->manager;
    uint16_t code = lender_of(f);
    bits_clear(f.window->populated, f.first, 1);
    if (restore_mapping(f))
        manager->ops[LENDER_BACKING(code)]->discard(start_of(f), bytes_of(f));
    give(&manager->nodes[LENDER_NODE(code)], bytes_of(f));
}

static size_t return_all(struct frames f, void (*give)(struct node *node, size_t bytes))
{
    size_t count = 0;
    if (atomic_load_explicit(&f.window->lent_count, memory_order_relaxed) == 0)
        return 0;
    for (size_t at = f.first; at < f.first + f.count; at++) {
        if (!bits_get(f.window->lent, at) || !bits_get(f.window->populated, at))
            continue;
        return_frame(one(f, at), give);
        count++;
    }
    return count;
}

size_t loan_return(struct frames f)
{
    return return_all(f, node_give);
}

size_t loan_undo(struct frames f)
{
    return return_all(f, node_untake);
}

int loan_restore(struct frames f)
{
    int error = 0;
    if (atomic_load_explicit(&f.window->lent_count, memory_order_relaxed) == 0)
        return 0;
    for (size_t at = f.first; at < f.first + f.count && !error; at++)
        if (bits_get(f.window->lent, at))
            error = restore_mapping(one(f, at));
    return error;
}

static struct site site_of(struct frames f, struct offer offer, enum priority priority)
{
    return (struct site){offer.node, offer.backing, start_of(f), bytes_of(f), priority};
}

/* Memory of an offer, writable, in the place of cold frames. */
static int put_in_place(struct frames f, struct offer offer, enum priority priority)
{
    struct site site = site_of(f, offer, priority);
    const struct hp_ops *ops = offer.node->manager->ops[offer.backing];
    int error = populate_in_place_of(site);
    if (!error && ops->at_rest != HP_RW)
        error = ops->protect(site.base, site.size, HP_RW);
    return error;
}

/*
 * Memory was refused, or came from another node than was asked, after the mapping had perhaps been
 * replaced already: the frames are empty, and get their own mapping back now or at the next take.
 */
static void give_up(struct frames f, struct offer offer)
{
    struct hostmem *manager = offer.node->manager;
    manager->ops[offer.backing]->discard(start_of(f), bytes_of(f));
    set_lender(f, LENDER(offer.node->index, offer.backing));
    restore_mapping(f);
    node_untake(offer.node, bytes_of(f));
}

static int borrow(struct frames f, struct offer offer, enum priority priority)
{
    int error = node_take(offer.node, bytes_of(f), priority);
    if (error)
        return error;
    error = put_in_place(f, offer, priority);
    if (error == -ENOMEM && frame_make_room(site_of(f, offer, priority)))
        error = put_in_place(f, offer, priority);
    if (error) {
        give_up(f, offer);
        return error;
    }
    set_lender(f, LENDER(offer.node->index, offer.backing));
    if (offer.node != f.window->node)
        pool_count(&offer.node->pool.spilled, bytes_of(f));
    return 0;
}

static int borrow_from(struct frames f, struct offer offer, enum priority priority)
{
    node_begin_populating(offer.node, bytes_of(f));
    int error = borrow(f, offer, priority);
    node_end_populating(offer.node, bytes_of(f));
    return error;
}

static bool is_home(struct frames f, struct offer offer)
{
    return offer.node == f.window->node && offer.backing == f.window->backing;
}

int loan_take(struct frames f, enum priority priority)
{
    struct offers offers = offers_for(f.window->node, OFFER_ANY);
    struct offer offer;
    size_t unit = f.window->frame_bytes;
    while (offers_next(&offers, &offer))
        if (!is_home(f, offer) &&
            unit % f.window->node->manager->spec[offer.backing].page_size == 0 &&
            borrow_from(f, offer, priority) == 0)
            return 0;
    return -ENOMEM;
}
