/* SPDX-License-Identifier: MIT */
/* How full memory is. No lock; figures of the pools are read one by one and may be of slightly
 * different instants. */
#include "lib/load.h"

#include <errno.h>

#include "lib/units.h"

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static struct room room_under(uint64_t limit, uint64_t used)
{
    return (struct room){limit, used < limit ? limit - used : 0};
}

static const struct room no_limit = {UINT64_MAX, UINT64_MAX};

struct sample_now load_now_of_node(struct node *node)
{
    uint64_t committed = pool_figure(&node->pool.committed);
    uint64_t limit = node->pool.limit;
    return (struct sample_now){
        .pool = limit == UINT64_MAX ? no_limit : room_under(limit, committed),
        .external = no_limit,
        .committed = committed,
        .together = pools_together(node->manager),
        .sharers = (unsigned)node->manager->node_count,
    };
}

/* Without a limit on one node there is none on all. */
struct sample_now load_now_of_machine(struct hostmem *manager)
{
    uint64_t limit = 0, foreign = ledger_bytes(&manager->ledger),
             most = manager->config.external_max;
    uint64_t committed = pools_together(manager);
    struct sample_now now = {
        .foreign = foreign, .external = no_limit, .committed = committed, .together = committed};
    for (size_t i = 0; i < manager->node_count; i++)
        limit = add(limit, manager->nodes[i].pool.limit);
    now.pool = limit == UINT64_MAX ? no_limit : room_under(limit, now.committed);
    if (most != UINT64_MAX)
        now.external = room_under(most, foreign);
    return now;
}

int load_of_node(struct node *node, struct hostmem_load *ret_load)
{
    struct sample sample;
    int error = sample_read(&node->watched.book, &sample) ? 0 : sample_take(node, &sample);
    if (error)
        return error;
    struct sample_now now = load_now_of_node(node);
    *ret_load = sample_judge(&sample, &now);
    return 0;
}

static int take_all(struct hostmem *manager, struct sample *ret_sum)
{
    struct sample sum = sample_none(), one;
    uint64_t together = pools_together(manager);
    for (size_t i = 0; i < manager->node_count; i++) {
        int error = sample_take(&manager->nodes[i], &one);
        if (error)
            return error;
        sample_date(&one, together);
        sample_add(&sum, &one);
    }
    *ret_sum = sum;
    return 0;
}

int load_of_machine(struct hostmem *manager, struct hostmem_load *ret_load)
{
    struct sample sum;
    int error = 0;
    if (!sample_read(&manager->watch.machine.book, &sum))
        error = take_all(manager, &sum);
    if (error)
        return error;
    struct sample_now now = load_now_of_machine(manager);
    *ret_load = sample_judge(&sum, &now);
    return 0;
}

int load_sum_up(struct hostmem *manager)
{
    struct sample sum = sample_none(), one;
    uint64_t together = pools_together(manager);
    for (size_t i = 0; i < manager->node_count; i++) {
        if (!sample_read(&manager->nodes[i].watched.book, &one))
            return -ENODATA;
        sample_date(&one, together);
        sample_add(&sum, &one);
    }
    sample_write(&manager->watch.machine.book, &sum);
    return 0;
}

void load_stats(struct node *node, struct hostmem_node_stats *ret_stats)
{
    struct pool *pool = &node->pool;
    *ret_stats = (struct hostmem_node_stats){
        .node = node->id,
        .committed_bytes = pool_figure(&pool->committed),
        .warm_bytes = sample_warm_bytes(node),
        .limit_bytes = pool->limit,
        .populated_bytes = pool_figure(&pool->populated),
        .zeroed_bytes = pool_figure(&pool->zeroed),
        .returned_bytes = pool_figure(&pool->returned),
        .spilled_bytes = pool_figure(&pool->spilled),
        .reserve_bytes = node->reserve,
        .clean_bytes = scrubber_clean_bytes(node),
        .cleaned_bytes = pool_figure(&node->scrubber.cleaned),
        .waited_bytes = pool_figure(&node->waited_for),
    };
}
