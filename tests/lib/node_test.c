/* SPDX-License-Identifier: MIT */
/*
 * The nodes of a manager and which of them a request stands for, under every policy, on recorded
 * machines. The CPUs of this machine are not the recorded one's: "local" is checked against what
 * the topology says of the CPU that the test runs on. The argument is the folder of recorded
 * machines.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>

#include <hostmem/hostmem.h>

#include "fakes.h"
#include "lib/node.h"

static const char *machines;
static struct hostmem *manager;
static cpu_set_t former;

static int try_open(const char *name, const char *policy)
{
    char path[512];
    struct setting_text settings[] = {
        {"BACKING", "base"}, {policy ? "POLICY" : "-", policy}, {NULL, NULL}};
    snprintf(path, sizeof(path), "%s/%s", machines, name);
    fakes_reset(64 * MIB);
    return fakes_open(path, settings, &manager);
}

static void open_machine(const char *name, const char *policy)
{
    assert_int_equal(try_open(name, policy), 0);
}

static int picked(int asked)
{
    struct node *node = NULL;
    int error = node_pick(manager, asked, &node);
    if (error)
        assert_null(node);
    return error ? error : node->id;
}

/* This thread stays on one CPU, so that "local" stands still. */
static int pin(void **state)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu() % CPU_SETSIZE, &one);
    if (sched_getaffinity(0, sizeof(former), &former))
        return -1;
    return sched_setaffinity(0, sizeof(one), &one);
}

static int unpin(void **state)
{
    return sched_setaffinity(0, sizeof(former), &former);
}

static void nodes_are_those_with_memory(void **state)
{
    open_machine("memory-only", NULL);
    assert_int_equal(manager->node_count, 3);
    for (size_t i = 0; i < manager->node_count; i++) {
        const struct node *node = &manager->nodes[i];
        assert_int_equal(node->id, i);
        assert_int_equal(node->index, i);
        assert_int_equal(node->order[0], i);
        assert_ptr_equal(node_by_id(manager, node->id), node);
    }
    assert_null(node_by_id(manager, 3));
    assert_int_equal(manager->nodes[2].bytes, UINT64_C(256) << 30);
    assert_int_equal(manager->nodes[2].huge, 64);
    hostmem_destroy(manager);
}

static void orders_name_each_node_once(void **state)
{
    static const char *const names[] = {"snc2", "hbm", "holes", "many-nodes", "garbage"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        open_machine(names[n], NULL);
        for (size_t i = 0; i < manager->node_count; i++) {
            uint8_t *seen = calloc(manager->node_count, 1);
            assert_int_equal(manager->nodes[i].order[0], i);
            for (size_t k = 0; k < manager->node_count; k++)
                assert_int_equal(seen[manager->nodes[i].order[k]]++, 0);
            free(seen);
        }
        hostmem_destroy(manager);
    }
}

static void a_named_node_is_itself(void **state)
{
    static const char *const policies[] = {NULL, "interleave", "bind:2", "preferred:2"};
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        open_machine("holes", policies[i]);
        assert_int_equal(picked(0), 0);
        assert_int_equal(picked(5), 5);
        assert_int_equal(picked(255), 255);
        assert_int_equal(picked(1), -EINVAL);
        assert_int_equal(picked(256), -EINVAL);
        assert_int_equal(picked(-2), -EINVAL);
        hostmem_destroy(manager);
    }
}

static int local_of_topology(void)
{
    size_t at = nn_topology_node_of_cpu(manager->topology, sched_getcpu());
    return manager->topology->nodes[at].id;
}

static void local_is_the_node_of_the_cpu(void **state)
{
    static const char *const names[] = {"two-sockets", "snc2", "interleaved"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        open_machine(names[i], NULL);
        assert_int_equal(picked(HOSTMEM_NODE_LOCAL), local_of_topology());
        hostmem_destroy(manager);
    }
}

/* A CPU whose node has no memory is served by the nearest that has some. */
static void local_has_memory(void **state)
{
    open_machine("memory-only", NULL);
    size_t without = (size_t)(nn_topology_find(manager->topology, 3) - manager->topology->nodes);
    assert_int_equal(manager->nodes[manager->local[without]].id, 1);
    hostmem_destroy(manager);
}

static void interleave_takes_turns(void **state)
{
    static const int turns[] = {0, 2, 5, 255, 0, 2, 5, 255, 0};
    open_machine("holes", "interleave");
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        assert_int_equal(picked(HOSTMEM_NODE_LOCAL), turns[i]);
        assert_int_equal(picked(5), 5);
    }
    hostmem_destroy(manager);
}

static void preferred_is_preferred(void **state)
{
    open_machine("holes", "preferred:255");
    for (int i = 0; i < 3; i++)
        assert_int_equal(picked(HOSTMEM_NODE_LOCAL), 255);
    hostmem_destroy(manager);
}

/* The nearest of the list to the CPU's node. */
static void bind_takes_the_nearest_of_its_list(void **state)
{
    open_machine("snc2", "bind:1-3");
    const struct node *local = node_by_id(manager, local_of_topology());
    int wanted = -1;
    for (size_t k = 0; wanted < 1; k++)
        wanted = manager->nodes[local->order[k]].id;
    assert_int_equal(picked(HOSTMEM_NODE_LOCAL), wanted);
    hostmem_destroy(manager);
    open_machine("snc2", "bind:3,900");
    assert_int_equal(picked(HOSTMEM_NODE_LOCAL), 3);
    hostmem_destroy(manager);
}

/* A policy of nodes that are not there refuses the manager; the line on stderr is wanted. */
static void policies_must_fit_the_machine(void **state)
{
    assert_int_equal(try_open("snc2", "preferred:4"), -EINVAL);
    assert_int_equal(try_open("snc2", "bind:4-9"), -EINVAL);
    assert_int_equal(try_open("memory-only", "preferred:3"), -EINVAL);
    assert_int_equal(hp_fake_mapped(), 0);
}

static void who_may_serve(void **state)
{
    open_machine("snc2", "bind:1,2");
    struct node *nodes = manager->nodes;
    assert_true(node_may_serve(&nodes[1], &nodes[2]));
    assert_true(node_may_serve(&nodes[0], &nodes[0]));
    assert_true(node_may_serve(&nodes[0], &nodes[1]));
    assert_false(node_may_serve(&nodes[1], &nodes[0]));
    assert_false(node_may_serve(&nodes[0], &nodes[3]));
    hostmem_destroy(manager);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_those_with_memory),
        cmocka_unit_test(orders_name_each_node_once),
        cmocka_unit_test(a_named_node_is_itself),
        cmocka_unit_test(local_is_the_node_of_the_cpu),
        cmocka_unit_test(local_has_memory),
        cmocka_unit_test(interleave_takes_turns),
        cmocka_unit_test(preferred_is_preferred),
        cmocka_unit_test(bind_takes_the_nearest_of_its_list),
        cmocka_unit_test(policies_must_fit_the_machine),
        cmocka_unit_test(who_may_serve),
    };
    machines = arguments[1];
    return cmocka_run_group_tests(tests, pin, unpin);
}
