/* SPDX-License-Identifier: MIT */
/*
 * Several nodes on fakes: where memory comes from when the node of a request has none, in which
 * order, what HOSTMEM_POOL, HOSTMEM_SPILL and HOSTMEM_POLICY permit, and that the receipt says what
 * the fakes know. After each test all budgets are back at zero. Nodes are 0, 2, 5 and 7, by index 0
 * to 3; from index 0 the order is 0, 2, 1, 3.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hostmem/hostmem.h>

#include "fakes.h"
#include "lib/window.h"

#define RW   HOSTMEM_PROT_RW
#define FULL (64 * MIB)

static const char *sysroot, *poor_sysroot;
static struct hostmem *manager;

static void open_with(const char *root, const struct setting_text *settings)
{
    fakes_reset(FULL);
    assert_int_equal(fakes_open(root, settings, &manager), 0);
}

#define OPEN(...) open_with(sysroot, (const struct setting_text[]){__VA_ARGS__, {NULL, NULL}})
#define OPEN_POOR(...)                                                                             \
    open_with(poor_sysroot, (const struct setting_text[]){__VA_ARGS__, {NULL, NULL}})

/* Everything is released by now. */
static void close_manager(void)
{
    assert_int_equal(fakes_unsound(manager), 0);
    assert_int_equal(fakes_committed(manager, -1), 0);
    assert_int_equal(hp_fake_populated(-1), fakes_warm(manager, -1));
    hostmem_destroy(manager);
    assert_int_equal(hp_fake_mapped(), 0);
}

/* The nodes, by index, that still have memory; the others have none. */
static void leave_only(unsigned indices)
{
    for (int i = 0; i < MACHINE_NODES; i++)
        if (!(indices >> i & 1))
            hp_fake_set_free(machine_ids[i], 0);
}

static int try_make(int node, size_t size, uint32_t flags, uint32_t protection, char **ret_base,
    struct hostmem_receipt *ret_receipt)
{
    struct hostmem_request request = {
        .size = size, .node = node, .flags = flags, .protection = protection};
    void *base;
    int error = hostmem_reserve(manager, &request, &base, ret_receipt);
    if (!error)
        *ret_base = base;
    return error;
}

static char *make(int node, size_t size, uint32_t flags, uint32_t protection)
{
    char *base = NULL;
    assert_int_equal(try_make(node, size, flags, protection, &base, NULL), 0);
    return base;
}

static int commit(char *base, size_t size, struct hostmem_receipt *ret_receipt)
{
    return hostmem_commit(manager, base, size, RW, HOSTMEM_TASK_CRITICAL, ret_receipt);
}

static void release(char *base)
{
    assert_int_equal(hostmem_release(manager, base), 0);
}

/* The receipt names these nodes, and the fakes know every page of the range to be on the second. */
static void assert_placed(
    const struct hostmem_receipt *receipt, int asked, int given, char *base, size_t size)
{
    assert_int_equal(receipt->node_asked, asked);
    assert_int_equal(receipt->node_given, given);
    assert_int_equal(receipt->committed, size);
    assert_int_equal(receipt->verified, 1);
    for (size_t at = 0; at < size; at += HP_BASE_PAGE)
        assert_int_equal(hp_fake_node_of(base + at), given);
}

static uint64_t spilled(int node)
{
    struct hostmem_node_stats stats;
    assert_int_equal(hostmem_node_stats(manager, node, &stats), 0);
    return stats.spilled_bytes;
}

/* -- frames -- */

static void each_node_gives_its_own(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "hugetlb"});
    for (int i = 0; i < MACHINE_NODES; i++) {
        char *base = make(machine_ids[i], 4 * MIB, 0, RW);
        assert_int_equal(commit(base, 4 * MIB, &receipt), 0);
        assert_placed(&receipt, machine_ids[i], machine_ids[i], base, 4 * MIB);
        assert_int_equal(receipt.reason, HOSTMEM_REASON_NONE);
        assert_int_equal(receipt.backing, HOSTMEM_BACKING_HUGETLB);
        assert_int_equal(receipt.page_size, 2 * MIB);
        assert_int_equal(fakes_committed(manager, i), 4 * MIB);
        release(base);
        assert_int_equal(fakes_committed(manager, i), 0);
    }
    close_manager();
}

/* An existing region of each node gets frames of the nearest node that has some left. */
static void commit_spills_in_distance_order(void **state)
{
    struct hostmem_receipt receipt;
    for (int home = 0; home < MACHINE_NODES; home++)
        for (int rank = 1; rank < MACHINE_NODES; rank++) {
            unsigned left = 0;
            for (int i = rank; i < MACHINE_NODES; i++)
                left |= 1u << machine_order[home][i];
            int giver = machine_order[home][rank];
            OPEN({"BACKING", "hugetlb"});
            char *base = make(machine_ids[home], 4 * MIB, 0, RW);
            leave_only(left);
            assert_int_equal(commit(base, 4 * MIB, &receipt), 0);
            assert_placed(&receipt, machine_ids[home], machine_ids[giver], base, 4 * MIB);
            assert_int_equal(receipt.reason, HOSTMEM_REASON_NO_HUGE);
            assert_int_equal(fakes_committed(manager, giver), 4 * MIB);
            assert_int_equal(fakes_committed(manager, home), 0);
            assert_int_equal(spilled(machine_ids[giver]), 4 * MIB);
            release(base);
            assert_int_equal(hp_fake_populated(machine_ids[giver]), 0);
            close_manager();
        }
}

/* A loan ends with the commit: the same address is the home's again once that has memory. */
static void loans_are_returned(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "hugetlb"});
    char *base = make(0, 8 * MIB, 0, RW);
    hp_fake_set_free(0, 4 * MIB);
    assert_int_equal(commit(base, 4 * MIB, NULL), 0);
    assert_int_equal(commit(base + 4 * MIB, 4 * MIB, NULL), 0);
    memset(base, 1, 8 * MIB);
    assert_int_equal(hostmem_receipt(manager, base, 8 * MIB, &receipt), 0);
    assert_int_equal(receipt.node_given, HOSTMEM_NODE_MIXED);
    assert_int_equal(receipt.backing, HOSTMEM_BACKING_HUGETLB);
    assert_int_equal(fakes_committed(manager, 0), 4 * MIB);
    assert_int_equal(fakes_committed(manager, 2), 4 * MIB);
    assert_int_equal(hostmem_decommit(manager, base + 4 * MIB, 4 * MIB), 0);
    assert_int_equal(fakes_committed(manager, 2), 0);
    assert_int_equal(hp_fake_populated(5), 0);
    assert_int_equal(hp_fake_bound_to(base + 4 * MIB), 0);
    hp_fake_set_free(0, FULL);
    assert_int_equal(commit(base + 4 * MIB, 4 * MIB, &receipt), 0);
    assert_placed(&receipt, 0, 0, base + 4 * MIB, 4 * MIB);
    assert_int_equal(base[0], 1);
    for (size_t at = 4 * MIB; at < 8 * MIB; at += 512)
        assert_int_equal(base[at], 0);
    release(base);
    close_manager();
}

static int no_mapping(const struct hp_spec *spec, void *at, size_t size, int node, bool populate)
{
    return -ENOMEM;
}

/* At the limit of mappings a loan ends without its place being the home's again: it is then made so
 * before the home's memory is put there, or the frame is borrowed anew. */
static void a_mapping_that_cannot_be_restored_stays_lent(void **state)
{
    struct hostmem_receipt receipt = {0};
    for (int lucky = 0; lucky < 2; lucky++) {
        OPEN({"BACKING", "hugetlb"});
        /* A kernel that does not say where pages are: nothing but care keeps the two apart. */
        manager->caps.locate = false;
        char *a = make(0, 2 * MIB, 0, RW), *b = make(0, 2 * MIB, HOSTMEM_COMMIT, RW);
        hp_fake_set_free(0, 0);
        assert_int_equal(commit(a, 2 * MIB, NULL), 0);
        memset(a, 7, 2 * MIB);
        fakes_rw.replace = no_mapping;
        assert_int_equal(hostmem_decommit(manager, a, 0), 0);
        assert_int_equal(fakes_committed(manager, 2), 0);
        assert_int_equal(hp_fake_populated(5), 0);
        assert_int_equal(hostmem_decommit(manager, b, 0), 0);
        assert_int_equal(fakes_warm(manager, 0), 2 * MIB);
        if (lucky)
            fakes_rw.replace = hp_fake.replace;
        assert_int_equal(commit(a, 2 * MIB, &receipt), lucky ? 0 : -ENOMEM);
        assert_int_equal(hp_fake_node_of(a), lucky ? 0 : -ENOENT);
        assert_int_equal(receipt.node_given, 0);
        fakes_rw.replace = hp_fake.replace;
        assert_int_equal(commit(a, 2 * MIB, NULL), 0);
        for (size_t at = 0; at < 2 * MIB; at += 512)
            assert_int_equal(a[at], 0);
        release(a);
        release(b);
        close_manager();
    }
}

/* Of one node that has only part, all of a run goes elsewhere; what is warm at home is used. */
static void part_of_a_commit_is_borrowed(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "hugetlb"});
    char *base = make(0, 8 * MIB, 0, RW);
    assert_int_equal(commit(base + 2 * MIB, 2 * MIB, NULL), 0);
    assert_int_equal(hostmem_decommit(manager, base + 2 * MIB, 2 * MIB), 0);
    assert_int_equal(fakes_warm(manager, 0), 2 * MIB);
    leave_only(8);
    assert_int_equal(commit(base, 8 * MIB, &receipt), 0);
    assert_int_equal(receipt.node_given, HOSTMEM_NODE_MIXED);
    assert_int_equal(hp_fake_node_of(base + 2 * MIB), 0);
    assert_int_equal(hp_fake_node_of(base), 7);
    assert_int_equal(hp_fake_node_of(base + 6 * MIB), 7);
    assert_int_equal(fakes_committed(manager, 0), 2 * MIB);
    assert_int_equal(fakes_committed(manager, 3), 6 * MIB);
    release(base);
    close_manager();
}

/* Nobody has enough for all: nothing stays taken anywhere. */
static void nothing_is_taken_when_all_are_spent(void **state)
{
    OPEN({"BACKING", "hugetlb"});
    char *base = make(0, 16 * MIB, 0, RW);
    for (int i = 0; i < MACHINE_NODES; i++)
        hp_fake_set_free(machine_ids[i], 6 * MIB);
    assert_int_equal(commit(base, 16 * MIB, NULL), -ENOMEM);
    assert_int_equal(fakes_committed(manager, -1), 0);
    assert_int_equal(hp_fake_populated(-1), fakes_warm(manager, -1));
    assert_int_equal(commit(base, 6 * MIB, NULL), 0);
    release(base);
    close_manager();
}

/* A small region borrows the whole frame that it shares, and the next one finds it there. */
static void a_shared_frame_is_borrowed_once(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "hugetlb"});
    char *a = make(0, 64 << 10, 0, RW), *b = make(0, 64 << 10, 0, RW);
    assert_int_equal((uintptr_t)a / (2 * MIB), (uintptr_t)b / (2 * MIB));
    hp_fake_set_free(0, 0);
    assert_int_equal(commit(a, 64 << 10, &receipt), 0);
    assert_placed(&receipt, 0, 5, a, 64 << 10);
    assert_int_equal(fakes_committed(manager, 2), 2 * MIB);
    assert_int_equal(commit(b, 64 << 10, &receipt), 0);
    assert_placed(&receipt, 0, 5, b, 64 << 10);
    assert_int_equal(fakes_committed(manager, 2), 2 * MIB);
    release(a);
    assert_int_equal(fakes_committed(manager, 2), 2 * MIB);
    release(b);
    close_manager();
}

/* -- a region and its memory at once -- */

static void a_new_region_goes_to_the_nearest(void **state)
{
    struct hostmem_receipt receipt;
    char *base = NULL;
    for (int rank = 1; rank < MACHINE_NODES; rank++) {
        int giver = machine_order[1][rank];
        OPEN({"BACKING", "hugetlb"});
        leave_only(1u << giver);
        assert_int_equal(try_make(2, 4 * MIB, HOSTMEM_COMMIT, RW, &base, &receipt), 0);
        assert_placed(&receipt, 2, machine_ids[giver], base, 4 * MIB);
        assert_int_equal(receipt.reason, HOSTMEM_REASON_NO_HUGE);
        assert_int_equal(fakes_committed(manager, giver), 4 * MIB);
        release(base);
        close_manager();
    }
}

/* Near memory of small pages comes before far memory of huge ones. */
static void a_new_region_prefers_near_small_pages(void **state)
{
    struct hostmem_receipt receipt;
    char *base = NULL;
    OPEN_POOR({"BACKING", "hugetlb,base"});
    assert_int_equal(try_make(0, 2 * MIB, HOSTMEM_COMMIT, RW, &base, &receipt), 0);
    assert_placed(&receipt, 0, 0, base, 2 * MIB);
    assert_int_equal(receipt.backing, HOSTMEM_BACKING_BASE);
    assert_int_equal(receipt.page_size, HP_BASE_PAGE);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_NO_HUGE);
    release(base);
    close_manager();
}

static void large_pages_spill_too(void **state)
{
    struct hostmem_receipt receipt;
    char *base = NULL;
    OPEN({"BACKING", "hugetlb,thp,base"});
    leave_only(8);
    uint32_t flags = HOSTMEM_COMMIT | HOSTMEM_LARGE;
    assert_int_equal(try_make(0, 4 * MIB, flags, RW, &base, &receipt), 0);
    assert_placed(&receipt, 0, 7, base, 4 * MIB);
    assert_int_equal(receipt.backing, HOSTMEM_BACKING_HUGETLB);
    release(base);
    leave_only(0);
    close_manager();
    OPEN({"BACKING", "hugetlb,thp,base"});
    leave_only(0);
    assert_int_equal(try_make(0, 4 * MIB, flags, RW, &base, NULL), -ENOBUFS);
    close_manager();
}

/* -- 4 KiB pages -- */

static void exact_pages_spill_in_distance_order(void **state)
{
    struct hostmem_receipt receipt;
    for (int rank = 1; rank < MACHINE_NODES; rank++) {
        int giver = machine_order[0][rank];
        OPEN({"BACKING", "hugetlb,base"});
        char *base = make(0, 1 * MIB, 0, HOSTMEM_PROT_READ);
        leave_only(1u << giver);
        assert_int_equal(commit(base + 65536, 65536, &receipt), 0);
        assert_placed(&receipt, 0, machine_ids[giver], base + 65536, 65536);
        assert_int_equal(receipt.backing, HOSTMEM_BACKING_BASE);
        assert_int_equal(receipt.reason, HOSTMEM_REASON_NODE_SPENT);
        assert_int_equal(fakes_committed(manager, giver), 65536);
        assert_int_equal(fakes_committed(manager, 0), 0);
        assert_int_equal(spilled(machine_ids[giver]), 65536);
        assert_int_equal(hostmem_decommit(manager, base + 65536, 4096), 0);
        assert_int_equal(fakes_committed(manager, giver), 65536 - 4096);
        assert_int_equal(hp_fake_bound_to(base + 65536), 0);
        hp_fake_set_free(0, MIB);
        assert_int_equal(commit(base, MIB, &receipt), 0);
        assert_int_equal(receipt.node_given, HOSTMEM_NODE_MIXED);
        assert_int_equal(fakes_committed(manager, giver), 65536 - 4096);
        release(base);
        close_manager();
    }
}

static void a_new_exact_region_spills(void **state)
{
    struct hostmem_receipt receipt;
    char *base = NULL;
    OPEN({"BACKING", "hugetlb,base"});
    leave_only(2);
    assert_int_equal(try_make(0, 1 * MIB, HOSTMEM_COMMIT, HOSTMEM_PROT_READ, &base, &receipt), 0);
    assert_placed(&receipt, 0, 2, base, 1 * MIB);
    assert_int_not_equal(receipt.reason, HOSTMEM_REASON_NONE);
    release(base);
    close_manager();
}

/* -- limits -- */

static void the_pool_of_a_node_is_its_own(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "hugetlb"}, {"POOL", "0=4M,2=2M,5=6M,7=0"});
    char *base = make(0, 16 * MIB, 0, RW);
    assert_int_equal(commit(base, 4 * MIB, &receipt), 0);
    assert_placed(&receipt, 0, 0, base, 4 * MIB);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_NONE);
    assert_int_equal(commit(base + 4 * MIB, 6 * MIB, &receipt), 0);
    assert_placed(&receipt, 0, 5, base + 4 * MIB, 6 * MIB);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_POOL);
    assert_int_equal(commit(base + 10 * MIB, 2 * MIB, &receipt), 0);
    assert_placed(&receipt, 0, 2, base + 10 * MIB, 2 * MIB);
    assert_int_equal(commit(base + 12 * MIB, 2 * MIB, NULL), -ENOMEM);
    for (int i = 0; i < 3; i++) {
        struct pool *pool = &manager->nodes[i].pool;
        assert_int_equal(fakes_committed(manager, i), pool->limit);
    }
    release(base);
    close_manager();
}

static void the_pool_limits_exact_pages(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "base"}, {"POOL", "0=128K,2=64K,5=64K,7=0"});
    char *base = make(0, 1 * MIB, 0, RW);
    assert_int_equal(commit(base, 128 << 10, &receipt), 0);
    assert_placed(&receipt, 0, 0, base, 128 << 10);
    assert_int_equal(commit(base + (128 << 10), 64 << 10, &receipt), 0);
    assert_placed(&receipt, 0, 5, base + (128 << 10), 64 << 10);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_POOL);
    assert_int_equal(commit(base + (192 << 10), 64 << 10, &receipt), 0);
    assert_placed(&receipt, 0, 2, base + (192 << 10), 64 << 10);
    assert_int_equal(commit(base + (256 << 10), 4096, NULL), -ENOMEM);
    assert_int_equal(fakes_committed(manager, 3), 0);
    release(base);
    close_manager();
}

/* Where the home's budget is spent its warm frames are of no use, and are given back. */
static void warm_frames_do_not_pass_the_limit(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "hugetlb"}, {"POOL", "0=4M,2=0,5=8M,7=0"});
    char *a = make(0, 4 * MIB, HOSTMEM_COMMIT, RW);
    char *b = make(0, 4 * MIB, 0, RW);
    assert_int_equal(hostmem_decommit(manager, a, 0), 0);
    assert_int_equal(commit(b, 4 * MIB, NULL), 0);
    assert_int_equal(fakes_warm(manager, 0), 4 * MIB);
    assert_int_equal(commit(a, 4 * MIB, &receipt), 0);
    assert_placed(&receipt, 0, 5, a, 4 * MIB);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_POOL);
    assert_int_equal(fakes_committed(manager, 0), 4 * MIB);
    assert_int_equal(fakes_warm(manager, 0), 0);
    release(a);
    release(b);
    close_manager();
}

/* -- what is not permitted -- */

static void without_spill_a_spent_node_is_an_error(void **state)
{
    char *base = NULL;
    for (int small = 0; small < 2; small++) {
        OPEN({"BACKING", small ? "base" : "hugetlb"}, {"SPILL", "0"});
        char *region = make(0, 4 * MIB, 0, RW);
        hp_fake_set_free(0, 2 * MIB);
        assert_int_equal(commit(region, 4 * MIB, NULL), -ENOMEM);
        assert_int_equal(try_make(0, 4 * MIB, HOSTMEM_COMMIT, RW, &base, NULL), -ENOMEM);
        assert_int_equal(fakes_committed(manager, -1), 0);
        assert_int_equal(hp_fake_populated(-1), fakes_warm(manager, -1));
        assert_int_equal(commit(region, 2 * MIB, NULL), 0);
        release(region);
        close_manager();
    }
}

/* Without spill another backing of the same node may still serve. */
static void without_spill_the_node_gives_other_pages(void **state)
{
    OPEN_POOR({"BACKING", "hugetlb,base"}, {"SPILL", "0"});
    struct hostmem_receipt receipt;
    char *base = NULL;
    assert_int_equal(try_make(0, 2 * MIB, HOSTMEM_COMMIT, RW, &base, &receipt), 0);
    assert_placed(&receipt, 0, 0, base, 2 * MIB);
    release(base);
    close_manager();
}

static void bind_spills_within_its_list(void **state)
{
    struct hostmem_receipt receipt;
    char *base = NULL;
    OPEN({"BACKING", "hugetlb"}, {"POLICY", "bind:2,7"});
    assert_int_equal(try_make(HOSTMEM_NODE_LOCAL, 2 * MIB, HOSTMEM_COMMIT, RW, &base, &receipt), 0);
    assert_placed(&receipt, 2, 2, base, 2 * MIB);
    release(base);
    char *region = make(HOSTMEM_NODE_LOCAL, 8 * MIB, 0, RW);
    hp_fake_set_free(2, 0);
    assert_int_equal(commit(region, 8 * MIB, &receipt), 0);
    assert_int_equal(receipt.node_asked, 2);
    assert_int_equal(hp_fake_node_of(region + 6 * MIB), 7);
    assert_int_equal(hostmem_decommit(manager, region, 0), 0);
    hp_fake_set_free(7, 0);
    assert_int_equal(commit(region, 8 * MIB, NULL), -ENOMEM);
    assert_int_equal(hp_fake_populated(0) + hp_fake_populated(5), 0);
    release(region);
    close_manager();
}

/* A node outside of the list may be named; what it lacks comes from the list. */
static void bind_lets_a_named_node_be(void **state)
{
    struct hostmem_receipt receipt;
    OPEN({"BACKING", "hugetlb"}, {"POLICY", "bind:7"});
    char *region = make(0, 4 * MIB, 0, RW);
    assert_int_equal(commit(region, 2 * MIB, &receipt), 0);
    assert_placed(&receipt, 0, 0, region, 2 * MIB);
    hp_fake_set_free(0, 0);
    assert_int_equal(commit(region + 2 * MIB, 2 * MIB, &receipt), 0);
    assert_placed(&receipt, 0, 7, region + 2 * MIB, 2 * MIB);
    release(region);
    close_manager();
}

static void interleave_takes_turns(void **state)
{
    struct hostmem_receipt receipt;
    char *bases[2 * MACHINE_NODES];
    OPEN({"BACKING", "hugetlb"}, {"POLICY", "interleave"});
    for (int i = 0; i < 2 * MACHINE_NODES; i++) {
        bases[i] = make(HOSTMEM_NODE_LOCAL, 2 * MIB, HOSTMEM_COMMIT, RW);
        assert_int_equal(hostmem_receipt(manager, bases[i], 2 * MIB, &receipt), 0);
        int node = machine_ids[i % MACHINE_NODES];
        assert_placed(&receipt, node, node, bases[i], 2 * MIB);
    }
    for (int i = 0; i < 2 * MACHINE_NODES; i++)
        release(bases[i]);
    close_manager();
}

/* Memory that the kernel took from another node than the one it was bound to is not accepted. */
static void misplaced_memory_is_refused(void **state)
{
    OPEN({"BACKING", "hugetlb"}, {"SPILL", "0"});
    char *region = make(2, 4 * MIB, 0, RW);
    assert_int_equal(fakes_rw.bind(region, 4 * MIB, 5), 0);
    assert_int_equal(commit(region, 4 * MIB, NULL), -ENOMEM);
    assert_int_equal(fakes_committed(manager, -1), 0);
    assert_int_equal(hp_fake_populated(-1), 0);
    assert_int_equal(fakes_rw.bind(region, 4 * MIB, 2), 0);
    assert_int_equal(commit(region, 4 * MIB, NULL), 0);
    release(region);
    close_manager();
}

static int open_machines(void **state)
{
    static struct machine machine = {
        .nodes = MACHINE_NODES, .huge = {32, 32, 32, 32}, .thp = false};
    static char kept[64];
    snprintf(kept, sizeof(kept), "%s", machine_write(&machine));
    sysroot = kept;
    machine.huge[0] = 0;
    static char poor[64];
    snprintf(poor, sizeof(poor), "%s", machine_write(&machine));
    poor_sysroot = poor;
    return 0;
}

static int close_machines(void **state)
{
    machine_remove(sysroot);
    machine_remove(poor_sysroot);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_node_gives_its_own),
        cmocka_unit_test(commit_spills_in_distance_order),
        cmocka_unit_test(loans_are_returned),
        cmocka_unit_test(a_mapping_that_cannot_be_restored_stays_lent),
        cmocka_unit_test(part_of_a_commit_is_borrowed),
        cmocka_unit_test(nothing_is_taken_when_all_are_spent),
        cmocka_unit_test(a_shared_frame_is_borrowed_once),
        cmocka_unit_test(a_new_region_goes_to_the_nearest),
        cmocka_unit_test(a_new_region_prefers_near_small_pages),
        cmocka_unit_test(large_pages_spill_too),
        cmocka_unit_test(exact_pages_spill_in_distance_order),
        cmocka_unit_test(a_new_exact_region_spills),
        cmocka_unit_test(the_pool_of_a_node_is_its_own),
        cmocka_unit_test(the_pool_limits_exact_pages),
        cmocka_unit_test(warm_frames_do_not_pass_the_limit),
        cmocka_unit_test(without_spill_a_spent_node_is_an_error),
        cmocka_unit_test(without_spill_the_node_gives_other_pages),
        cmocka_unit_test(bind_spills_within_its_list),
        cmocka_unit_test(bind_lets_a_named_node_be),
        cmocka_unit_test(interleave_takes_turns),
        cmocka_unit_test(misplaced_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, open_machines, close_machines);
}
