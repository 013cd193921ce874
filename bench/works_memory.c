/* SPDX-License-Identifier: MIT */
/*
 * Works on the memory itself, from the CPUs of each node to the memory of each: latency by size of
 * page, and bandwidth. See works.h.
 */
#include "bench/works.h"

#include <stdio.h>

#define CHASED       ((size_t)1 << 30)
#define CHASED_QUICK ((size_t)64 << 20)
#define SWEPT        ((size_t)256 << 20)
#define SWEPT_QUICK  ((size_t)32 << 20)

#define NS_A_LOAD                                                                                  \
    "A load that needs the one before it, over 1 GiB (--quick: 64 MiB), in no order that can be guessed. Medians."

static const struct work chases[] = {
    {"chase-4K", "Latency, pages of 4 KiB", NS_A_LOAD, UNIT_NS},
    {"chase-thp", "Latency, transparent huge pages", NS_A_LOAD, UNIT_NS},
    {"chase-2M", "Latency, reserved huge pages of 2 MiB", NS_A_LOAD, UNIT_NS},
    {"chase-1G", "Latency, reserved huge pages of 1 GiB", NS_A_LOAD, UNIT_NS},
    {"chase-hostmem", "Latency, memory of hostmem", NS_A_LOAD, UNIT_NS},
};
static const char *const chased[] = {"mmap", "thp", "hugetlb", "hugetlb-1g", "hostmem"};
#define CHASES (sizeof(chases) / sizeof(chases[0]))
_Static_assert(sizeof(chased) / sizeof(chased[0]) == CHASES, "a side for each");

static const struct work sweeps[] = {
    {"read", "Bandwidth, reading memory of hostmem", "All CPUs of the node at the same time.",
        UNIT_BANDWIDTH},
    {"write", "Bandwidth, writing", "Ordinary stores: a line is read before it is written.",
        UNIT_BANDWIDTH},
    {"copy", "Bandwidth, copying", "What is read and what is written, together.", UNIT_BANDWIDTH},
};
static const enum job jobs[] = {JOB_READ, JOB_WRITE, JOB_COPY};
#define SWEEPS (sizeof(sweeps) / sizeof(sweeps[0]))

/* Memory is bound where there is a choice; a container may forbid even to bind to the one node. */
static void place_pair(
    const struct plan *plan, unsigned cpu_node, unsigned memory_node, struct order *order)
{
    const struct machine *m = &plan->report->machine;
    plan_place(plan, cpu_node, order);
    order->node = m->nodes > 1 ? m->node[memory_node].number : -1;
    order->home = order->node;
}

static void all_cpus(const struct plan *plan, unsigned node, struct order *order)
{
    const struct machine_node *n = &plan->report->machine.node[node];
    order->threads = n->cpus;
    for (unsigned i = 0; i < n->cpus; i++)
        order->cpus[i] = n->cpu[i];
}

static void pair(struct plan *plan, const struct work *work, const char *side, struct order order,
    unsigned cpu_node, unsigned memory_node)
{
    char label[24];
    struct column column = {.work = work, .label = label, .order = order};
    place_pair(plan, cpu_node, memory_node, &column.order);
    if (order.job != JOB_CHASE)
        all_cpus(plan, cpu_node, &column.order);
    snprintf(label, sizeof(label), "node %d", plan->report->machine.node[memory_node].number);
    plan_pair(plan, &column, peer_find(side), cpu_node, memory_node);
}

/* Nodes without CPUs have no row, nodes without memory no column. */
static void matrix(struct plan *plan, const struct work *work, const char *side, struct order order)
{
    const struct machine *m = &plan->report->machine;
    for (unsigned from = 0; from < m->nodes; from++)
        for (unsigned to = 0; to < m->nodes; to++)
            if (m->node[from].cpus && m->node[to].memory)
                pair(plan, work, side, order, from, to);
}

void works_chase(struct plan *plan)
{
    size_t size = plan->options->quick ? CHASED_QUICK : CHASED;
    for (size_t i = 0; i < CHASES; i++)
        matrix(plan, &chases[i], chased[i],
            (struct order){.job = JOB_CHASE, .size = size, .samples = 4});
}

void works_stream(struct plan *plan)
{
    size_t size = plan->options->quick ? SWEPT_QUICK : SWEPT;
    for (size_t i = 0; i < SWEEPS; i++)
        matrix(plan, &sweeps[i], "hostmem",
            (struct order){.job = jobs[i], .size = size, .samples = 4});
}
