/* SPDX-License-Identifier: MIT */
/*
 * Shares: their granules against an array of bools, in frames of 2 MiB and of 1 GiB, and several
 * threads whose small regions commit and decommit in the same frames.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include <hostmem/hostmem.h>

#include "dice.h"
#include "fakes.h"
#include "lib/window.h"

#define MOST_GRANULES (GIB / GRANULE_BYTES)
#define THREADS       4

static bool truth[MOST_GRANULES];

static size_t find_truth(size_t granules, size_t count)
{
    size_t run = 0;
    for (size_t at = 0; at < granules; at++) {
        run = truth[at] ? 0 : run + 1;
        if (run == count)
            return at + 1 - count;
    }
    return SIZE_MAX;
}

static bool free_truth(size_t granule, size_t count)
{
    for (size_t i = granule; i < granule + count; i++)
        if (truth[i])
            return false;
    return true;
}

/* One step; each run is marked or unmarked as a whole. */
static void step(struct dice *dice, struct share *share, size_t granules)
{
    size_t count = 1 + dice_roll(dice, dice_roll(dice, 3) ? 5 : granules);
    size_t found = share_find(share, count);
    assert_int_equal(found, find_truth(granules, count));
    size_t at = dice_roll(dice, granules);
    if (at + count > granules)
        count = granules - at;
    bool is_free = free_truth(at, count);
    assert_int_equal(share_is_free(share, at, count), is_free);
    bool taken = true;
    for (size_t i = at; i < at + count; i++)
        taken &= truth[i];
    if (is_free)
        share_mark(share, at, count);
    else if (taken)
        share_unmark(share, at, count);
    else
        return;
    for (size_t i = at; i < at + count; i++)
        truth[i] = is_free;
    size_t left = 0;
    for (size_t i = 0; i < granules; i++)
        left += !truth[i];
    assert_int_equal(share->free, left);
}

static void play(size_t frame_bytes, size_t rounds)
{
    struct dice dice = dice_new("share");
    struct window window = {.frame_bytes = frame_bytes};
    struct store store;
    size_t granules = frame_bytes / GRANULE_BYTES;
    store_open(&store, &hp_base);
    assert_int_equal(dirty_open(&window.dirty, &store, NULL, 3, frame_bytes), 0);
    struct share *share = calloc(1, share_size(frame_bytes));
    memset(truth, 0, sizeof(truth));
    share_init(share, &window);
    share_begin(share, 2);
    assert_int_equal(share->free, granules);
    for (size_t left = dice_scaled(rounds); left > 0; left--)
        step(&dice, share, granules);
    share_begin(share, 1);
    dirty_soil(&window.dirty, (granules + 1) * GRANULE_PAGES, (granules + 2) * GRANULE_PAGES);
    bool looks = granules <= 64;
    assert_int_equal(share_find(share, 1), 0);
    assert_int_equal(share_find(share, 2), looks ? 2 : 0);
    assert_int_equal(share_find(share, granules), 0);
    assert_int_equal(share_find(share, granules + 1), SIZE_MAX);
    lock_destroy(&share->lock);
    free(share);
    store_close(&store);
}

static void granules_of_2m(void **state)
{
    play(2 * MIB, 20000);
}

static void granules_of_1g(void **state)
{
    play(GIB, 2000);
}

/* -- several regions of one frame -- */

struct worker {
    struct hostmem *manager;
    pthread_t thread;
    uint64_t seed;
    const char *complaint;
};

/* Committed pages must be zero when they come and keep what was written. */
static const char *use(struct hostmem *manager, char *base, char mark)
{
    size_t size = 2 * GRANULE_BYTES;
    if (hostmem_commit(manager, base, size, HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, NULL))
        return "commit";
    for (size_t at = 0; at < size; at += 512) {
        if (base[at] != 0)
            return "not zero";
        base[at] = mark;
    }
    for (size_t at = 0; at < size; at += 512)
        if (base[at] != mark)
            return "overwritten";
    return hostmem_decommit(manager, base, 0) ? "decommit" : NULL;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct dice dice = {worker->seed};
    struct hostmem_request request = {
        .size = 2 * GRANULE_BYTES, .node = HOSTMEM_NODE_LOCAL, .protection = HOSTMEM_PROT_RW};
    for (size_t left = dice_scaled(500); left > 0 && !worker->complaint; left--) {
        void *base;
        if (hostmem_reserve(worker->manager, &request, &base, NULL))
            worker->complaint = "reserve";
        for (size_t uses = dice_roll(&dice, 4); uses > 0 && !worker->complaint; uses--)
            worker->complaint = use(worker->manager, base, (char)(worker->seed | 1));
        if (!worker->complaint && hostmem_release(worker->manager, base))
            worker->complaint = "release";
    }
    return NULL;
}

/* With little kept warm the frame is populated and given back all the time. */
static void threads_share_frames(void **state)
{
    static const struct machine machine = {.nodes = 1, .huge = {32}, .thp = true};
    static const char *const warm[] = {"0", "2M"};
    const char *sysroot = machine_write(&machine);
    for (int round = 0; round < 2; round++) {
        struct setting_text settings[] = {
            {"BACKING", "hugetlb"}, {"WARM", warm[round]}, {NULL, NULL}};
        struct worker workers[THREADS] = {0};
        fakes_reset(64 * MIB);
        assert_int_equal(fakes_open(sysroot, settings, &workers[0].manager), 0);
        for (int i = 0; i < THREADS; i++) {
            workers[i].manager = workers[0].manager;
            workers[i].seed = (uint64_t)i * 2 + 7;
            assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(workers[i].thread, NULL);
            assert_null(workers[i].complaint);
        }
        assert_int_equal(fakes_committed(workers[0].manager, -1), 0);
        assert_int_equal(hp_fake_populated(-1), fakes_warm(workers[0].manager, -1));
        assert_int_equal(fakes_unsound(workers[0].manager), 0);
        hostmem_destroy(workers[0].manager);
        assert_int_equal(hp_fake_mapped(), 0);
    }
    machine_remove(sysroot);
}

/* In memory that has just come from the kernel as well as in a frame that is warm. */
static void pages_are_soiled_one_by_one(void **state)
{
    static const struct machine machine = {.nodes = 1, .huge = {32}, .thp = true};
    const struct setting_text settings[] = {{"BACKING", "hugetlb"}, {NULL, NULL}};
    struct hostmem_request request = {.size = GRANULE_BYTES,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW};
    const char *sysroot = machine_write(&machine);
    struct hostmem *manager;
    fakes_reset(64 * MIB);
    assert_int_equal(fakes_open(sysroot, settings, &manager), 0);
    for (int i = 0; i < 2; i++) {
        void *base;
        assert_int_equal(hostmem_reserve(manager, &request, &base, NULL), 0);
        struct window *window = window_of(manager, (uintptr_t)base);
        size_t frame = (size_t)((char *)base - window->base) / window->frame_bytes;
        assert_non_null(window->shares[frame]);
        assert_true(share_check(window->shares[frame]));
        assert_int_equal(hostmem_release(manager, base), 0);
        assert_int_equal(fakes_warm(manager, -1), window->frame_bytes);
    }
    hostmem_destroy(manager);
    machine_remove(sysroot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(granules_of_2m),
        cmocka_unit_test(granules_of_1g),
        cmocka_unit_test(threads_share_frames),
        cmocka_unit_test(pages_are_soiled_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
