/* SPDX-License-Identifier: MIT */
/*
 * What requests may have of a node by how critical they are, and the wait of the most critical
 * ones, on fakes: who gets the reserve, who is served first, and when a wait ends. A wait that is
 * to be seen is long; one that is to be over is short.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <hostmem/hostmem.h>

#include "fakes.h"

#define RW    HOSTMEM_PROT_RW
#define FRAME (2 * MIB)
#define MOST  64 /* regions of one test */

static const char *sysroot, *pair_sysroot;
static struct hostmem *manager;
static char *made[MOST];
static size_t made_count;

static void open_with(const char *root, const struct setting_text *settings)
{
    fakes_reset(512 * MIB);
    made_count = 0;
    assert_int_equal(fakes_open(root, settings, &manager), 0);
}

#define OPEN(...) open_with(sysroot, (const struct setting_text[]){__VA_ARGS__, {NULL, NULL}})
#define OPEN_PAIR(...)                                                                             \
    open_with(pair_sysroot, (const struct setting_text[]){__VA_ARGS__, {NULL, NULL}})

static void close_manager(void)
{
    for (size_t i = 0; i < made_count; i++)
        assert_int_equal(hostmem_release(manager, made[i]), 0);
    assert_int_equal(fakes_unsound(manager), 0);
    assert_int_equal(fakes_committed(manager, -1), 0);
    for (size_t i = 0; i < manager->node_count; i++)
        assert_false(critical_waited_for(&manager->nodes[i]));
    hostmem_destroy(manager);
}

static int try_make(int node, size_t size, enum hostmem_critical level, char **ret_base)
{
    struct hostmem_request request = {
        .size = size, .node = node, .flags = HOSTMEM_COMMIT, .protection = RW, .critical = level};
    void *base;
    int error = hostmem_reserve(manager, &request, &base, NULL);
    if (!error)
        *ret_base = base;
    return error;
}

static int make(size_t size, enum hostmem_critical level)
{
    assert_in_range(made_count, 0, MOST - 1);
    int error = try_make(machine_ids[0], size, level, &made[made_count]);
    if (!error)
        made_count++;
    return error;
}

/* Regions of one frame until there is an error; how many there were. */
static size_t fill(enum hostmem_critical level)
{
    size_t count = 0;
    int error;
    while ((error = make(FRAME, level)) == 0)
        count++;
    assert_int_equal(error, -ENOMEM);
    return count;
}

static void release_one(void)
{
    assert_in_range(made_count, 1, MOST);
    assert_int_equal(hostmem_release(manager, made[--made_count]), 0);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* -- the reserve -- */

static void levels_have_their_share(void **state)
{
    OPEN({"POOL", "32M"}, {"RESERVE", "8M"}, {"CRITICAL_WAIT_MS", "0"});
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 12);
    assert_int_equal(fill(HOSTMEM_DOMAIN_CRITICAL), 2);
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 0);
    assert_int_equal(fill(HOSTMEM_PROCESS_CRITICAL), 2);
    assert_int_equal(fill(HOSTMEM_DOMAIN_CRITICAL), 0);
    release_one();
    assert_int_equal(fill(HOSTMEM_DOMAIN_CRITICAL), 0);
    assert_int_equal(fill(HOSTMEM_PROCESS_CRITICAL), 1);
    close_manager();
}

static void commits_have_their_share(void **state)
{
    struct hostmem_request request = {.size = 32 * MIB, .node = machine_ids[0], .protection = RW};
    void *base;
    OPEN({"POOL", "32M"}, {"RESERVE", "8M"}, {"CRITICAL_WAIT_MS", "0"});
    assert_int_equal(hostmem_reserve(manager, &request, &base, NULL), 0);
    made[made_count++] = base;
    char *at = base;
    assert_int_equal(
        hostmem_commit(manager, at, 26 * MIB, RW, HOSTMEM_TASK_CRITICAL, NULL), -ENOMEM);
    assert_int_equal(hostmem_commit(manager, at, 24 * MIB, RW, HOSTMEM_TASK_CRITICAL, NULL), 0);
    assert_int_equal(
        hostmem_commit(manager, at, 28 * MIB, RW, HOSTMEM_TASK_CRITICAL, NULL), -ENOMEM);
    assert_int_equal(hostmem_commit(manager, at, 28 * MIB, RW, HOSTMEM_DOMAIN_CRITICAL, NULL), 0);
    assert_int_equal(
        hostmem_commit(manager, at, 32 * MIB, RW, HOSTMEM_DOMAIN_CRITICAL, NULL), -ENOMEM);
    assert_int_equal(hostmem_commit(manager, at, 32 * MIB, RW, HOSTMEM_PROCESS_CRITICAL, NULL), 0);
    close_manager();
}

static void page_by_page_as_well(void **state)
{
    OPEN({"POOL", "1M"}, {"RESERVE", "256K"}, {"CRITICAL_WAIT_MS", "0"}, {"BACKING", "base"});
    assert_int_equal(make(MIB, HOSTMEM_TASK_CRITICAL), -ENOMEM);
    assert_int_equal(make(768 * 1024, HOSTMEM_TASK_CRITICAL), 0);
    assert_int_equal(make(4096, HOSTMEM_TASK_CRITICAL), -ENOMEM);
    assert_int_equal(make(128 * 1024, HOSTMEM_DOMAIN_CRITICAL), 0);
    assert_int_equal(make(4096, HOSTMEM_DOMAIN_CRITICAL), -ENOMEM);
    assert_int_equal(make(128 * 1024, HOSTMEM_PROCESS_CRITICAL), 0);
    close_manager();
}

/* Of a small pool nothing is held back. */
static void without_a_word_there_is_little(void **state)
{
    OPEN({"POOL", "32M"}, {"CRITICAL_WAIT_MS", "0"});
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 16);
    close_manager();
    OPEN({"POOL", "256M"}, {"CRITICAL_WAIT_MS", "0"});
    assert_int_equal(make(256 * MIB, HOSTMEM_TASK_CRITICAL), 0);
    close_manager();
}

/* What another node can give is taken before the reserve of the near one. */
static void the_reserve_comes_last(void **state)
{
    OPEN_PAIR({"POOL", "8M"}, {"RESERVE", "4M"}, {"CRITICAL_WAIT_MS", "0"});
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(make(FRAME, HOSTMEM_PROCESS_CRITICAL), 0);
    assert_int_equal(fakes_committed(manager, 0), 4 * MIB);
    assert_int_equal(fakes_committed(manager, 1), 4 * MIB);
    assert_int_equal(make(FRAME, HOSTMEM_DOMAIN_CRITICAL), 0);
    assert_int_equal(fakes_committed(manager, 0), 6 * MIB);
    assert_int_equal(fill(HOSTMEM_PROCESS_CRITICAL), 3);
    close_manager();
}

/* -- the wait -- */

struct waiter {
    pthread_t thread;
    int node;
    size_t size;
    enum hostmem_critical level;
    int error;
    char *base;
};

static void *wait_for_memory(void *argument)
{
    struct waiter *w = argument;
    w->error = try_make(w->node, w->size, w->level, &w->base);
    return NULL;
}

/* Returns when the thread waits. */
static void begin(struct waiter *w, size_t size)
{
    *w = (struct waiter){
        .node = machine_ids[0], .size = size, .level = HOSTMEM_PROCESS_CRITICAL, .error = 1};
    uint64_t before = atomic_load(&manager->nodes[0].waited_for);
    assert_int_equal(pthread_create(&w->thread, NULL, wait_for_memory, w), 0);
    while (atomic_load(&manager->nodes[0].waited_for) < before + size)
        sched_yield();
}

static void end(struct waiter *w, int expected)
{
    pthread_join(w->thread, NULL);
    assert_int_equal(w->error, expected);
    if (!expected)
        assert_int_equal(hostmem_release(manager, w->base), 0);
}

static void who_waits_is_served_first(void **state)
{
    struct waiter w;
    OPEN({"POOL", "32M"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "600000"}, {"SAMPLE_MS", "60000"});
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 16);
    begin(&w, 4 * FRAME);
    for (int i = 0; i < 3; i++) {
        release_one();
        assert_int_equal(make(FRAME, HOSTMEM_TASK_CRITICAL), -ENOMEM);
        assert_int_equal(make(FRAME, HOSTMEM_DOMAIN_CRITICAL), -ENOMEM);
    }
    assert_int_equal(fakes_committed(manager, -1), 26 * MIB);
    release_one();
    end(&w, 0);
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 4);
    close_manager();
}

/* What cannot be had yet does not stop those who need less. */
static void what_was_there_is_anybodys(void **state)
{
    struct waiter w;
    OPEN({"POOL", "32M"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "600000"}, {"SAMPLE_MS", "60000"});
    for (int i = 0; i < 12; i++)
        assert_int_equal(make(FRAME, HOSTMEM_TASK_CRITICAL), 0);
    begin(&w, 8 * FRAME);
    assert_int_equal(make(FRAME, HOSTMEM_TASK_CRITICAL), 0);
    release_one();
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 3);
    for (int i = 0; i < 7; i++)
        release_one();
    end(&w, 0);
    close_manager();
}

/* Memory that is short without a limit of ours: what is put goes to who waits, not to an idle
 * frame of which somebody else has the address. */
static void memory_itself_is_waited_for(void **state)
{
    struct waiter w;
    OPEN({"BACKING", "hugetlb"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "600000"},
        {"SAMPLE_MS", "60000"});
    hp_fake_set_free(machine_ids[0], 8 * FRAME);
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 8);
    begin(&w, 2 * FRAME);
    release_one();
    assert_int_equal(fakes_warm(manager, -1), 0);
    release_one();
    end(&w, 0);
    close_manager();
}

static void a_wait_ends(void **state)
{
    OPEN({"POOL", "8M"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "60"});
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 4);
    uint64_t before = now_ms();
    assert_int_equal(make(FRAME, HOSTMEM_PROCESS_CRITICAL), -ENOMEM);
    assert_true(now_ms() - before >= 60);
    before = now_ms();
    for (int i = 0; i < 1000; i++)
        assert_int_equal(make(FRAME, HOSTMEM_DOMAIN_CRITICAL), -ENOMEM);
    assert_true(now_ms() - before < 60 * 1000);
    close_manager();
}

/* These would never end well, or take nothing that is waited for. */
static void what_cannot_be_is_not_waited_for(void **state)
{
    struct hostmem_request endless = {
        .size = (size_t)1 << 47, .node = machine_ids[0], .critical = HOSTMEM_PROCESS_CRITICAL};
    void *base;
    OPEN({"POOL", "8M"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "3600000"});
    assert_int_equal(make(8 * MIB + 4096, HOSTMEM_PROCESS_CRITICAL), -ENOMEM);
    assert_int_not_equal(hostmem_reserve(manager, &endless, &base, NULL), 0);
    close_manager();
}

/* A poll sees what is no event: here the fakes have more memory of a sudden. */
static void memory_of_others_is_found(void **state)
{
    struct waiter w;
    OPEN({"BACKING", "hugetlb"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "600000"},
        {"SAMPLE_MS", "10"});
    hp_fake_set_free(machine_ids[0], 0);
    begin(&w, FRAME);
    hp_fake_set_free(machine_ids[0], 64 * MIB);
    end(&w, 0);
    close_manager();
}

#define WAITERS 8

static void many_wait_at_once(void **state)
{
    struct waiter w[WAITERS];
    OPEN({"POOL", "32M"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "600000"}, {"SAMPLE_MS", "60000"});
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 16);
    for (int i = 0; i < WAITERS; i++)
        begin(&w[i], FRAME);
    for (int i = 0; i < WAITERS; i++)
        release_one();
    for (int i = 0; i < WAITERS; i++)
        end(&w[i], 0);
    close_manager();
}

/* Any node that may serve the request ends its wait. */
static void other_nodes_help(void **state)
{
    struct waiter w;
    char *far[4];
    OPEN_PAIR(
        {"POOL", "8M"}, {"RESERVE", "0"}, {"CRITICAL_WAIT_MS", "600000"}, {"SAMPLE_MS", "60000"});
    for (int i = 0; i < 4; i++)
        assert_int_equal(try_make(machine_ids[1], FRAME, HOSTMEM_TASK_CRITICAL, &far[i]), 0);
    assert_int_equal(fill(HOSTMEM_TASK_CRITICAL), 4);
    begin(&w, FRAME);
    assert_int_equal(hostmem_release(manager, far[0]), 0);
    end(&w, 0);
    for (int i = 1; i < 4; i++)
        assert_int_equal(hostmem_release(manager, far[i]), 0);
    close_manager();
}

int main(void)
{
    const struct machine one = {.nodes = 1, .huge = {128}, .thp = true};
    const struct machine two = {.nodes = 2, .huge = {128, 128}, .thp = true};
    char first[256];
    snprintf(first, sizeof(first), "%s", machine_write(&one));
    sysroot = first;
    pair_sysroot = machine_write(&two);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_have_their_share),
        cmocka_unit_test(commits_have_their_share),
        cmocka_unit_test(page_by_page_as_well),
        cmocka_unit_test(without_a_word_there_is_little),
        cmocka_unit_test(the_reserve_comes_last),
        cmocka_unit_test(who_waits_is_served_first),
        cmocka_unit_test(what_was_there_is_anybodys),
        cmocka_unit_test(memory_itself_is_waited_for),
        cmocka_unit_test(a_wait_ends),
        cmocka_unit_test(what_cannot_be_is_not_waited_for),
        cmocka_unit_test(memory_of_others_is_found),
        cmocka_unit_test(many_wait_at_once),
        cmocka_unit_test(other_nodes_help),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    machine_remove(sysroot);
    machine_remove(pair_sysroot);
    return failed;
}
