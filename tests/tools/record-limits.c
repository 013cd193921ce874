/* SPDX-License-Identifier: MIT */
/*
 * record-limits ROOT: prints the limits that the reader finds for the recorded process, so that two
 * recordings can be compared. The names of cgroups are left out. One thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "numa/cgroup.h"
#include "numa/limit.h"

static void print_limit(const char *what, int r, const struct nn_limit *limit)
{
    printf("%s: ", what);
    if (r < 0) {
        printf("%s\n", strerror(-r));
        return;
    }
    printf("%" PRIu64 " of %" PRIu64 ", %" PRIu64 " left, %u%%, %s of level %u, %s of level %u\n",
        limit->used_bytes, limit->limit_bytes, limit->available_bytes, limit->percent,
        nn_limit_name(limit->fullest.kind), limit->fullest.level,
        nn_limit_name(limit->nearest.kind), limit->nearest.level);
}

static void print_cgroup(const char *what, const struct nn_cgroup *cgroup)
{
    printf("%s: %s, %u above\n", what, cgroup->own.fd < 0 ? "not seen" : "seen", cgroup->depth);
}

int main(int argc, char **argv)
{
    struct nn_limit limit = {0};
    struct nn_cgroups cgroups;
    struct nn_root root;

    if (argc != 2 || nn_root_open(argv[1], &root) < 0 || nn_cgroups_open(&root, &cgroups) < 0)
        return 2;
    print_cgroup("unified", &cgroups.unified);
    print_cgroup("memory", &cgroups.memory);
    print_cgroup("hugetlb", &cgroups.hugetlb);
    printf("counts huge pages: %d\n", cgroups.counts_huge_pages);
    print_limit("memory", nn_cgroup_memory(&cgroups, &limit), &limit);
    print_limit("2 MiB", nn_cgroup_hugetlb(&cgroups, 2 << 20, &limit), &limit);
    print_limit("1 GiB", nn_cgroup_hugetlb(&cgroups, 1 << 30, &limit), &limit);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    return 0;
}
