/* SPDX-License-Identifier: MIT */
/*
 * The cgroups of this process: its directory in the v2 hierarchy, and in those of v1 that the
 * memory and hugetlb controllers are mounted with; both kinds may be mounted at once, with the
 * controllers split between them. Immutable while it is open, so any number of threads may read,
 * and a forked child may go on reading. The figures are those of the cgroups found when it was
 * opened: after nn_cgroups_moved() says 1, close it and open it again. No malloc, no lock.
 */
#ifndef NUMA_CGROUP_H
#define NUMA_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "numa/root.h"

/* Levels above the own; of a deeper cgroup only the nearest are looked at. */
#define NN_CGROUP_DEPTH 64

#define NN_CGROUP_PATH 256 /* bytes */

/* The own cgroup in one hierarchy. Level 0 is itself, level n the n-th directory above it. */
struct nn_cgroup {
    struct nn_root own;        /* owned; its fd is -1 where the hierarchy is not to be seen */
    unsigned depth;            /* levels above it that can be seen: the highest level */
    char path[NN_CGROUP_PATH]; /* for reports; the end of it where it is longer */
};

struct nn_cgroups {
    struct nn_cgroup unified, memory, hugetlb; /* v2, and the two controllers of v1 */
    bool counts_huge_pages; /* memory.current counts hugetlb too: don't count it twice */
    uint64_t membership;    /* a hash of proc/self/cgroup */
};

/*
 * A machine without cgroups, or without proc, is a success too, with nothing to be seen.
 * -EMFILE, -ENFILE, -ENOMEM: it could not be looked at. Takes up to 24 KiB of stack.
 */
int nn_cgroups_open(const struct nn_root *root, struct nn_cgroups *ret_cgroups);
void nn_cgroups_close(struct nn_cgroups *cgroups);

/* 1: this process was put into another cgroup since. 0: it was not. Takes 9 KiB of stack. */
int nn_cgroups_moved(const struct nn_root *root, const struct nn_cgroups *cgroups);

/* The directory of a level, to be closed by the caller. -ENOENT: there is no such level. */
int nn_cgroup_level(const struct nn_cgroup *cgroup, unsigned level, struct nn_root *ret_directory);

#endif
