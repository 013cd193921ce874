/* SPDX-License-Identifier: MIT */
/*
 * CPUs for the demo's threads: taken from each node in turn, so that every node with CPUs has a
 * thread. No lock: it is called before there are threads.
 */
#ifndef HOSTMEM_BENCH_CPUS_H
#define HOSTMEM_BENCH_CPUS_H

#include <stddef.h>

#define CPUS_THREADS 16 /* most that cpus_spread() gives out */

/*
 * CPUs for four threads, or for two on each node where there are more than two nodes; how many.
 * ret_cpus[i] is -1 where the kernel does not let a thread choose.
 */
size_t cpus_spread(int ret_cpus[CPUS_THREADS]);

/* From now on the calling thread runs on that CPU; -1 is ignored. */
void cpus_pin(int cpu);

#endif
