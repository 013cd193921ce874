/* SPDX-License-Identifier: MIT */
/* Finding a side by its name, and what an order needs. See peer.h. */
#include "bench/peer.h"

#include <string.h>

static const struct peer *const kinds[] = {
    peers_hostmem,
    peers_kernel,
    peers_floor,
    peers_library,
    peers_malloc,
    peers_commit,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct peer *peer_find(const char *name)
{
    for (size_t kind = 0; kind < KINDS; kind++)
        for (const struct peer *p = kinds[kind]; p->name; p++)
            if (strcmp(p->name, name) == 0)
                return p;
    return NULL;
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* After a pause a sample finds a stock; blocks of a commit may be kept at all their places. */
static size_t held_by(const struct order *order)
{
    size_t copies = order->job == JOB_COPY ? 2 : 1;
    if (order->job == JOB_COMMIT)
        return order->places;
    if (order->stocked)
        return largest(order->alive, order->ops);
    return largest(order->alive, 1) * largest(order->threads, 1) * copies;
}

size_t peer_bytes(const struct order *order)
{
    return order->size * held_by(order);
}

size_t peer_bytes_in(const struct order *order, size_t page)
{
    return (order->size + page - 1) / page * page * held_by(order);
}
