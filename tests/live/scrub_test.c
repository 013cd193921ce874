/* SPDX-License-Identifier: MIT */
/*
 * The scrubber: what was put back is clean after a while, commits find it so and need not zero it,
 * what it works on is never seen half done, and it neither runs nor wakes when nothing is dirty.
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pressure.h"

#define SOON     "HOSTMEM_SAMPLE_MS=10"
#define FRAMES   24
#define SCRUBBER "hm-scrub/"

static void fill(void *at, size_t size)
{
    memset(at, 0xa5, size);
}

static bool all_is_clean(void *manager)
{
    struct hostmem_node_stats stats = live_stats(manager);
    return stats.warm_bytes > 0 && stats.clean_bytes == stats.warm_bytes;
}

/* Commits without zeroing: what it gets was clean. */
static void must_be_found_clean(struct hostmem *manager, void *at, size_t size)
{
    uint64_t zeroed = live_stats(manager).zeroed_bytes;
    live_commit(manager, at, size);
    must(live_stats(manager).zeroed_bytes == zeroed);
    must(live_is_zero(at, size));
}

static const char *const backings[] = {"HOSTMEM_BACKING=hugetlb", "HOSTMEM_BACKING=thp"};

static void clean_released(void *backing)
{
    live_environment(backing, SOON, NULL);
    struct hostmem *manager = live_manager();
    void *at = live_reserve(manager, FRAMES * FRAME, HOSTMEM_COMMIT);
    fill(at, FRAMES * FRAME);
    must(hostmem_release(manager, at) == 0);
    await_true(all_is_clean, manager);
    must(live_stats(manager).cleaned_bytes >= FRAMES * FRAME);
    must_be_found_clean(manager, live_reserve(manager, FRAMES * FRAME, 0), FRAMES * FRAME);
    hostmem_destroy(manager);
}

static void what_is_released_is_cleaned(void **state)
{
    for (size_t i = 0; i < COUNT(backings); i++)
        live_in_child(clean_released, (void *)backings[i]);
}

/* Within a region, and in pieces: a frame of its own, a share, and a frame that is dirty in part.
 */
static void clean_decommitted(void *backing)
{
    live_environment(backing, SOON, NULL);
    struct hostmem *manager = live_manager();
    char *whole = live_reserve(manager, 4 * FRAME, HOSTMEM_COMMIT);
    char *small = live_reserve(manager, 3 * GRANULE, HOSTMEM_COMMIT);
    fill(whole, 2 * FRAME);
    fill(small, PAGE);
    for (char *at = whole + 2 * FRAME; at < whole + 4 * FRAME; at += 64 * PAGE)
        fill(at, PAGE);
    must(hostmem_decommit(manager, whole, 0) == 0);
    must(hostmem_decommit(manager, small, 0) == 0);
    await_true(all_is_clean, manager);
    must_be_found_clean(manager, whole, 4 * FRAME);
    must_be_found_clean(manager, small, 3 * GRANULE);
    hostmem_destroy(manager);
}

static void what_is_decommitted_is_cleaned(void **state)
{
    for (size_t i = 0; i < COUNT(backings); i++)
        live_in_child(clean_decommitted, (void *)backings[i]);
}

/* Clean memory is taken before dirty memory. */
static void clean_is_preferred(void **state)
{
    live_environment(backings[0], SOON, NULL);
    struct hostmem *manager = live_manager();
    char *dirty = live_reserve(manager, 4 * FRAME, HOSTMEM_COMMIT);
    char *clean = live_reserve(manager, 4 * FRAME, HOSTMEM_COMMIT);
    must(clean > dirty);
    must(hostmem_release(manager, clean) == 0);
    await_true(all_is_clean, manager);
    must(hostmem_release(manager, dirty) == 0);
    uint64_t zeroed = live_stats(manager).zeroed_bytes;
    live_reserve(manager, 4 * FRAME, HOSTMEM_COMMIT);
    must(live_stats(manager).zeroed_bytes == zeroed);
    hostmem_destroy(manager);
}

/* -- the thread -- */

static int thread_named(const char *prefix)
{
    char path[sizeof("/proc/self/task//comm") + 256], name[32];
    DIR *tasks = opendir("/proc/self/task");
    int found = 0;
    must(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks));) {
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (!file)
            continue;
        if (fgets(name, sizeof(name), file) && strncmp(name, prefix, strlen(prefix)) == 0)
            found = atoi(task->d_name);
        fclose(file);
    }
    closedir(tasks);
    return found;
}

static struct hostmem *cleaned_manager(void)
{
    struct hostmem *manager = live_manager();
    void *at = live_reserve(manager, FRAMES * FRAME, HOSTMEM_COMMIT);
    must(hostmem_release(manager, at) == 0);
    await_true(all_is_clean, manager);
    return manager;
}

static uint64_t switches(int thread)
{
    char path[64], line[128];
    unsigned long long count = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread);
    FILE *file = fopen(path, "re");
    must(file != NULL);
    while (fgets(line, sizeof(line), file))
        sscanf(line, "voluntary_ctxt_switches: %llu", &count);
    fclose(file);
    return count;
}

/* Twenty sample periods pass without it. */
static bool sleeps(void *thread)
{
    uint64_t before = switches(*(int *)thread);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    return switches(*(int *)thread) == before;
}

static void it_sleeps_when_nothing_is_dirty(void **state)
{
    live_environment(backings[0], SOON, NULL);
    struct hostmem *manager = cleaned_manager();
    int thread = thread_named(SCRUBBER);
    must(thread > 0);
    await_true(sleeps, &thread);
    assert_int_equal(sched_getscheduler(thread), SCHED_IDLE);
    assert_int_equal(thread_mask(thread, "SigBlk:") & 1, 1);
    hostmem_destroy(manager);
    assert_int_equal(thread_named(SCRUBBER), 0);
}

static void must_not_clean(const char *setting)
{
    live_environment(backings[0], SOON, setting, NULL);
    struct hostmem *manager = live_manager();
    void *at = live_reserve(manager, FRAMES * FRAME, HOSTMEM_COMMIT);
    must(hostmem_release(manager, at) == 0);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    must(live_stats(manager).cleaned_bytes == 0 && live_stats(manager).clean_bytes == 0);
    must(thread_named(SCRUBBER) == 0);
    hostmem_destroy(manager);
}

static void it_can_be_switched_off(void **state)
{
    must_not_clean("HOSTMEM_SCRUB=0");
    must_not_clean("HOSTMEM_WATCH=0");
}

/* Who may not raise a thread's priority again has one that is like any other. */
static void clean_without_rights(void *unused)
{
    const struct rlimit none = {0};
    must(setrlimit(RLIMIT_NICE, &none) == 0);
    if (setresuid(65534, 65534, 65534))
        live_child_skip("the right to become another user");
    live_environment(backings[0], SOON, NULL);
    struct hostmem *manager = cleaned_manager();
    int thread = thread_named(SCRUBBER);
    must(thread > 0 && sched_getscheduler(thread) == SCHED_OTHER);
    await_true(sleeps, &thread);
    hostmem_destroy(manager);
    must(thread_named(SCRUBBER) == 0);
}

static void rights_are_not_needed(void **state)
{
    live_in_child(clean_without_rights, NULL);
}

static void a_child_does_not_wait_for_it(void **state)
{
    int status = -1;
    live_environment(backings[0], SOON, NULL);
    struct hostmem *manager = cleaned_manager();
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        alarm(20);
        hostmem_destroy(manager);
        _exit(0);
    }
    must(waitpid(child, &status, 0) == child && status == 0);
    hostmem_destroy(manager);
}

/* -- in each other's way -- */

#define USERS 3

struct user {
    struct hostmem *manager;
    pthread_t thread;
    uint64_t random;
};

/* Commits, in a region of its own, what has been idle long enough to be cleaned at that moment. */
static void *come_and_go(void *argument)
{
    struct user *user = argument;
    char *base = live_reserve(user->manager, 4 * FRAME, 0);
    for (size_t n = live_scaled(300); n; n--) {
        size_t first = live_below(&user->random, 4 * FRAME / PAGE);
        size_t count = 1 + live_below(&user->random, 4 * FRAME / PAGE - first);
        live_commit(user->manager, base + first * PAGE, count * PAGE);
        must(live_is_zero(base + first * PAGE, count * PAGE));
        fill(base + first * PAGE, count * PAGE);
        must(hostmem_decommit(user->manager, base, 0) == 0);
        nanosleep(&(struct timespec){.tv_nsec = (long)live_below(&user->random, 8000000)}, NULL);
    }
    return NULL;
}

static void nobody_sees_it_half_done(void **state)
{
    struct user users[USERS];
    uint64_t seed = live_seed();
    live_environment(backings[0], SOON, NULL);
    struct hostmem *manager = live_manager();
    for (size_t i = 0; i < USERS; i++) {
        users[i] = (struct user){.manager = manager, .random = seed + i};
        must(pthread_create(&users[i].thread, NULL, come_and_go, &users[i]) == 0);
    }
    for (size_t i = 0; i < USERS; i++)
        pthread_join(users[i].thread, NULL);
    print_message("%llu MiB cleaned, %llu zeroed by commits\n",
        (unsigned long long)live_stats(manager).cleaned_bytes / MIB,
        (unsigned long long)live_stats(manager).zeroed_bytes / MIB);
    hostmem_destroy(manager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_released_is_cleaned),
        cmocka_unit_test(what_is_decommitted_is_cleaned),
        cmocka_unit_test(clean_is_preferred),
        cmocka_unit_test(it_sleeps_when_nothing_is_dirty),
        cmocka_unit_test(it_can_be_switched_off),
        cmocka_unit_test(rights_are_not_needed),
        cmocka_unit_test(a_child_does_not_wait_for_it),
        cmocka_unit_test(nobody_sees_it_half_done),
    };
    live_limit_windows();
    live_catch_faults();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
