/* SPDX-License-Identifier: MIT */
/*
 * Limits of cgroups of the second hierarchy, the process's own and its parent's: Low is heard
 * before the kernel has to kill anybody, with the cause, and its end; a limit that was hit is Low
 * whatever the figures say; a process that is moved is judged by where it is now. A child does it
 * all, so that nothing else of the guest is limited. Runs where nodes 0 and 1 have memory, as root.
 */
#include "guest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pressure.h"
#include "scratch.h"

#define LIMIT       (64 * MIB)
#define LIMIT_TEXT  "64M"
#define ENOUGH      (5 * MIB) /* what is left then: 8 %, and no less than is held back */
#define TOPICS      3
#define HUGE_FRAMES 16
#define HUGE_TEXT   "32M"

/* Writes a file of the cgroup, or of one below it. */
static int limit(const char *cgroup, const char *below, const char *file, const char *text)
{
    char path[SCRATCH_PATH + 4];
    snprintf(path, sizeof(path), "%s%s", cgroup, below);
    return scratch_write(path, file, text);
}

static bool is_live(struct hostmem *manager, const char *name)
{
    struct hostmem_source sources[16];
    size_t count = hostmem_sources(manager, 16, sources);
    for (size_t i = 0; i < count; i++)
        if (strcmp(sources[i].name, name) == 0)
            return sources[i].live && strcmp(sources[i].state, "live") == 0;
    return false;
}

static struct hostmem_load load_of(struct hostmem *manager)
{
    struct hostmem_load load;
    must(hostmem_load(manager, &load) == 0 && load.percent <= 100);
    return load;
}

static char *reserve_on(struct hostmem *manager, int node)
{
    struct hostmem_request request = {.size = LIMIT, .node = node, .protection = HOSTMEM_PROT_RW};
    void *base;
    must(hostmem_reserve(manager, &request, &base, NULL) == 0);
    return base;
}

/* What was committed while samples were taken may be counted twice until the next ones. */
static bool is_about_half(void *manager)
{
    struct hostmem_load load = load_of(manager);
    return load.limit == HOSTMEM_LIMIT_CGROUP && load.percent > 45 && load.percent < 60;
}

static bool any_heard_low(struct ear *const ears[TOPICS])
{
    for (int i = 0; i < TOPICS; i++)
        for (size_t k = 0; k < ear_count(ears[i]); k++)
            if (ears[i]->heard[k].level == HOSTMEM_LOW)
                return true;
    return false;
}

/* Half of what there is on node 0, then on node 1 all but what is needed to be past 90 %. */
static int commit_most(
    struct hostmem *manager, char *const bases[2], struct ear *const ears[TOPICS])
{
    uint64_t half = load_of(manager).available_bytes / 2 / MIB * MIB;
    live_commit(manager, bases[0], half);
    await_true(is_about_half, manager);
    CHECK(!any_heard_low(ears));
    live_commit(manager, bases[1], half - ENOUGH);
    return 0;
}

static int is_low_by_the_limit(const struct hostmem_pressure *low)
{
    CHECK(low->load.limit == HOSTMEM_LIMIT_CGROUP && low->load.percent >= 90);
    CHECK(low->load.available_bytes <= LIMIT * 11 / 100);
    return 0;
}

/* Both nodes are limited, and whoever listens hears it. */
static int fills_the_limit(struct hostmem *manager)
{
    const int topics[TOPICS] = {0, 1, HOSTMEM_NODE_ALL};
    char *bases[2] = {reserve_on(manager, 0), reserve_on(manager, 1)};
    struct ear *ears[TOPICS];
    for (int i = 0; i < TOPICS; i++) {
        ears[i] = ear_subscribed(manager, topics[i]);
        CHECK(ear_any(ears[i]).level != HOSTMEM_LOW);
    }
    CHECK(commit_most(manager, bases, ears) == 0);
    uint64_t then = live_now();
    for (int i = 0; i < TOPICS; i++) {
        struct hostmem_pressure low = ear_low(ears[i]);
        print_message("node %d: Low after %.1f ms at %u %%, %zu KiB left\n", topics[i],
            (double)(int64_t)(ear_time(ears[i]) - then) / 1e6, low.load.percent,
            (size_t)low.load.available_bytes / KIB);
        CHECK(is_low_by_the_limit(&low) == 0);
    }
    CHECK(hostmem_release(manager, bases[0]) == 0 && hostmem_release(manager, bases[1]) == 0);
    for (int i = 0; i < TOPICS; i++) {
        CHECK(ear_relief(ears[i]).load.percent < 85);
        ear_unsubscribe(ears[i]);
    }
    return 0;
}

/* The process is in "a"; the limit is there or above. */
static int fills(const struct scratch *scratch, const char *below, const char *file)
{
    CHECK(limit(scratch->memory, below, file, LIMIT_TEXT) == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    struct hostmem *manager = live_manager();
    CHECK(is_live(manager, "timer") && is_live(manager, "allocations"));
    CHECK(is_live(manager, "memory.events") && is_live(manager, "psi-cgroup"));
    int line = fills_the_limit(manager);
    hostmem_destroy(manager);
    return line;
}

static int meets_its_own_limit(const struct scratch *scratch)
{
    return fills(scratch, "/a", "memory.max");
}

static int meets_its_parents_limit(const struct scratch *scratch)
{
    return fills(scratch, "", "memory.max");
}

static int meets_memory_high(const struct scratch *scratch)
{
    return fills(scratch, "/a", "memory.high");
}

static void run_small(void **state, int (*body)(const struct scratch *))
{
    live_environment("HOSTMEM_BACKING=base", "HOSTMEM_HOLD_MS=0", NULL);
    scratch_run(*state, body);
}

static void the_own_limit_is_low(void **state)
{
    run_small(state, meets_its_own_limit);
}

static void the_parents_limit_is_low(void **state)
{
    run_small(state, meets_its_parents_limit);
}

static void the_limit_that_slows_down_is_low(void **state)
{
    run_small(state, meets_memory_high);
}

/* -- huge pages -- */

static bool is_three_quarters(void *manager)
{
    struct hostmem_load load = load_of(manager);
    return load.limit == HOSTMEM_LIMIT_HUGETLB_CGROUP && load.percent == 75;
}

static int fills_the_hugetlb_limit(const struct scratch *scratch, const char *below)
{
    CHECK(limit(scratch->hugetlb, below, "hugetlb.2MB.max", HUGE_TEXT) == 0);
    CHECK(scratch_enter(scratch->hugetlb, "/a") == 0);
    struct hostmem *manager = live_manager();
    struct ear *all = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    CHECK(ear_any(all).level != HOSTMEM_LOW);
    char *bases[2] = {reserve_on(manager, 0), reserve_on(manager, 1)};
    live_commit(manager, bases[0], 6 * FRAME);
    live_commit(manager, bases[1], 6 * FRAME);
    await_true(is_three_quarters, manager);
    live_commit(manager, bases[1] + 6 * FRAME, 3 * FRAME);
    struct hostmem_pressure low = ear_low(all);
    CHECK(low.load.limit == HOSTMEM_LIMIT_HUGETLB_CGROUP && low.load.percent >= 90);
    CHECK(low.load.available_bytes <= FRAME);
    CHECK(hostmem_release(manager, bases[0]) == 0 && hostmem_release(manager, bases[1]) == 0);
    CHECK(ear_relief(all).load.percent < 85);
    ear_unsubscribe(all);
    hostmem_destroy(manager);
    return 0;
}

static bool is_three_quarters_everywhere(void *manager)
{
    struct hostmem_load load;
    bool is = is_three_quarters(manager);
    for (int node = 0; node < 2; node++) {
        must(hostmem_node_load(manager, node, &load) == 0);
        is &= load.limit == HOSTMEM_LIMIT_HUGETLB_CGROUP && load.percent == 75 &&
              load.available_bytes == 4 * FRAME;
    }
    return is;
}

/* Whoever asks, and without a new sample: commits on one node use up what the other may have. */
static int is_shared(const struct scratch *scratch)
{
    CHECK(limit(scratch->hugetlb, "/a", "hugetlb.2MB.max", HUGE_TEXT) == 0);
    CHECK(scratch_enter(scratch->hugetlb, "/a") == 0);
    struct hostmem *manager = live_manager();
    live_commit(manager, reserve_on(manager, 0), 6 * FRAME);
    live_commit(manager, reserve_on(manager, 1), 6 * FRAME);
    await_true(is_three_quarters_everywhere, manager);
    hostmem_destroy(manager);
    return 0;
}

static void nodes_share_a_limit(void **state)
{
    live_environment("HOSTMEM_BACKING=hugetlb", "HOSTMEM_SAMPLE_MS=60000", NULL);
    scratch_run(*state, is_shared);
}

static int meets_its_hugetlb_limit(const struct scratch *scratch)
{
    return fills_the_hugetlb_limit(scratch, "/a");
}

static int meets_its_parents_hugetlb_limit(const struct scratch *scratch)
{
    return fills_the_hugetlb_limit(scratch, "");
}

static void the_hugetlb_limit_is_low(void **state)
{
    live_environment("HOSTMEM_BACKING=hugetlb", "HOSTMEM_HOLD_MS=0", NULL);
    scratch_run(*state, meets_its_hugetlb_limit);
}

static void the_parents_hugetlb_limit_is_low(void **state)
{
    live_environment("HOSTMEM_BACKING=hugetlb", "HOSTMEM_HOLD_MS=0", NULL);
    scratch_run(*state, meets_its_parents_hugetlb_limit);
}

/* -- limits that are hit -- */

/* A request that the cgroup cannot serve is refused, not killed, and is Low for a moment. */
static int asks_for_too_much(const struct scratch *scratch)
{
    CHECK(limit(scratch->memory, "/a", "memory.max", LIMIT_TEXT) == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    struct hostmem *manager = live_manager();
    struct ear *all = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    struct hostmem_request request = {
        .size = 2 * LIMIT, .node = 1, .flags = HOSTMEM_COMMIT, .protection = HOSTMEM_PROT_RW};
    void *base;
    CHECK(ear_any(all).level != HOSTMEM_LOW);
    CHECK(hostmem_reserve(manager, &request, &base, NULL) == -ENOMEM);
    ear_low(all); /* at whatever load: what is tried counts as committed */
    CHECK(ear_relief(all).load.percent < 90);
    CHECK(load_of(manager).percent < 90);
    ear_unsubscribe(all);
    hostmem_destroy(manager);
    return 0;
}

/* Takes more than the cgroup has, and is the one to be killed for it. */
static void overstep(void)
{
    must(guest_write("/proc/self/oom_score_adj", "1000") == 0);
    char *base = mmap(NULL, 2 * LIMIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(base != MAP_FAILED);
    (void)!madvise(base, 2 * LIMIT, MADV_POPULATE_WRITE);
    memset(base, 1, 2 * LIMIT);
    _exit(0);
}

/* Nothing but memory.events tells: there is no timer, and PSI is switched off. */
static int sees_another_hit_it(const struct scratch *scratch)
{
    int status;
    CHECK(guest_write("/proc/self/oom_score_adj", "-1000") == 0); /* while the other one ends */
    CHECK(limit(scratch->memory, "/a", "memory.max", LIMIT_TEXT) == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    struct hostmem *manager = live_manager();
    CHECK(is_live(manager, "memory.events") && !is_live(manager, "psi-cgroup"));
    struct ear *all = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    struct ear *node = ear_subscribed(manager, 1);
    CHECK(ear_any(all).level != HOSTMEM_LOW && ear_any(node).level != HOSTMEM_LOW);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        overstep();
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ear_low(all);
    ear_low(node);
    ear_unsubscribe(all);
    ear_unsubscribe(node);
    hostmem_destroy(manager);
    return 0;
}

static void a_refused_commit_is_low(void **state)
{
    live_environment("HOSTMEM_BACKING=base", "HOSTMEM_HOLD_MS=0", "HOSTMEM_SAMPLE_MS=60000", NULL);
    scratch_run(*state, asks_for_too_much);
}

static void a_limit_that_is_hit_is_low(void **state)
{
    live_environment("HOSTMEM_BACKING=base", "HOSTMEM_SAMPLE_MS=60000", NULL);
    setenv("MEMORY_PRESSURE_WATCH", "/dev/null", 1);
    scratch_run(*state, sees_another_hit_it);
}

/* -- moves -- */

static bool is_limited(void *manager)
{
    return load_of(manager).available_bytes <= LIMIT;
}

static bool is_not_limited(void *manager)
{
    return !is_limited(manager);
}

/* What was committed stays charged to the old cgroup; what comes is charged to the new one. */
static int is_moved(const struct scratch *scratch)
{
    CHECK(limit(scratch->memory, "/a", "memory.max", LIMIT_TEXT) == 0);
    CHECK(scratch_enter(scratch->memory, "/b") == 0);
    struct hostmem *manager = live_manager();
    live_commit(manager, reserve_on(manager, 0), LIMIT / 4);
    CHECK(!is_limited(manager));
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    await_true(is_limited, manager);
    CHECK(is_live(manager, "memory.events") && is_live(manager, "psi-cgroup"));
    int line = fills_the_limit(manager);
    CHECK(line == 0);
    CHECK(scratch_enter(scratch->memory, "/b") == 0);
    await_true(is_not_limited, manager);
    hostmem_destroy(manager);
    return 0;
}

static void a_process_that_is_moved_is_judged_anew(void **state)
{
    live_environment("HOSTMEM_BACKING=base", "HOSTMEM_HOLD_MS=0", "HOSTMEM_SAMPLE_MS=50", NULL);
    scratch_run(*state, is_moved);
}

/* -- around each test -- */

static int in_cgroups(void **state)
{
    guest_begin(NULL);
    return scratch_setup_hugetlb(state);
}

static int out_of_cgroups(void **state)
{
    unsetenv("MEMORY_PRESSURE_WATCH");
    live_environment(NULL);
    return scratch_teardown(state) || guest_end(NULL);
}

#define cgroup_test(name) cmocka_unit_test_setup_teardown(name, in_cgroups, out_of_cgroups)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cgroup_test(the_own_limit_is_low),
        cgroup_test(the_parents_limit_is_low),
        cgroup_test(the_limit_that_slows_down_is_low),
        cgroup_test(the_hugetlb_limit_is_low),
        cgroup_test(the_parents_hugetlb_limit_is_low),
        cgroup_test(nodes_share_a_limit),
        cgroup_test(a_refused_commit_is_low),
        cgroup_test(a_limit_that_is_hit_is_low),
        cgroup_test(a_process_that_is_moved_is_judged_anew),
    };
    return guest_run(tests);
}
