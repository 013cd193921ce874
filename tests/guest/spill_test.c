/* SPDX-License-Identifier: MIT */
/*
 * A node that is spent: others help in the order of their distance and the receipt says so, or with
 * HOSTMEM_SPILL=0 and bind there is an error and nothing has changed. Never a signal, never memory
 * of another node that the receipt does not name. Runs on shapes with two nodes or more that have
 * memory. One thread.
 */
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LEFT 3 /* frames that are left free on a node that is nearly spent */

static void only_huge(void)
{
    guest_set("HOSTMEM_BACKING", "hugetlb");
}

/* Takes all free frames of a node but `left`. */
static void spend(int node, size_t left)
{
    void *base;
    size_t frames = guest_huge_free(node);
    assert_true(frames > left);
    struct hostmem_receipt receipt = guest_must_take(node, (frames - left) * FRAME, &base);
    assert_int_equal(receipt.node_given, node);
    assert_int_equal(guest_huge_free(node), left);
}

/* -- spill -- */

static void other_nodes_help_in_order_of_distance(int home)
{
    int order[NODES_MAX];
    size_t count = guest_by_distance(home, order);
    only_huge();
    for (size_t i = 0; i + 1 < count; i++) {
        struct hostmem_receipt receipt;
        struct hostmem_node_stats stats;
        void *base;
        spend(order[i], 0);
        struct guest_free before = guest_free_now();
        assert_int_equal(guest_take(home, LEFT * FRAME, &base, &receipt), 0);
        guest_assert_placed(base, LEFT * FRAME, &receipt);
        assert_int_equal(receipt.node_asked, home);
        assert_int_equal(receipt.node_given, order[i + 1]);
        assert_int_not_equal(receipt.reason, HOSTMEM_REASON_NONE);
        guest_assert_taken(&before, order[i + 1], LEFT);
        memset(base, 1, LEFT * FRAME);
        assert_int_equal(hostmem_node_stats(guest_manager(), order[i + 1], &stats), 0);
        assert_int_equal(stats.spilled_bytes, LEFT * FRAME);
    }
}

static void spill_goes_to_the_nearest(void **state)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        other_nodes_help_in_order_of_distance(nodes[i]);
        guest_end(NULL);
    }
}

/* A region keeps its address while frames that are committed later come from elsewhere. */
static void a_later_commit_spills(void **state)
{
    int order[NODES_MAX];
    struct hostmem_receipt receipt;
    struct hostmem_request request = {.size = 8 * FRAME, .protection = HOSTMEM_PROT_RW};
    void *base;
    (void)state;
    only_huge();
    guest_by_distance(0, order);
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
    spend(0, 0);
    struct guest_free before = guest_free_now();
    assert_int_equal(hostmem_commit(guest_manager(), base, 8 * FRAME, HOSTMEM_PROT_RW,
                         HOSTMEM_TASK_CRITICAL, &receipt),
        0);
    guest_assert_placed(base, 8 * FRAME, &receipt);
    assert_int_equal(receipt.node_asked, 0);
    assert_int_equal(receipt.node_given, order[1]);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_NO_HUGE);
    guest_assert_taken(&before, order[1], 8);
    memset(base, 1, 8 * FRAME);
}

/* Frame by frame until the node is spent: what lies where is in the receipt of each frame. */
static void a_region_over_two_nodes_is_mixed(void **state)
{
    int order[NODES_MAX];
    struct hostmem_receipt receipt;
    struct hostmem_request request = {.size = 8 * FRAME, .protection = HOSTMEM_PROT_RW};
    char *base;
    void *memory;
    (void)state;
    only_huge();
    guest_by_distance(0, order);
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &memory, NULL), 0);
    base = memory;
    spend(0, LEFT);
    for (size_t frame = 0; frame < 8; frame++) {
        assert_int_equal(hostmem_commit(guest_manager(), base + frame * FRAME, FRAME,
                             HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, &receipt),
            0);
        guest_assert_placed(base + frame * FRAME, FRAME, &receipt);
        assert_int_equal(receipt.node_given, frame < LEFT ? 0 : order[1]);
    }
    assert_int_equal(hostmem_receipt(guest_manager(), base, 8 * FRAME, &receipt), 0);
    assert_int_equal(receipt.node_given, HOSTMEM_NODE_MIXED);
    assert_int_equal(hostmem_decommit(guest_manager(), base, 8 * FRAME), 0);
    struct guest_free now = guest_free_now();
    assert_int_equal(now.pages[order[1]], guest_huge_total(order[1]));
}

/* Lent frames that went back: the node's own frames serve the same addresses again. */
static void after_a_loan_the_node_serves_again(void **state)
{
    struct hostmem_receipt receipt;
    struct hostmem_request request = {.size = 4 * FRAME, .protection = HOSTMEM_PROT_RW};
    void *base, *hog;
    (void)state;
    only_huge();
    guest_set("HOSTMEM_WARM", "0");
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
    guest_must_take(0, guest_huge_free(0) * FRAME, &hog);
    for (int round = 0; round < 3; round++) {
        bool spent = round != 1;
        if (!spent)
            assert_int_equal(hostmem_release(guest_manager(), hog), 0);
        assert_int_equal(hostmem_commit(guest_manager(), base, 4 * FRAME, HOSTMEM_PROT_RW,
                             HOSTMEM_TASK_CRITICAL, &receipt),
            0);
        guest_assert_placed(base, 4 * FRAME, &receipt);
        assert_int_equal(receipt.node_given != 0, spent);
        memset(base, 1, 4 * FRAME);
        assert_int_equal(hostmem_decommit(guest_manager(), base, 4 * FRAME), 0);
        if (!spent)
            guest_must_take(0, guest_huge_free(0) * FRAME, &hog);
    }
}

/* The node's own small pages come before huge pages of other nodes. */
static void near_small_pages_come_before_far_huge_ones(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_must_take(0, guest_huge_free(0) * FRAME, &base);
    assert_int_equal(guest_take(0, 2 * FRAME, &base, &receipt), 0);
    guest_assert_placed(base, 2 * FRAME, &receipt);
    assert_int_equal(receipt.node_given, 0);
    assert_int_not_equal(receipt.backing, HOSTMEM_BACKING_HUGETLB);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_NO_HUGE);
}

/* -- no spill -- */

static void refused(size_t frames)
{
    struct guest_free before = guest_free_now();
    struct hostmem_receipt receipt;
    struct hostmem_node_stats stats;
    void *base;
    assert_int_equal(guest_take(0, frames * FRAME, &base, &receipt), -ENOMEM);
    guest_assert_taken(&before, 0, 0);
    assert_int_equal(hostmem_node_stats(guest_manager(), 0, &stats), 0);
    assert_int_equal(stats.committed_bytes, (guest_huge_total(0) - LEFT) * FRAME);
}

static void without_spill_it_is_an_error(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    only_huge();
    guest_set("HOSTMEM_SPILL", "0");
    spend(0, LEFT);
    refused(LEFT + 1);
    refused(100);
    receipt = guest_must_take(0, LEFT * FRAME, &base);
    assert_int_equal(receipt.node_given, 0);
    assert_int_equal(guest_take(0, FRAME, &base, &receipt), -ENOMEM);
}

static void bound_to_one_node_it_is_an_error(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    only_huge();
    guest_set("HOSTMEM_POLICY", "bind:0");
    spend(0, LEFT);
    refused(LEFT + 1);
    receipt = guest_must_take(HOSTMEM_NODE_LOCAL, LEFT * FRAME, &base);
    assert_int_equal(receipt.node_given, 0);
    assert_int_equal(guest_take(HOSTMEM_NODE_LOCAL, FRAME, &base, &receipt), -ENOMEM);
}

/* Part of a region that is refused leaves the rest as it was. */
static void a_refused_commit_changes_nothing(void **state)
{
    struct hostmem_request request = {.size = 8 * FRAME, .protection = HOSTMEM_PROT_RW};
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    only_huge();
    guest_set("HOSTMEM_SPILL", "0");
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
    assert_int_equal(
        hostmem_commit(guest_manager(), base, FRAME, HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, NULL),
        0);
    memset(base, 7, FRAME);
    spend(0, LEFT);
    assert_int_equal(hostmem_commit(guest_manager(), base, 8 * FRAME, HOSTMEM_PROT_RW,
                         HOSTMEM_TASK_CRITICAL, NULL),
        -ENOMEM);
    assert_int_equal(guest_huge_free(0), LEFT);
    assert_int_equal(hostmem_receipt(guest_manager(), base, 8 * FRAME, &receipt), 0);
    assert_int_equal(receipt.committed, FRAME);
    for (size_t i = 0; i < FRAME; i += 4096)
        assert_int_equal(((char *)base)[i], 7);
    assert_int_equal(hostmem_commit(guest_manager(), (char *)base + FRAME, LEFT * FRAME,
                         HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, &receipt),
        0);
    guest_assert_placed((char *)base + FRAME, LEFT * FRAME, &receipt);
}

/* -- one node spent by others, all of it in small pieces -- */

static void exhaustion_frame_by_frame_never_lies(void **state)
{
    int order[NODES_MAX];
    size_t first = guest_huge_free(0), second;
    (void)state;
    only_huge();
    guest_by_distance(0, order);
    second = guest_huge_free(order[1]);
    for (size_t i = 0; i < first + second; i++) {
        void *base;
        struct hostmem_receipt receipt = guest_must_take(0, FRAME, &base);
        assert_int_equal(receipt.node_given, i < first ? 0 : order[1]);
        memset(base, 1, FRAME);
    }
}

/* Another process, or the administrator, takes the pages away between two commits. */
static void pages_that_others_took_are_missed_cleanly(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    only_huge();
    guest_set("HOSTMEM_SPILL", "0");
    guest_must_take(0, FRAME, &base);
    guest_huge_set(0, 1);
    assert_int_equal(guest_take(0, FRAME, &base, &receipt), -ENOMEM);
    guest_huge_set(0, 3);
    receipt = guest_must_take(0, 2 * FRAME, &base);
    assert_int_equal(receipt.node_given, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(spill_goes_to_the_nearest),
        guest_test(a_later_commit_spills),
        guest_test(a_region_over_two_nodes_is_mixed),
        guest_test(after_a_loan_the_node_serves_again),
        guest_test(near_small_pages_come_before_far_huge_ones),
        guest_test(without_spill_it_is_an_error),
        guest_test(bound_to_one_node_it_is_an_error),
        guest_test(a_refused_commit_changes_nothing),
        guest_test(exhaustion_frame_by_frame_never_lies),
        guest_test(pages_that_others_took_are_missed_cleanly),
    };
    return guest_run(tests);
}
