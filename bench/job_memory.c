/* SPDX-License-Identifier: MIT */
/*
 * The memory itself: latency of loads that depend on each other, and bandwidth. Both are done once
 * over memory that the side gives, on the node of the order, by CPUs that may be on another. The
 * memory is kept from one order to the next.
 */
#include "bench/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stream.h"
#include "bench/team.h"

#define LINE  64
#define LOADS (1u << 18)

static char *memory;

static int take(const struct peer *peer, const struct order *order)
{
    if (memory)
        return 0;
    memory = peer->get(peer_bytes(order));
    return memory ? 0 : -ENOMEM;
}

/* -- latency: every line holds the address of the next, in the order of a generator whose period is
 * all of the lines, so that no hardware guesses it and each is met once -- */

static void link_lines(size_t size)
{
    size_t lines = size / LINE;
    for (size_t i = 0; i < lines; i++) {
        size_t next = (i * 1664525 + 1013904223) & (lines - 1);
        *(void **)(memory + i * LINE) = memory + next * LINE;
    }
}

static void *follow(void *at, unsigned loads)
{
    for (unsigned i = 0; i < loads; i += 4) {
        at = *(void **)at;
        at = *(void **)at;
        at = *(void **)at;
        at = *(void **)at;
    }
    return at;
}

/* The place is kept, so that a round does not begin with lines that the last one left in a cache.
 */
int job_chase(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    static void *at;
    int error = take(peer, order);
    if (error)
        return error;
    if (!at)
        link_lines(order->size);
    at = at ? at : memory;
    order->ops = LOADS;
    for (unsigned i = 0; i < order->samples; i++) {
        uint64_t begin = measure_now_ns();
        at = follow(at, LOADS);
        series_add(ret_samples, (double)(measure_now_ns() - begin) / LOADS);
    }
    return at ? 0 : -EFAULT;
}

/* -- bandwidth: each thread goes through its part, together they go through all -- */

struct sweep {
    const struct order *order;
    struct series *samples;
    uint64_t begin;
    _Atomic uint64_t sum; /* keeps the loads from being left out */
};

static void go_through(struct sweep *sweep, unsigned thread)
{
    const struct order *order = sweep->order;
    size_t part = order->size / order->threads & ~(size_t)(LINE - 1);
    char *base = memory + part * thread;
    if (order->job == JOB_READ)
        sweep->sum += stream_read(base, part);
    else if (order->job == JOB_WRITE)
        stream_write(base, part, part);
    else
        memcpy(memory + order->size + part * thread, base, part);
}

/* A copy counts what it reads and what it writes. */
static void account(struct sweep *sweep)
{
    uint64_t took = measure_now_ns() - sweep->begin;
    double bytes = (double)sweep->order->size * (sweep->order->job == JOB_COPY ? 2 : 1);
    series_add(sweep->samples, bytes / (double)(took ? took : 1));
}

static int member(struct team *team, void *context, unsigned thread)
{
    struct sweep *sweep = context;
    for (unsigned i = 0; i < sweep->order->samples; i++) {
        team_meet(team);
        if (thread == 0)
            sweep->begin = measure_now_ns();
        go_through(sweep, thread);
        team_meet(team);
        if (thread == 0)
            account(sweep);
    }
    return 0;
}

int job_bandwidth(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    struct sweep sweep = {.order = order, .samples = ret_samples};
    static bool filled;
    int error = take(peer, order);
    if (error)
        return error;
    if (!filled)
        stream_write(memory, peer_bytes(order) & ~(size_t)(LINE - 1), 1);
    filled = true;
    order->ops = 1;
    return team_run(order, member, &sweep);
}
