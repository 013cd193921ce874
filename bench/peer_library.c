/* SPDX-License-Identifier: MIT */
/*
 * Libraries that are loaded at run time, where they are installed: none of them is needed to build
 * or to run the bench. What was loaded stays until the process ends. No lock.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "bench/dpdk.h"
#include "bench/loaded.h"
#include "bench/peer.h"
#include "bench/raw.h"

/* -- libnuma -- */

static void *(*numa_get)(size_t size, int node);
static void (*numa_give)(void *base, size_t size);
static int node;

static int open_numa(const struct order *order, char ret_said[ORDER_SAID])
{
    const struct loaded symbols[] = {{"numa_alloc_onnode", &numa_get}, {"numa_free", &numa_give}};
    unsigned cpu, here = 0;
    getcpu(&cpu, &here);
    node = order->node < 0 ? (int)here : order->node;
    return loaded_open("libnuma.so.1", symbols, 2, ret_said);
}

static void *get_numa(size_t size)
{
    return numa_get(size, node);
}

static void give_numa(void *base, size_t size)
{
    numa_give(base, size);
}

/* -- libhugetlbfs -- */

static void *(*pages_get)(size_t size, unsigned long flags);
static void (*pages_give)(void *base);

/* get_huge_pages() would complain of each page that it lacks: one try says it once. */
static int open_pages(const struct order *order, char ret_said[ORDER_SAID])
{
    const struct loaded symbols[] = {
        {"get_huge_pages", &pages_get}, {"free_huge_pages", &pages_give}};
    int error = loaded_open("libhugetlbfs.so.0", symbols, 2, ret_said);
    if (error)
        return error;
    size_t size = peer_bytes_in(order, RAW_2M);
    void *base = pages_get(size, 0);
    if (!base) {
        snprintf(ret_said, ORDER_SAID, "too few free huge pages: %zu are needed of 2 MiB",
            size / RAW_2M);
        return -ENOMEM;
    }
    pages_give(base);
    return 0;
}

static void *get_pages(size_t size)
{
    return pages_get(raw_round(size, RAW_2M), 0);
}

static void give_pages(void *base, size_t size)
{
    (void)size;
    pages_give(base);
}

/* -- memkind: its kinds are variables -- */

static void **kind;
static void *(*kind_get)(void *kind, size_t count, size_t size);
static void (*kind_give)(void *kind, void *base);

static int open_kind(const struct order *order, char ret_said[ORDER_SAID])
{
    const struct loaded symbols[] = {
        {"MEMKIND_HUGETLB", &kind}, {"memkind_calloc", &kind_get}, {"memkind_free", &kind_give}};
    int error = loaded_open("libmemkind.so.0", symbols, 3, ret_said);
    if (error)
        return error;
    void *base = kind_get(*kind, 1, order->size);
    if (!base) {
        snprintf(ret_said, ORDER_SAID, "no huge pages for MEMKIND_HUGETLB");
        return -ENOMEM;
    }
    kind_give(*kind, base);
    return 0;
}

static void *get_kind(size_t size)
{
    return kind_get(*kind, 1, size);
}

static void give_kind(void *base, size_t size)
{
    (void)size;
    kind_give(*kind, base);
}

/* -- oneTBB -- */

static void *(*scalable_get)(size_t count, size_t size);
static void (*scalable_give)(void *base);

static int open_scalable(const struct order *order, char ret_said[ORDER_SAID])
{
    const struct loaded symbols[] = {
        {"scalable_calloc", &scalable_get}, {"scalable_free", &scalable_give}};
    (void)order;
    return loaded_open("libtbbmalloc.so.2", symbols, 2, ret_said);
}

static void *get_scalable(size_t size)
{
    return scalable_get(1, size);
}

static void give_scalable(void *base, size_t size)
{
    (void)size;
    scalable_give(base);
}

static const char *const tbb_huge[] = {"TBB_MALLOC_USE_HUGE_PAGES=1", NULL};

const struct peer peers_library[] = {
    {.name = "libnuma",
        .title = "numa_alloc_onnode",
        .library = "libnuma.so.1",
        .open = open_numa,
        .get = get_numa,
        .give = give_numa},
    {.name = "libhugetlbfs",
        .title = "libhugetlbfs",
        .huge = true,
        .library = "libhugetlbfs.so.0",
        .open = open_pages,
        .get = get_pages,
        .give = give_pages},
    {.name = "memkind",
        .title = "memkind HUGETLB",
        .huge = true,
        .library = "libmemkind.so.0",
        .open = open_kind,
        .get = get_kind,
        .give = give_kind},
    {.name = "tbb",
        .title = "oneTBB, huge pages",
        .huge = true,
        .library = "libtbbmalloc.so.2",
        .environment = tbb_huge,
        .open = open_scalable,
        .get = get_scalable,
        .give = give_scalable},
    {.name = "dpdk",
        .title = "DPDK rte_zmalloc",
        .huge = true,
        .library = "librte_eal.so.23",
        .open = dpdk_open,
        .get = dpdk_get,
        .give = dpdk_give},
    {0},
};
