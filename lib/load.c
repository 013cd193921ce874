/* SPDX-License-Identifier: MIT */
/* How full memory is. No lock; figures of the pools are read one by one and may be of slightly
 * different instants. */
#include "lib/load.h"

#include <errno.h>

#include "lib/units.h"

static struct room room_under(uint64_t limit, uint64_t used)
{
    return (struct room){limit, used < limit ? limit - used : 0};
}

static const struct room no_limit = {UINT64_MAX, UINT64_MAX};

/* What all pools have committed matters where the nodes share a limit: else it is not added up. */
static uint64_t together_for(const struct node *node, const struct sample *sample)
{
    bool shared = sample->cgroup.total != UINT64_MAX || sample->hugetlb.total != UINT64_MAX;
    return shared ? pools_together(node->manager) : sample->together;
}

struct sample_now load_now_of_node(struct node *node, const struct sample *sample)
{
    uint64_t committed = pool_figure(&node->pool.committed);
    uint64_t limit = node->pool.limit;
    return (struct sample_now){
        .pool = limit == UINT64_MAX ? no_limit : room_under(limit, committed),
        .committed = committed,
        .together = together_for(node, sample),
        .sharers = (unsigned)node->manager->node_count,
    };
}

/* Without a limit on one node there is none on all. */
struct sample_now load_now_of_machine(struct hostmem *manager)
{
    uint64_t limit = manager->pool_limit, foreign = ledger_bytes(&manager->ledger);
    uint64_t committed = pools_together(manager);
    struct sample_now now = {.foreign = foreign, .committed = committed, .together = committed};
    now.pool = limit == UINT64_MAX ? no_limit : room_under(limit, now.committed);
    return now;
}

int load_of_node(struct node *node, struct hostmem_load *ret_load)
{
    struct sample sample;
    int error = 0;
    if (!sample_read(&node->watched.book, &sample)) {
        struct shared shared = sample_shared(node->manager);
        error = sample_take(node, &shared, &sample);
    }
    if (error)
        return error;
    struct sample_now now = load_now_of_node(node, &sample);
    *ret_load = sample_judge(&sample, &now);
    return 0;
}

static int take_all(struct hostmem *manager, struct sample *ret_sum)
{
    struct sample sum = sample_none(), one;
    struct shared shared = sample_shared(manager);
    for (size_t i = 0; i < manager->node_count; i++) {
        int error = sample_take(&manager->nodes[i], &shared, &one);
        if (error)
            return error;
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

void load_sum_up(struct hostmem *manager)
{
    struct sample sum = sample_none(), one;
    bool known = false;
    uint64_t together = pools_together(manager);
    for (size_t i = 0; i < manager->node_count; i++) {
        if (!sample_read(&manager->nodes[i].watched.book, &one))
            continue;
        sample_date(&one, together);
        sample_add(&sum, &one);
        known = true;
    }
    if (!known)
        sum = sample_unknown();
    sample_write(&manager->watch.machine.book, &sum);
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
