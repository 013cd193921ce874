/* SPDX-License-Identifier: MIT */
/*
 * Threads get the memory of the node that they run on: all nodes at once, after a move, and from
 * frames that others have given back. Threads note what they saw; the main thread judges it.
 */
#include "guest.h"

#include <errno.h>
#include <numa.h>
#include <string.h>

#define ROUNDS 6
#define KEPT   3

/* One thread on the CPUs of a node. */
struct visitor {
    struct hostmem *manager;
    int cpu_node;
    int memory_node; /* that it is to get */
    int bad;         /* memory from elsewhere, or none */
    void *kept[KEPT];
};

static int take_here(struct visitor *visitor, size_t size, void **ret_base)
{
    struct hostmem_request request = {.size = size,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW};
    struct hostmem_receipt receipt;
    int error = hostmem_reserve(visitor->manager, &request, ret_base, &receipt);
    if (error)
        return error;
    memset(*ret_base, 1, size);
    if (receipt.node_asked != visitor->memory_node || receipt.node_given != visitor->memory_node ||
        guest_locate(*ret_base, size) != visitor->memory_node)
        visitor->bad++;
    return 0;
}

static void *visit(void *argument)
{
    struct visitor *visitor = argument;
    void *large, *small;
    if (numa_run_on_node(visitor->cpu_node))
        visitor->bad++;
    for (int round = 0; round < ROUNDS; round++) {
        if (take_here(visitor, 2 * FRAME, &large) || take_here(visitor, 64 * KIB, &small) ||
            hostmem_release(visitor->manager, large) || hostmem_release(visitor->manager, small))
            visitor->bad++;
    }
    for (int i = 0; i < KEPT; i++)
        if (take_here(visitor, 192 * KIB, &visitor->kept[i]))
            visitor->bad++;
    return NULL;
}

static size_t make_visitors(struct visitor visitors[NODES_MAX], void *arguments[NODES_MAX])
{
    int nodes[NODES_MAX], order[NODES_MAX];
    size_t count = guest_cpu_nodes(nodes);
    for (size_t i = 0; i < count; i++) {
        guest_by_distance(nodes[i], order);
        visitors[i] = (struct visitor){guest_manager(), nodes[i], order[0], 0, {NULL}};
        arguments[i] = &visitors[i];
    }
    return count;
}

static void threads_of_all_nodes_get_their_own(void **state)
{
    struct visitor visitors[NODES_MAX];
    void *arguments[NODES_MAX];
    size_t count = make_visitors(visitors, arguments);
    (void)state;
    guest_threads(count, visit, arguments);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(visitors[i].bad, 0);
}

/* What was given back by a thread of another node still belongs to its own. */
static void memory_freed_elsewhere_goes_home(void **state)
{
    struct visitor visitors[NODES_MAX];
    void *arguments[NODES_MAX];
    size_t count = make_visitors(visitors, arguments);
    (void)state;
    guest_threads(count, visit, arguments);
    for (size_t i = 0; i < count; i++) {
        guest_pin(visitors[count - 1 - i].cpu_node);
        for (int k = 0; k < KEPT; k++)
            assert_int_equal(hostmem_release(guest_manager(), visitors[i].kept[k]), 0);
    }
    guest_unpin();
    guest_threads(count, visit, arguments);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(visitors[i].bad, 0);
}

static void a_thread_that_moves_gets_the_new_nodes(void **state)
{
    struct visitor visitors[NODES_MAX];
    void *arguments[NODES_MAX];
    size_t count = make_visitors(visitors, arguments);
    void *base;
    (void)state;
    for (size_t step = 0; step < 2 * count; step++) {
        struct visitor *here = &visitors[step % count];
        guest_pin(here->cpu_node);
        assert_int_equal(take_here(here, FRAME, &base), 0);
        assert_int_equal(take_here(here, 64 * KIB, &base), 0);
        assert_int_equal(here->bad, 0);
    }
}

/* The node of a region is settled when it is reserved, whoever commits it. */
static void a_region_stays_where_it_was_reserved(void **state)
{
    struct visitor visitors[NODES_MAX];
    void *arguments[NODES_MAX];
    size_t count = make_visitors(visitors, arguments);
    struct hostmem_receipt receipt;
    void *bases[NODES_MAX];
    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct hostmem_request request = {
            .size = 2 * FRAME, .node = HOSTMEM_NODE_LOCAL, .protection = HOSTMEM_PROT_RW};
        guest_pin(visitors[i].cpu_node);
        assert_int_equal(hostmem_reserve(guest_manager(), &request, &bases[i], NULL), 0);
    }
    for (size_t i = 0; i < count; i++) {
        guest_pin(visitors[(i + 1) % count].cpu_node);
        assert_int_equal(hostmem_commit(guest_manager(), bases[i], 2 * FRAME, HOSTMEM_PROT_RW,
                             HOSTMEM_TASK_CRITICAL, &receipt),
            0);
        guest_assert_placed(bases[i], 2 * FRAME, &receipt);
        assert_int_equal(receipt.node_given, visitors[i].memory_node);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(threads_of_all_nodes_get_their_own),
        guest_test(memory_freed_elsewhere_goes_home),
        guest_test(a_thread_that_moves_gets_the_new_nodes),
        guest_test(a_region_stays_where_it_was_reserved),
    };
    return guest_run(tests);
}
