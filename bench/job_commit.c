/* SPDX-License-Identifier: MIT */
/*
 * Work B: in a large reservation commit a block at a random place, write to each of its pages, and
 * decommit the oldest of those that are alive. The places are spread over all of the reservation.
 * Their number decides whether a place is met again while it is warm.
 */
#include "bench/job.h"

#include <errno.h>
#include <stdlib.h>

#define RESERVED ((size_t)64 << 30)

struct field {
    const struct peer *peer;
    const struct order *order;
    char *base;
    uint64_t seed;
    unsigned next;
    unsigned *held; /* the places of the blocks that are alive; the one at `next` is the oldest */
    bool *used;     /* by place */
};

/* Steps of a generator whose upper bits are good enough for places. */
static unsigned draw(struct field *field)
{
    do
        field->seed = field->seed * 6364136223846793005u + 1442695040888963407u;
    while (field->used[(field->seed >> 33) % field->order->places]);
    return (unsigned)((field->seed >> 33) % field->order->places);
}

static char *place(const struct field *field, unsigned number)
{
    size_t blocks = RESERVED / field->order->size / field->order->places;
    return field->base + number * blocks * field->order->size;
}

static void decommit(struct field *field)
{
    unsigned number = field->held[field->next];
    field->peer->decommit(place(field, number), field->order->size);
    field->used[number] = false;
}

static bool commit(struct field *field)
{
    unsigned number = draw(field);
    char *at = place(field, number);
    if (field->peer->commit(at, field->order->size))
        return false;
    job_touch(at, field->order->size, TOUCH_PAGES);
    field->used[number] = true;
    field->held[field->next] = number;
    field->next = (field->next + 1) % field->order->alive;
    return true;
}

static bool exchange(void *context)
{
    struct field *field = context;
    decommit(field);
    return commit(field);
}

/* Every place once, so that what can be kept is kept. More places than a few thousand never are. */
static int warm_up(struct field *field)
{
    for (unsigned i = 0; i < field->order->alive; i++)
        if (!commit(field))
            return -ENOMEM;
    unsigned turns = field->order->places <= 1024 ? 4 * field->order->places : 64;
    for (unsigned i = 0; i < turns; i++)
        if (!exchange(field))
            return -ENOMEM;
    return 0;
}

/* The reservation and its places stay from one order to the next, as they do in a runtime. */
static int field_open(struct field *field, const struct peer *peer, struct order *order)
{
    *field = (struct field){.peer = peer, .order = order, .seed = 1};
    field->held = calloc(order->alive, sizeof(*field->held));
    field->used = calloc(order->places, sizeof(*field->used));
    field->base = field->held && field->used ? peer->reserve(RESERVED) : NULL;
    return field->base ? warm_up(field) : -ENOMEM;
}

int job_commit(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    static struct field field;
    int error = field.base ? 0 : field_open(&field, peer, order);
    field.order = order;
    return error ? error : job_sample(peer, order, exchange, &field, ret_samples);
}
