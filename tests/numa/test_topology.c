/* SPDX-License-Identifier: MIT */
/*
 * Questions to topologies of recorded machines (argument 1: their directory), and what holds for
 * any topology, however broken the files it was read from. What the files say is machine.sh's part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <time.h>

#include "numa/allowed.h"
#include "numa/current.h"
#include "numa/nodefiles.h"
#include "numa/topology.h"
#include "tree.h"

static const char *machines;

static struct nn_topology *read_root(const char *path)
{
    struct nn_root root;
    struct nn_topology *topology;

    assert_int_equal(nn_root_open(path, &root), 0);
    assert_int_equal(nn_topology_read(&root, &topology), 0);
    nn_root_close(&root);
    return topology;
}

static struct nn_topology *read_machine(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", machines, name);
    return read_root(path);
}

static void assert_is_permutation(const size_t *order, size_t count)
{
    unsigned char seen[NN_NODES] = {0};

    for (size_t i = 0; i < count; i++) {
        assert_true(order[i] < count);
        assert_false(seen[order[i]]++);
    }
}

static void check_order(const struct nn_topology *topology, size_t node)
{
    size_t order[NN_NODES];

    nn_topology_nearest(topology, node, order);
    assert_is_permutation(order, topology->node_count);
    assert_int_equal(order[0], node);
    for (size_t i = 2; i < topology->node_count; i++) {
        unsigned nearer = nn_topology_distance(topology, node, order[i - 1]);
        unsigned farther = nn_topology_distance(topology, node, order[i]);

        assert_true(nearer < farther || (nearer == farther && order[i - 1] < order[i]));
    }
}

static void check_node(const struct nn_topology *topology, size_t index)
{
    const struct nn_node *node = &topology->nodes[index];

    assert_true(node->id >= 0 && node->id < NN_NODES);
    assert_true(index == 0 || topology->nodes[index - 1].id < node->id);
    assert_ptr_equal(nn_topology_find(topology, node->id), node);
    for (int cpu = nn_set_next(&node->cpus, 0); cpu >= 0;
         cpu = nn_set_next(&node->cpus, (unsigned)cpu + 1))
        assert_int_equal(nn_topology_node_of_cpu(topology, cpu), index);
    for (size_t to = 0; to < topology->node_count; to++)
        assert_true(nn_topology_distance(topology, index, to) >= NN_DISTANCE_SELF);
    for (size_t i = 1; i < node->huge_count; i++)
        assert_true(node->huge[i - 1].size < node->huge[i].size);
    assert_true(nn_topology_nearest_with_cpus(topology, index) < topology->node_count);
}

static void check_sockets(const struct nn_topology *topology)
{
    for (size_t i = 0; i < topology->socket_count; i++) {
        const struct nn_set *nodes = &topology->sockets[i].nodes;

        assert_true(topology->sockets[i].id >= 0);
        assert_true(i == 0 || topology->sockets[i - 1].id < topology->sockets[i].id);
        for (int id = nn_set_next(nodes, 0); id >= 0; id = nn_set_next(nodes, (unsigned)id + 1))
            assert_non_null(nn_topology_find(topology, id));
    }
}

/* What holds for every topology. */
static void check(const struct nn_topology *topology)
{
    struct nn_set nodes;

    assert_true(topology->node_count >= 1);
    for (size_t node = 0; node < topology->node_count; node++)
        check_node(topology, node);
    check_order(topology, 0);
    check_order(topology, topology->node_count - 1);
    check_sockets(topology);
    for (int cpu = -1; cpu <= NN_CPUS; cpu++)
        assert_true(nn_topology_node_of_cpu(topology, cpu) < topology->node_count);
    nn_allowed_all(topology, &nodes);
    assert_true(nn_set_count(&nodes) >= 1);
}

static void every_machine_is_sound(void **state)
{
    static const char *const names[] = {"two-sockets", "interleaved", "snc2", "holes",
        "memory-only", "hbm", "offline-cpus", "shared-node", "many-nodes", "many-cpus",
        "missing-files", "no-nodes", "nothing", "lazy-memory", "garbage"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct nn_topology *topology = read_machine(names[i]);

        check(topology);
        nn_topology_free(topology);
    }
}

static void finds_nodes_by_id(void **state)
{
    struct nn_topology *topology = read_machine("holes");

    assert_int_equal(nn_topology_find(topology, 255)->id, 255);
    assert_ptr_equal(nn_topology_find(topology, 5), &topology->nodes[2]);
    assert_null(nn_topology_find(topology, 1));
    assert_null(nn_topology_find(topology, 256));
    assert_null(nn_topology_find(topology, -1));
    nn_topology_free(topology);
    nn_topology_free(NULL);
}

static void assert_order(const char *machine, size_t from, const char *expected)
{
    struct nn_topology *topology = read_machine(machine);
    size_t order[NN_NODES];
    char text[64] = "";

    nn_topology_nearest(topology, from, order);
    for (size_t i = 0; i < topology->node_count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%zu ", order[i]);
    assert_string_equal(text, expected);
    nn_topology_free(topology);
}

static void orders_by_distance(void **state)
{
    assert_order("snc2", 0, "0 1 2 3 ");
    assert_order("snc2", 2, "2 3 0 1 ");
    assert_order("memory-only", 2, "2 1 3 0 ");
    assert_order("hbm", 0, "0 3 1 2 ");
    assert_order("nothing", 0, "0 ");
}

/* A firmware table that calls another node nearer than the node itself. */
static void a_node_is_nearest_to_itself(void **state)
{
    const struct tree *tree = *state;
    struct nn_topology *topology;
    size_t order[2];

    tree_write(tree, "sys/devices/system/node/online", "0-1");
    tree_write(tree, "sys/devices/system/node/node1/distance", "10 30");
    topology = read_root(tree->path);
    nn_topology_nearest(topology, 1, order);
    assert_int_equal(order[0], 1);
    assert_int_equal(nn_topology_distance(topology, 1, 1), 30);
    nn_topology_free(topology);
}

static void maps_cpus(void **state)
{
    struct nn_topology *topology = read_machine("interleaved");

    assert_int_equal(nn_topology_node_of_cpu(topology, 6), 0);
    assert_int_equal(nn_topology_node_of_cpu(topology, 7), 1);
    nn_topology_free(topology);
    topology = read_machine("many-cpus");
    assert_int_equal(nn_topology_node_of_cpu(topology, 1531), 0);
    assert_int_equal(nn_topology_node_of_cpu(topology, 1535), 1);
    nn_topology_free(topology);
}

/* CPU 7 is offline and in no list, but the kernel already knows where it will be. */
static void maps_offline_cpus(void **state)
{
    struct nn_topology *topology = read_machine("offline-cpus");

    assert_int_equal(nn_topology_node_of_cpu(topology, 4), 1);
    assert_int_equal(nn_topology_node_of_cpu(topology, 7), 1);
    assert_false(nn_set_has(&topology->nodes[1].cpus, 7));
    nn_topology_free(topology);
}

/* No CPU number leads outside the table, and unknown ones never to a node without CPUs. */
static void maps_unknown_cpus(void **state)
{
    const struct tree *tree = *state;
    static const int unknown[] = {-1, INT32_MIN, 5, NN_CPUS - 1, NN_CPUS, INT32_MAX};
    struct nn_topology *topology;

    tree_write(tree, "sys/devices/system/node/online", "0-2");
    tree_write(tree, "sys/devices/system/node/node2/cpulist", "0-1");
    topology = read_root(tree->path);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_int_equal(nn_topology_node_of_cpu(topology, unknown[i]), 2);
    nn_topology_free(topology);
}

static void finds_the_nearest_cpus(void **state)
{
    struct nn_topology *topology = read_machine("hbm");

    assert_int_equal(nn_topology_nearest_with_cpus(topology, 0), 0);
    assert_int_equal(nn_topology_nearest_with_cpus(topology, 2), 1);
    assert_int_equal(nn_topology_nearest_with_cpus(topology, 3), 0);
    nn_topology_free(topology);
}

/* Equally distant: the lowest id, for memory as for the order of nodes. */
static void prefers_the_lowest_of_equals(void **state)
{
    const struct tree *tree = *state;
    struct nn_topology *topology;

    tree_write(tree, "sys/devices/system/node/online", "1,3,8");
    tree_write(tree, "sys/devices/system/node/node1/cpulist", "0");
    tree_write(tree, "sys/devices/system/node/node3/cpulist", "1");
    topology = read_root(tree->path);
    assert_int_equal(nn_topology_nearest_with_cpus(topology, 2), 0);
    nn_topology_free(topology);
}

static void allows_nodes_with_memory(void **state)
{
    struct nn_topology *topology = read_machine("memory-only");
    struct nn_set nodes;
    char text[64];

    nn_allowed_all(topology, &nodes);
    assert_int_equal(nn_set_print(&nodes, text, sizeof(text)), 0);
    assert_string_equal(text, "0-2"); /* node 3 has CPUs alone */
    nn_topology_free(topology);
}

static void this_machine(void **state)
{
    struct nn_topology *topology = read_root("/");
    struct nn_set here, all;

    check(topology);
    nn_allowed_all(topology, &all);
    nn_allowed_here(topology, &here);
    assert_true(nn_set_count(&here) >= 1);
    for (size_t word = 0; word < NN_CPUS / 64; word++)
        assert_int_equal(here.words[word] & ~all.words[word], 0);
    assert_true(nn_topology_node_of_cpu(topology, nn_current_cpu()) < topology->node_count);
    nn_topology_free(topology);
}

/* A text that is right, or nearly, or not at all. */
static void random_text(char *text, size_t size, unsigned *seed)
{
    static const char *const words[] = {"0", "1", "0-3", "2,4", "1023", "8191", "99999999999", "-",
        ",", " ", "10 20", "20 10", "255", "Node 0 MemTotal:", " kB", "\n", "MemFree: 5 kB", "9-2",
        "\x01"};
    size_t length = 0;

    text[0] = '\0';
    for (int count = rand_r(seed) % 5; count > 0; count--)
        length += (size_t)snprintf(text + length, size - length, "%s",
            words[(size_t)rand_r(seed) % (sizeof(words) / sizeof(words[0]))]);
}

static void survives_any_garbage(void **state)
{
    static const char *const files[] = {"sys/devices/system/node/online",
        "sys/devices/system/node/node0/cpulist", "sys/devices/system/node/node0/distance",
        "sys/devices/system/node/node0/meminfo", "sys/devices/system/node/node3/cpulist",
        "sys/devices/system/node/node3/distance", "sys/devices/system/node/node1023/cpu7",
        "sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages",
        "sys/devices/system/cpu/online", "sys/devices/system/cpu/cpu0/topology/physical_package_id",
        "sys/devices/system/cpu/cpu2/topology/physical_package_id", "proc/meminfo"};
    const struct tree *tree = *state;
    unsigned seed = (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    for (int round = 0; round < 150; round++) {
        struct nn_topology *topology;
        char text[256];

        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
            if (rand_r(&seed) % 4 != 0) {
                random_text(text, sizeof(text), &seed);
                tree_write(tree, files[i], text);
            }
        topology = read_root(tree->path);
        check(topology);
        nn_topology_free(topology);
        tree_clear(tree);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_is_sound),
        cmocka_unit_test(finds_nodes_by_id),
        cmocka_unit_test(orders_by_distance),
        cmocka_unit_test_setup_teardown(a_node_is_nearest_to_itself, tree_setup, tree_teardown),
        cmocka_unit_test(maps_cpus),
        cmocka_unit_test(maps_offline_cpus),
        cmocka_unit_test_setup_teardown(maps_unknown_cpus, tree_setup, tree_teardown),
        cmocka_unit_test(finds_the_nearest_cpus),
        cmocka_unit_test_setup_teardown(prefers_the_lowest_of_equals, tree_setup, tree_teardown),
        cmocka_unit_test(allows_nodes_with_memory),
        cmocka_unit_test(this_machine),
        cmocka_unit_test_setup_teardown(survives_any_garbage, tree_setup, tree_teardown),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY-OF-MACHINES\n", argv[0]);
        return 2;
    }
    machines = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
