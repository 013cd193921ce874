/* SPDX-License-Identifier: MIT */
/*
 * The watchers as threads: how many, where, what they block and cost, and how they end: with the
 * manager, from inside of a callback, and in a child after fork(). Many managers come and go.
 */
#include <hostmem/mscoree.h>

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pressure.h"

#define QUICK "HOSTMEM_HOLD_MS=0", "HOSTMEM_LOW_REPEAT_MS=1", "HOSTMEM_SAMPLE_MS=10"

/* -- where they run -- */

/* The socket of a CPU, or -1 of one that is offline. */
static int socket_of(int cpu)
{
    char path[96];
    int socket = -1;
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    if (fscanf(file, "%d", &socket) != 1)
        socket = -1;
    fclose(file);
    return socket;
}

static size_t count_sockets(void)
{
    size_t count = 0;
    for (int socket = 0; socket < 256; socket++) {
        bool found = false;
        for (int cpu = 0; cpu < CPU_SETSIZE && !found; cpu++)
            found = socket_of(cpu) == socket;
        count += found;
    }
    return count;
}

/* Of the CPUs that this process may use, just those of the socket. */
static void assert_pinned(int thread, int socket)
{
    cpu_set_t own, all;
    assert_int_equal(sched_getaffinity(thread, sizeof(own), &own), 0);
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &own))
            assert_int_equal(socket_of(cpu), socket);
        else
            assert_false(CPU_ISSET(cpu, &all) && socket_of(cpu) == socket);
    }
}

static int socket_in_name(int thread)
{
    char path[64], name[32] = "";
    int socket = -1;
    snprintf(path, sizeof(path), "/proc/self/task/%d/comm", thread);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(name, sizeof(name), file));
    fclose(file);
    assert_int_equal(sscanf(name, "hm-watch/%d", &socket), 1);
    return socket;
}

/* All that can be blocked: not KILL and STOP, nor the two that the C library keeps for itself. */
static uint64_t all_signals(void)
{
    uint64_t mask = UINT64_MAX;
    for (int number = 32; number < SIGRTMIN; number++)
        mask &= ~(UINT64_C(1) << (number - 1));
    return mask & ~(UINT64_C(1) << (SIGKILL - 1)) & ~(UINT64_C(1) << (SIGSTOP - 1));
}

static void one_for_each_socket(void **state)
{
    int threads[64];
    size_t files = open_files();
    live_environment(NULL);
    struct hostmem *manager = live_manager();
    size_t count = watcher_threads(COUNT(threads), threads);
    print_message("%zu watchers on %zu sockets\n", count, count_sockets());
    if (hostmem_nodes(manager, 0, NULL) == 1)
        assert_int_equal(count, 1);
    assert_in_range(count, 1, count_sockets());
    for (size_t i = 0; i < count; i++) {
        assert_pinned(threads[i], socket_in_name(threads[i]));
        assert_int_equal(thread_mask(threads[i], "SigBlk:"), all_signals());
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(socket_in_name(threads[i]), socket_in_name(threads[j]));
    }
    hostmem_destroy(manager);
    await_watchers(0);
    assert_int_equal(open_files(), files);
}

/* The caller's own mask stays. */
static void the_callers_signals_stay(void **state)
{
    sigset_t before, after;
    live_environment(NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    hostmem_destroy(live_manager());
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int number = 1; number < SIGRTMAX; number++)
        assert_int_equal(sigismember(&before, number), sigismember(&after, number));
}

/* ns on a CPU so far */
static uint64_t run_time(int thread)
{
    char path[64];
    uint64_t time = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return UINT64_MAX;
    if (fscanf(file, "%lu", &time) != 1)
        time = UINT64_MAX;
    fclose(file);
    return time;
}

#define IDLE_SECONDS 4

static void nothing_costs_next_to_nothing(void **state)
{
    int thread;
    live_environment(NULL);
    struct hostmem *manager = live_manager();
    assert_true(watcher_threads(1, &thread) >= 1);
    uint64_t before = run_time(thread), start = live_now();
    if (before == UINT64_MAX) {
        hostmem_destroy(manager);
        live_skip("/proc/self/task/TID/schedstat");
    }
    nanosleep(&(struct timespec){.tv_sec = IDLE_SECONDS}, NULL);
    uint64_t used = run_time(thread) - before, time = live_now() - start;
    print_message("idle: %.3f ms of %.1f s, %.4f %% of a CPU\n", (double)used / 1e6,
        (double)time / 1e9, 100.0 * (double)used / (double)time);
    if (!LIVE_SANITIZED)
        assert_true(used <= time * 3 / 1000);
    hostmem_destroy(manager);
}

/* -- ended from inside -- */

static void destroy(struct ear *ear)
{
    hostmem_destroy(ear->manager);
    sem_post(ear->with);
}

static void await_event(sem_t *event)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(DEADLINE / (1000 * MS));
    while (sem_clockwait(event, CLOCK_MONOTONIC, &until) != 0)
        must(errno == EINTR);
}

/* Low by foreign ranges is of all nodes together, Low by commits of one node. */
static int make_low(struct hostmem *manager, bool together)
{
    struct hostmem_receipt receipt = {0};
    if (together) {
        must(hostmem_external_acquired(manager, (void *)live_address(0), TIB) == 0);
        return HOSTMEM_NODE_ALL;
    }
    void *at = live_reserve(manager, 31 * FRAME, HOSTMEM_COMMIT);
    must(hostmem_receipt(manager, at, FRAME, &receipt) == 0);
    return receipt.node_given;
}

#define LIMITS "HOSTMEM_POOL=64M"

static void destroyed_from_inside(void **state)
{
    uint64_t huge = live_huge_free();
    size_t files = open_files();
    sem_t done;
    sem_init(&done, 0, 0);
    live_environment(LIMITS, QUICK, NULL);
    for (size_t n = 0; n < 20; n++) {
        struct hostmem *manager = live_manager();
        int node = make_low(manager, n % 2);
        struct ear *ear = ear_subscribed(manager, node), *other = ear_subscribed(manager, node);
        ear_then(ear, destroy, &done); /* Low is repeated */
        await_event(&done);
        await_watchers(0); /* from here on nobody is told anything */
        size_t count = ear_count(other);
        must(live_huge_free_again(huge));
        assert_int_equal(ear_count(other), count);
        ear_free(ear);
        ear_free(other);
    }
    assert_int_equal(open_files(), files);
    sem_destroy(&done);
}

/* -- the face of COM -- */

struct runtime {
    ICLRMemoryNotificationCallback face;
    _Atomic ULONG references;
    _Atomic unsigned calls;
    _Atomic int last;
    IHostMemoryManager *_Atomic release; /* ends it at the next call */
    sem_t called, released, ended;
};

static struct runtime *runtime_of(ICLRMemoryNotificationCallback *face)
{
    return (struct runtime *)face;
}

static HRESULT no_interface(ICLRMemoryNotificationCallback *face, REFIID iid, void **object)
{
    *object = NULL;
    return E_NOINTERFACE;
}

static ULONG runtime_add_ref(ICLRMemoryNotificationCallback *face)
{
    return atomic_fetch_add(&runtime_of(face)->references, 1) + 1;
}

static ULONG runtime_release(ICLRMemoryNotificationCallback *face)
{
    ULONG left = atomic_fetch_sub(&runtime_of(face)->references, 1) - 1;
    if (left == 0)
        sem_post(&runtime_of(face)->ended);
    return left;
}

static HRESULT be_notified(ICLRMemoryNotificationCallback *face, EMemoryAvailable available)
{
    struct runtime *runtime = runtime_of(face);
    IHostMemoryManager *manager = atomic_exchange(&runtime->release, NULL);
    atomic_store(&runtime->last, (int)available);
    atomic_fetch_add(&runtime->calls, 1);
    if (manager) {
        must(IHostMemoryManager_Release(manager) == 0);
        sem_post(&runtime->released);
    }
    sem_post(&runtime->called);
    return S_OK;
}

static const ICLRMemoryNotificationCallbackVtbl runtime_methods = {
    .QueryInterface = no_interface,
    .AddRef = runtime_add_ref,
    .Release = runtime_release,
    .OnMemoryNotification = be_notified,
};

static void runtime_open(struct runtime *runtime)
{
    *runtime = (struct runtime){.face = {.lpVtbl = &runtime_methods}};
    atomic_store(&runtime->references, 1);
    sem_init(&runtime->called, 0, 0);
    sem_init(&runtime->released, 0, 0);
    sem_init(&runtime->ended, 0, 0);
}

static HRESULT enlist(IHostMemoryManager *manager, struct runtime *runtime)
{
    return IHostMemoryManager_RegisterMemoryNotificationCallback(
        manager, runtime ? &runtime->face : NULL);
}

static IHostMemoryManager *com_manager(void)
{
    IHostMemoryManager *manager = NULL;
    must(HostMemCreateManager(&manager) == S_OK);
    return manager;
}

/* One reference is held while it is registered, and during each call one more. */
static void registered_replaced_and_removed(void **state)
{
    struct runtime first, second;
    runtime_open(&first);
    runtime_open(&second);
    live_environment("HOSTMEM_POOL=64M", "HOSTMEM_HOLD_MS=0", NULL);
    IHostMemoryManager *manager = com_manager();
    assert_int_equal(enlist(manager, &first), S_OK);
    await_event(&first.called);
    assert_in_range(atomic_load(&first.last), eMemoryAvailableLow, eMemoryAvailableHigh);
    assert_int_equal(enlist(manager, &second), S_OK);
    assert_int_equal(atomic_load(&first.references), 1);
    await_event(&second.called);
    unsigned calls = atomic_load(&first.calls);
    void *at = NULL;
    assert_int_equal(IHostMemoryManager_VirtualAlloc(manager, NULL, 31 * FRAME,
                         MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, eTaskCritical, &at),
        S_OK);
    if (hostmem_nodes(HostMemFromManager(manager), 0, NULL) == 1) {
        while (atomic_load(&second.last) != eMemoryAvailableLow)
            await_event(&second.called);
    }
    assert_int_equal(atomic_load(&first.calls), calls);
    assert_int_equal(enlist(manager, &second), S_OK); /* the same again */
    await_event(&second.called);
    assert_int_equal(enlist(manager, NULL), S_OK);
    assert_int_equal(atomic_load(&second.references), 1);
    assert_int_equal(enlist(manager, NULL), S_OK);
    assert_int_equal(enlist(manager, &first), S_OK);
    assert_int_equal(IHostMemoryManager_Release(manager), 0);
    assert_int_equal(atomic_load(&first.references), 1);
    await_watchers(0);
}

static void released_from_inside(void **state)
{
    uint64_t huge = live_huge_free();
    size_t files = open_files();
    live_environment(LIMITS, QUICK, NULL);
    for (int n = 0; n < 20; n++) {
        struct runtime runtime;
        runtime_open(&runtime);
        IHostMemoryManager *manager = com_manager();
        make_low(HostMemFromManager(manager), true);
        live_reserve(HostMemFromManager(manager), FRAME, HOSTMEM_COMMIT);
        assert_int_equal(enlist(manager, &runtime), S_OK);
        atomic_store(&runtime.release, manager); /* Low is repeated */
        await_event(&runtime.released);
        unsigned calls = atomic_load(&runtime.calls);
        runtime_release(&runtime.face); /* the test's own; the library's may go after it */
        await_event(&runtime.ended);
        await_watchers(0);
        assert_int_equal(atomic_load(&runtime.calls), calls);
        must(live_huge_free_again(huge));
    }
    assert_int_equal(open_files(), files);
}

/* -- fork -- */

static void *churn(void *context)
{
    struct ear *ear = context;
    _Atomic bool *stop = ear->with;
    while (!atomic_load(stop)) {
        struct hostmem_request request = {
            .size = 31 * FRAME, .node = -1, .flags = HOSTMEM_COMMIT, .protection = 3};
        void *at;
        if (hostmem_reserve(ear->manager, &request, &at, NULL) == 0)
            must(hostmem_release(ear->manager, at) == 0);
    }
    return NULL;
}

/* A callback of no interest but that it takes a while, so that a fork may come in the middle. */
static void dawdle(void *context, const struct hostmem_pressure *pressure)
{
    atomic_fetch_add((_Atomic size_t *)context, 1);
    for (int i = 0; i < 100; i++)
        sched_yield();
}

static void in_the_child(void *argument)
{
    struct ear *ear = argument;
    struct hostmem_subscription *subscription = NULL;
    struct hostmem_load load = {0};
    alarm(20);
    must(hostmem_load(ear->manager, &load) == -ENODEV);
    must(hostmem_node_load(ear->manager, HOSTMEM_NODE_LOCAL, &load) == -ENODEV);
    must(hostmem_subscribe(ear->manager, -3, ear_hear, ear, &subscription) == -ENODEV);
    must(hostmem_external_needs(ear->manager, 1) == -ENODEV);
    hostmem_unsubscribe(ear->manager, ear->subscription);
    hostmem_destroy(ear->manager);
}

static size_t wanted_calls;

static bool was_called(void *calls)
{
    return atomic_load((_Atomic size_t *)calls) > wanted_calls;
}

static void forked_while_callbacks_run(void **state)
{
    _Atomic bool stop = false;
    _Atomic size_t calls = 0;
    pthread_t thread;
    live_environment("HOSTMEM_POOL=64M", QUICK, NULL);
    struct hostmem *manager = live_manager();
    struct ear *ear = ear_new(manager);
    ear->with = &stop;
    must(hostmem_subscribe(manager, -3, dawdle, &calls, &ear->subscription) == 0);
    must(pthread_create(&thread, NULL, churn, ear) == 0);
    for (size_t n = live_scaled(50); n; n--)
        assert_int_equal(live_child(in_the_child, ear, NULL, 0), 0);
    wanted_calls = atomic_load(&calls);
    await_true(was_called, &calls); /* the parent's goes on */
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ear_unsubscribe(ear);
    hostmem_destroy(manager);
    await_watchers(0);
}

/* -- many -- */

static void come_and_go(size_t n)
{
    struct hostmem *manager = live_manager();
    struct ear *ear = ear_subscribed(manager, n % 2 ? HOSTMEM_NODE_ALL : HOSTMEM_NODE_LOCAL);
    if (n % 3 == 0)
        live_reserve(manager, FRAME, HOSTMEM_COMMIT);
    if (n % 4 == 0)
        ear_any(ear);
    if (n % 5 == 0)
        hostmem_unsubscribe(manager, ear->subscription);
    hostmem_destroy(manager);
    ear_free(ear);
}

static void *come_and_go_often(void *rounds)
{
    for (size_t n = *(size_t *)rounds; n; n--)
        come_and_go(n);
    return NULL;
}

static void a_hundred_managers(void **state)
{
    size_t rounds = 100, files = open_files();
    live_environment("HOSTMEM_POOL=8M", QUICK, NULL);
    come_and_go_often(&rounds);
    await_watchers(0);
    assert_int_equal(open_files(), files);
}

static void eight_threads_of_managers(void **state)
{
    size_t rounds = live_scaled(100), files = open_files();
    pthread_t threads[8];
    live_environment("HOSTMEM_POOL=8M", QUICK, NULL);
    for (int i = 0; i < 8; i++)
        must(pthread_create(&threads[i], NULL, come_and_go_often, &rounds) == 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    await_watchers(0);
    assert_int_equal(open_files(), files);
}

static void many_at_once(void **state)
{
    struct hostmem *managers[32];
    struct ear *ears[32];
    live_environment("HOSTMEM_POOL=8M", QUICK, NULL);
    if (LIVE_THREAD_SANITIZED)
        live_skip("address space for so many windows beside the thread sanitizer's");
    for (int i = 0; i < 32; i++)
        ears[i] = ear_subscribed(managers[i] = live_manager(), HOSTMEM_NODE_ALL);
    assert_true(watcher_threads(0, NULL) >= 32);
    for (int i = 0; i < 32; i++)
        ear_any(ears[i]);
    for (int i = 0; i < 32; i++) {
        hostmem_destroy(managers[i]);
        ear_free(ears[i]);
    }
    await_watchers(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_for_each_socket),
        cmocka_unit_test(the_callers_signals_stay),
        cmocka_unit_test(nothing_costs_next_to_nothing),
        cmocka_unit_test(destroyed_from_inside),
        cmocka_unit_test(registered_replaced_and_removed),
        cmocka_unit_test(released_from_inside),
        cmocka_unit_test(forked_while_callbacks_run),
        cmocka_unit_test(a_hundred_managers),
        cmocka_unit_test(eight_threads_of_managers),
        cmocka_unit_test(many_at_once),
    };
    live_limit_windows();
    live_catch_faults();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
