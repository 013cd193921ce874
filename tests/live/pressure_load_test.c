/* SPDX-License-Identifier: MIT */
/*
 * The load: against a plain reading of the kernel's files, after commits, with foreign ranges, and
 * in places where nothing but memory may be touched: signal handlers, under a filter that kills at
 * any system call, and while a thread that commits is stopped wherever it happens to be.
 */
#include <hostmem/mscoree.h>

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pressure.h"

#define SLACK (96 * MIB) /* what the machine does beside the test, within milliseconds */

static struct hostmem_load load_of(struct hostmem *manager)
{
    struct hostmem_load load = {.percent = 4711};
    must(hostmem_load(manager, &load) == 0);
    must(load.percent <= 100);
    return load;
}

static struct hostmem_load node_load_of(struct hostmem *manager, int node)
{
    struct hostmem_load load = {.percent = 4711};
    must(hostmem_node_load(manager, node, &load) == 0);
    must(load.percent <= 100);
    return load;
}

/* -- the same files, read plainly -- */

static uint64_t field(const char *path, const char *name, uint64_t otherwise)
{
    char line[256];
    uint64_t value = otherwise;
    FILE *file = fopen(path, "re");
    if (!file)
        return otherwise;
    while (fgets(line, sizeof(line), file)) {
        char *at = strstr(line, name);
        if (at && sscanf(at + strlen(name), " %lu", &value) == 1)
            break;
    }
    fclose(file);
    return value;
}

#define MEMINFO "/proc/meminfo"

static uint64_t total_bytes(void)
{
    return field(MEMINFO, "MemTotal:", 0) * KIB;
}

/* Free huge pages can be had as well, of the default size: the tests reserve no others. */
static uint64_t available_bytes(void)
{
    uint64_t huge = field(MEMINFO, "HugePages_Free:", 0) * field(MEMINFO, "Hugepagesize:", 0);
    return (field(MEMINFO, "MemAvailable:", 0) + huge) * KIB;
}

static bool near(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= SLACK;
}

/* What the machine does meanwhile may be more than the slack, but not each time. */
static bool figures_agree(struct hostmem *manager)
{
    uint64_t before = available_bytes();
    struct hostmem_load load = load_of(manager);
    uint64_t after = available_bytes(), total = total_bytes();
    unsigned percent = (unsigned)((total - before) * 100 / total);
    if (!near(before, after) || load.limit != HOSTMEM_LIMIT_MEMORY)
        return false;
    return near(load.available_bytes, before) && load.percent + 1 >= percent &&
           load.percent <= percent + 2;
}

static void figures_of_the_files(void)
{
    struct hostmem *manager = live_manager();
    bool agree = false, whole = load_of(manager).limit == HOSTMEM_LIMIT_MEMORY;
    bool one = hostmem_nodes(manager, 0, NULL) == 1;
    for (int i = 0; i < 10 && whole && !agree; i++) {
        hostmem_destroy(manager); /* a new one has a new sample */
        manager = live_manager();
        agree = figures_agree(manager);
    }
    hostmem_destroy(manager);
    if (!whole || !one)
        live_skip("a machine of one node whose memory is limited by no cgroup");
    assert_true(agree);
}

static void figures_with_watchers(void **state)
{
    live_environment(NULL);
    figures_of_the_files();
}

static void figures_without_watchers(void **state)
{
    live_environment("HOSTMEM_WATCH=0", NULL);
    figures_of_the_files();
}

/* -- after commits -- */

static void commits_show_at_once(void)
{
    struct hostmem *manager = live_manager();
    char *base = live_reserve(manager, 32 * FRAME, 0);
    live_commit(manager, base, FRAME);
    struct hostmem_receipt receipt = {0};
    must(hostmem_receipt(manager, base, FRAME, &receipt) == 0);
    struct hostmem_load last = node_load_of(manager, receipt.node_given);
    for (size_t i = 1; i < 32; i++) {
        live_commit(manager, base + i * FRAME, FRAME);
        struct hostmem_load load = node_load_of(manager, receipt.node_given);
        assert_int_equal(load.limit, i >= 30 ? HOSTMEM_LIMIT_POOL : load.limit);
        assert_true(load.percent >= last.percent);
        assert_int_equal(last.available_bytes - load.available_bytes, FRAME);
        last = load;
    }
    assert_int_equal(last.percent, 100);
    assert_int_equal(last.available_bytes, 0);
    must(hostmem_release(manager, base) == 0);
    assert_int_equal(node_load_of(manager, receipt.node_given).available_bytes, 32 * FRAME);
    hostmem_destroy(manager);
}

static void commits_show(void **state)
{
    live_environment("HOSTMEM_POOL=64M", "HOSTMEM_SAMPLE_MS=60000", NULL);
    commits_show_at_once();
    live_environment("HOSTMEM_POOL=64M", "HOSTMEM_WATCH=0", NULL);
    commits_show_at_once();
}

/* Whether 64 frames show in the figures of the memory as well, and are gone from there again. A
 * look of the watcher in the middle of the commit may see it by half. */
static bool frames_show(struct hostmem *manager)
{
    struct hostmem_load before = load_of(manager);
    void *at = live_reserve(manager, 64 * FRAME, HOSTMEM_COMMIT);
    struct hostmem_load with = load_of(manager);
    must(hostmem_release(manager, at) == 0);
    struct hostmem_load after = load_of(manager);
    return with.percent >= before.percent && with.available_bytes < before.available_bytes &&
           before.available_bytes - with.available_bytes >= 64 * FRAME - SLACK / 4 &&
           after.available_bytes > with.available_bytes;
}

/* The watcher looks when it begins, and then not for a minute. */
static void commits_show_between_samples(void **state)
{
    bool shown = false;
    live_environment("HOSTMEM_SAMPLE_MS=60000", "HOSTMEM_BACKING=hugetlb", NULL);
    struct hostmem *manager = live_manager();
    for (int i = 0; i < 10 && !shown; i++)
        shown = frames_show(manager);
    hostmem_destroy(manager);
    assert_true(shown);
}

/* -- where nothing may be called -- */

static const int allowed[] = {SYS_write, SYS_exit_group, SYS_rt_sigreturn, SYS_tgkill, SYS_gettid,
    SYS_getpid, SYS_rt_sigprocmask, -1};
static struct hostmem *asked;
static volatile sig_atomic_t answers;

static void ask(int number)
{
    for (int i = 0; i < 1000; i++) {
        load_of(asked);
        node_load_of(asked, HOSTMEM_NODE_LOCAL);
    }
    answers++;
}

static void ask_from_a_handler(void *argument)
{
    struct sigaction action = {.sa_handler = ask};
    live_environment("HOSTMEM_SAMPLE_MS=10", NULL);
    must(sigaction(SIGUSR1, &action, NULL) == 0);
    asked = live_manager();
    live_allow_only(allowed);
    ask(0); /* also before the watcher had its first look */
    for (int i = 0; i < 100; i++)
        raise(SIGUSR1);
    must(answers == 101);
    _exit(0);
}

static void no_system_call(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer makes system calls of its own");
    for (size_t n = live_scaled(50); n; n--)
        assert_int_equal(live_child(ask_from_a_handler, NULL, NULL, 0), 0);
}

/* Without watchers files are read, and the filter sees it. */
static void ask_without_watchers(void *argument)
{
    live_environment("HOSTMEM_WATCH=0", NULL);
    asked = live_manager();
    live_allow_only(allowed);
    load_of(asked);
}

static void the_filter_works(void **state)
{
    assert_int_equal(live_child(ask_without_watchers, NULL, NULL, 0), 128 + SIGSYS);
}

/* -- while a thread is stopped -- */

static sem_t stopped, may_go_on;
static _Atomic bool over;

static void stop_here(int number)
{
    sem_post(&stopped);
    while (sem_wait(&may_go_on) != 0)
        continue;
}

static void *commit_on(void *context)
{
    struct hostmem *manager = context;
    while (!atomic_load(&over)) {
        char *at = live_reserve(manager, 3 * FRAME, HOSTMEM_COMMIT);
        must(hostmem_external_acquired(manager, at, FRAME) == 0);
        must(hostmem_external_released(manager, at) == 0);
        must(hostmem_release(manager, at) == 0);
    }
    return NULL;
}

static void while_a_thread_is_stopped(void *argument)
{
    struct sigaction action = {.sa_handler = stop_here};
    pthread_t thread;
    alarm(60); /* a load that waits does not hold */
    live_environment("HOSTMEM_SAMPLE_MS=10", NULL);
    must(sigaction(SIGUSR1, &action, NULL) == 0);
    sem_init(&stopped, 0, 0);
    sem_init(&may_go_on, 0, 0);
    struct hostmem *manager = live_manager();
    must(pthread_create(&thread, NULL, commit_on, manager) == 0);
    for (size_t n = live_scaled(2000); n; n--) {
        pthread_kill(thread, SIGUSR1);
        while (sem_wait(&stopped) != 0)
            continue;
        load_of(manager);
        node_load_of(manager, HOSTMEM_NODE_LOCAL);
        sem_post(&may_go_on);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    hostmem_destroy(manager);
}

static void never_waits(void **state)
{
    if (LIVE_THREAD_SANITIZED)
        live_skip("the thread sanitizer delays signals to where nothing is held");
    live_in_child(while_a_thread_is_stopped, NULL);
}

/* -- foreign ranges -- */

static IHostMemoryManager *com_manager(void)
{
    IHostMemoryManager *manager = NULL;
    must(HostMemCreateManager(&manager) == S_OK);
    return manager;
}

static void *place(size_t mib)
{
    return (void *)(live_address(0) + mib * MIB);
}

static void needs_and_limit(void **state)
{
    live_environment("HOSTMEM_EXTERNAL_MAX=64M", "HOSTMEM_SAMPLE_MS=60000", NULL);
    IHostMemoryManager *m = com_manager();
    struct hostmem *manager = HostMemFromManager(m);
    assert_int_equal(IHostMemoryManager_NeedsVirtualAddressSpace(m, NULL, 64 * MIB), S_OK);
    assert_int_equal(
        IHostMemoryManager_NeedsVirtualAddressSpace(m, NULL, 64 * MIB + 1), E_OUTOFMEMORY);
    assert_int_equal(IHostMemoryManager_AcquiredVirtualAddressSpace(m, place(0), 60 * MIB), S_OK);
    assert_int_equal(
        IHostMemoryManager_NeedsVirtualAddressSpace(m, place(64), 8 * MIB), E_OUTOFMEMORY);
    assert_int_equal(IHostMemoryManager_NeedsVirtualAddressSpace(m, place(64), 4 * MIB), S_OK);
    /* What is there counts in any case, and stops no commit of ours. */
    assert_int_equal(IHostMemoryManager_AcquiredVirtualAddressSpace(m, place(100), 60 * MIB), S_OK);
    assert_int_equal(IHostMemoryManager_NeedsVirtualAddressSpace(m, NULL, 1), E_OUTOFMEMORY);
    assert_true(load_of(manager).percent < 100 && load_of(manager).available_bytes > 64 * MIB);
    assert_int_equal(IHostMemoryManager_ReleasedVirtualAddressSpace(m, place(0)), S_OK);
    assert_int_equal(IHostMemoryManager_ReleasedVirtualAddressSpace(m, place(100)), S_OK);
    assert_int_equal(IHostMemoryManager_NeedsVirtualAddressSpace(m, NULL, 64 * MIB), S_OK);
    IHostMemoryManager_Release(m);
}

static void foreign_ranges_are_used_memory(void **state)
{
    live_environment("HOSTMEM_SAMPLE_MS=60000", NULL);
    IHostMemoryManager *m = com_manager();
    struct hostmem *manager = HostMemFromManager(m);
    struct ear *ear = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    ear_any(ear);
    struct hostmem_load before = load_of(manager);
    size_t half = before.available_bytes / 2 / PAGE * PAGE;
    assert_int_equal(IHostMemoryManager_AcquiredVirtualAddressSpace(m, place(0), half), S_OK);
    struct hostmem_load with = load_of(manager);
    assert_true(near(before.available_bytes - with.available_bytes, half));
    assert_true(with.percent > before.percent);
    assert_int_equal(IHostMemoryManager_ReleasedVirtualAddressSpace(m, place(0)), S_OK);
    assert_true(near(load_of(manager).available_bytes, before.available_bytes));
    ear_unsubscribe(ear);
    IHostMemoryManager_Release(m);
}

/* A foreign range can be what makes the machine short. */
static void foreign_ranges_are_announced(void **state)
{
    live_environment("HOSTMEM_SAMPLE_MS=20", "HOSTMEM_HOLD_MS=0", NULL);
    struct hostmem *manager = live_manager();
    struct ear *ear = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    ear_any(ear);
    must(hostmem_external_acquired(manager, place(0), TIB) == 0);
    assert_int_equal(ear_low(ear).load.percent, 100);
    must(hostmem_external_released(manager, place(0)) == 0);
    ear_relief(ear);
    ear_unsubscribe(ear);
    hostmem_destroy(manager);
}

static void wrong_arguments(void **state)
{
    struct hostmem_load load = {.percent = 4711};
    live_environment(NULL);
    struct hostmem *manager = live_manager();
    assert_int_equal(hostmem_load(NULL, &load), -EINVAL);
    assert_int_equal(hostmem_load(manager, NULL), -EINVAL);
    assert_int_equal(hostmem_node_load(manager, 1023, &load), -EINVAL);
    assert_int_equal(hostmem_node_load(manager, HOSTMEM_NODE_ALL, &load), -EINVAL);
    assert_int_equal(hostmem_external_needs(NULL, 1), -EINVAL);
    assert_int_equal(hostmem_external_acquired(manager, (void *)-PAGE, 2 * PAGE), -EINVAL);
    assert_int_equal(load.percent, 4711);
    hostmem_destroy(manager);
}

/* -- huge pages alone -- */

static void huge_pages_are_the_limit(void **state)
{
    live_environment("HOSTMEM_BACKING=hugetlb", "HOSTMEM_SAMPLE_MS=20", "HOSTMEM_HOLD_MS=0",
        "HOSTMEM_RESERVE=0", NULL);
    uint64_t pages = live_huge_free();
    struct hostmem *manager = live_manager();
    if (load_of(manager).limit == HOSTMEM_LIMIT_CGROUP)
        live_skip("a machine whose huge pages are limited by no cgroup");
    struct ear *ear = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    assert_int_equal(ear_any(ear).level, HOSTMEM_HIGH);
    void *all = live_reserve(manager, pages * FRAME, HOSTMEM_COMMIT);
    struct hostmem_pressure low = ear_low(ear);
    assert_int_equal(low.load.limit, HOSTMEM_LIMIT_HUGE_PAGES);
    assert_int_equal(load_of(manager).percent, 100);
    assert_int_equal(load_of(manager).available_bytes, 0);
    must(hostmem_release(manager, all) == 0);
    ear_relief(ear);
    assert_int_equal(load_of(manager).available_bytes, pages * FRAME);
    ear_unsubscribe(ear);
    hostmem_destroy(manager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_with_watchers),
        cmocka_unit_test(figures_without_watchers),
        cmocka_unit_test(commits_show),
        cmocka_unit_test(commits_show_between_samples),
        cmocka_unit_test(the_filter_works),
        cmocka_unit_test(no_system_call),
        cmocka_unit_test(never_waits),
        cmocka_unit_test(needs_and_limit),
        cmocka_unit_test(foreign_ranges_are_used_memory),
        cmocka_unit_test(foreign_ranges_are_announced),
        cmocka_unit_test(huge_pages_are_the_limit),
        cmocka_unit_test(wrong_arguments),
    };
    live_limit_windows();
    live_catch_faults();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
