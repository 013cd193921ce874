/* SPDX-License-Identifier: MIT */
/*
 * Critical requests on real huge pages: what is held back of those that are free, and process
 * critical requests that wait for what another thread, another process, or a subscriber that hears
 * Low gives back.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pressure.h"

#define HUGE     "HOSTMEM_BACKING=hugetlb"
#define NO_WAIT  "HOSTMEM_CRITICAL_WAIT_MS=0"
#define LONG     "HOSTMEM_CRITICAL_WAIT_MS=600000"
#define HELD     4 /* frames */
#define HOLD     "HOSTMEM_RESERVE=8M"
#define HOLD_NOT "HOSTMEM_RESERVE=0"
#define MOST     256

struct heap {
    struct hostmem *manager;
    void *frames[MOST];
    size_t count;
};

static int take(struct heap *heap, enum hostmem_critical level)
{
    struct hostmem_request request = {.size = FRAME,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW,
        .critical = level};
    must(heap->count < MOST);
    int error = hostmem_reserve(heap->manager, &request, &heap->frames[heap->count], NULL);
    heap->count += !error;
    return error;
}

static size_t take_all(struct heap *heap, enum hostmem_critical level)
{
    size_t before = heap->count;
    int error;
    while ((error = take(heap, level)) == 0)
        ;
    must(error == -ENOMEM);
    return heap->count - before;
}

static void give_one(struct heap *heap)
{
    must(hostmem_release(heap->manager, heap->frames[--heap->count]) == 0);
}

static void end(struct heap *heap)
{
    hostmem_destroy(heap->manager);
    heap->count = 0;
}

static void free_pages_are_held_back(void **state)
{
    live_environment(HUGE, HOLD, NO_WAIT, "HOSTMEM_WARM=0", NULL);
    uint64_t free = live_huge_free();
    struct heap heap = {.manager = live_manager()};
    assert_int_equal(live_stats(heap.manager).reserve_bytes, HELD * FRAME);
    assert_int_equal(take_all(&heap, HOSTMEM_TASK_CRITICAL), free - HELD);
    assert_int_equal(live_huge_free(), HELD);
    assert_int_equal(take_all(&heap, HOSTMEM_DOMAIN_CRITICAL), HELD / 2);
    assert_int_equal(take_all(&heap, HOSTMEM_TASK_CRITICAL), 0);
    assert_int_equal(take_all(&heap, HOSTMEM_PROCESS_CRITICAL), HELD / 2);
    assert_int_equal(live_huge_free(), 0);
    give_one(&heap);
    assert_int_equal(take_all(&heap, HOSTMEM_DOMAIN_CRITICAL), 0);
    assert_int_equal(take_all(&heap, HOSTMEM_PROCESS_CRITICAL), 1);
    end(&heap);
}

/* Idle frames are no reserve lost: they are drained for who may have more. */
static void warm_memory_is_not_in_the_way(void **state)
{
    live_environment(HUGE, HOLD, NO_WAIT, NULL);
    uint64_t free = live_huge_free();
    struct heap heap = {.manager = live_manager()};
    void *all = live_reserve(heap.manager, (free - HELD) * FRAME, HOSTMEM_COMMIT);
    must(hostmem_release(heap.manager, all) == 0);
    assert_int_equal(live_warm(heap.manager), (free - HELD) * FRAME);
    assert_int_equal(take_all(&heap, HOSTMEM_TASK_CRITICAL), free - HELD);
    assert_int_equal(take_all(&heap, HOSTMEM_PROCESS_CRITICAL), HELD);
    end(&heap);
}

/* -- waiting -- */

static void *take_critical(void *heap)
{
    must(take(heap, HOSTMEM_PROCESS_CRITICAL) == 0);
    return NULL;
}

static bool is_waited_for(void *manager)
{
    return live_stats(manager).waited_bytes > 0;
}

/* A thread that waits for a frame, on a heap of its own over the same manager. */
static pthread_t start_waiting(struct heap *waiting, struct hostmem *manager)
{
    pthread_t thread;
    *waiting = (struct heap){.manager = manager};
    must(pthread_create(&thread, NULL, take_critical, waiting) == 0);
    await_true(is_waited_for, manager);
    return thread;
}

static void a_thread_gives_back(void **state)
{
    static struct heap waiting;
    live_environment(HUGE, HOLD_NOT, LONG, "HOSTMEM_SAMPLE_MS=60000", NULL);
    struct heap heap = {.manager = live_manager()};
    must(take_all(&heap, HOSTMEM_TASK_CRITICAL) > 0);
    pthread_t thread = start_waiting(&waiting, heap.manager);
    must(take(&heap, HOSTMEM_DOMAIN_CRITICAL) == -ENOMEM);
    give_one(&heap);
    pthread_join(thread, NULL);
    must(take(&heap, HOSTMEM_DOMAIN_CRITICAL) == -ENOMEM);
    must(live_stats(heap.manager).waited_bytes == 0);
    end(&heap);
}

static uint64_t run_time(pthread_t thread)
{
    struct timespec time;
    clockid_t clock;
    must(pthread_getcpuclockid(thread, &clock) == 0 && clock_gettime(clock, &time) == 0);
    return (uint64_t)time.tv_sec * 1000 * MS + (uint64_t)time.tv_nsec;
}

/* What its own attempts take and give back is no reason to try again. */
static void who_waits_sleeps(void **state)
{
    static struct heap waiting;
    live_environment(HUGE, HOLD_NOT, LONG, "HOSTMEM_SAMPLE_MS=60000", "HOSTMEM_WARM=0", NULL);
    struct heap heap = {.manager = live_manager()};
    must(take_all(&heap, HOSTMEM_TASK_CRITICAL) > 0);
    pthread_t thread = start_waiting(&waiting, heap.manager);
    uint64_t before = run_time(thread);
    nanosleep(&(struct timespec){.tv_nsec = 300 * 1000 * 1000}, NULL);
    must(run_time(thread) - before < 60 * MS);
    give_one(&heap);
    pthread_join(thread, NULL);
    end(&heap);
}

/* Holds a huge page until the pipe is closed. */
static pid_t start_holder(int ends[2])
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
    int ready[2];
    char byte = 0;
    must(pipe(ends) == 0 && pipe(ready) == 0);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        close(ends[1]);
        char *page = mmap(NULL, FRAME, PROT_READ | PROT_WRITE, flags, -1, 0);
        must(page != MAP_FAILED);
        page[0] = 1;
        must(write(ready[1], &byte, 1) == 1);
        must(read(ends[0], &byte, 1) == 0);
        _exit(0);
    }
    must(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void a_process_gives_back(void **state)
{
    static struct heap waiting;
    int ends[2], status;
    pid_t holder = start_holder(ends);
    live_environment(HUGE, HOLD_NOT, LONG, "HOSTMEM_SAMPLE_MS=20", NULL);
    struct heap heap = {.manager = live_manager()};
    must(take_all(&heap, HOSTMEM_TASK_CRITICAL) > 0);
    pthread_t thread = start_waiting(&waiting, heap.manager);
    close(ends[1]);
    must(waitpid(holder, &status, 0) == holder && status == 0);
    pthread_join(thread, NULL);
    close(ends[0]);
    end(&heap);
}

static void give_from_inside(struct ear *ear)
{
    give_one(ear->with);
}

static void a_collector_gives_back(void **state)
{
    live_environment(HUGE, HOLD_NOT, LONG, "HOSTMEM_SAMPLE_MS=60000", "HOSTMEM_HOLD_MS=0",
        "HOSTMEM_LOW_ENTER=100", "HOSTMEM_LOW_LEAVE=100", NULL);
    struct heap heap = {.manager = live_manager()};
    struct ear *ear = ear_subscribed(heap.manager, HOSTMEM_NODE_ALL);
    static struct heap critical;
    ear_any(ear);
    size_t all = take_all(&heap, HOSTMEM_TASK_CRITICAL);
    must(all > 0);
    ear_low(ear);
    /* The level is Low by now, so nothing new is to be told at once: the next to hear is new. */
    struct ear *collector = ear_new(heap.manager);
    critical = (struct heap){.manager = heap.manager};
    pthread_t thread = start_waiting(&critical, heap.manager);
    ear_then(collector, give_from_inside, &heap);
    must(hostmem_subscribe(
             heap.manager, HOSTMEM_NODE_ALL, ear_hear, collector, &collector->subscription) == 0);
    pthread_join(thread, NULL);
    must(heap.count == all - 1);
    ear_unsubscribe(collector);
    ear_unsubscribe(ear);
    end(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_pages_are_held_back),
        cmocka_unit_test(warm_memory_is_not_in_the_way),
        cmocka_unit_test(a_thread_gives_back),
        cmocka_unit_test(who_waits_sleeps),
        cmocka_unit_test(a_process_gives_back),
        cmocka_unit_test(a_collector_gives_back),
    };
    live_limit_windows();
    live_catch_faults();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
