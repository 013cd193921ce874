/* SPDX-License-Identifier: MIT */
/*
 * What is configured for each node holds for each node: HOSTMEM_POOL, HOSTMEM_PREFAULT and
 * HOSTMEM_WARM as lists, and the load of a node. Runs on shapes where nodes 0 and 1 have memory.
 * One thread.
 */
#include "guest.h"

#include <errno.h>

#define SLACK (12 * MIB) /* what the rest of the guest may take or free meanwhile */

/* Without a watcher, whose sample may be a quarter of a second old, the figures are of now. */
static struct hostmem_load load_of(int node)
{
    struct hostmem_load load;
    if (!getenv("HOSTMEM_WATCH"))
        guest_set("HOSTMEM_WATCH", "0");
    assert_int_equal(hostmem_node_load(guest_manager(), node, &load), 0);
    assert_in_range(load.percent, 0, 100);
    return load;
}

static struct hostmem_node_stats stats_of(int node)
{
    struct hostmem_node_stats stats;
    assert_int_equal(hostmem_node_stats(guest_manager(), node, &stats), 0);
    return stats;
}

static void a_list_limits_each_node(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_set("HOSTMEM_POOL", "0=8M,1=4M");
    guest_set("HOSTMEM_SPILL", "0");
    assert_int_equal(stats_of(0).limit_bytes, 8 * MIB);
    assert_int_equal(stats_of(1).limit_bytes, 4 * MIB);
    guest_must_take(0, 8 * MIB, &base);
    assert_int_equal(guest_take(0, FRAME, &base, &receipt), -ENOMEM);
    guest_must_take(1, 4 * MIB, &base);
    assert_int_equal(guest_take(1, FRAME, &base, &receipt), -ENOMEM);
    assert_int_equal(stats_of(0).committed_bytes, 8 * MIB);
    assert_int_equal(stats_of(1).committed_bytes, 4 * MIB);
}

static void a_spent_pool_spills_to_the_next_node(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_set("HOSTMEM_POOL", "0=8M");
    guest_must_take(0, 8 * MIB, &base);
    struct guest_free before = guest_free_now();
    receipt = guest_must_take(0, 4 * MIB, &base);
    assert_int_not_equal(receipt.node_given, 0);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_POOL);
    guest_assert_taken(&before, receipt.node_given, 2);
}

static void the_load_is_the_pools_of_that_node(void **state)
{
    void *base;
    (void)state;
    guest_set("HOSTMEM_POOL", "0=16M,1=16M");
    guest_must_take(0, 16 * MIB, &base);
    assert_int_equal(load_of(0).percent, 100);
    assert_int_equal(load_of(0).available_bytes, 0);
    assert_true(load_of(1).percent < 100);
    assert_int_equal(load_of(1).available_bytes, 16 * MIB);
    guest_must_take(1, 12 * MIB, &base);
    assert_in_range(load_of(1).percent, 75, 99);
    assert_int_equal(load_of(1).available_bytes, 4 * MIB);
}

/* Free huge pages are available, taken ones are not, and each node counts its own. */
static void the_load_is_the_memory_of_that_node(void **state)
{
    struct hostmem_load before[2] = {load_of(0), load_of(1)}, after[2];
    void *base;
    (void)state;
    guest_must_take(1, 16 * FRAME, &base);
    after[0] = load_of(0);
    after[1] = load_of(1);
    assert_in_range(before[1].available_bytes - after[1].available_bytes, 16 * FRAME - SLACK,
        16 * FRAME + SLACK);
    assert_in_range(before[0].available_bytes + SLACK - after[0].available_bytes, 0, 2 * SLACK);
    assert_true(after[1].percent > before[1].percent);
}

static void warm_memory_counts_as_available(void **state)
{
    struct hostmem_load before = load_of(1), after;
    void *base;
    (void)state;
    guest_must_take(1, 16 * FRAME, &base);
    assert_int_equal(hostmem_release(guest_manager(), base), 0);
    after = load_of(1);
    assert_in_range(before.available_bytes + SLACK - after.available_bytes, 0, 2 * SLACK);
}

static void the_machine_is_the_sum_of_its_nodes(void **state)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes);
    uint64_t sum = 0;
    struct hostmem_load machine;
    (void)state;
    for (size_t i = 0; i < count; i++)
        sum += load_of(nodes[i]).available_bytes;
    assert_int_equal(hostmem_load(guest_manager(), &machine), 0);
    assert_in_range(machine.available_bytes + SLACK - sum, 0, 2 * SLACK);
}

static void a_node_that_is_not_there_has_no_load(void **state)
{
    struct hostmem_load load;
    (void)state;
    assert_int_equal(hostmem_node_load(guest_manager(), NODES_MAX - 1, &load), -EINVAL);
}

static void each_node_is_prefaulted_as_listed(void **state)
{
    struct guest_free before = guest_free_now();
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_set("HOSTMEM_PREFAULT", "0=8M,1=12M");
    guest_manager();
    assert_int_equal(before.pages[0] - guest_huge_free(0), 4);
    assert_int_equal(before.pages[1] - guest_huge_free(1), 6);
    receipt = guest_must_take(1, 12 * MIB, &base);
    assert_int_equal(receipt.node_given, 1);
    assert_int_equal(before.pages[1] - guest_huge_free(1), 6);
    assert_int_equal(stats_of(1).populated_bytes, 12 * MIB);
}

/* What a commit gets then is that memory: nothing is populated any more, and it lies there. */
static void assert_prefaulted(int node, size_t size)
{
    struct hostmem_receipt receipt;
    void *base;
    assert_int_equal(stats_of(node).warm_bytes, size);
    assert_int_equal(stats_of(node).committed_bytes, 0);
    uint64_t populated = stats_of(node).populated_bytes;
    receipt = guest_must_take(node, size, &base);
    assert_int_equal(receipt.node_given, node);
    assert_int_equal(stats_of(node).populated_bytes, populated);
    assert_int_equal(stats_of(node).warm_bytes, 0);
    assert_int_equal(stats_of(node).committed_bytes, size);
}

static void prefaulted_memory_lies_on_its_node(void **state)
{
    static const char *const backings[] = {"hugetlb", "thp"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        guest_set("HOSTMEM_BACKING", backings[i]);
        guest_set("HOSTMEM_PREFAULT", "0=8M,1=12M");
        assert_prefaulted(0, 8 * MIB);
        assert_prefaulted(1, 12 * MIB);
        guest_end(NULL);
    }
}

static void a_node_that_is_not_listed_is_not_prefaulted(void **state)
{
    (void)state;
    guest_set("HOSTMEM_PREFAULT", "1=4M");
    assert_int_equal(stats_of(0).warm_bytes, 0);
    assert_prefaulted(1, 4 * MIB);
}

static void prefaulting_too_much_takes_nothing(void **state)
{
    struct guest_free before = guest_free_now();
    struct hostmem *manager = NULL;
    (void)state;
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_set("HOSTMEM_PREFAULT", "0=4M,1=400M");
    assert_int_equal(hostmem_create(&manager), -ENOMEM);
    assert_null(manager);
    guest_assert_taken(&before, 0, 0);
}

static void warmth_is_kept_as_listed(void **state)
{
    struct guest_free before = guest_free_now();
    (void)state;
    guest_set("HOSTMEM_WARM", "0=4M,1=0");
    for (int node = 0; node < 2; node++) {
        void *base;
        guest_must_take(node, 4 * FRAME, &base);
        assert_int_equal(hostmem_release(guest_manager(), base), 0);
    }
    guest_assert_taken(&before, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(a_list_limits_each_node),
        guest_test(a_spent_pool_spills_to_the_next_node),
        guest_test(the_load_is_the_pools_of_that_node),
        guest_test(the_load_is_the_memory_of_that_node),
        guest_test(warm_memory_counts_as_available),
        guest_test(the_machine_is_the_sum_of_its_nodes),
        guest_test(a_node_that_is_not_there_has_no_load),
        guest_test(each_node_is_prefaulted_as_listed),
        guest_test(prefaulted_memory_lies_on_its_node),
        guest_test(a_node_that_is_not_listed_is_not_prefaulted),
        guest_test(prefaulting_too_much_takes_nothing),
        guest_test(warmth_is_kept_as_listed),
    };
    return guest_run(tests);
}
