/* SPDX-License-Identifier: MIT */
/*
 * Ways to commit and decommit within a large reservation: the runtime's usual one (mprotect to
 * commit, a fresh PROT_NONE mapping to decommit), with 4 KiB pages and transparent ones; reserved
 * huge pages with mprotect, and kept writable; and floors that keep all of the places populated.
 * No lock; one reservation for the process.
 */
#include <errno.h>
#include <linux/mman.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "bench/peer.h"
#include "bench/raw.h"
#include "bench/stream.h"

#define BLOCK RAW_2M

static int open_nothing(const struct order *order, char ret_said[ORDER_SAID])
{
    (void)order;
    ret_said[0] = '\0';
    return 0;
}

/* The reservation begins at a huge page, wherever the kernel puts it. */
static void *reserve_as(size_t size, int protection, int flags)
{
    char *base = mmap(NULL, size + RAW_2M, protection,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return base == MAP_FAILED ? NULL : (void *)raw_round((uintptr_t)base, RAW_2M);
}

static void give_space(void *base, size_t size)
{
    munmap(base, size);
}

static void close_again(void *at, size_t size)
{
    mmap(at, size, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int open_up(void *at, size_t size)
{
    return mprotect(at, size, PROT_READ | PROT_WRITE) ? -errno : 0;
}

static void *reserve_none(size_t size)
{
    void *base = reserve_as(size, PROT_NONE, 0);
    if (base)
        madvise(base, size, MADV_NOHUGEPAGE);
    return base;
}

static int open_up_base(void *at, size_t size)
{
    madvise(at, size, MADV_NOHUGEPAGE);
    return open_up(at, size);
}

static int open_thp(const struct order *order, char ret_said[ORDER_SAID])
{
    open_nothing(order, ret_said);
    if (raw_has_thp())
        return 0;
    snprintf(ret_said, ORDER_SAID, "transparent huge pages are 'never' here");
    return -ENOTSUP;
}

static int open_up_thp(void *at, size_t size)
{
    madvise(at, size, MADV_HUGEPAGE);
    return open_up(at, size);
}

/* -- reserved huge pages -- */

static int open_huge(const struct order *order, char ret_said[ORDER_SAID])
{
    const char *backing = "";
    void *tried = raw_keep(peer_bytes(order), -1, &backing);
    if (tried)
        munmap(tried, raw_round(peer_bytes(order), RAW_2M));
    if (backing[0] == 'h')
        return open_nothing(order, ret_said);
    snprintf(ret_said, ORDER_SAID, "too few free huge pages: %zu are needed of 2 MiB",
        raw_round(peer_bytes(order), RAW_2M) / RAW_2M);
    return -ENOMEM;
}

static void *reserve_huge_none(size_t size)
{
    return reserve_as(size, PROT_NONE, MAP_HUGETLB | MAP_HUGE_2MB);
}

static void close_huge(void *at, size_t size)
{
    mmap(at, size, PROT_NONE,
        MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_HUGETLB | MAP_HUGE_2MB, -1,
        0);
}

static void *reserve_huge(size_t size)
{
    return reserve_as(size, PROT_READ | PROT_WRITE, MAP_HUGETLB | MAP_HUGE_2MB);
}

static int populate(void *at, size_t size)
{
    return madvise(at, size, MADV_POPULATE_WRITE) ? -errno : 0;
}

static void discard(void *at, size_t size)
{
    madvise(at, size, MADV_DONTNEED);
}

/* -- floors: a place that was used once stays -- */

static int keep(void *at, size_t size)
{
    (void)at;
    return size == BLOCK ? 0 : -EINVAL;
}

static int keep_zeroed(void *at, size_t size)
{
    stream_zero(at, size);
    return 0;
}

static void forget(void *at, size_t size)
{
    (void)at;
    (void)size;
}

const struct peer peers_commit[] = {
    {.name = "commit-mmap",
        .title = "mprotect, 4 KiB",
        .open = open_nothing,
        .reserve = reserve_none,
        .commit = open_up_base,
        .decommit = close_again,
        .release = give_space},
    {.name = "commit-thp",
        .title = "mprotect, THP",
        .open = open_thp,
        .reserve = reserve_none,
        .commit = open_up_thp,
        .decommit = close_again,
        .release = give_space},
    {.name = "commit-hugetlb",
        .title = "mprotect, hugetlb",
        .huge = true,
        .open = open_huge,
        .reserve = reserve_huge_none,
        .commit = open_up,
        .decommit = close_huge,
        .release = give_space},
    {.name = "commit-populate",
        .title = "hugetlb, POPULATE/DONTNEED",
        .huge = true,
        .open = open_huge,
        .reserve = reserve_huge,
        .commit = populate,
        .decommit = discard,
        .release = give_space},
    {.name = "commit-stream",
        .title = "floor: kept, streaming",
        .huge = true,
        .open = open_huge,
        .reserve = reserve_huge,
        .commit = keep_zeroed,
        .decommit = forget,
        .release = give_space},
    {.name = "commit-zero",
        .title = "floor: kept, zero already",
        .huge = true,
        .open = open_huge,
        .reserve = reserve_huge,
        .commit = keep,
        .decommit = forget,
        .release = give_space},
    {0},
};
