/* SPDX-License-Identifier: MIT */
/*
 * What only hostmem answers: whose an address is, how full memory is, and what a terabyte of
 * address space costs. For the other sides the kernel's nearest answer is asked: mincore(2) of the
 * page, and sysinfo(2).
 */
#include "bench/job.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "bench/raw.h"

#define QUERIED  ((size_t)64 << 20)
#define TERABYTE ((size_t)1 << 40)
#define STRIDE   ((size_t)1048573 * RAW_PAGE) /* visits pages in no order that a cache would like */

struct question {
    const struct peer *peer;
    char *base;
    size_t at;
};

static bool ask(void *context)
{
    struct question *q = context;
    struct hostmem_info info;
    unsigned char resident;
    q->at = (q->at + STRIDE) % QUERIED;
    if (peer_manager())
        return hostmem_query(peer_manager(), q->base + q->at, &info) == 0 &&
               info.state == HOSTMEM_COMMITTED;
    return mincore(q->base + q->at, RAW_PAGE, &resident) == 0;
}

int job_query(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    struct question q = {.peer = peer, .base = peer->get(QUERIED)};
    if (!q.base)
        return -ENOMEM;
    int error = job_sample(peer, order, ask, &q, ret_samples);
    peer->give(q.base, QUERIED);
    return error;
}

static bool ask_load(void *context)
{
    struct hostmem_load load;
    struct sysinfo info;
    (void)context;
    return peer_manager() ? hostmem_load(peer_manager(), &load) == 0 : sysinfo(&info) == 0;
}

int job_load(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    return job_sample(peer, order, ask_load, NULL, ret_samples);
}

/* By a walk of the page tables: the counters in statm lag behind. */
static long resident_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file && kib < 0 && fgets(line, sizeof(line), file))
        if (sscanf(line, "Rss: %ld", &kib) != 1)
            kib = -1;
    if (file)
        fclose(file);
    return kib;
}

int job_footprint(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    void *first = peer->reserve(RAW_2M);
    resident_kib();
    for (unsigned i = 0; i < order->samples; i++) {
        long before = resident_kib();
        void *base = peer->reserve(TERABYTE);
        if (!base || before < 0)
            return -ENOMEM;
        series_add(ret_samples, (double)(resident_kib() - before) * 1024);
        peer->release(base, TERABYTE);
    }
    order->ops = 1;
    peer->release(first, RAW_2M);
    return 0;
}
