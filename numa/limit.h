/* SPDX-License-Identifier: MIT */
/*
 * How much memory the cgroups of this process still allow, judged over the own cgroup and every
 * ancestor, in v2 and v1. Read from the kernel's files at each call: no malloc, no stdio, no lock,
 * 10 KiB of stack, never waits. A level that has no such file, or garbage in it, has no limit.
 *
 * memory.high counts as a limit like memory.max: beyond it the kernel slows every allocation down
 * until a server that goes on is as good as stopped, so that is where a runtime has to act. The
 * report names the file, for those who want to tell the two apart.
 */
#ifndef NUMA_LIMIT_H
#define NUMA_LIMIT_H

#include <stdint.h>

#include "numa/cgroup.h"

enum nn_limit_kind {
    NN_LIMIT_MAX,       /* v2 memory.max */
    NN_LIMIT_HIGH,      /* v2 memory.high */
    NN_LIMIT_V1,        /* memory.limit_in_bytes */
    NN_LIMIT_V1_SWAP,   /* memory.memsw.limit_in_bytes: memory and swap together */
    NN_LIMIT_HUGE,      /* hugetlb.<size>.max or .limit_in_bytes: pages in use */
    NN_LIMIT_HUGE_RSVD, /* hugetlb.<size>.rsvd.max or .limit_in_bytes: pages reserved */
};

/* As the kernel calls it; without the page size. */
const char *nn_limit_name(enum nn_limit_kind kind);

struct nn_limit_place {
    enum nn_limit_kind kind;
    unsigned level; /* 0: the own cgroup, n: its n-th ancestor */
};

/*
 * The limit that is filled most and the one with the smallest headroom need not be the same: 1 GiB
 * left of 100 GiB is fuller and further away than 0.5 GiB left of 1 GiB.
 */
struct nn_limit {
    uint64_t limit_bytes, used_bytes; /* of the fullest; used may be more than the limit */
    uint64_t available_bytes;         /* the smallest headroom of all */
    unsigned percent;                 /* of the fullest: 0..100, rounded down */
    struct nn_limit_place fullest, nearest;
};

/*
 * Used is what is charged, less the page cache that nobody touched for a while (inactive_file): the
 * kernel drops that first. -ENOENT: there is no limit.
 */
int nn_cgroup_memory(const struct nn_cgroups *cgroups, struct nn_limit *ret_limit);

/* Of huge pages of that many bytes. -ENOENT: there is no limit. -EINVAL: no whole KiB. */
int nn_cgroup_hugetlb(
    const struct nn_cgroups *cgroups, uint64_t page_size, struct nn_limit *ret_limit);

#endif
