/* SPDX-License-Identifier: MIT */
/* Where heaps end: the node's memory by level, HOSTMEM_POOL, and keys of thread-specific data. */
#include "heaps.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/exiting.h"
#include "lib/heaps.h"
#include "lib/keys.h"

static int get(struct hostmem_heap *heap, size_t size, enum hostmem_critical level)
{
    void *block = &block;
    int error = hostmem_heap_alloc(heap, size, level, &block);
    assert_true((error == 0) == (block != (void *)&block));
    return error;
}

/* Fills the heap at that level; how many bytes it got. */
static size_t fill(struct hostmem_heap *heap, size_t size, enum hostmem_critical level)
{
    size_t count = 0;
    int error = get(heap, size, level);
    for (; error == 0; error = get(heap, size, level))
        count++;
    assert_int_equal(error, -ENOMEM);
    return count * size;
}

static void with_pool(const char *reserve)
{
    const char *backing = getenv("HOSTMEM_BACKING");
    char list[64], held[64];
    snprintf(list, sizeof(list), "HOSTMEM_BACKING=%s", backing ? backing : "thp");
    snprintf(held, sizeof(held), "HOSTMEM_RESERVE=%s", reserve);
    live_environment(list, held, "HOSTMEM_POOL=32M", "HOSTMEM_CRITICAL_WAIT_MS=50", NULL);
    manager = live_manager();
}

/* Whatever the size: much of the pool, never more, and all of it again afterwards. */
static void the_pool_is_the_end(void **state)
{
    const size_t sizes[] = {16, 1000, 7000, 100 * KIB, 3 * MIB};
    with_pool("0");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct hostmem_heap *heap = heaps_new();
        size_t got = fill(heap, sizes[i], HOSTMEM_TASK_CRITICAL);
        assert_true(live_committed(manager) <= 32 * MIB);
        /* A block of 16 bytes takes 32; a region for those of 100 KiB a little more than half of a
         * frame. */
        assert_true(got >= 12 * MIB);
        hostmem_heap_destroy(heap);
        assert_int_equal(live_committed(manager), 0);
    }
    heaps_teardown(NULL);
}

static void levels_reach_deeper(void **state)
{
    with_pool("12M");
    struct hostmem_heap *heap = heaps_new();
    size_t task = fill(heap, 4000, HOSTMEM_TASK_CRITICAL);
    assert_true(task <= 20 * MIB);
    size_t domain = fill(heap, 4000, HOSTMEM_DOMAIN_CRITICAL);
    assert_true(domain >= 4 * MIB && domain <= 6 * MIB);
    uint64_t begin = live_now();
    size_t process = fill(heap, 4000, HOSTMEM_PROCESS_CRITICAL);
    assert_true(process >= 4 * MIB && process <= 6 * MIB);
    assert_true(live_now() - begin >= 50 * 1000000u);
    assert_true(live_committed(manager) <= 32 * MIB);
    hostmem_heap_destroy(heap);
    heaps_teardown(NULL);
}

static void *give_back(void *heap)
{
    struct hostmem_node_stats stats;
    do
        stats = live_stats(manager);
    while (stats.waited_bytes == 0);
    hostmem_heap_destroy(heap);
    return NULL;
}

/* It waits outside of the pool, so that others may use the heap meanwhile. */
static void the_most_critical_wait(void **state)
{
    pthread_t thread;
    with_pool("0");
    hostmem_destroy(manager);
    setenv("HOSTMEM_CRITICAL_WAIT_MS", "60000", 1);
    manager = live_manager();
    struct hostmem_heap *full = heaps_new(), *heap = heaps_new();
    void *block = heaps_get(heap, 100);
    fill(full, 3000, HOSTMEM_TASK_CRITICAL);
    assert_int_equal(pthread_create(&thread, NULL, give_back, full), 0);
    assert_int_equal(get(heap, 5 * MIB, HOSTMEM_PROCESS_CRITICAL), 0);
    pthread_join(thread, NULL);
    heaps_put(heap, block);
    hostmem_heap_destroy(heap);
    heaps_teardown(NULL);
}

/* -- keys -- */

static struct hostmem_heap *heaps[PTHREAD_KEYS_MAX];

static size_t make_all(void)
{
    size_t count = 0;
    int error;
    while (!(error = hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &heaps[count])))
        count++;
    assert_int_equal(error, -EMFILE);
    return count;
}

static void keys_are_left_to_the_program(void **state)
{
    hostmem_heap_destroy(heaps_new());
    size_t before = heaps_keys_left();
    size_t count = make_all();
    assert_int_equal(count, before - 64);
    assert_int_equal(heaps_keys_left(), 64);
    for (size_t i = 0; i < count; i++)
        heaps_put(heaps[i], heaps_get(heaps[i], 100));
    hostmem_heap_destroy(heaps[count / 2]);
    assert_int_equal(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &heaps[count / 2]), 0);
    assert_int_equal(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &heaps[count]), -EMFILE);
    for (size_t i = 0; i < count; i++)
        hostmem_heap_destroy(heaps[i]);
    assert_int_equal(heaps_keys_left(), before);
    assert_int_equal(live_committed(manager), 0);
}

static bool is_counted(const void *value)
{
    return false;
}

static void looking_changes_nothing(void **state)
{
    pthread_key_t keys[40];
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_int_equal(pthread_key_create(&keys[i], NULL), 0);
    for (size_t i = 0; i < COUNT(keys); i += 2)
        assert_int_equal(pthread_setspecific(keys[i], &keys[i]), 0);
    size_t left = heaps_keys_left();
    assert_true(keys_left(left));
    assert_false(keys_left(left + 1));
    keys_forget(is_counted);
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_ptr_equal(pthread_getspecific(keys[i]), i % 2 ? NULL : &keys[i]);
        pthread_key_delete(keys[i]);
    }
}

/* Where a program deletes keys that are older than the first heap, no pool gets one of them. */
static void low_keys(void *unused)
{
    pthread_key_t keys[20];
    for (size_t i = 0; i < COUNT(keys); i++)
        must(pthread_key_create(&keys[i], NULL) == 0);
    heaps_setup(NULL);
    hostmem_heap_destroy(heaps_new());
    must(exiting_key() > keys[19]);
    for (size_t i = 0; i < COUNT(keys); i++)
        pthread_key_delete(keys[i]);
    struct hostmem_heap *made[30];
    for (size_t i = 0; i < COUNT(made); i++) {
        made[i] = heaps_new();
        heaps_get(made[i], 100);
    }
    must(!keys_below(exiting_key(), heaps_have));
    for (size_t i = 0; i < COUNT(made); i++)
        hostmem_heap_destroy(made[i]);
    heaps_teardown(NULL);
}

static void pools_keys_are_above_ours(void **state)
{
    live_in_child(low_keys, NULL);
}

/* -- the library -- */

static bool is_loaded(void)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    must(maps != NULL);
    while (fgets(line, sizeof(line), maps))
        found |= strstr(line, "libtbbmalloc") != NULL;
    fclose(maps);
    return found;
}

/* Who makes no heap does not have it in the process. */
static void load_late(void *unused)
{
    heaps_setup(NULL);
    must(!is_loaded());
    heaps_get(heaps_new(), 100);
    must(is_loaded());
    heaps_teardown(NULL);
}

static void the_library_is_loaded_late(void **state)
{
    live_in_child(load_late, NULL);
}

/* The loader finds no file at all. */
static void load_nothing(void *unused)
{
    const int calls[] = {SYS_openat, SYS_open, -1};
    struct hostmem_heap *heap;
    setenv("HOSTMEM_VERBOSE", "1", 1);
    setenv("HOSTMEM_WATCH", "0", 1);
    manager = live_manager();
    live_refuse(ENOENT, calls);
    must(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &heap) == -ELIBACC);
    must(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &heap) == -ELIBACC);
    live_reserve(manager, GRANULE, HOSTMEM_COMMIT);
    hostmem_destroy(manager);
}

static void the_library_is_missing(void **state)
{
    char text[20000];
    assert_int_equal(live_child(load_nothing, NULL, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "hostmem: there are no heaps: libtbbmalloc.so.2: "));
    assert_non_null(strstr(hostmem_strerror(-ELIBACC), "libtbbmalloc.so.2"));
}

int main(void)
{
    live_limit_windows();
    const struct CMUnitTest heap_limits[] = {
        /* These before the first heap of this process. */
        cmocka_unit_test(the_library_is_loaded_late),
        cmocka_unit_test(the_library_is_missing),
        cmocka_unit_test(pools_keys_are_above_ours),
        cmocka_unit_test(the_pool_is_the_end),
        cmocka_unit_test(levels_reach_deeper),
        cmocka_unit_test(the_most_critical_wait),
        cmocka_unit_test_setup_teardown(keys_are_left_to_the_program, heaps_setup, heaps_teardown),
        cmocka_unit_test(looking_changes_nothing),
    };
    return cmocka_run_group_tests(heap_limits, NULL, NULL);
}
