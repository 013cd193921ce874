/* SPDX-License-Identifier: MIT */
/*
 * Whether memory came as huge pages: a range by PAGEMAP_SCAN of /proc (Linux 6.7; a cold path, the
 * file is opened each time), and a populating by the number of its faults (any kernel). No state
 * and no lock.
 */
#include "hugepage/hp.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define HUGE_2M ((size_t)2 << 20)

/* The kernel's interface, spelled out for headers that are older than 6.7. */
struct scan_region {
    uint64_t start, end; /* bytes; end is exclusive */
    uint64_t categories;
};

struct scan_query {
    uint64_t size; /* bytes: of this structure */
    uint64_t flags;
    uint64_t start, end; /* bytes: what is searched */
    uint64_t walk_end;   /* out: where the search stopped */
    uint64_t regions;    /* address of struct scan_region[] */
    uint64_t region_count;
    uint64_t pages_max; /* 0: no limit */
    uint64_t inverted;  /* categories that are looked for by their absence */
    uint64_t all_of, any_of, reported;
};

#define SCAN_ZERO ((uint64_t)1 << 5) /* the shared page of zeros, which is nobody's memory */
#define SCAN_HUGE ((uint64_t)1 << 6)
#define SCAN      _IOWR('f', 16, struct scan_query)

static_assert(sizeof(struct scan_region) == 24 && sizeof(struct scan_query) == 96,
    "the layout that the kernel knows");
#ifdef PAGEMAP_SCAN
static_assert(SCAN == PAGEMAP_SCAN && SCAN_HUGE == PAGE_IS_HUGE && SCAN_ZERO == PAGE_IS_PFNZERO,
    "the numbers of the kernel's headers");
#endif

/* A kernel that does not know the request says ENOTTY. */
static int scan(int pagemap, struct scan_query *query)
{
    int found = ioctl(pagemap, SCAN, query);
    if (found < 0)
        return errno == ENOTTY ? -EOPNOTSUPP : -errno;
    return found;
}

int hp_is_huge(void *base, bool *ret_huge)
{
    uintptr_t start = (uintptr_t)base;
    struct scan_region region = {0};
    struct scan_query query = {
        .size = sizeof(query),
        .start = start,
        .end = start + HUGE_2M,
        .regions = (uintptr_t)&region,
        .region_count = 1,
        .inverted = SCAN_ZERO,
        .all_of = SCAN_HUGE | SCAN_ZERO,
        .reported = SCAN_HUGE,
    };
    int pagemap = open("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        return -errno;
    int found = scan(pagemap, &query);
    close(pagemap);
    if (found < 0)
        return found;
    *ret_huge = found == 1 && region.start == start && region.end == start + HUGE_2M;
    return 0;
}

uint64_t hp_faults(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        return 0;
    return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}
