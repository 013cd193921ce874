/* SPDX-License-Identifier: MIT */
/*
 * Random calls against the oracle, in worlds of one worker, of several, and of two that work on the
 * same region at the same time, with the backings that the first argument names (a value of
 * HOSTMEM_BACKING), with memory enough and with too little. The seed is printed; HM_TEST_SEED=n
 * runs one again (exactly so where one worker is alone), HM_TEST_SCALE is percent of the calls.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "worker.h"

static char backing[64];
static size_t calls; /* of each test, over all workers */
static bool few;     /* huge pages are fewer than the regions would need */

/* Whether the machine's huge pages are as before; without them other tests may be at them. */
static bool huge_pages_are_back(uint64_t before)
{
    return !strstr(backing, "hugetlb") || live_huge_free_again(before);
}

static void in_world(size_t workers, const char *pool, bool scarce, long budget)
{
    static struct world world;
    uint64_t before = live_huge_free();
    uint64_t seed = live_seed();
    live_catch_faults();
    live_environment(backing, pool, NULL);
    memset(&world, 0, sizeof(world));
    world.scarce = scarce;
    world.few = few;
    world.largest = 64 * MIB;
    atomic_init(&world.budget, budget);
    world_open(&world);
    world_run(&world, workers, live_scaled(calls / workers), seed);
    world_close(&world);
    assert_true(huge_pages_are_back(before));
}

#define PLENTY "HOSTMEM_POOL=unlimited"

static void one_worker(void **state)
{
    in_world(1, PLENTY, false, 200);
}

static void several_workers(void **state)
{
    in_world(4, PLENTY, false, 200);
}

static void a_short_pool(void **state)
{
    in_world(1, "HOSTMEM_POOL=24M", true, 400);
}

static void several_workers_in_a_short_pool(void **state)
{
    in_world(4, "HOSTMEM_POOL=24M", true, 400);
}

/* -- two workers on one region -- */

struct half {
    struct worker worker;
    struct oracle region; /* the same cells, of which its own are known */
};

static void *work_on_half(void *argument)
{
    struct half *half = argument;
    struct worker *w = &half->worker;
    live_note(w->note);
    for (; w->operations; w->operations--)
        worker_step(w, &half->region, half->region.known, true);
    return NULL;
}

static void begin(struct world *world, struct oracle *region, size_t size)
{
    struct hostmem_request request = {
        .size = size, .node = HOSTMEM_NODE_LOCAL, .protection = HOSTMEM_PROT_RW};
    struct hostmem_receipt receipt = {0};
    void *base = NULL;
    must(hostmem_reserve(world->face.c, &request, &base, NULL) == 0);
    must(hostmem_commit(world->face.c, base, 1, HOSTMEM_PROT_RW, 0, &receipt) == 0);
    must(hostmem_decommit(world->face.c, base, 1) == 0);
    enum kind kind = receipt.backing == HOSTMEM_BACKING_HUGETLB ? KIND_HUGETLB
                     : receipt.backing == HOSTMEM_BACKING_THP   ? KIND_THP
                                                                : KIND_EXACT;
    oracle_begin(region, (uintptr_t)base, size, HOSTMEM_PROT_RW, kind);
}

static void share_region(struct world *world, uint64_t *random, size_t operations)
{
    static struct half halves[2];
    struct oracle region;
    pthread_t thread;
    size_t size = (2 + live_below(random, 2500)) * PAGE;
    begin(world, &region, size);
    size_t border = 1 + live_below(random, region.pages - 1);
    for (size_t i = 0; i < 2; i++) {
        worker_open(&halves[i].worker, world, i, live_random(random));
        halves[i].worker.operations = operations;
        halves[i].region = region;
        halves[i].region.known = i ? (struct span){border, region.pages} : (struct span){0, border};
    }
    must(pthread_create(&thread, NULL, work_on_half, &halves[0]) == 0);
    work_on_half(&halves[1]);
    pthread_join(thread, NULL);
    live_note(halves[0].worker.note);
    atomic_fetch_sub(&world->budget, (long)(size / FRAME) + 2);
    worker_release(&halves[0].worker, &region);
    worker_close(&halves[0].worker);
    worker_close(&halves[1].worker);
}

#define ROUNDS 100

static void two_workers_on_one_region(void **state)
{
    static struct world world;
    uint64_t before = live_huge_free(), random = live_seed();
    live_catch_faults();
    live_environment(backing, PLENTY, NULL);
    memset(&world, 0, sizeof(world));
    world_open(&world);
    for (size_t i = 0; i < ROUNDS; i++)
        share_region(&world, &random, live_scaled(calls) / ROUNDS / 2 + 1);
    world_close(&world);
    assert_true(huge_pages_are_back(before));
}

int main(int argc, char **argv)
{
    if (argc < 3 || sscanf(argv[2], "%zu", &calls) != 1)
        return 2;
    few = argc > 3;
    snprintf(backing, sizeof(backing), "HOSTMEM_BACKING=%s", argv[1]);
    live_limit_windows();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker),
        cmocka_unit_test(several_workers),
        cmocka_unit_test(a_short_pool),
        cmocka_unit_test(several_workers_in_a_short_pool),
        cmocka_unit_test(two_workers_on_one_region),
    };
    return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
