/* SPDX-License-Identifier: MIT */
/*
 * What single files under sys/devices/system/{node,cpu} say. Each function answers for one question
 * and knows its second source; what none of them says is a default. No malloc, no lock. What is
 * about CPUs takes up to 64 KiB of stack, the rest a few.
 */
#ifndef NUMA_NODEFILES_H
#define NUMA_NODEFILES_H

#include <stdint.h>

#include "numa/cpulist.h"
#include "numa/root.h"

/* Nodes that are online; the empty set where the kernel knows no nodes. */
void nn_files_nodes(const struct nn_root *root, struct nn_set *ret_nodes);

/* CPUs that are online. */
void nn_files_cpus(const struct nn_root *root, struct nn_set *ret_cpus);

/* CPUs of a node that are online, and with `ret_present` those that may come online later, too. */
void nn_files_node_cpus(const struct nn_root *root, unsigned node, struct nn_set *ret_online,
    struct nn_set *ret_present);

/* The physical package of a CPU, or -1: offline CPUs have none in sysfs. */
int nn_files_package(const struct nn_root *root, unsigned cpu);

#define NN_DISTANCE_SELF  10 /* the kernel's unit: 10 is the node itself */
#define NN_DISTANCE_OTHER 20 /* where nothing says, as in the kernel */
#define NN_DISTANCE_MAX   255

/*
 * Distances from a node to each of `count` nodes, which are those of nn_files_nodes(): the file has
 * a column for each of them and says not which. Where it has other columns, or a distance that
 * cannot be, none of it is believed. -EINVAL, -ENOENT: there is no such row; ret_row is untouched.
 */
int nn_files_distances(const struct nn_root *root, unsigned node, size_t count, uint8_t *ret_row);

#endif
