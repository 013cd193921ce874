/* SPDX-License-Identifier: MIT */
/*
 * The machine's sockets, nodes and CPUs, read once and constant from then on, so that any number of
 * threads may look at it without a lock. There is always at least one node. Functions take and give
 * nodes by index into `nodes` unless they say "id", the kernel's number, which may have holes.
 */
#ifndef NUMA_TOPOLOGY_H
#define NUMA_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

#include "numa/cpulist.h"
#include "numa/hugepages.h"
#include "numa/root.h"

struct nn_node {
    int id;
    int socket;            /* id; -1 where nothing says */
    struct nn_set cpus;    /* online when this was read */
    uint64_t memory_bytes; /* 0: the node has none, or nothing says */
    size_t huge_count;
    struct nn_huge huge[NN_HUGE_SIZES]; /* ascending by size; free pages as of then */
};

struct nn_socket {
    int id;
    struct nn_set nodes; /* ids; a node whose CPUs lie on two sockets is in both; may be empty */
};

struct nn_topology {
    size_t node_count;
    struct nn_node *nodes; /* ascending by id */
    size_t socket_count;
    struct nn_socket *sockets; /* ascending by id */
    uint8_t *distances;        /* node_count rows, from a node, of node_count columns, to a node */
    uint16_t node_of_cpu[NN_CPUS];
    uint16_t node_of_unknown; /* the first node with CPUs: for CPUs that nobody knows */
};

/*
 * Reads the machine under `root`. Files that are missing or hold garbage leave their defaults: no
 * nodes at all make one node 0 with all CPUs and memory, no socket is -1, no distance is 10 to
 * itself and 20 to others. -ENOMEM is the only error. Free the result with nn_topology_free().
 */
int nn_topology_read(const struct nn_root *root, struct nn_topology **ret_topology);
void nn_topology_free(struct nn_topology *topology);

/* The node with that id, or NULL; its index is the difference to `nodes`. */
const struct nn_node *nn_topology_find(const struct nn_topology *topology, int id);

/* The node of any number that nn_current_cpu() may give. A CPU that nobody knows has
 * node_of_unknown. */
size_t nn_topology_node_of_cpu(const struct nn_topology *topology, int cpu);

/* Distance from one node to another, by index. */
unsigned nn_topology_distance(const struct nn_topology *topology, size_t from, size_t to);

/* All nodes by distance from `node`: itself first, equally distant ones by id. */
void nn_topology_nearest(const struct nn_topology *topology, size_t node, size_t *ret_order);

/* The nearest node that has CPUs, which may be the node itself; itself where no node has any. */
size_t nn_topology_nearest_with_cpus(const struct nn_topology *topology, size_t node);

#endif
