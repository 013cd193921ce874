/* SPDX-License-Identifier: MIT */
/* Heaps and fork(): the child is told that they are gone, and ends in each way that there is. */
#include "heaps.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3

static struct hostmem_heap *heap;
static void *block;

static void check_child(void)
{
    struct hostmem_heap_stats stats;
    struct hostmem_heap *made;
    char text[10];
    void *got;
    must(hostmem_heap_alloc(heap, 10, HOSTMEM_PROCESS_CRITICAL, &got) == -ENODEV);
    must(hostmem_heap_debug_alloc(heap, 10, HOSTMEM_TASK_CRITICAL, "f", 1, &got) == -ENODEV);
    must(hostmem_heap_free(heap, block) == -ENODEV);
    must(hostmem_heap_free(heap, NULL) == -ENODEV);
    must(hostmem_heap_stats(heap, &stats) == -ENODEV);
    must(hostmem_heap_report(heap, text, sizeof(text)) == 0);
    must(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &made) == -ENODEV);
}

static void destroy_child(void)
{
    hostmem_heap_destroy(heap);
    hostmem_destroy(manager);
}

static void destroy_manager_alone(void)
{
    hostmem_destroy(manager);
}

/* A manager and heaps of its own. */
static void begin_anew(void)
{
    setenv("HOSTMEM_WATCH", "0", 1); /* the thread sanitizer permits no threads here */
    manager = live_manager();
    struct hostmem_heap *own = heaps_new();
    for (int i = 0; i < 1000; i++)
        heaps_fill(heaps_get(own, 1000), 1000, 1);
    hostmem_heap_destroy(own);
    must(live_committed(manager) == 0);
    hostmem_destroy(manager);
}

static void nothing(void)
{
}

static void wait_for(pid_t child)
{
    int status;
    must(child > 0 && waitpid(child, &status, 0) == child);
    must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* With exit(3): libraries end too. */
static void child_does(void (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        check_child();
        what();
        exit(0);
    }
    wait_for(child);
}

static int setup(void **state)
{
    heaps_setup(NULL);
    heap = heaps_new();
    block = heaps_get(heap, 1000);
    heaps_fill(block, 1000, 5);
    return 0;
}

/* The parent's heap is as it was. */
static int teardown(void **state)
{
    must(heaps_filled(block, 1000, 5));
    heaps_put(heap, block);
    must(hostmem_heap_free(heap, block) == -ENXIO);
    hostmem_heap_destroy(heap);
    must(live_committed(manager) == 0);
    return heaps_teardown(NULL);
}

static void children_are_told(void **state)
{
    child_does(nothing);
    child_does(destroy_child);
    child_does(destroy_manager_alone);
    child_does(begin_anew);
}

/* Not what looks for memory of threads that a child has not got. */
static void end_at_once(void)
{
    _exit(0);
}

/* The child's one thread ends as a thread, with the destructors of what pools kept for it. */
static void *fork_in_thread(void *unused)
{
    heaps_get(heap, 100);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        check_child();
        atexit(end_at_once);
        return NULL;
    }
    wait_for(child);
    return NULL;
}

static void a_thread_forks(void **state)
{
    pthread_t thread;
    if (LIVE_THREAD_SANITIZED)
        live_skip("a thread sanitizer in which a child's thread may end");
    must(pthread_create(&thread, NULL, fork_in_thread, NULL) == 0);
    pthread_join(thread, NULL);
}

static _Atomic bool stop;

static void *be_busy(void *argument)
{
    uint64_t state = (uintptr_t)argument;
    while (!atomic_load(&stop)) {
        struct hostmem_heap *own = heaps_new();
        for (int i = 0; i < 100; i++)
            heaps_put(heap, heaps_get(heap, live_below(&state, 100000)));
        heaps_get(own, live_below(&state, 100000));
        hostmem_heap_destroy(own);
    }
    return NULL;
}

/* Whatever the other threads were doing with heaps at that moment. */
static void forked_amid_work(void **state)
{
    pthread_t threads[THREADS];
    atomic_store(&stop, false);
    for (uintptr_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, be_busy, (void *)(i + 1)) == 0);
    for (size_t i = 0; i < live_scaled(100); i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            check_child();
            hostmem_heap_destroy(heap);
            _exit(0);
        }
        wait_for(child);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    live_limit_windows();
    const struct CMUnitTest heap_fork[] = {
        cmocka_unit_test_setup_teardown(children_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_thread_forks, setup, teardown),
        cmocka_unit_test_setup_teardown(forked_amid_work, setup, teardown),
    };
    return cmocka_run_group_tests(heap_fork, NULL, NULL);
}
