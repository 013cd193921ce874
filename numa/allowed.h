/* SPDX-License-Identifier: MIT */
/*
 * The nodes from which memory may be taken, as ids, all of them in the topology and never none. No
 * lock.
 */
#ifndef NUMA_ALLOWED_H
#define NUMA_ALLOWED_H

#include "numa/cpulist.h"
#include "numa/topology.h"

/* All nodes with memory; all nodes where the topology knows of no memory. */
void nn_allowed_all(const struct nn_topology *topology, struct nn_set *ret_nodes);

/*
 * Those of nn_allowed_all() that the calling thread's cpuset permits, for a topology of this
 * machine. All of them where the kernel does not say, or names none of them. Allocates memory.
 */
void nn_allowed_here(const struct nn_topology *topology, struct nn_set *ret_nodes);

#endif
