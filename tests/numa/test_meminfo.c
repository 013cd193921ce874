/* SPDX-License-Identifier: MIT */
/* A node's memory from files that are whole, contradict each other, or are missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "numa/hugepages.h"
#include "numa/meminfo.h"
#include "tree.h"

#define KIB     UINT64_C(1024)
#define NODE    "sys/devices/system/node/"
#define POOL_2M "hugepages/hugepages-2048kB/"
#define POOL_1G "hugepages/hugepages-1048576kB/"

static void assert_memory(
    const struct tree *tree, int node, uint64_t total_kib, uint64_t available_kib)
{
    struct nn_memory memory;

    assert_int_equal(nn_node_memory(&tree->root, node, &memory), 0);
    assert_true(memory.total_bytes == total_kib * KIB);
    assert_true(memory.available_bytes == available_kib * KIB);
}

static void assert_no_memory(const struct tree *tree, int node, int error)
{
    struct nn_memory memory = {1, 2};

    assert_int_equal(nn_node_memory(&tree->root, node, &memory), error);
    assert_true(memory.total_bytes == 1 && memory.available_bytes == 2);
}

static void fields(void **state)
{
    static const char text[] = "Node 12 Active(file):     7 kB\n"
                               "Inactive(file):           8 kB\n"
                               "Node 12 Active:           9 kB\n"
                               "Node 12 Bare:             9\n"
                               "Node 12 Large: 18014398509481984 kB\n"
                               "Node 12 Largest: 18014398509481983 kB\n"
                               "Node x Nodes:             1 kB\n"
                               "Node 12 Last: 3 kB";
    uint64_t bytes = 1;

    assert_int_equal(nn_meminfo_field(text, "Missing", &bytes), -ENOENT);
    assert_int_equal(nn_meminfo_field(text, "Activ", &bytes), -ENOENT);
    assert_int_equal(nn_meminfo_field(text, "Nodes", &bytes), -ENOENT);
    assert_int_equal(nn_meminfo_field(text, "Bare", &bytes), -EINVAL);
    assert_int_equal(nn_meminfo_field(text, "Large", &bytes), -EINVAL);
    assert_int_equal(bytes, 1);
    assert_int_equal(nn_meminfo_field(text, "Active(file)", &bytes), 0);
    assert_int_equal(bytes, 7 * KIB);
    assert_int_equal(nn_meminfo_field(text, "Inactive(file)", &bytes), 0);
    assert_int_equal(bytes, 8 * KIB);
    assert_int_equal(nn_meminfo_field(text, "Active", &bytes), 0);
    assert_int_equal(bytes, 9 * KIB);
    assert_int_equal(nn_meminfo_field(text, "Last", &bytes), 0);
    assert_int_equal(bytes, 3 * KIB);
    assert_int_equal(nn_meminfo_field(text, "Largest", &bytes), 0);
    assert_true(bytes == UINT64_MAX - 1023);
}

static void page_cache_counts_unless_dirty(void **state)
{
    const struct tree *tree = *state;

    tree_write(tree, NODE "online", "0-1");
    tree_write(tree, NODE "node1/meminfo",
        "Node 1 MemTotal: 1000000 kB\nNode 1 MemFree: 300000 kB\n"
        "Node 1 Active(file): 40000 kB\nNode 1 Inactive(file): 60000 kB\n"
        "Node 1 Dirty: 7000 kB\nNode 1 Writeback: 3000 kB\n");
    assert_memory(tree, 1, 1000000, 390000);
}

static void dirty_pages_never_take_more_than_the_cache(void **state)
{
    const struct tree *tree = *state;

    tree_write(tree, NODE "node1/meminfo",
        "Node 1 MemTotal: 1000 kB\nNode 1 MemFree: 300 kB\n"
        "Node 1 Active(file): 5 kB\nNode 1 Dirty: 6 kB\nNode 1 Writeback: 99999 kB\n");
    assert_memory(tree, 1, 1000, 300);
}

static void free_huge_pages_count(void **state)
{
    const struct tree *tree = *state;

    tree_write(
        tree, NODE "node1/meminfo", "Node 1 MemTotal: 9000000 kB\nNode 1 MemFree: 1000 kB\n");
    tree_write(tree, NODE "node1/" POOL_2M "nr_hugepages", "900\n");
    tree_write(tree, NODE "node1/" POOL_2M "free_hugepages", "10\n");
    tree_write(tree, NODE "node1/" POOL_1G "nr_hugepages", "2\n");
    tree_write(tree, NODE "node1/" POOL_1G "free_hugepages", "1\n");
    assert_memory(tree, 1, 9000000, 1000 + 10 * 2048 + 1048576);
}

static void available_is_never_above_the_total(void **state)
{
    const struct tree *tree = *state;

    tree_write(tree, NODE "node1/meminfo", "Node 1 MemTotal: 1000 kB\nNode 1 MemFree: 1001 kB\n");
    assert_memory(tree, 1, 1000, 1000);
    tree_write(tree, NODE "node1/meminfo",
        "Node 1 MemTotal: 1000 kB\nNode 1 MemFree: 18014398509481983 kB\n"
        "Node 1 Active(file): 18014398509481983 kB\n");
    assert_memory(tree, 1, 1000, 1000);
    tree_write(tree, NODE "node1/meminfo", "Node 1 MemTotal: 1000 kB\nNode 1 MemFree: 1 kB\n");
    tree_write(tree, NODE "node1/" POOL_1G "free_hugepages", "18446744073709551615\n");
    assert_memory(tree, 1, 1000, 1000);
}

static void a_node_without_memory_is_full(void **state)
{
    const struct tree *tree = *state;

    tree_write(tree, NODE "node1/meminfo", "Node 1 MemTotal: 0 kB\nNode 1 MemFree: 0 kB\n");
    assert_memory(tree, 1, 0, 0);
}

/* Also the machine's own estimate, with huge pages that it counts as used. */
static void a_single_node_may_be_lazy(void **state)
{
    const struct tree *tree = *state;

    tree_write(tree, NODE "online", "3\n");
    tree_write(tree, NODE "node3/meminfo", "Node 3 MemTotal: 4000 kB\nNode 3 MemFree: 3900 kB\n");
    tree_write(tree, "proc/meminfo", "MemTotal: 24000 kB\nMemFree: 9 kB\nMemAvailable: 11000 kB\n");
    tree_write(tree, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "2\n");
    assert_memory(tree, 3, 24000, 11000 + 2 * 2048);
    tree_write(tree, "proc/meminfo", "");
    assert_memory(tree, 3, 4000, 3900);
}

static void the_machine_does_not_stand_in_for_one_of_several_nodes(void **state)
{
    const struct tree *tree = *state;

    tree_write(tree, NODE "online", "0-1\n");
    tree_write(tree, NODE "node0/meminfo", "Node 0 MemTotal: 4000 kB\nNode 0 MemFree: 3900 kB\n");
    tree_write(tree, "proc/meminfo", "MemTotal: 24000 kB\nMemAvailable: 11000 kB\n");
    assert_memory(tree, 0, 4000, 3900);
    assert_no_memory(tree, 1, -ENOENT);
}

static void no_nodes(void **state)
{
    const struct tree *tree = *state;

    tree_write(tree, "proc/meminfo", "MemTotal: 800 kB\nMemFree: 100 kB\nInactive(file): 50 kB\n");
    assert_memory(tree, 0, 800, 150);
    assert_no_memory(tree, 1, -ENOENT);
}

static void nothing_there(void **state)
{
    const struct tree *tree = *state;

    assert_no_memory(tree, 0, -ENOENT);
    assert_no_memory(tree, -1, -ENOENT);
    tree_write(tree, NODE "node0/meminfo", "garbage\n");
    assert_no_memory(tree, 0, -ENODATA);
}

static void this_machine(void **state)
{
    struct nn_root root;
    struct nn_memory memory;
    int r;

    assert_int_equal(nn_root_open("/", &root), 0);
    r = nn_node_memory(&root, 0, &memory);
    nn_root_close(&root);
    if (r < 0) {
        print_message("missing: node 0 and /proc/meminfo\n");
        skip();
    }
    assert_true(memory.total_bytes > 0);
    assert_true(memory.available_bytes > 0 && memory.available_bytes <= memory.total_bytes);
}

int main(void)
{
#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        TREE_TEST(page_cache_counts_unless_dirty),
        TREE_TEST(dirty_pages_never_take_more_than_the_cache),
        TREE_TEST(free_huge_pages_count),
        TREE_TEST(available_is_never_above_the_total),
        TREE_TEST(a_node_without_memory_is_full),
        TREE_TEST(a_single_node_may_be_lazy),
        TREE_TEST(the_machine_does_not_stand_in_for_one_of_several_nodes),
        TREE_TEST(no_nodes),
        TREE_TEST(nothing_there),
        cmocka_unit_test(this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
