/* SPDX-License-Identifier: MIT */
/* How full memory is. What is warm counts as available: the next commit may have it. No lock;
 * figures of the pool are read one by one and may be of slightly different instants. */
#include "lib/load.h"

#include <errno.h>

#include "lib/units.h"
#include "numa/meminfo.h"

/* An amount of memory and what is left of it; left <= total. */
struct room {
    uint64_t total, left;
};

static uint64_t warm_bytes(struct pool *pool)
{
    uint64_t sum = 0;
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        sum += pool_figure(&pool->warm[b]);
    return sum;
}

static struct room pool_room(struct node *node)
{
    uint64_t limit = node->pool.limit, committed = pool_figure(&node->pool.committed);
    return (struct room){limit, committed < limit ? limit - committed : 0};
}

static int memory_room(struct node *node, struct room *ret_room)
{
    struct nn_memory memory;
    int error = nn_node_memory(&node->manager->root, node->id, &memory);
    if (error)
        return error;
    uint64_t left = memory.available_bytes + warm_bytes(&node->pool);
    *ret_room = (struct room){memory.total_bytes, min_size(left, memory.total_bytes)};
    return 0;
}

/* Rounded up, so that 100 means that nothing is left; 0..100. */
static uint32_t percent(struct room room)
{
    uint64_t used = room.total - room.left;
    if (room.total == 0)
        return 100;
    return (uint32_t)(((unsigned __int128)used * 100 + room.total - 1) / room.total);
}

static struct hostmem_load judge(struct room memory, struct room pool)
{
    struct hostmem_load load = {.percent = percent(memory), .available_bytes = memory.left};
    if (pool.total == UINT64_MAX)
        return load;
    load.percent = (uint32_t)max_size(load.percent, percent(pool));
    load.available_bytes = min_size(load.available_bytes, pool.left);
    return load;
}

int load_of_node(struct node *node, struct hostmem_load *ret_load)
{
    struct room memory;
    int error = memory_room(node, &memory);
    if (error)
        return error;
    *ret_load = judge(memory, pool_room(node));
    return 0;
}

static uint64_t add_clamped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static struct room sum(struct room a, struct room b)
{
    return (struct room){add_clamped(a.total, b.total), add_clamped(a.left, b.left)};
}

int load_of_machine(struct hostmem *manager, struct hostmem_load *ret_load)
{
    struct room memory = {0}, pools = {0}, one;
    for (size_t i = 0; i < manager->node_count; i++) {
        int error = memory_room(&manager->nodes[i], &one);
        if (error)
            return error;
        memory = sum(memory, one);
        pools = sum(pools, pool_room(&manager->nodes[i]));
    }
    *ret_load = judge(memory, pools);
    return 0;
}

void load_stats(struct node *node, struct hostmem_node_stats *ret_stats)
{
    struct pool *pool = &node->pool;
    *ret_stats = (struct hostmem_node_stats){
        .node = node->id,
        .committed_bytes = pool_figure(&pool->committed),
        .warm_bytes = warm_bytes(pool),
        .limit_bytes = pool->limit,
        .populated_bytes = pool_figure(&pool->populated),
        .zeroed_bytes = pool_figure(&pool->zeroed),
        .returned_bytes = pool_figure(&pool->returned),
        .spilled_bytes = pool_figure(&pool->spilled),
    };
}
