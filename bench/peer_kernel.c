/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own ways: mmap of 4 KiB pages, with transparent huge pages, with reserved huge
 * pages. Memory is bound to a node before it is touched where the order names one. No lock.
 */
#include <errno.h>
#include <linux/mman.h>
#include <stdio.h>
#include <sys/mman.h>

#include "bench/peer.h"
#include "bench/raw.h"

static int node = -1;

static int note_node(const struct order *order, char ret_said[ORDER_SAID])
{
    node = order->node;
    ret_said[0] = '\0';
    return 0;
}

/* The mapping alone proves little: a limit of the cgroup would only show when it is touched. */
static int open_huge(const struct order *order, size_t page, int flags, char ret_said[ORDER_SAID])
{
    note_node(order, ret_said);
    size_t size = peer_bytes_in(order, page);
    void *base = raw_map(size, MAP_HUGETLB | flags, node);
    if (base && madvise(base, size, MADV_POPULATE_WRITE)) {
        munmap(base, size);
        base = NULL;
    }
    if (!base) {
        snprintf(ret_said, ORDER_SAID, "too few free huge pages: %zu are needed of %s", size / page,
            page == RAW_1G ? "1 GiB" : "2 MiB");
        return -ENOMEM;
    }
    munmap(base, size);
    return 0;
}

static int open_2m(const struct order *order, char ret_said[ORDER_SAID])
{
    return open_huge(order, RAW_2M, MAP_HUGE_2MB, ret_said);
}

static int open_1g(const struct order *order, char ret_said[ORDER_SAID])
{
    return open_huge(order, RAW_1G, MAP_HUGE_1GB, ret_said);
}

static void *get_base(size_t size)
{
    void *base = raw_map(size, 0, node);
    if (base)
        madvise(base, size, MADV_NOHUGEPAGE);
    return base;
}

static void give(void *base, size_t size)
{
    munmap(base, size);
}

/* A little more is mapped, so that a huge page's boundary is in it; the kernel then uses them. */
static void *get_thp(size_t size)
{
    void *base = raw_map_aligned(size, node);
    if (base)
        madvise(base, size, MADV_HUGEPAGE);
    return base;
}

static void *get_2m(size_t size)
{
    return raw_map(raw_round(size, RAW_2M), MAP_HUGETLB | MAP_HUGE_2MB, node);
}

static void give_2m(void *base, size_t size)
{
    munmap(base, raw_round(size, RAW_2M));
}

static void *get_1g(size_t size)
{
    return raw_map(raw_round(size, RAW_1G), MAP_HUGETLB | MAP_HUGE_1GB, node);
}

static void give_1g(void *base, size_t size)
{
    munmap(base, raw_round(size, RAW_1G));
}

static int open_thp(const struct order *order, char ret_said[ORDER_SAID])
{
    note_node(order, ret_said);
    if (raw_has_thp())
        return 0;
    snprintf(ret_said, ORDER_SAID, "transparent huge pages are 'never' here");
    return -ENOTSUP;
}

const struct peer peers_kernel[] = {
    {.name = "mmap", .title = "mmap, 4 KiB", .open = note_node, .get = get_base, .give = give},
    {.name = "thp", .title = "MADV_HUGEPAGE", .open = open_thp, .get = get_thp, .give = give},
    {.name = "hugetlb",
        .title = "MAP_HUGETLB",
        .huge = true,
        .open = open_2m,
        .get = get_2m,
        .give = give_2m},
    {.name = "hugetlb-1g",
        .title = "MAP_HUGETLB, 1 GiB",
        .open = open_1g,
        .get = get_1g,
        .give = give_1g},
    {.name = "kernel",
        .title = "mincore(2), sysinfo(2)",
        .open = note_node,
        .get = get_base,
        .give = give},
    {0},
};
