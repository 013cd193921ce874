/* SPDX-License-Identifier: MIT */
/*
 * Limits of real cgroups, which a forked child enters: with the figures that a plain reading of the
 * same files gives, above the own cgroup, after a move, and after a removal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "numa/cgroup.h"
#include "numa/limit.h"
#include "scratch.h"

#define MIB     (UINT64_C(1) << 20)
#define SLACK   (4 * MIB) /* what the kernel charges ahead for each CPU, and the test's own pages */
#define LIMIT   (64 * MIB)
#define TOUCHED (16 * MIB)

static int open_here(struct nn_cgroups *ret_cgroups)
{
    struct nn_root root;
    int r = nn_root_open("/", &root);

    if (r < 0)
        return r;
    r = nn_cgroups_open(&root, ret_cgroups);
    nn_root_close(&root);
    return r;
}

/* "" or "/a". */
static int set_limit(const struct scratch *scratch, const char *below, const char *text)
{
    char path[SCRATCH_PATH + 4];

    snprintf(path, sizeof(path), "%s%s", scratch->memory, below);
    return scratch_write(path, scratch->memory_v2 ? "memory.max" : "memory.limit_in_bytes", text);
}

static enum nn_limit_kind kind_of(const struct scratch *scratch)
{
    return scratch->memory_v2 ? NN_LIMIT_MAX : NN_LIMIT_V1;
}

static uint64_t read_with_stdio(const char *cgroup, const char *name, const char *format)
{
    char path[SCRATCH_PATH + 64], line[256];
    uint64_t number = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", cgroup, name);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, format, &number) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return number;
}

static uint64_t plainly_used(const struct scratch *scratch)
{
    const char *cgroup = scratch->memory;

    if (scratch->memory_v2)
        return read_with_stdio(cgroup, "a/memory.current", "%lu") -
               read_with_stdio(cgroup, "a/memory.stat", "inactive_file %lu");
    return read_with_stdio(cgroup, "a/memory.usage_in_bytes", "%lu") -
           read_with_stdio(cgroup, "a/memory.stat", "total_inactive_file %lu");
}

static bool near(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= SLACK;
}

static int sees_its_limit(const struct scratch *scratch)
{
    struct nn_limit before, after;
    struct nn_cgroups cgroups;

    CHECK(set_limit(scratch, "/a", "64M") == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    CHECK(open_here(&cgroups) == 0);
    CHECK(nn_cgroup_memory(&cgroups, &before) == 0);
    CHECK(before.limit_bytes == LIMIT && before.fullest.level == 0);
    CHECK(before.fullest.kind == kind_of(scratch));
    CHECK(scratch_touch(TOUCHED, 0) != NULL);
    CHECK(nn_cgroup_memory(&cgroups, &after) == 0);
    CHECK(near(after.used_bytes, before.used_bytes + TOUCHED));
    CHECK(near(after.used_bytes, plainly_used(scratch)));
    CHECK(after.available_bytes == LIMIT - after.used_bytes);
    CHECK(after.percent == after.used_bytes * 100 / LIMIT);
    nn_cgroups_close(&cgroups);
    return 0;
}

static int sees_the_limit_above(const struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_limit limit;

    CHECK(set_limit(scratch, "", "64M") == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    CHECK(open_here(&cgroups) == 0);
    CHECK(nn_cgroup_memory(&cgroups, &limit) == 0);
    CHECK(limit.limit_bytes == LIMIT && limit.fullest.level == 1 && limit.nearest.level == 1);
    CHECK(set_limit(scratch, "", scratch->memory_v2 ? "max" : "-1") == 0);
    CHECK(nn_cgroup_memory(&cgroups, &limit) == -ENOENT || limit.fullest.level > 1);
    nn_cgroups_close(&cgroups);
    return 0;
}

static int notices_its_move(const struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_limit limit;
    struct nn_root root;

    CHECK(set_limit(scratch, "", "64M") == 0);
    CHECK(nn_root_open("/", &root) == 0);
    CHECK(nn_cgroups_open(&root, &cgroups) == 0);
    CHECK(nn_cgroups_moved(&root, &cgroups) == 0);
    CHECK(scratch_enter(scratch->memory, "/b") == 0);
    CHECK(nn_cgroups_moved(&root, &cgroups) == 1);
    nn_cgroups_close(&cgroups);
    CHECK(nn_cgroups_open(&root, &cgroups) == 0);
    CHECK(nn_cgroups_moved(&root, &cgroups) == 0);
    CHECK(nn_cgroup_memory(&cgroups, &limit) == 0 && limit.limit_bytes == LIMIT);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    return 0;
}

/* A removed cgroup has no limit any more; those above it may still be seen. */
static int outlives_its_cgroup(const struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_limit limit;
    int r;

    CHECK(set_limit(scratch, "", "64M") == 0);
    CHECK(set_limit(scratch, "/a", "32M") == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    CHECK(open_here(&cgroups) == 0);
    CHECK(nn_cgroup_memory(&cgroups, &limit) == 0 && limit.limit_bytes == LIMIT / 2);
    CHECK(scratch_enter(scratch->memory, "/b") == 0);
    CHECK(scratch_remove(scratch->memory, "/a") == 0);
    r = nn_cgroup_memory(&cgroups, &limit);
    CHECK(r == -ENOENT || (r == 0 && limit.fullest.level == 1 && limit.limit_bytes == LIMIT));
    nn_cgroups_close(&cgroups);
    return 0;
}

/* A limit of four huge pages, two in use. */
static int sees_huge_pages(const struct scratch *scratch)
{
    const char *name = scratch->hugetlb_v2 ? "hugetlb.2MB.max" : "hugetlb.2MB.limit_in_bytes";
    struct nn_cgroups cgroups;
    struct nn_limit limit;

    CHECK(scratch_write(scratch->hugetlb, name, "8M") == 0);
    CHECK(scratch_enter(scratch->hugetlb, "/a") == 0);
    CHECK(open_here(&cgroups) == 0);
    CHECK(nn_cgroup_hugetlb(&cgroups, 2 * MIB, &limit) == 0);
    CHECK(limit.limit_bytes == 8 * MIB && limit.used_bytes == 0 && limit.fullest.level == 1);
    CHECK(scratch_touch(4 * MIB, MAP_HUGETLB) != NULL);
    CHECK(nn_cgroup_hugetlb(&cgroups, 2 * MIB, &limit) == 0);
    CHECK(limit.used_bytes == 4 * MIB && limit.percent == 50);
    CHECK(limit.available_bytes == 4 * MIB && limit.fullest.kind == NN_LIMIT_HUGE);
    nn_cgroups_close(&cgroups);
    return 0;
}

static void run_with_memory(void **state, int (*body)(const struct scratch *))
{
    struct scratch *scratch = *state;

    scratch_require(scratch->memory, "a cgroup hierarchy with the memory controller");
    scratch_run(scratch, body);
}

static void the_own_limit(void **state)
{
    run_with_memory(state, sees_its_limit);
}

static void the_limit_above(void **state)
{
    run_with_memory(state, sees_the_limit_above);
}

static void a_move(void **state)
{
    run_with_memory(state, notices_its_move);
}

static void a_removal(void **state)
{
    run_with_memory(state, outlives_its_cgroup);
}

static void huge_pages(void **state)
{
    struct scratch *scratch = *state;

    scratch_require(scratch->hugetlb, "a cgroup hierarchy with the hugetlb controller");
    scratch_run(scratch, sees_huge_pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_own_limit, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(the_limit_above, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_move, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_removal, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(huge_pages, scratch_setup_hugetlb, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
