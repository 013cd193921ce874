/* SPDX-License-Identifier: MIT */
/*
 * The limits of a cgroup, which a child enters before it makes a manager: Low is heard before the
 * kernel would kill, with the cause, and its end when memory is given back. The cgroups are removed
 * however the test ends (tests/numa/scratch.h).
 */
#include <stdio.h>

#include "pressure.h"
#include "scratch.h"

#define LIMIT (512 * MIB)

static int limit_memory(const struct scratch *scratch)
{
    char path[SCRATCH_PATH + 4];
    const char *name = scratch->memory_v2 ? "memory.max" : "memory.limit_in_bytes";
    snprintf(path, sizeof(path), "%s/a", scratch->memory);
    CHECK(scratch_write(path, name, "512M") == 0);
    return scratch_enter(scratch->memory, "/a");
}

/* Frame after frame until Low; the load is asked for as well. 0: the end was reached without. */
static size_t commit_until_low(struct ear *ear, char *base, size_t most)
{
    struct hostmem_load load = {0};
    for (size_t frames = 0; frames < most; frames++) {
        for (size_t i = ear->next; i < ear_count(ear); i++)
            if (ear->heard[i].level == HOSTMEM_LOW)
                return frames;
        live_commit(ear->manager, base + frames * FRAME, FRAME);
        must(hostmem_load(ear->manager, &load) == 0 && load.percent <= 100);
        must(load.available_bytes <= LIMIT);
    }
    return 0;
}

static int meets_the_memory_limit(const struct scratch *scratch)
{
    CHECK(limit_memory(scratch) == 0);
    struct hostmem *manager = live_manager();
    struct ear *ear = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    CHECK(ear_any(ear).level != HOSTMEM_LOW);
    char *base = live_reserve(manager, LIMIT, 0);
    size_t frames = commit_until_low(ear, base, LIMIT / FRAME);
    struct hostmem_pressure low = ear_low(ear);
    fprintf(stderr, "Low after %zu MiB of %zu, at %u %%, %llu MiB left\n", frames * FRAME / MIB,
        LIMIT / MIB, low.load.percent, (unsigned long long)(low.load.available_bytes / MIB));
    CHECK(frames > LIMIT / FRAME * 3 / 4 && frames < LIMIT / FRAME);
    CHECK(low.load.limit == HOSTMEM_LIMIT_CGROUP);
    CHECK(low.load.percent >= 90 && low.load.available_bytes <= LIMIT * 11 / 100);
    CHECK(hostmem_release(manager, base) == 0);
    CHECK(ear_relief(ear).load.percent < 85);
    ear_unsubscribe(ear);
    hostmem_destroy(manager);
    return 0;
}

static void run_memory(void **state, const char *backing)
{
    struct scratch *scratch = *state;
    scratch_require(scratch->memory, "a memory controller that can be written to");
    live_environment(backing, "HOSTMEM_HOLD_MS=0", NULL);
    scratch_run(scratch, meets_the_memory_limit);
}

static void memory_limit_with_base(void **state)
{
    run_memory(state, "HOSTMEM_BACKING=base");
}

static void memory_limit_with_thp(void **state)
{
    run_memory(state, "HOSTMEM_BACKING=thp,base");
}

/* The same, seen by nobody but who asks. */
static int is_asked_without_watchers(const struct scratch *scratch)
{
    struct hostmem_load empty, full;
    CHECK(limit_memory(scratch) == 0);
    struct hostmem *manager = live_manager();
    CHECK(hostmem_load(manager, &empty) == 0);
    CHECK(empty.limit == HOSTMEM_LIMIT_CGROUP || empty.percent < 90);
    CHECK(empty.available_bytes <= LIMIT && empty.available_bytes > LIMIT / 2);
    live_reserve(manager, LIMIT / 2, HOSTMEM_COMMIT);
    CHECK(hostmem_load(manager, &full) == 0);
    CHECK(full.limit == HOSTMEM_LIMIT_CGROUP && full.percent >= 50 && full.percent < 75);
    CHECK(empty.available_bytes - full.available_bytes >= LIMIT / 2 - 16 * MIB);
    CHECK(empty.available_bytes - full.available_bytes <= LIMIT / 2 + 32 * MIB);
    hostmem_destroy(manager);
    return 0;
}

static void memory_limit_without_watchers(void **state)
{
    struct scratch *scratch = *state;
    scratch_require(scratch->memory, "a memory controller that can be written to");
    live_environment("HOSTMEM_BACKING=base", "HOSTMEM_WATCH=0", NULL);
    scratch_run(scratch, is_asked_without_watchers);
}

static bool is_limited(void *manager)
{
    struct hostmem_load load;
    must(hostmem_load(manager, &load) == 0);
    return load.available_bytes <= LIMIT;
}

/* A process is put into another cgroup while its manager runs, as container runtimes do. */
static int is_moved(const struct scratch *scratch)
{
    struct hostmem *manager = live_manager();
    CHECK(!is_limited(manager));
    CHECK(limit_memory(scratch) == 0);
    await_true(is_limited, manager);
    hostmem_destroy(manager);
    return 0;
}

static void a_move_is_followed(void **state)
{
    struct scratch *scratch = *state;
    scratch_require(scratch->memory, "a memory controller that can be written to");
    live_environment("HOSTMEM_BACKING=base", "HOSTMEM_SAMPLE_MS=20", NULL);
    scratch_run(scratch, is_moved);
}

/* 32 huge pages, of which the manager takes so many that Low is reached. */
static int meets_the_hugetlb_limit(const struct scratch *scratch)
{
    char path[SCRATCH_PATH + 4];
    snprintf(path, sizeof(path), "%s/a", scratch->hugetlb);
    CHECK(scratch_write(path,
              scratch->hugetlb_v2 ? "hugetlb.2MB.max" : "hugetlb.2MB.limit_in_bytes", "64M") == 0);
    CHECK(scratch_enter(scratch->hugetlb, "/a") == 0);
    struct hostmem *manager = live_manager();
    struct ear *ear = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    CHECK(ear_any(ear).level != HOSTMEM_LOW);
    char *base = live_reserve(manager, 32 * FRAME, 0);
    live_commit(manager, base, 26 * FRAME);
    live_commit(manager, base + 26 * FRAME, 4 * FRAME);
    struct hostmem_pressure low = ear_low(ear);
    CHECK(low.load.limit == HOSTMEM_LIMIT_HUGETLB_CGROUP && low.load.percent >= 90);
    CHECK(low.load.available_bytes <= 6 * FRAME);
    CHECK(hostmem_release(manager, base) == 0);
    ear_relief(ear);
    ear_unsubscribe(ear);
    hostmem_destroy(manager);
    return 0;
}

static void hugetlb_limit(void **state)
{
    struct scratch *scratch = *state;
    scratch_require(scratch->hugetlb, "a hugetlb controller that can be written to");
    live_environment("HOSTMEM_BACKING=hugetlb", "HOSTMEM_HOLD_MS=0", NULL);
    scratch_run(scratch, meets_the_hugetlb_limit);
}

/* A limit that allows no huge page at all is no pressure where others serve. */
static int has_no_huge_pages(const struct scratch *scratch)
{
    char path[SCRATCH_PATH + 4];
    snprintf(path, sizeof(path), "%s/a", scratch->hugetlb);
    CHECK(scratch_write(path,
              scratch->hugetlb_v2 ? "hugetlb.2MB.max" : "hugetlb.2MB.limit_in_bytes", "0") == 0);
    CHECK(scratch_enter(scratch->hugetlb, "/a") == 0);
    struct hostmem_load load;
    struct hostmem *manager = live_manager();
    live_reserve(manager, 4 * FRAME, HOSTMEM_COMMIT);
    CHECK(hostmem_load(manager, &load) == 0);
    CHECK(load.limit != HOSTMEM_LIMIT_HUGETLB_CGROUP && load.available_bytes > 0);
    hostmem_destroy(manager);
    return 0;
}

static void no_hugetlb_at_all(void **state)
{
    struct scratch *scratch = *state;
    scratch_require(scratch->hugetlb, "a hugetlb controller that can be written to");
    live_environment(NULL);
    scratch_run(scratch, has_no_huge_pages);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define HUGETLB_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, scratch_setup_hugetlb, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(memory_limit_with_base),
        SCRATCH_TEST(memory_limit_with_thp),
        SCRATCH_TEST(memory_limit_without_watchers),
        SCRATCH_TEST(a_move_is_followed),
        HUGETLB_TEST(hugetlb_limit),
        HUGETLB_TEST(no_hugetlb_at_all),
    };
    live_limit_windows();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
