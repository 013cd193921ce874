/* SPDX-License-Identifier: MIT */
/*
 * Heaps and threads: many at once, blocks that another thread frees, and heaps that are destroyed
 * while threads that used them end.
 */
#include "heaps.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4
#define SLOTS   512

/* -- many threads -- */

static struct hostmem_heap *shared;
static _Atomic(void *) slots[SLOTS]; /* blocks on their way from one thread to another */

/* Each byte of a block is its first one. */
static void check_and_free(void *block)
{
    size_t size = ((size_t *)block)[0];
    must(size >= 16 && heaps_filled((char *)block + 8, size - 8, (unsigned)size));
    heaps_put(shared, block);
}

static void *exchange(void *argument)
{
    uint64_t state = (uintptr_t)argument;
    for (size_t i = 0; i < live_scaled(200000); i++) {
        size_t size = 16 + live_below(&state, live_one_in(&state, 100) ? 100000 : 1000);
        char *block = heaps_get(shared, size);
        ((size_t *)(void *)block)[0] = size;
        heaps_fill(block + 8, size - 8, (unsigned)size);
        void *old = atomic_exchange(&slots[live_below(&state, SLOTS)], block);
        if (old)
            check_and_free(old);
    }
    return NULL;
}

static void blocks_change_threads(void **state)
{
    pthread_t threads[THREADS];
    shared = heaps_new();
    for (uintptr_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, exchange, (void *)(i + 1)) == 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i])
            check_and_free(atomic_exchange(&slots[i], NULL));
    hostmem_heap_destroy(shared);
    assert_int_equal(live_committed(manager), 0);
}

static void *live_and_die(void *argument)
{
    uint64_t state = (uintptr_t)argument;
    for (size_t i = 0; i < live_scaled(400); i++) {
        struct hostmem_heap *heap = heaps_new();
        for (size_t count = live_below(&state, 200); count > 0; count--)
            heaps_fill(heaps_get(heap, live_below(&state, 3000)), 0, 1);
        hostmem_heap_destroy(heap);
    }
    return NULL;
}

static void heaps_come_and_go(void **state)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, live_and_die, (void *)(i + 1)) == 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(live_committed(manager), 0);
}

/* -- threads that end while heaps are destroyed -- */

#define DYING 3

static struct hostmem_heap *dying[DYING];
static _Atomic size_t users;

/* Its data of all the pools is destroyed when it ends, which is at the moment of the report. */
static void *use_and_end(void *unused)
{
    for (size_t i = 0; i < DYING; i++)
        for (size_t size = 1; size < 8000; size += size / 4 + 15)
            heaps_get(dying[i], size);
    atomic_fetch_add(&users, 1);
    return NULL;
}

static void destroyed_while_threads_end(void **state)
{
    pthread_t threads[THREADS];
    uint64_t seed = live_seed();
    for (size_t round = 0; round < live_scaled(3000); round++) {
        atomic_store(&users, 0);
        for (size_t i = 0; i < DYING; i++)
            dying[i] = heaps_new();
        for (size_t i = 0; i < THREADS; i++)
            must(pthread_create(&threads[i], NULL, use_and_end, NULL) == 0);
        while (atomic_load(&users) < THREADS)
            ;
        for (size_t spin = live_below(&seed, 30000); spin > 0; spin--)
            atomic_signal_fence(memory_order_seq_cst);
        for (size_t i = 0; i < DYING; i++)
            hostmem_heap_destroy(dying[i]);
        for (size_t i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    assert_int_equal(live_committed(manager), 0);
}

/* -- heaps in destructors -- */

static pthread_key_t key;
static _Atomic int calls, refusals;

struct end {
    bool used;   /* it has used a heap before it ends */
    void *value; /* of the key */
    int rounds;  /* of destructors, so far */
};

/* Allocates in three rounds. The fourth one is a sanitizer's. */
static void allocate_again(void *value)
{
    struct end *end = value;
    void *block;
    int error = hostmem_heap_alloc(shared, 100, HOSTMEM_TASK_CRITICAL, &block);
    must(error == 0 || error == -EAGAIN);
    if (error)
        refusals++;
    else
        heaps_put(shared, block);
    calls++;
    if (++end->rounds < 3)
        pthread_setspecific(key, end);
}

static void destroy_one(void *heap)
{
    hostmem_heap_destroy(heap);
    calls++;
}

static void *end_with(void *argument)
{
    struct end *end = argument;
    if (end->used)
        heaps_put(shared, heaps_get(shared, 10));
    must(pthread_setspecific(key, end->value) == 0);
    return NULL;
}

static void run_ends(struct end *ends, size_t count)
{
    pthread_t threads[2 * THREADS];
    for (size_t i = 0; i < count; i++)
        must(pthread_create(&threads[i], NULL, end_with, &ends[i]) == 0);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* In the first round it works; later it is refused. The next destruction waits for nobody. */
static void destructors_may_allocate(void **state)
{
    struct end ends[] = {
        {true, &ends[0], 0}, {true, &ends[1], 0}, {false, &ends[2], 0}, {false, &ends[3], 0}};
    shared = heaps_new();
    must(pthread_key_create(&key, allocate_again) == 0);
    calls = refusals = 0;
    /* Who begins in a destructor needs the fourth round, which is the thread sanitizer's. */
    for (size_t i = 0; i < COUNT(ends); i++)
        ends[i].used |= LIVE_THREAD_SANITIZED;
    run_ends(ends, COUNT(ends));
    assert_int_equal(calls, 3 * (int)COUNT(ends));
    assert_true(refusals > 0 && refusals <= 2 * (int)COUNT(ends));
    hostmem_heap_destroy(shared);
    pthread_key_delete(key);
    assert_int_equal(live_committed(manager), 0);
}

/* All at once, each of them while the others are leaving. */
static void destructors_may_destroy(void **state)
{
    struct end ends[2 * THREADS];
    must(pthread_key_create(&key, destroy_one) == 0);
    for (size_t round = 0; round < live_scaled(200); round++) {
        shared = heaps_new();
        calls = 0;
        for (size_t i = 0; i < COUNT(ends); i++) {
            ends[i] = (struct end){i % 2, heaps_new(), 0};
            heaps_get(ends[i].value, 100);
        }
        run_ends(ends, COUNT(ends));
        assert_int_equal(calls, COUNT(ends));
        hostmem_heap_destroy(shared);
    }
    pthread_key_delete(key);
    assert_int_equal(live_committed(manager), 0);
}

#define HEAP_TEST(name) cmocka_unit_test_setup_teardown(name, heaps_setup, heaps_teardown)

int main(void)
{
    live_limit_windows();
    const struct CMUnitTest heap_threads[] = {
        HEAP_TEST(blocks_change_threads),
        HEAP_TEST(heaps_come_and_go),
        HEAP_TEST(destroyed_while_threads_end),
        HEAP_TEST(destructors_may_allocate),
        HEAP_TEST(destructors_may_destroy),
    };
    return cmocka_run_group_tests(heap_threads, NULL, NULL);
}
