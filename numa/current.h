/* SPDX-License-Identifier: MIT */
/* Where the calling thread runs. No lock, no system call. */
#ifndef NUMA_CURRENT_H
#define NUMA_CURRENT_H

/*
 * The CPU of the calling thread, which may be another one by the time it is used; negative where
 * the kernel does not say. nn_topology_node_of_cpu() takes any answer. Async-signal-safe.
 */
int nn_current_cpu(void);

#endif
