/* SPDX-License-Identifier: MIT */
/*
 * Works A1 and A2: get a zeroed region, write to it, give it back; with several alive, the oldest
 * one goes for each new one. And the first page of a large reservation alone. A process churns for
 * one column only, so what it has stocked stays its stock.
 */
#include "bench/job.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/raw.h"

struct ring {
    const struct peer *peer;
    const struct order *order;
    unsigned next;
    void **held; /* order->alive of them, or NULL each; the one at `next` is the oldest */
};

static void drop(struct ring *ring)
{
    void **held = &ring->held[ring->next];
    if (*held)
        ring->peer->give(*held, ring->order->size);
    *held = NULL;
}

/* The oldest goes first, so that no more than `alive` are held. */
static bool renew(void *context)
{
    struct ring *ring = context;
    drop(ring);
    void *base = ring->peer->get(ring->order->size);
    if (!base)
        return false;
    job_touch(base, ring->order->size, ring->order->touch);
    ring->held[ring->next] = base;
    ring->next = ring->next + 1 < ring->order->alive ? ring->next + 1 : 0;
    return true;
}

static bool once(void *context)
{
    struct ring *ring = context;
    void *base = ring->peer->get(ring->order->size);
    if (!base)
        return false;
    job_touch(base, ring->order->size, ring->order->touch);
    ring->peer->give(base, ring->order->size);
    return true;
}

static int churn_many(struct ring *ring, struct order *order, struct series *ret_samples)
{
    ring->held = calloc(order->alive, sizeof(void *));
    if (!ring->held)
        return -ENOMEM;
    int error = 0;
    for (unsigned i = 0; i < order->alive && !error; i++)
        error = renew(ring) ? 0 : -ENOMEM;
    if (!error)
        error = job_sample(ring->peer, order, renew, ring, ret_samples);
    for (ring->next = 0; ring->next < order->alive; ring->next++)
        drop(ring);
    free(ring->held);
    return error;
}

/* So many regions at the same time, once: what is kept of them is the stock that pauses clean. */
static int stock_up(const struct peer *peer, const struct order *order)
{
    unsigned count = 0;
    void **held = calloc(order->ops, sizeof(void *));
    while (held && count < order->ops && (held[count] = peer->get(order->size)) != NULL)
        job_touch(held[count++], order->size, order->touch);
    bool good = held && count == order->ops;
    while (count)
        peer->give(held[--count], order->size);
    free(held);
    return good ? 0 : -ENOMEM;
}

int job_churn(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    static bool stocked;
    struct ring ring = {.peer = peer, .order = order};
    if (order->stocked && !stocked && stock_up(peer, order))
        return -ENOMEM;
    stocked = true;
    if (order->alive > 1)
        return churn_many(&ring, order, ret_samples);
    return job_sample(peer, order, once, &ring, ret_samples);
}

/* -- a large reservation of which one page is used -- */

static bool first_page(void *context)
{
    struct ring *ring = context;
    const struct peer *peer = ring->peer;
    void *base = peer->reserve(ring->order->size);
    if (!base || peer->commit(base, RAW_PAGE))
        return false;
    job_touch(base, RAW_PAGE, TOUCH_FIRST);
    peer->release(base, ring->order->size);
    return true;
}

/* A side that cannot reserve gets all of it, of which it may give the pages as they are touched. */
int job_first(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    struct ring ring = {.peer = peer, .order = order};
    return job_sample(peer, order, peer->reserve ? first_page : once, &ring, ret_samples);
}
