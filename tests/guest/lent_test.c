/* SPDX-License-Identifier: MIT */
/*
 * Who lends the memory of a page is nothing that a query tells: parts of a region that differ in
 * that alone are one run, whatever lies where. Runs on shapes where nodes 0 and 1 have memory. One
 * thread.
 */
#include "guest.h"

#define PAGE  ((size_t)4096)
#define PAGES 16
#define BYTES (PAGES * PAGE)

/* A region of node 0, whose pool has half of what is needed. */
static char *half_at_home(const char *backing, const char *pool, size_t size)
{
    struct hostmem_request request = {.size = size, .protection = HOSTMEM_PROT_RW};
    void *base;
    guest_set("HOSTMEM_BACKING", backing);
    guest_set("HOSTMEM_POOL", pool);
    guest_set("HOSTMEM_POLICY", "bind:0-1");
    guest_set("HOSTMEM_RESERVE", "0");
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
    return base;
}

static void commit_at(char *base, size_t size, int node)
{
    struct hostmem_receipt receipt;
    assert_int_equal(hostmem_commit(guest_manager(), base, size, HOSTMEM_PROT_RW,
                         HOSTMEM_TASK_CRITICAL, &receipt),
        0);
    assert_int_equal(receipt.node_asked, 0);
    assert_int_equal(receipt.node_given, node);
    guest_assert_placed(base, size, &receipt);
}

/* From every page to the end of the run. */
static void assert_one_run(char *base, size_t from, size_t to, uint32_t protection)
{
    for (size_t at = from; at < to; at += PAGE) {
        struct hostmem_info info;
        assert_int_equal(hostmem_query(guest_manager(), base + at, &info), 0);
        assert_int_equal(info.base, (uintptr_t)base + at);
        assert_int_equal(info.size, to - at);
        assert_int_equal(info.allocation_base, (uintptr_t)base);
        assert_int_equal(info.protection, protection);
        assert_int_equal(info.state, protection ? HOSTMEM_COMMITTED : HOSTMEM_RESERVED);
    }
}

static void halves_of_two_nodes_are_one_run(void **state)
{
    struct hostmem_receipt receipt;
    char *base = half_at_home("base", "0=32K,1=64M", BYTES);
    (void)state;
    commit_at(base, BYTES / 2, 0);
    assert_one_run(base, 0, BYTES / 2, HOSTMEM_PROT_RW);
    assert_one_run(base, BYTES / 2, BYTES, 0);
    commit_at(base + BYTES / 2, BYTES / 2, 1);
    assert_one_run(base, 0, BYTES, HOSTMEM_PROT_RW);
    assert_int_equal(hostmem_receipt(guest_manager(), base, BYTES, &receipt), 0);
    assert_int_equal(receipt.node_given, HOSTMEM_NODE_MIXED);
}

/* The most pieces that there can be. */
static void pages_of_two_nodes_in_turn_are_one_run(void **state)
{
    char *base = half_at_home("base", "0=32K,1=64M", BYTES);
    (void)state;
    for (size_t page = 0; page < PAGES; page += 2)
        commit_at(base + page * PAGE, PAGE, 0);
    for (size_t page = 1; page < PAGES; page += 2)
        commit_at(base + page * PAGE, PAGE, 1);
    assert_one_run(base, 0, BYTES, HOSTMEM_PROT_RW);
}

/* What a query does tell apart ends the run all the same. */
static void a_protection_ends_the_run(void **state)
{
    char *base = half_at_home("base", "0=32K,1=64M", BYTES);
    (void)state;
    commit_at(base, BYTES / 2, 0);
    commit_at(base + BYTES / 2, BYTES / 2, 1);
    assert_int_equal(
        hostmem_protect(guest_manager(), base + BYTES / 4, BYTES / 2, HOSTMEM_PROT_READ, NULL), 0);
    assert_one_run(base, 0, BYTES / 4, HOSTMEM_PROT_RW);
    assert_one_run(base, BYTES / 4, BYTES / 4 * 3, HOSTMEM_PROT_READ);
    assert_one_run(base, BYTES / 4 * 3, BYTES, HOSTMEM_PROT_RW);
    assert_int_equal(hostmem_decommit(guest_manager(), base + BYTES / 2, PAGE), 0);
    assert_one_run(base, BYTES / 4, BYTES / 2, HOSTMEM_PROT_READ);
}

static void frames_of_two_nodes_are_one_run(void **state)
{
    char *base = half_at_home("hugetlb", "0=4M,1=64M", 4 * FRAME);
    (void)state;
    commit_at(base, 2 * FRAME, 0);
    commit_at(base + 2 * FRAME, 2 * FRAME, 1);
    assert_one_run(base, 0, 4 * FRAME, HOSTMEM_PROT_RW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(halves_of_two_nodes_are_one_run),
        guest_test(pages_of_two_nodes_in_turn_are_one_run),
        guest_test(a_protection_ends_the_run),
        guest_test(frames_of_two_nodes_are_one_run),
    };
    return guest_run(tests);
}
