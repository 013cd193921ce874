/* SPDX-License-Identifier: MIT */
/* CPUs for threads: the calling thread visits each that it may use and asks which node it is on. No
 * lock. */
#include "bench/cpus.h"

#include <sched.h>

#define THREADS_LEAST 4

/* A CPU that the process may use, and its node. */
struct place {
    int cpu;
    unsigned node;
};

struct places {
    size_t count;
    struct place at[CPU_SETSIZE];
};

void cpus_pin(int cpu)
{
    cpu_set_t set;
    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void visit_all(struct places *ret_places)
{
    cpu_set_t allowed;
    unsigned cpu, node;
    ret_places->count = 0;
    if (sched_getaffinity(0, sizeof(allowed), &allowed))
        return;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET((size_t)i, &allowed))
            continue;
        cpus_pin(i);
        if (getcpu(&cpu, &node) == 0 && (int)cpu == i)
            ret_places->at[ret_places->count++] = (struct place){i, node};
    }
    sched_setaffinity(0, sizeof(allowed), &allowed);
}

/* The nodes that the places name, each once; how many. */
static size_t nodes_of(const struct places *places, unsigned ret_nodes[CPUS_THREADS])
{
    size_t count = 0;
    for (size_t i = 0; i < places->count && count < CPUS_THREADS; i++) {
        size_t known = 0;
        while (known < count && ret_nodes[known] != places->at[i].node)
            known++;
        if (known == count)
            ret_nodes[count++] = places->at[i].node;
    }
    return count;
}

/* The CPU of the node with that position among them, counted around. */
static int cpu_of(const struct places *places, unsigned node, size_t position)
{
    size_t count = 0;
    for (size_t i = 0; i < places->count; i++)
        count += places->at[i].node == node;
    for (size_t i = 0; count && i < places->count; i++)
        if (places->at[i].node == node && position-- % count == 0)
            return places->at[i].cpu;
    return -1;
}

static size_t threads_for(size_t nodes)
{
    size_t wanted = 2 * nodes > THREADS_LEAST ? 2 * nodes : THREADS_LEAST;
    return wanted < CPUS_THREADS ? wanted : CPUS_THREADS;
}

size_t cpus_spread(int ret_cpus[CPUS_THREADS])
{
    static struct places places;
    unsigned nodes[CPUS_THREADS];
    visit_all(&places);
    size_t node_count = nodes_of(&places, nodes), threads = threads_for(node_count);
    for (size_t i = 0; i < threads; i++)
        ret_cpus[i] = node_count ? cpu_of(&places, nodes[i % node_count], i / node_count) : -1;
    return threads;
}
