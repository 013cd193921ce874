/* SPDX-License-Identifier: MIT */
/*
 * Crossings of the level of all nodes together, by commits on a node whose own level stays: told at
 * once and not at the next sample, which is a minute away. On fakes, with watchers, one for each of
 * two sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <hostmem/hostmem.h>

#include "fakes.h"

#define FRAME   (2 * MIB)
#define SECONDS 20 /* until an announcement is given up */

static struct hostmem *manager;
static const char *sysroot;

/* The last level that was told, and a post for each. */
struct ear {
    sem_t told;
    _Atomic int level;
    struct hostmem_subscription *subscription;
};

static void hear(void *context, const struct hostmem_pressure *pressure)
{
    struct ear *ear = context;
    atomic_store(&ear->level, (int)pressure->level);
    sem_post(&ear->told);
}

static void await_level(struct ear *ear, bool low)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SECONDS;
    while ((atomic_load(&ear->level) == HOSTMEM_LOW) != low)
        assert_int_equal(sem_timedwait(&ear->told, &until), 0);
}

static void listen(struct ear *ear, int node)
{
    sem_init(&ear->told, 0, 0);
    atomic_init(&ear->level, 0);
    assert_int_equal(hostmem_subscribe(manager, node, hear, ear, &ear->subscription), 0);
    await_level(ear, false);
}

static void stop(struct ear *ear)
{
    hostmem_unsubscribe(manager, ear->subscription);
    sem_destroy(&ear->told);
}

static char *reserve(int node)
{
    struct hostmem_request request = {
        .size = 32 * MIB, .node = node, .protection = HOSTMEM_PROT_RW};
    void *base;
    assert_int_equal(hostmem_reserve(manager, &request, &base, NULL), 0);
    return base;
}

static void commit(char *base, size_t frames)
{
    assert_int_equal(
        hostmem_commit(manager, base, frames * FRAME, HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, NULL),
        0);
}

/* 16 frames and 14 of 32 are 94 %, 16 and 12 are 88 %: the second node itself never comes near. */
static void either_node_may_cross(void **state)
{
    const struct setting_text settings[] = {{"BACKING", "hugetlb"}, {"POOL", "0=32M,2=32M"},
        {"RESERVE", "0"}, {"WATCH", "1"}, {"SAMPLE_MS", "60000"}, {"HOLD_MS", "0"},
        {"LOW_ENTER", "92"}, {"LOW_LEAVE", "91"}, {"SPILL", "0"}, {NULL, NULL}};
    struct ear all;
    fakes_reset(64 * MIB);
    assert_int_equal(fakes_open(sysroot, settings, &manager), 0);
    assert_int_equal(manager->node_count, 2);
    char *first = reserve(machine_ids[0]), *second = reserve(machine_ids[1]);
    commit(first, 16);
    listen(&all, HOSTMEM_NODE_ALL);
    for (int i = 0; i < 3; i++) {
        commit(second, 12);
        commit(second, 14);
        await_level(&all, true);
        assert_int_equal(hostmem_decommit(manager, second + 10 * FRAME, 6 * FRAME), 0);
        await_level(&all, false);
    }
    stop(&all);
    hostmem_destroy(manager);
}

/* A process out of descriptors cannot read the kernel's files: the pool is judged all the same. */
static void files_may_be_gone(void **state)
{
    const struct machine one = {.nodes = 1, .huge = {32}, .thp = true};
    const struct setting_text settings[] = {{"BACKING", "hugetlb"}, {"POOL", "32M"},
        {"RESERVE", "0"}, {"WATCH", "1"}, {"SAMPLE_MS", "10"}, {"HOLD_MS", "0"}, {NULL, NULL}};
    struct ear ear;
    const char *root = machine_write(&one);
    fakes_reset(64 * MIB);
    assert_int_equal(fakes_open(root, settings, &manager), 0);
    char *base = reserve(machine_ids[0]);
    listen(&ear, machine_ids[0]);
    machine_remove(root);
    for (int i = 0; i < 3; i++) {
        commit(base, 15);
        await_level(&ear, true);
        assert_int_equal(hostmem_decommit(manager, base, 0), 0);
        await_level(&ear, false);
    }
    stop(&ear);
    hostmem_destroy(manager);
}

int main(void)
{
    const struct machine two = {.nodes = 2, .huge = {32, 32}, .thp = true};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_node_may_cross), cmocka_unit_test(files_may_be_gone)};
    char first[256];
    snprintf(first, sizeof(first), "%s", machine_write(&two));
    sysroot = first;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    machine_remove(sysroot);
    return failed;
}
