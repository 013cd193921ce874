/* SPDX-License-Identifier: MIT */
/*
 * Every policy, and a node named by the caller, put every page where the receipt says, of all three
 * backings: asked of move_pages() for each 4 KiB, and of the nodes' counters of free huge pages.
 * Runs on any shape. One thread.
 */
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FRAMES 5

struct nodes {
    size_t count;
    int id[NODES_MAX];
};

static struct nodes with_memory(void)
{
    struct nodes nodes;
    nodes.count = guest_memory_nodes(nodes.id);
    return nodes;
}

/* The node whose memory a thread on that node's CPUs calls its own. */
static int nearest_memory(int node)
{
    int order[NODES_MAX];
    guest_by_distance(node, order);
    return order[0];
}

static void release(void *base)
{
    assert_int_equal(hostmem_release(guest_manager(), base), 0);
}

/* A policy for the next manager, which keeps nothing warm: each taking is seen in the counters. */
static void set_policy(const char *policy)
{
    guest_set("HOSTMEM_POLICY", policy);
    guest_set("HOSTMEM_WARM", "0");
}

/* Frames of `node` with a receipt without a flaw, seen in the counters as well. */
static void take_frames(int asked, int node)
{
    struct guest_free before = guest_free_now();
    void *base;
    struct hostmem_receipt receipt = guest_must_take(asked, FRAMES * FRAME, &base);
    assert_int_equal(receipt.node_asked, node);
    assert_int_equal(receipt.node_given, node);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_NONE);
    assert_int_equal(receipt.backing, HOSTMEM_BACKING_HUGETLB);
    guest_assert_taken(&before, node, FRAMES);
    memset(base, 1, FRAMES * FRAME);
    assert_int_equal(guest_locate(base, FRAMES * FRAME), node);
    release(base);
}

/* -- the manager's nodes -- */

static void the_nodes_are_those_with_memory(void **state)
{
    struct nodes nodes = with_memory();
    int seen[NODES_MAX];
    (void)state;
    assert_int_equal(hostmem_nodes(guest_manager(), NODES_MAX, seen), nodes.count);
    assert_memory_equal(seen, nodes.id, nodes.count * sizeof(int));
}

static void nodes_without_memory_are_refused(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    for (int node = 0; node < NODES_MAX; node++)
        if (!guest_has_memory(node))
            assert_int_equal(guest_take(node, FRAME, &base, &receipt), -EINVAL);
}

/* -- a node that is named -- */

static void a_named_node_gives_frames(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    for (size_t i = 0; i < nodes.count; i++)
        take_frames(nodes.id[i], nodes.id[i]);
}

static void a_named_node_gives_shared_frames(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    for (size_t i = 0; i < nodes.count; i++) {
        struct guest_free before = guest_free_now();
        for (int n = 0; n < 40; n++) {
            void *base;
            struct hostmem_receipt receipt = guest_must_take(nodes.id[i], 64 * KIB, &base);
            assert_int_equal(receipt.node_given, nodes.id[i]);
        }
        /* 40 granules of 64 KiB share two frames. */
        guest_assert_taken(&before, nodes.id[i], 2);
    }
}

static void take_small(const char *backing, enum hostmem_backing wanted)
{
    struct nodes nodes = with_memory();
    guest_set("HOSTMEM_BACKING", backing);
    for (size_t i = 0; i < nodes.count; i++) {
        void *base;
        struct hostmem_receipt receipt = guest_must_take(nodes.id[i], 6 * MIB, &base);
        assert_int_equal(receipt.node_given, nodes.id[i]);
        assert_int_equal(receipt.backing, wanted);
        memset(base, 1, 6 * MIB);
        assert_int_equal(guest_locate(base, 6 * MIB), nodes.id[i]);
    }
}

static void a_named_node_gives_transparent_huge_pages(void **state)
{
    (void)state;
    take_small("thp", HOSTMEM_BACKING_THP);
}

static void a_named_node_gives_base_pages(void **state)
{
    (void)state;
    take_small("base", HOSTMEM_BACKING_BASE);
}

/* Reserved at first, committed page by page afterwards, by a thread of another node. */
static void a_later_commit_stays_on_the_node(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    for (size_t i = 0; i < nodes.count; i++) {
        struct hostmem_request request = {
            .size = 4 * FRAME, .node = nodes.id[i], .protection = HOSTMEM_PROT_RW};
        struct hostmem_receipt receipt;
        void *base;
        assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
        for (int frame = 3; frame >= 0; frame--) {
            char *at = (char *)base + frame * FRAME + 64 * KIB;
            assert_int_equal(hostmem_commit(guest_manager(), at, 4 * KIB, HOSTMEM_PROT_RW,
                                 HOSTMEM_TASK_CRITICAL, &receipt),
                0);
            guest_assert_placed(at, 4 * KIB, &receipt);
            assert_int_equal(receipt.node_given, nodes.id[i]);
        }
    }
}

/* A protection that huge pages cannot carry goes to 4 KiB pages of the same node. */
static void other_protections_stay_on_the_node(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    for (size_t i = 0; i < nodes.count; i++) {
        struct hostmem_request request = {.size = MIB,
            .node = nodes.id[i],
            .flags = HOSTMEM_COMMIT,
            .protection = HOSTMEM_PROT_READ};
        struct hostmem_receipt receipt;
        void *base;
        assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, &receipt), 0);
        guest_assert_placed(base, MIB, &receipt);
        assert_int_equal(receipt.node_given, nodes.id[i]);
        assert_int_equal(receipt.reason, HOSTMEM_REASON_PROTECTION);
    }
}

static void an_address_of_the_callers_is_on_the_node(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    for (size_t i = 0; i < nodes.count; i++) {
        struct hostmem_request request = {.address = (void *)(0x100000000000 + i * GIB),
            .size = 3 * MIB,
            .node = nodes.id[i],
            .flags = HOSTMEM_COMMIT,
            .protection = HOSTMEM_PROT_RW};
        struct hostmem_receipt receipt;
        void *base;
        assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, &receipt), 0);
        assert_ptr_equal(base, request.address);
        guest_assert_placed(base, 3 * MIB, &receipt);
        assert_int_equal(receipt.node_given, nodes.id[i]);
    }
}

/* -- policies -- */

static void local_is_the_node_of_the_thread(void **state)
{
    int nodes[NODES_MAX];
    size_t count = guest_cpu_nodes(nodes);
    (void)state;
    set_policy("local");
    for (size_t i = 0; i < count; i++) {
        guest_pin(nodes[i]);
        take_frames(HOSTMEM_NODE_LOCAL, nearest_memory(nodes[i]));
    }
}

static void interleave_takes_turns(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    set_policy("interleave");
    for (size_t i = 0; i < 2 * nodes.count; i++)
        take_frames(HOSTMEM_NODE_LOCAL, nodes.id[i % nodes.count]);
}

static void preferred_is_that_node(void **state)
{
    struct nodes nodes = with_memory();
    char value[32];
    (void)state;
    for (size_t i = 0; i < nodes.count; i++) {
        snprintf(value, sizeof(value), "preferred:%d", nodes.id[i]);
        set_policy(value);
        take_frames(HOSTMEM_NODE_LOCAL, nodes.id[i]);
        guest_end(NULL);
    }
}

static void bind_is_the_nearest_of_the_list(void **state)
{
    struct nodes nodes = with_memory();
    int cpus[NODES_MAX], order[NODES_MAX];
    size_t count = guest_cpu_nodes(cpus), last = nodes.count - 1;
    char value[32];
    (void)state;
    snprintf(value, sizeof(value), "bind:%d,%d", nodes.id[last / 2], nodes.id[last]);
    set_policy(value);
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        guest_by_distance(cpus[i], order);
        while (order[at] != nodes.id[last / 2] && order[at] != nodes.id[last])
            at++;
        guest_pin(cpus[i]);
        take_frames(HOSTMEM_NODE_LOCAL, order[at]);
    }
}

static void bind_to_one_node_is_that_node(void **state)
{
    struct nodes nodes = with_memory();
    char value[32];
    (void)state;
    for (size_t i = 0; i < nodes.count; i++) {
        snprintf(value, sizeof(value), "bind:%d", nodes.id[i]);
        set_policy(value);
        take_frames(HOSTMEM_NODE_LOCAL, nodes.id[i]);
        guest_end(NULL);
    }
}

/* -- giving back -- */

static void warm_frames_stay_on_their_node(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    for (size_t i = 0; i < nodes.count; i++) {
        struct guest_free before = guest_free_now();
        struct hostmem_node_stats stats;
        void *base, *again;
        guest_must_take(nodes.id[i], FRAMES * FRAME, &base);
        release(base);
        guest_assert_taken(&before, nodes.id[i], FRAMES);
        struct hostmem_receipt receipt = guest_must_take(nodes.id[i], FRAMES * FRAME, &again);
        assert_int_equal(receipt.node_given, nodes.id[i]);
        guest_assert_taken(&before, nodes.id[i], FRAMES);
        assert_int_equal(hostmem_node_stats(guest_manager(), nodes.id[i], &stats), 0);
        assert_int_equal(stats.populated_bytes, FRAMES * FRAME);
        assert_int_equal(stats.spilled_bytes, 0);
    }
}

static void without_warmth_frames_go_back_to_their_node(void **state)
{
    struct nodes nodes = with_memory();
    (void)state;
    guest_set("HOSTMEM_WARM", "0");
    for (size_t i = 0; i < nodes.count; i++) {
        struct guest_free before = guest_free_now();
        void *base;
        guest_must_take(nodes.id[i], FRAMES * FRAME, &base);
        release(base);
        guest_assert_taken(&before, nodes.id[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(the_nodes_are_those_with_memory),
        guest_test(nodes_without_memory_are_refused),
        guest_test(a_named_node_gives_frames),
        guest_test(a_named_node_gives_shared_frames),
        guest_test(a_named_node_gives_transparent_huge_pages),
        guest_test(a_named_node_gives_base_pages),
        guest_test(a_later_commit_stays_on_the_node),
        guest_test(other_protections_stay_on_the_node),
        guest_test(an_address_of_the_callers_is_on_the_node),
        guest_test(local_is_the_node_of_the_thread),
        guest_test(interleave_takes_turns),
        guest_test(preferred_is_that_node),
        guest_test(bind_is_the_nearest_of_the_list),
        guest_test(bind_to_one_node_is_that_node),
        guest_test(warm_frames_stay_on_their_node),
        guest_test(without_warmth_frames_go_back_to_their_node),
    };
    return guest_run(tests);
}
