/* SPDX-License-Identifier: MIT */
/*
 * Critical requests over several nodes: what another node can give comes before the near reserve,
 * and who waits for memory of one node is served by another where it may be. Runs on shapes where
 * nodes 0 and 1 have memory. The waiting threads judge with must(), the main thread with
 * assertions.
 */
#include "guest.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "pressure.h"

#define HELD 4 /* frames that are held back on each node */
#define MOST (2 * 64)

/* Frames of one node after the other; those of node 0 were asked for there. */
struct heap {
    void *frames[MOST];
    int32_t given[MOST];
    size_t count;
};

static int take(struct heap *heap, enum hostmem_critical level)
{
    struct hostmem_request request = {
        .size = FRAME, .flags = HOSTMEM_COMMIT, .protection = HOSTMEM_PROT_RW, .critical = level};
    struct hostmem_receipt receipt;
    must(heap->count < MOST);
    int error = hostmem_reserve(guest_manager(), &request, &heap->frames[heap->count], &receipt);
    if (error)
        return error;
    must(receipt.node_asked == 0 && receipt.verified == 1);
    must(guest_locate(heap->frames[heap->count], FRAME) == receipt.node_given);
    heap->given[heap->count++] = receipt.node_given;
    return 0;
}

/* Takes until there is no more: how many of node 0 came first, and how many of node 1 then. */
static void assert_takes(
    struct heap *heap, enum hostmem_critical level, size_t of_node_0, size_t of_node_1)
{
    size_t before = heap->count;
    int error;
    while ((error = take(heap, level)) == 0)
        continue;
    assert_int_equal(error, -ENOMEM);
    assert_int_equal(heap->count - before, of_node_0 + of_node_1);
    for (size_t i = before; i < heap->count; i++)
        assert_int_equal(heap->given[i], i - before < of_node_0 ? 0 : 1);
}

static void give_last(struct heap *heap)
{
    must(hostmem_release(guest_manager(), heap->frames[--heap->count]) == 0);
}

static uint64_t waited_for(int node)
{
    struct hostmem_node_stats stats;
    must(hostmem_node_stats(guest_manager(), node, &stats) == 0);
    return stats.waited_bytes;
}

/* Two nodes, huge pages and nothing kept warm, so that each frame is where the kernel says. */
static void two_nodes(const char *reserve, const char *wait)
{
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_set("HOSTMEM_POLICY", "bind:0-1");
    guest_set("HOSTMEM_WARM", "0");
    guest_set("HOSTMEM_RESERVE", reserve);
    guest_set("HOSTMEM_CRITICAL_WAIT_MS", wait);
    guest_set("HOSTMEM_SAMPLE_MS", "60000");
}

/* -- what is held back -- */

static void other_nodes_come_before_the_near_reserve(void **state)
{
    struct heap heap = {.count = 0};
    size_t near = guest_huge_free(0), far = guest_huge_free(1);
    (void)state;
    two_nodes("8M", "0");
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, near - HELD, far - HELD);
    give_last(&heap);
    give_last(&heap);
    assert_int_equal(guest_huge_free(1), HELD + 2);
    assert_int_equal(take(&heap, HOSTMEM_PROCESS_CRITICAL), 0);
    assert_int_equal(take(&heap, HOSTMEM_DOMAIN_CRITICAL), 0);
    assert_int_equal(heap.given[heap.count - 2], 1);
    assert_int_equal(heap.given[heap.count - 1], 1);
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, 0, 0);
    assert_takes(&heap, HOSTMEM_DOMAIN_CRITICAL, HELD / 2, HELD / 2);
    assert_takes(&heap, HOSTMEM_PROCESS_CRITICAL, HELD / 2, HELD / 2);
    assert_int_equal(guest_huge_free(0) + guest_huge_free(1), 0);
}

static void each_node_holds_back_its_own(void **state)
{
    struct heap heap = {.count = 0};
    size_t near = guest_huge_free(0), far = guest_huge_free(1);
    (void)state;
    two_nodes("0=4M,1=12M", "0");
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, near - 2, far - 6);
    assert_takes(&heap, HOSTMEM_DOMAIN_CRITICAL, 1, 3);
    assert_takes(&heap, HOSTMEM_PROCESS_CRITICAL, 1, 3);
}

static void without_spill_the_other_node_is_let_alone(void **state)
{
    struct heap heap = {.count = 0};
    size_t near = guest_huge_free(0), far = guest_huge_free(1);
    (void)state;
    guest_set("HOSTMEM_SPILL", "0");
    two_nodes("8M", "0");
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, near - HELD, 0);
    assert_takes(&heap, HOSTMEM_PROCESS_CRITICAL, HELD, 0);
    assert_int_equal(guest_huge_free(1), far);
}

/* -- waiting -- */

#define LONG "600000"

static void *take_critical(void *heap)
{
    must(take(heap, HOSTMEM_PROCESS_CRITICAL) == 0);
    return NULL;
}

static bool is_waited_for(void *unused)
{
    (void)unused;
    return waited_for(0) > 0;
}

static pthread_t start_waiting(struct heap *waiting)
{
    pthread_t thread;
    waiting->count = 0;
    assert_int_equal(pthread_create(&thread, NULL, take_critical, waiting), 0);
    await_true(is_waited_for, NULL);
    return thread;
}

/* By what was given back, and not by a look once a sample period, which is a minute. */
static void give_and_join(struct heap *heap, pthread_t thread)
{
    uint64_t then = live_now();
    give_last(heap);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(live_now() < then + DEADLINE);
    assert_int_equal(take(heap, HOSTMEM_DOMAIN_CRITICAL), -ENOMEM);
}

/* The frame given back last is of node 1; nobody else gets it meanwhile. */
static void who_waits_is_served_by_the_other_node(void **state)
{
    static struct heap waiting;
    struct heap heap = {.count = 0};
    size_t near = guest_huge_free(0), far = guest_huge_free(1);
    (void)state;
    two_nodes("0", LONG);
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, near, far);
    pthread_t thread = start_waiting(&waiting);
    assert_int_equal(waited_for(1), FRAME);
    give_and_join(&heap, thread);
    assert_int_equal(waiting.given[0], 1);
    assert_int_equal(waited_for(0) + waited_for(1), 0);
    assert_int_equal(guest_huge_free(0) + guest_huge_free(1), 0);
}

static uint64_t run_time(pthread_t thread)
{
    struct timespec time;
    clockid_t clock;
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    assert_int_equal(clock_gettime(clock, &time), 0);
    return (uint64_t)time.tv_sec * 1000 * MS + (uint64_t)time.tv_nsec;
}

/* It sleeps: what its own attempts take and give back is no reason to try again. */
static void who_waits_sleeps(void **state)
{
    static struct heap waiting;
    const struct timespec pause = {.tv_nsec = 500 * 1000 * 1000};
    struct heap heap = {.count = 0};
    size_t near = guest_huge_free(0), far = guest_huge_free(1);
    (void)state;
    two_nodes("0", LONG);
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, near, far);
    pthread_t thread = start_waiting(&waiting);
    uint64_t before = run_time(thread);
    nanosleep(&pause, NULL);
    uint64_t used = run_time(thread) - before;
    print_message("%.1f ms of 500 ms\n", (double)used / 1e6);
    give_and_join(&heap, thread);
    assert_true(used < 100 * MS);
}

/* A frame of node 1 is of no use then; one of node 0 is. */
static void without_spill_it_waits_for_its_node(void **state)
{
    static struct heap waiting;
    struct heap heap = {.count = 0};
    struct hostmem_receipt receipt;
    size_t near = guest_huge_free(0), far = guest_huge_free(1);
    void *other;
    (void)state;
    guest_set("HOSTMEM_SPILL", "0");
    two_nodes("0", LONG);
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, near, 0);
    assert_int_equal(guest_take(1, far * FRAME, &other, &receipt), 0);
    pthread_t thread = start_waiting(&waiting);
    assert_int_equal(waited_for(1), 0);
    assert_int_equal(hostmem_release(guest_manager(), other), 0);
    assert_int_equal(guest_take(1, far * FRAME, &other, &receipt), 0);
    assert_int_equal(waited_for(0), FRAME);
    give_and_join(&heap, thread);
    assert_int_equal(waiting.given[0], 0);
}

/* A commit into a region of node 0 waits as well, and gets node 1's memory on loan. */
static void *commit_critical(void *base)
{
    struct hostmem_receipt receipt;
    must(hostmem_commit(guest_manager(), base, FRAME, HOSTMEM_PROT_RW, HOSTMEM_PROCESS_CRITICAL,
             &receipt) == 0);
    must(receipt.node_given == 1 && guest_locate(base, FRAME) == 1);
    return NULL;
}

static void a_commit_that_waits_gets_a_loan(void **state)
{
    struct hostmem_request request = {.size = FRAME, .protection = HOSTMEM_PROT_RW};
    struct heap heap = {.count = 0};
    size_t near = guest_huge_free(0), far = guest_huge_free(1);
    pthread_t thread;
    void *base;
    (void)state;
    two_nodes("0", LONG);
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
    assert_takes(&heap, HOSTMEM_TASK_CRITICAL, near, far);
    assert_int_equal(pthread_create(&thread, NULL, commit_critical, base), 0);
    await_true(is_waited_for, NULL);
    give_and_join(&heap, thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(other_nodes_come_before_the_near_reserve),
        guest_test(each_node_holds_back_its_own),
        guest_test(without_spill_the_other_node_is_let_alone),
        guest_test(who_waits_is_served_by_the_other_node),
        guest_test(who_waits_sleeps),
        guest_test(without_spill_it_waits_for_its_node),
        guest_test(a_commit_that_waits_gets_a_loan),
    };
    return guest_run(tests);
}
