/* SPDX-License-Identifier: MIT */
/* Blocks of a heap: where they lie, what they hold, what a heap takes and gives back. */
#include "heaps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every size up to three pages, then some of each kind that the pool knows. */
static size_t size_of(size_t i)
{
    static const size_t larger[] = {
        8128, 8129, 16384, 65536, MIB - 1, MIB, MIB + 1, 4 * MIB, 5 * MIB + 3, 20 * MIB};
    return i < 3 * PAGE ? i : larger[i - 3 * PAGE];
}

static void blocks_of_all_sizes(void **state)
{
    static char *blocks[3 * PAGE + 10];
    struct hostmem_heap *heap = heaps_new();
    for (size_t i = 0; i < COUNT(blocks); i++) {
        blocks[i] = heaps_get(heap, size_of(i));
        heaps_fill(blocks[i], size_of(i), (unsigned)i);
    }
    for (size_t i = 0; i < COUNT(blocks); i++) {
        assert_true(heaps_filled(blocks[i], size_of(i), (unsigned)i));
        heaps_put(heap, blocks[i]);
    }
    hostmem_heap_destroy(heap);
    assert_int_equal(live_committed(manager), 0);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

/* Nothing and single bytes too have addresses of their own. */
static void tiny_blocks_are_apart(void **state)
{
    static uintptr_t blocks[9 * 100];
    struct hostmem_heap *heap = heaps_new();
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = (uintptr_t)heaps_get(heap, i % 9);
    qsort(blocks, COUNT(blocks), sizeof(*blocks), by_address);
    for (size_t i = 1; i < COUNT(blocks); i++)
        assert_true(blocks[i] - blocks[i - 1] >= 16);
    hostmem_heap_destroy(heap);
}

/* What the heap has are regions of the manager, with the state and protection of any other. */
static void memory_is_ours(void **state)
{
    struct hostmem_heap *heap = heaps_new();
    const size_t sizes[] = {1, 1000, 9000, 3 * MIB};
    struct hostmem_info info;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_int_equal(hostmem_query(manager, heaps_get(heap, sizes[i]), &info), 0);
        assert_int_equal(info.state, HOSTMEM_COMMITTED);
        assert_int_equal(info.protection, HOSTMEM_PROT_RW);
        assert_int_not_equal(info.allocation_base, 0);
    }
    assert_int_equal(heaps_stats(heap).node, live_stats(manager).node);
    hostmem_heap_destroy(heap);
    assert_int_equal(live_committed(manager), 0);
}

static void check_whole(struct hostmem_heap *heap, size_t size)
{
    struct hostmem_info first, last;
    char *block = heaps_get(heap, size);
    assert_int_equal(hostmem_query(manager, block, &first), 0);
    assert_int_equal(hostmem_query(manager, block + size - 1, &last), 0);
    assert_int_not_equal(first.allocation_base, 0);
    assert_int_equal(first.allocation_base, last.allocation_base);
    block[0] = block[size - 1] = 1;
    heaps_put(heap, block);
}

/* Which regions may be smaller than the pool asks for is told by the size that it asks for. */
static void large_blocks_lie_in_one_region(void **state)
{
    struct hostmem_heap *heap = heaps_new();
    for (size_t near = MIB; near <= 12 * MIB; near += MIB)
        for (size_t less = 0; less < 20000; less += 8 * 53)
            check_whole(heap, near - less);
    for (size_t size = 8000; size < 4 * MIB; size += size / 50)
        check_whole(heap, size);
    hostmem_heap_destroy(heap);
    assert_int_equal(live_committed(manager), 0);
}

/* A pool would take four to ten megabytes. */
static void a_small_heap_is_small(void **state)
{
    struct hostmem_heap *heaps[16];
    for (size_t i = 0; i < COUNT(heaps); i++) {
        heaps[i] = heaps_new();
        heaps_get(heaps[i], 100);
        assert_true(heaps_stats(heaps[i]).bytes <= 2 * GRANULE);
    }
    assert_true(live_committed(manager) <= 2 * FRAME);
    for (size_t i = 0; i < COUNT(heaps); i++)
        hostmem_heap_destroy(heaps[i]);
    assert_int_equal(live_committed(manager), 0);
}

/* What a heap takes stays near what is asked for. */
static void growth_is_bounded(void **state)
{
    struct hostmem_heap *heap = heaps_new();
    size_t asked = 0;
    for (size_t i = 0; i < 40000; i++) {
        heaps_get(heap, 16 + i % 1009);
        asked += 16 + i % 1009;
        if (i % 100 == 99 && asked > MIB)
            assert_true(heaps_stats(heap).bytes <= asked + asked / 2 + 2 * MIB);
    }
    hostmem_heap_destroy(heap);
    assert_int_equal(live_committed(manager), 0);
}

static void empty_regions_go_back(void **state)
{
    struct hostmem_heap *heap = heaps_new();
    static void *blocks[20000];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = heaps_get(heap, 1000);
    size_t full = heaps_stats(heap).bytes;
    assert_true(full >= 1000 * COUNT(blocks));
    for (size_t i = 0; i < COUNT(blocks); i++)
        heaps_put(heap, blocks[i]);
    assert_true(heaps_stats(heap).bytes < full / 4);
    hostmem_heap_destroy(heap);
}

#if defined(__x86_64__)
static void blocks_can_be_executed(void **state)
{
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    struct hostmem_heap *heap;
    void *block;
    int error = hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, HOSTMEM_HEAP_EXECUTABLE, &heap);
    assert_int_equal(error, 0);
    assert_int_equal(heaps_stats(heap).flags, HOSTMEM_HEAP_EXECUTABLE);
    for (int i = 0; i < 100; i++) {
        block = heaps_get(heap, 100);
        memcpy(block, code, sizeof(code));
        assert_int_equal(((int (*)(void))(uintptr_t)block)(), 42);
    }
    heaps_put(heap, block);
    hostmem_heap_destroy(heap);
    assert_int_equal(live_committed(manager), 0);
}
#else
static void blocks_can_be_executed(void **state)
{
    live_skip("code for this processor");
}
#endif

static void wrong_arguments(void **state)
{
    struct hostmem_heap *heap = heaps_new(), *none;
    void *block = state;
    assert_int_equal(hostmem_heap_create(NULL, HOSTMEM_NODE_LOCAL, 0, &none), -EINVAL);
    assert_int_equal(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, NULL), -EINVAL);
    assert_int_equal(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 2, &none), -EINVAL);
    assert_int_equal(hostmem_heap_create(manager, 12345, 0, &none), -EINVAL);
    assert_int_equal(hostmem_heap_alloc(NULL, 1, HOSTMEM_TASK_CRITICAL, &block), -EINVAL);
    assert_int_equal(hostmem_heap_alloc(heap, 1, HOSTMEM_TASK_CRITICAL, NULL), -EINVAL);
    assert_int_equal(hostmem_heap_alloc(heap, 1, (enum hostmem_critical)3, &block), -EINVAL);
    assert_int_equal(hostmem_heap_free(NULL, NULL), -EINVAL);
    assert_int_equal(hostmem_heap_stats(heap, NULL), -EINVAL);
    assert_int_equal(hostmem_heap_report(NULL, NULL, 0), 0);
    assert_int_equal(hostmem_heap_free(heap, NULL), 0);
    const size_t huge[] = {SIZE_MAX, SIZE_MAX - 64, (size_t)1 << 47, (size_t)1 << 46};
    for (size_t i = 0; i < COUNT(huge); i++)
        assert_int_equal(
            hostmem_heap_alloc(heap, huge[i], HOSTMEM_PROCESS_CRITICAL, &block), -ENOMEM);
    assert_ptr_equal(block, state);
    hostmem_heap_destroy(NULL);
    hostmem_heap_destroy(heap);
}

/* -- reports -- */

static void *debug_get(struct hostmem_heap *heap, size_t size, const char *file, int line)
{
    void *block;
    int error = hostmem_heap_debug_alloc(heap, size, HOSTMEM_TASK_CRITICAL, file, line, &block);
    assert_int_equal(error, 0);
    assert_int_equal((uintptr_t)block % 16, 0);
    heaps_fill(block, size, 7);
    return block;
}

static void live_blocks_are_listed(void **state)
{
    char name[] = "first.c", text[1000], expected[1000];
    struct hostmem_heap *heap = heaps_new();
    assert_int_equal(hostmem_heap_report(heap, text, sizeof(text)), 0);
    void *first = debug_get(heap, 100, name, 11);
    void *second = debug_get(heap, 0, "second.c", 22);
    void *third = debug_get(heap, 3 * MIB, NULL, -1);
    heaps_get(heap, 100);
    name[0] = 'F'; /* it was copied */
    snprintf(expected, sizeof(expected),
        "\"first.c\":11: 100 bytes at %p\n\"second.c\":22: 0 bytes at %p\n"
        "\"\":-1: 3145728 bytes at %p\n",
        first, second, third);
    assert_int_equal(hostmem_heap_report(heap, text, sizeof(text)), strlen(expected));
    assert_string_equal(text, expected);
    assert_int_equal(hostmem_heap_report(heap, text, 5), strlen(expected));
    assert_string_equal(text, "\"fir");
    assert_int_equal(heaps_stats(heap).debug_blocks, 3);
    heaps_put(heap, second);
    heaps_put(heap, first);
    heaps_put(heap, third);
    assert_int_equal(hostmem_heap_report(heap, text, sizeof(text)), 0);
    assert_int_equal(heaps_stats(heap).debug_blocks, 0);
    hostmem_heap_destroy(heap);
}

static void end_with_blocks(void *verbose)
{
    live_environment("HOSTMEM_BACKING=base", verbose, NULL);
    manager = live_manager();
    struct hostmem_heap *heap = heaps_new();
    debug_get(heap, 123, "forgotten.c", 45);
    hostmem_heap_destroy(heap);
    hostmem_destroy(manager);
}

static void leaks_are_told(void **state)
{
    char text[20000], loud[] = "HOSTMEM_VERBOSE=1", quiet[] = "HOSTMEM_VERBOSE=0";
    int status = live_child(end_with_blocks, loud, text, sizeof(text));
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "hostmem: \"forgotten.c\":45: 123 bytes at 0x"));
    assert_int_equal(live_child(end_with_blocks, quiet, text, sizeof(text)), 0);
    assert_null(strstr(text, "forgotten"));
}

/* -- the end -- */

static void heaps_end_with_their_manager(void **state)
{
    size_t keys = heaps_keys_left();
    for (int i = 0; i < 5; i++)
        heaps_get(heaps_new(), 1000);
    assert_int_equal(heaps_keys_left(), keys - 5);
    hostmem_destroy(manager);
    assert_int_equal(heaps_keys_left(), keys);
    manager = live_manager();
    heaps_get(heaps_new(), 1000);
}

/* Blocks of two managers do not mix, and one manager's end is no matter of the other. */
static void managers_are_apart(void **state)
{
    struct hostmem *other = manager;
    struct hostmem_heap *first = heaps_new();
    manager = live_manager();
    struct hostmem_heap *second = heaps_new();
    void *block = heaps_get(first, 64);
    heaps_fill(block, 64, 3);
    assert_int_equal(hostmem_heap_free(second, block), -ENXIO);
    hostmem_destroy(manager);
    manager = other;
    assert_true(heaps_filled(block, 64, 3));
    heaps_put(first, block);
}

#define HEAP_TEST(name) cmocka_unit_test_setup_teardown(name, heaps_setup, heaps_teardown)

int main(void)
{
    live_limit_windows();
    const struct CMUnitTest heap_blocks[] = {
        HEAP_TEST(blocks_of_all_sizes),
        HEAP_TEST(tiny_blocks_are_apart),
        HEAP_TEST(memory_is_ours),
        HEAP_TEST(large_blocks_lie_in_one_region),
        HEAP_TEST(a_small_heap_is_small),
        HEAP_TEST(growth_is_bounded),
        HEAP_TEST(empty_regions_go_back),
        HEAP_TEST(blocks_can_be_executed),
        HEAP_TEST(wrong_arguments),
        HEAP_TEST(live_blocks_are_listed),
        cmocka_unit_test(leaks_are_told),
        HEAP_TEST(heaps_end_with_their_manager),
        HEAP_TEST(managers_are_apart),
    };
    return cmocka_run_group_tests(heap_blocks, NULL, NULL);
}
