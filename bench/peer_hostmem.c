/* SPDX-License-Identifier: MIT */
/*
 * The side that this is about: libhostmem through its C interface, configured by the environment as
 * any program is. One manager for the process; no lock.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "bench/measure.h"
#include "bench/peer.h"
#include "bench/show.h"

#define NODES          1024
#define SETTLE_NS      2000000000u /* longest that is waited for the scrubber, */
#define SETTLE_STEP_NS 100000      /* looking so often, */
#define SETTLE_TRIES   3           /* and in vain so often */

static struct hostmem *manager;
static int node = HOSTMEM_NODE_LOCAL;

struct hostmem *peer_manager(void)
{
    return manager;
}

static void *take(size_t size, uint32_t flags)
{
    struct hostmem_request request = {
        .size = size, .node = node, .flags = flags, .protection = HOSTMEM_PROT_RW};
    void *base;
    return hostmem_reserve(manager, &request, &base, NULL) ? NULL : base;
}

static void *get(size_t size)
{
    return take(size, HOSTMEM_COMMIT);
}

static void *reserve(size_t size)
{
    return take(size, 0);
}

static void release(void *base, size_t size)
{
    (void)size;
    hostmem_release(manager, base);
}

static int commit(void *at, size_t size)
{
    return hostmem_commit(manager, at, size, HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, NULL);
}

static void decommit(void *at, size_t size)
{
    hostmem_decommit(manager, at, size);
}

static bool all_clean(void)
{
    int nodes[NODES];
    struct hostmem_node_stats stats;
    size_t count = hostmem_nodes(manager, NODES, nodes);
    for (size_t i = 0; i < count && i < NODES; i++)
        if (hostmem_node_stats(manager, nodes[i], &stats) == 0 &&
            stats.clean_bytes < stats.warm_bytes)
            return false;
    return true;
}

/* The scrubber may be switched off, or not get a CPU: then it is not waited for again and again. */
static void settle(void)
{
    static unsigned missed;
    struct timespec moment = {.tv_nsec = SETTLE_STEP_NS};
    uint64_t end = measure_now_ns() + SETTLE_NS;
    while (missed < SETTLE_TRIES && !all_clean()) {
        nanosleep(&moment, NULL);
        missed += measure_now_ns() > end;
        if (measure_now_ns() > end)
            return;
    }
}

/* A block of work B is one of many; what a walk goes through is one piece. */
static size_t tried_size(const struct order *order)
{
    return order->job >= JOB_CHASE ? peer_bytes(order) : order->size;
}

/* What the memory is made of, shown by a try. */
static int describe(const struct order *order, char ret_said[ORDER_SAID])
{
    size_t size = tried_size(order);
    struct hostmem_receipt receipt;
    void *base = get(size);
    if (!base)
        return -ENOMEM;
    int error = hostmem_receipt(manager, base, size, &receipt);
    hostmem_release(manager, base);
    if (error)
        return error;
    snprintf(ret_said, ORDER_SAID, "%s", show_backing(receipt.backing));
    return 0;
}

static int open_manager(const struct order *order, char ret_said[ORDER_SAID])
{
    node = order->node < 0 ? HOSTMEM_NODE_LOCAL : order->node;
    int error = hostmem_create(&manager);
    if (!error)
        error = describe(order, ret_said);
    if (error)
        snprintf(ret_said, ORDER_SAID, "%s", hostmem_strerror(error));
    return error;
}

const struct peer peers_hostmem[] = {
    {.name = "hostmem",
        .title = "hostmem",
        .huge = true,
        .open = open_manager,
        .get = get,
        .give = release,
        .reserve = reserve,
        .commit = commit,
        .decommit = decommit,
        .release = release,
        .settle = settle},
    {0},
};
