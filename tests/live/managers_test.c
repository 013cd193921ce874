/* SPDX-License-Identifier: MIT */
/*
 * Many managers and many threads: managers know nothing of each other, may be created and destroyed
 * by several threads at once, and one manager may be used by several threads at once.
 */
#include <hostmem/mscoree.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "live.h"

#define THREADS 8

struct actor {
    size_t index;
    uint64_t random;
    struct hostmem *manager;
};

static void run_threads(void *(*body)(void *), struct hostmem *manager, uint64_t seed)
{
    struct actor actors[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        actors[i] = (struct actor){i, seed + i, manager};
        must(pthread_create(&threads[i], NULL, body, &actors[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void fill(char *at, size_t size, char byte)
{
    memset(at, byte, size);
}

/* -- several managers -- */

static void managers_are_apart(void **state)
{
    struct hostmem *managers[4];
    char *at[4];
    live_environment(NULL);
    for (size_t i = 0; i < 4; i++) {
        managers[i] = live_manager();
        at[i] = live_reserve(managers[i], 2 * FRAME, HOSTMEM_COMMIT);
        fill(at[i], 2 * FRAME, (char)(i + 1));
    }
    for (size_t i = 0; i < 4; i++) {
        struct hostmem *other = managers[(i + 1) % 4];
        assert_int_equal(hostmem_release(other, at[i]), -ENXIO);
        assert_int_equal(hostmem_decommit(other, at[i], PAGE), -ENXIO);
        assert_int_equal(hostmem_commit(other, at[i], PAGE, 3, 0, NULL), -EADDRNOTAVAIL);
        assert_int_equal(live_committed(managers[i]), 2 * FRAME);
    }
    for (size_t i = 0; i < 4; i += 2)
        hostmem_destroy(managers[i]);
    for (size_t i = 1; i < 4; i += 2) {
        for (size_t j = 0; j < 2 * FRAME; j += 64)
            assert_int_equal(at[i][j], i + 1);
        hostmem_destroy(managers[i]);
    }
}

/* Another manager's memory is foreign, and is described as what it is to the kernel. */
static void foreign_memory_is_seen(void **state)
{
    struct hostmem_info info = {0};
    live_environment("HOSTMEM_BACKING=thp", NULL);
    struct hostmem *a = live_manager(), *b = live_manager();
    char *at = live_reserve(a, FRAME, HOSTMEM_COMMIT);
    assert_int_equal(hostmem_query(b, at, &info), 0);
    assert_int_equal(info.state, HOSTMEM_COMMITTED);
    assert_int_equal(info.type, HOSTMEM_PRIVATE);
    hostmem_destroy(a);
    assert_int_equal(hostmem_query(b, at, &info), 0);
    assert_int_equal(info.state, HOSTMEM_FREE);
    hostmem_destroy(b);
}

/* -- threads that make and end managers -- */

static void *come_and_go(void *argument)
{
    struct actor *actor = argument;
    for (size_t n = live_scaled(40); n; n--) {
        IHostMemoryManager *manager = NULL;
        void *at = NULL;
        must(HostMemCreateManager(&manager) == S_OK);
        must(IHostMemoryManager_VirtualAlloc(manager, NULL, GRANULE * (1 + actor->index * 9),
                 MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, eTaskCritical, &at) == S_OK);
        fill(at, GRANULE, 1);
        must(IHostMemoryManager_AddRef(manager) == 2);
        must(IHostMemoryManager_Release(manager) == 1);
        must(IHostMemoryManager_Release(manager) == 0);
    }
    return NULL;
}

static void threads_make_managers(void **state)
{
    uint64_t before = live_huge_free(), seed = live_seed();
    live_environment(NULL);
    run_threads(come_and_go, NULL, seed);
    size_t maps = live_maps(); /* with the stacks and heaps that glibc keeps */
    run_threads(come_and_go, NULL, seed);
    assert_true(live_huge_free_again(before));
    if (!LIVE_SANITIZED)
        assert_true(live_maps() <= maps + THREADS);
}

/* -- threads on one manager -- */

static void one_life(struct actor *actor)
{
    size_t size = PAGE + live_below(&actor->random, 3 * FRAME), at;
    char *base = live_reserve(actor->manager, size, live_below(&actor->random, 2));
    struct hostmem_info info = {0};
    live_commit(actor->manager, base, size);
    must(live_is_zero(base, size));
    fill(base, size, (char)(actor->index + 1));
    at = live_below(&actor->random, size);
    must(hostmem_query(actor->manager, base + at, &info) == 0);
    must(info.state == HOSTMEM_COMMITTED && info.allocation_base == (uintptr_t)base);
    must(hostmem_decommit(actor->manager, base + at, 1) == 0);
    live_commit(actor->manager, base + at, 1);
    char *page = base + at / PAGE * PAGE;
    size_t rest = (size_t)(base + size - page);
    must(live_is_zero(page, rest < PAGE ? rest : PAGE));
    must(base[0] == (char)(at < PAGE ? 0 : actor->index + 1));
    must(hostmem_release(actor->manager, base) == 0);
}

static void *live_and_die(void *argument)
{
    struct actor *actor = argument;
    for (size_t n = live_scaled(800); n; n--)
        one_life(actor);
    return NULL;
}

static void threads_share(const char *backing)
{
    uint64_t seed = live_seed();
    live_environment(backing, NULL);
    struct hostmem *manager = live_manager();
    run_threads(live_and_die, manager, seed);
    assert_int_equal(live_committed(manager), 0);
    hostmem_destroy(manager);
}

static void threads_share_hugetlb(void **state)
{
    threads_share("HOSTMEM_BACKING=hugetlb");
}

static void threads_share_thp(void **state)
{
    threads_share("HOSTMEM_BACKING=thp");
}

static void threads_share_base(void **state)
{
    threads_share("HOSTMEM_BACKING=base");
}

/* -- readers while one writes: what is seen was true at some time -- */

static _Atomic(char *) seen_region;
static atomic_int stop;

static void *look(void *argument)
{
    struct actor *actor = argument;
    struct hostmem_info info = {0};
    while (!atomic_load(&stop)) {
        char *at = atomic_load(&seen_region);
        must(hostmem_query(actor->manager, at + 5 * PAGE, &info) == 0);
        must(info.base == (uintptr_t)at + 5 * PAGE && info.size >= PAGE);
        if (info.state == HOSTMEM_FREE)
            must(info.allocation_base == 0 && info.protection == 0);
        else
            must(info.allocation_base == (uintptr_t)at && info.size == 11 * PAGE);
    }
    return NULL;
}

static void *change(void *argument)
{
    struct actor *actor = argument;
    for (size_t n = live_scaled(40000); n; n--) {
        char *at = live_reserve(actor->manager, GRANULE, 0);
        atomic_store(&seen_region, at);
        live_commit(actor->manager, at, GRANULE);
        must(hostmem_decommit(actor->manager, at, 0) == 0);
        must(hostmem_release(actor->manager, at) == 0);
    }
    atomic_store(&stop, 1);
    return NULL;
}

static void *look_or_change(void *argument)
{
    struct actor *actor = argument;
    return actor->index ? look(actor) : change(actor);
}

static void queries_never_see_halves(void **state)
{
    live_environment("HOSTMEM_BACKING=thp", NULL);
    struct hostmem *manager = live_manager();
    char *at = live_reserve(manager, GRANULE, 0);
    atomic_store(&seen_region, at);
    atomic_store(&stop, 0);
    must(hostmem_release(manager, at) == 0);
    run_threads(look_or_change, manager, 1);
    hostmem_destroy(manager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(managers_are_apart),
        cmocka_unit_test(foreign_memory_is_seen),
        cmocka_unit_test(threads_make_managers),
        cmocka_unit_test(threads_share_hugetlb),
        cmocka_unit_test(threads_share_thp),
        cmocka_unit_test(threads_share_base),
        cmocka_unit_test(queries_never_see_halves),
    };
    live_limit_windows();
    live_catch_faults();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
