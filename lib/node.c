/* SPDX-License-Identifier: MIT */
/* The nodes of a manager: which there are, which one a request stands for. Constant once the
 * manager is open; see node.h for what changes. */
#include "lib/node.h"

#include <errno.h>
#include <stdlib.h>

#include <hostmem/hostmem.h>

#include "lib/manager.h"
#include "lib/offer.h"
#include "lib/units.h"
#include "lib/watch.h"
#include "numa/allowed.h"
#include "numa/current.h"
#include "numa/meminfo.h"

/* -- making them -- */

static struct nn_set allowed_nodes(const struct hostmem *manager)
{
    struct nn_set allowed;
    if (manager->here)
        nn_allowed_here(manager->topology, &allowed);
    else
        nn_allowed_all(manager->topology, &allowed);
    return allowed;
}

static uint64_t huge_pages(const struct nn_huge *huge, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (huge[i].size == size)
            return huge[i].total;
    return 0;
}

void node_count_huge(struct node *node)
{
    const struct hostmem *manager = node->manager;
    struct nn_huge huge[NN_HUGE_SIZES];
    size_t count = nn_huge_of_node(&manager->root, node->id, huge);
    /* A kernel without nodes tells of the machine alone, which was read with the topology. */
    if (count)
        atomic_store(&node->huge, huge_pages(huge, count, manager->frame_bytes[HP_HUGETLB]));
}

static void open_pool(struct node *node)
{
    const struct hostmem *manager = node->manager;
    const struct config *config = &manager->config;
    unsigned best = offer_backings(manager, OFFER_ANY);
    size_t frame = best ? manager->frame_bytes[__builtin_ctz(best)] : PAGE_BYTES;
    node->pool.limit = config_pool_limit(config, node->id, node->bytes);
    node->reserve = config_reserve(config, node->id, node->bytes, frame);
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        node->pool.warm_limit[b] = config_warm_limit(config, node->id, node->bytes, b);
}

static void open_node(struct hostmem *manager, struct node *node, const struct nn_node *from)
{
    struct nn_memory memory = {.total_bytes = from->memory_bytes};
    nn_node_memory(&manager->root, from->id, &memory);
    node->manager = manager;
    node->id = from->id;
    node->index = (unsigned)(node - manager->nodes);
    node->bytes = memory.total_bytes;
    node->huge = huge_pages(from->huge, from->huge_count, manager->frame_bytes[HP_HUGETLB]);
    lock_init(&node->grow, RANK_GROW);
    lock_init(&node->space, RANK_SPACE);
    room_open(node->rooms);
    scrubber_open(&node->scrubber);
    open_pool(node);
}

/* Positions of the manager's nodes by distance from a node of the topology. */
static int order_from(struct hostmem *manager, size_t from, unsigned *ret_order)
{
    const struct nn_topology *topology = manager->topology;
    size_t *nearest = calloc(topology->node_count, sizeof(*nearest)), count = 0;
    if (!nearest)
        return -ENOMEM;
    nn_topology_nearest(topology, from, nearest);
    for (size_t i = 0; i < topology->node_count; i++) {
        struct node *node = node_by_id(manager, topology->nodes[nearest[i]].id);
        if (node)
            ret_order[count++] = node->index;
    }
    free(nearest);
    return 0;
}

static int open_order(struct hostmem *manager, size_t from)
{
    struct node *node = node_by_id(manager, manager->topology->nodes[from].id);
    unsigned *order = calloc(manager->node_count, sizeof(*order));
    int error = order ? order_from(manager, from, order) : -ENOMEM;
    if (!error)
        manager->local[from] = (uint16_t)order[0];
    if (!error && node)
        node->order = order;
    else
        free(order);
    return error;
}

static int open_orders(struct hostmem *manager)
{
    size_t count = manager->topology->node_count;
    int error = 0;
    manager->local = calloc(max_size(count, 1), sizeof(*manager->local));
    if (!manager->local)
        return -ENOMEM;
    for (size_t i = 0; i < count && !error; i++)
        error = open_order(manager, i);
    return error;
}

int nodes_open(struct hostmem *manager)
{
    const struct nn_topology *topology = manager->topology;
    struct nn_set allowed = allowed_nodes(manager);
    manager->nodes = calloc(nn_set_count(&allowed), sizeof(*manager->nodes));
    if (!manager->nodes)
        return -ENOMEM;
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct nn_node *node = &topology->nodes[i];
        if (nn_set_has(&allowed, (unsigned)node->id))
            open_node(manager, &manager->nodes[manager->node_count++], node);
    }
    for (size_t i = 0; i < manager->node_count; i++)
        manager->pool_limit = add_clamped(manager->pool_limit, manager->nodes[i].pool.limit);
    return open_orders(manager);
}

void nodes_close(struct hostmem *manager)
{
    for (size_t i = 0; i < manager->node_count; i++) {
        free(manager->nodes[i].order);
        lock_destroy(&manager->nodes[i].grow);
        lock_destroy(&manager->nodes[i].space);
        room_close(manager->nodes[i].rooms);
        if (manager_usable(manager) == 0)
            scrubber_close(&manager->nodes[i].scrubber);
    }
    free(manager->nodes);
    free(manager->local);
}

/* -- budgets -- */

static void stir(struct node *node)
{
    if (pool_passed(&node->pool))
        watch_stir(&node->watched);
}

int node_take(struct node *node, size_t bytes, enum priority priority)
{
    int error = pool_take(&node->pool, bytes, critical_held(node, priority));
    if (!error)
        stir(node);
    return error;
}

void node_begin_populating(struct node *node, size_t bytes)
{
    atomic_fetch_add(&node->pool.populating, bytes);
}

void node_end_populating(struct node *node, size_t bytes)
{
    atomic_fetch_sub(&node->pool.populating, bytes);
}

void node_untake(struct node *node, size_t bytes)
{
    pool_give(&node->pool, bytes);
    stir(node);
}

void node_give(struct node *node, size_t bytes)
{
    node_untake(node, bytes);
    if (critical_waited_for(node))
        critical_freed(node, bytes);
}

uint64_t pools_together(const struct hostmem *manager)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < manager->node_count; i++) {
        uint64_t committed = pool_figure(&manager->nodes[i].pool.committed);
        sum = add_clamped(sum, committed);
    }
    return sum;
}

/* -- choosing one -- */

struct node *node_by_id(struct hostmem *manager, int id)
{
    for (size_t i = 0; i < manager->node_count; i++)
        if (manager->nodes[i].id == id)
            return &manager->nodes[i];
    return NULL;
}

static bool in_policy(const struct hostmem *manager, const struct node *node)
{
    const struct policy *policy = &manager->config.policy;
    return policy->kind != POLICY_BIND || nn_set_has(&policy->bind, (unsigned)node->id);
}

static struct node *local_node(struct hostmem *manager)
{
    size_t at = nn_topology_node_of_cpu(manager->topology, nn_current_cpu());
    return &manager->nodes[manager->local[at]];
}

/* The nearest node that the policy names; nodes_open() has seen that there is one. */
static struct node *nearest_bound(struct hostmem *manager)
{
    const struct node *from = local_node(manager);
    struct node *node = NULL;
    for (size_t i = 0; i < manager->node_count; i++) {
        node = &manager->nodes[from->order[i]];
        if (in_policy(manager, node))
            break;
    }
    return node;
}

static struct node *next_in_turn(struct hostmem *manager)
{
    unsigned turn = atomic_fetch_add_explicit(&manager->turn, 1, memory_order_relaxed);
    return &manager->nodes[turn % manager->node_count];
}

int node_pick(struct hostmem *manager, int asked, struct node **ret_node)
{
    struct node *node;
    if (asked != HOSTMEM_NODE_LOCAL)
        node = node_by_id(manager, asked);
    else if (manager->config.policy.kind == POLICY_LOCAL)
        node = local_node(manager);
    else if (manager->config.policy.kind == POLICY_INTERLEAVE)
        node = next_in_turn(manager);
    else if (manager->config.policy.kind == POLICY_BIND)
        node = nearest_bound(manager);
    else
        node = node_by_id(manager, manager->config.policy.preferred);
    if (!node)
        return -EINVAL;
    *ret_node = node;
    return 0;
}

bool node_may_serve(const struct node *home, const struct node *other)
{
    const struct hostmem *manager = home->manager;
    return home == other || (manager->config.spill && in_policy(manager, other));
}
