/* SPDX-License-Identifier: MIT */
/*
 * Makes a topology of what sysfs says, and answers questions about it, none of which can fail.
 * Nothing that a file holds is believed beyond its own meaning: numbers are below NN_NODES and
 * NN_CPUS, and a CPU that two nodes claim belongs to the first. No lock: it is one thread's own
 * while it is made, and constant afterwards.
 */
#include "numa/topology.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "numa/meminfo.h"
#include "numa/nodefiles.h"

#define UNMAPPED UINT16_MAX /* in node_of_cpu, while it is made */
static_assert(NN_NODES <= UNMAPPED, "node_of_cpu holds any index");

struct reader {
    const struct nn_root *root;
    struct nn_topology *topology;
    bool no_nodes;         /* the kernel knows no nodes: everything belongs to node 0 */
    struct nn_set cpus;    /* online, or listed by a node */
    int packages[NN_CPUS]; /* the socket of each of them, or -1 */
};

static bool has_cpus(const struct nn_node *node)
{
    return nn_set_next(&node->cpus, 0) >= 0;
}

static int allocate_nodes(struct nn_topology *topology, size_t count)
{
    topology->nodes = calloc(count, sizeof(*topology->nodes));
    topology->distances = calloc(count, count);
    if (topology->nodes == NULL || topology->distances == NULL)
        return -ENOMEM;
    topology->node_count = count;
    return 0;
}

/* Makes the nodes, with their ids alone. */
static int read_ids(struct reader *reader)
{
    struct nn_topology *topology = reader->topology;
    struct nn_set ids;
    size_t count = 0;
    int r;

    nn_files_nodes(reader->root, &ids);
    reader->no_nodes = nn_set_count(&ids) == 0;
    if (reader->no_nodes)
        nn_set_add(&ids, 0);
    r = allocate_nodes(topology, nn_set_count(&ids));
    if (r < 0)
        return r;
    for (int id = nn_set_next(&ids, 0); id >= 0; id = nn_set_next(&ids, (unsigned)id + 1))
        topology->nodes[count++].id = id;
    return 0;
}

static void read_memory(const struct reader *reader, struct nn_node *node)
{
    struct nn_memory memory = {0};

    (void)nn_node_memory(reader->root, node->id, &memory);
    node->memory_bytes = memory.total_bytes;
    node->huge_count = reader->no_nodes ? nn_huge_of_machine(reader->root, node->huge)
                                        : nn_huge_of_node(reader->root, node->id, node->huge);
}

static void read_distances(const struct reader *reader, size_t node)
{
    struct nn_topology *topology = reader->topology;
    size_t count = topology->node_count;
    uint8_t *row = topology->distances + node * count;

    memset(row, NN_DISTANCE_OTHER, count);
    row[node] = NN_DISTANCE_SELF;
    (void)nn_files_distances(reader->root, (unsigned)topology->nodes[node].id, count, row);
}

/* Maps CPUs to a node and returns those that no earlier node has claimed. */
static struct nn_set claim(struct nn_topology *topology, size_t node, const struct nn_set *cpus)
{
    struct nn_set own = {0};

    for (int cpu = nn_set_next(cpus, 0); cpu >= 0; cpu = nn_set_next(cpus, (unsigned)cpu + 1)) {
        if (topology->node_of_cpu[cpu] == UNMAPPED)
            topology->node_of_cpu[cpu] = (uint16_t)node;
        if (topology->node_of_cpu[cpu] == node)
            nn_set_add(&own, (unsigned)cpu);
    }
    return own;
}

/* CPUs that are offline now are mapped as well: they may run our threads later. */
static void read_cpus(const struct reader *reader, size_t index)
{
    struct nn_node *node = &reader->topology->nodes[index];
    struct nn_set online = reader->cpus, present = reader->cpus;

    if (!reader->no_nodes)
        nn_files_node_cpus(reader->root, (unsigned)node->id, &online, &present);
    node->cpus = claim(reader->topology, index, &online);
    (void)claim(reader->topology, index, &present);
}

static void read_nodes(struct reader *reader)
{
    struct nn_topology *topology = reader->topology;

    nn_files_cpus(reader->root, &reader->cpus);
    for (size_t cpu = 0; cpu < NN_CPUS; cpu++)
        topology->node_of_cpu[cpu] = UNMAPPED;
    for (size_t node = 0; node < topology->node_count; node++) {
        read_memory(reader, &topology->nodes[node]);
        read_distances(reader, node);
        read_cpus(reader, node);
    }
}

/* The lowest node with CPUs also gets those that no node names. */
static void map_unknown_cpus(struct nn_topology *topology)
{
    size_t lowest = 0;

    while (lowest < topology->node_count && !has_cpus(&topology->nodes[lowest]))
        lowest++;
    topology->node_of_unknown = (uint16_t)(lowest < topology->node_count ? lowest : 0);
    for (size_t cpu = 0; cpu < NN_CPUS; cpu++)
        if (topology->node_of_cpu[cpu] == UNMAPPED)
            topology->node_of_cpu[cpu] = topology->node_of_unknown;
}

/* Asks for the socket of each CPU; a node has the socket of its lowest CPU that has one. */
static void read_packages(struct reader *reader)
{
    const struct nn_topology *topology = reader->topology;

    for (size_t node = 0; node < topology->node_count; node++)
        for (size_t word = 0; word < NN_CPUS / 64; word++)
            reader->cpus.words[word] |= topology->nodes[node].cpus.words[word];
    for (unsigned cpu = 0; cpu < NN_CPUS; cpu++)
        reader->packages[cpu] =
            nn_set_has(&reader->cpus, cpu) ? nn_files_package(reader->root, cpu) : -1;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

/* Makes the sockets, with their ids alone. */
static int make_sockets(struct reader *reader)
{
    struct nn_topology *topology = reader->topology;
    int ids[NN_CPUS];
    size_t count = 0;

    memcpy(ids, reader->packages, sizeof(ids));
    qsort(ids, NN_CPUS, sizeof(ids[0]), compare_ints);
    for (size_t i = 0; i < NN_CPUS; i++)
        if (ids[i] >= 0 && (count == 0 || ids[i] != ids[count - 1]))
            ids[count++] = ids[i];
    topology->sockets =
        calloc(count + 1, sizeof(*topology->sockets)); /* + 1: NULL means no memory */
    if (topology->sockets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        topology->sockets[i].id = ids[i];
    topology->socket_count = count;
    return 0;
}

static void add_to_socket(struct nn_topology *topology, int socket, const struct nn_node *node)
{
    for (size_t i = 0; i < topology->socket_count; i++)
        if (topology->sockets[i].id == socket)
            nn_set_add(&topology->sockets[i].nodes, (unsigned)node->id);
}

static void place_by_cpus(struct reader *reader, struct nn_node *node)
{
    const struct nn_set *cpus = &node->cpus;

    node->socket = -1;
    for (int cpu = nn_set_next(cpus, 0); cpu >= 0; cpu = nn_set_next(cpus, (unsigned)cpu + 1)) {
        if (node->socket < 0)
            node->socket = reader->packages[cpu];
        add_to_socket(reader->topology, reader->packages[cpu], node);
    }
}

/* Memory without CPUs counts to the socket of the nearest node with CPUs. */
static void place_by_distance(struct nn_topology *topology, size_t index)
{
    struct nn_node *node = &topology->nodes[index];

    node->socket = topology->nodes[nn_topology_nearest_with_cpus(topology, index)].socket;
    add_to_socket(topology, node->socket, node);
}

static int read_sockets(struct reader *reader)
{
    struct nn_topology *topology = reader->topology;
    int r;

    read_packages(reader);
    r = make_sockets(reader);
    if (r < 0)
        return r;
    for (size_t node = 0; node < topology->node_count; node++)
        place_by_cpus(reader, &topology->nodes[node]);
    for (size_t node = 0; node < topology->node_count; node++)
        if (!has_cpus(&topology->nodes[node]))
            place_by_distance(topology, node);
    return 0;
}

static int read_all(struct reader *reader)
{
    int r = read_ids(reader);

    if (r < 0)
        return r;
    read_nodes(reader);
    map_unknown_cpus(reader->topology);
    return read_sockets(reader);
}

int nn_topology_read(const struct nn_root *root, struct nn_topology **ret_topology)
{
    struct reader *reader = calloc(1, sizeof(*reader)); /* 33 KiB: too much for a small stack */
    struct nn_topology *topology = calloc(1, sizeof(*topology));
    int r = -ENOMEM;

    if (reader != NULL && topology != NULL) {
        reader->root = root;
        reader->topology = topology;
        r = read_all(reader);
    }
    free(reader);
    if (r < 0)
        nn_topology_free(topology);
    else
        *ret_topology = topology;
    return r;
}

void nn_topology_free(struct nn_topology *topology)
{
    if (topology == NULL)
        return;
    free(topology->distances);
    free(topology->sockets);
    free(topology->nodes);
    free(topology);
}

static int compare_ids(const void *key, const void *element)
{
    int id = *(const int *)key, other = ((const struct nn_node *)element)->id;

    return (id > other) - (id < other);
}

const struct nn_node *nn_topology_find(const struct nn_topology *topology, int id)
{
    return bsearch(
        &id, topology->nodes, topology->node_count, sizeof(*topology->nodes), compare_ids);
}

size_t nn_topology_node_of_cpu(const struct nn_topology *topology, int cpu)
{
    return cpu >= 0 && cpu < NN_CPUS ? topology->node_of_cpu[cpu] : topology->node_of_unknown;
}

unsigned nn_topology_distance(const struct nn_topology *topology, size_t from, size_t to)
{
    return topology->distances[from * topology->node_count + to];
}

/* The node itself is nearest, whatever its firmware says. */
static unsigned rank(const struct nn_topology *topology, size_t from, size_t to)
{
    return from == to ? 0 : nn_topology_distance(topology, from, to);
}

void nn_topology_nearest(const struct nn_topology *topology, size_t node, size_t *ret_order)
{
    for (size_t next = 0; next < topology->node_count; next++) {
        size_t at = next;

        for (; at > 0 && rank(topology, node, ret_order[at - 1]) > rank(topology, node, next); at--)
            ret_order[at] = ret_order[at - 1];
        ret_order[at] = next;
    }
}

size_t nn_topology_nearest_with_cpus(const struct nn_topology *topology, size_t node)
{
    size_t nearest = node;

    if (has_cpus(&topology->nodes[node]))
        return node;
    for (size_t other = 0; other < topology->node_count; other++)
        if (has_cpus(&topology->nodes[other]) &&
            (nearest == node || rank(topology, node, other) < rank(topology, node, nearest)))
            nearest = other;
    return nearest;
}
