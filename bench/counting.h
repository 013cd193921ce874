/* SPDX-License-Identifier: MIT */
/*
 * System calls and page faults per operation, counted and not reckoned: a child process does the
 * operations under ptrace(2), and the parent counts each call that it enters. The child has a
 * manager of its own. To be called while the process has one thread. No lock.
 */
#ifndef HOSTMEM_BENCH_COUNTING_H
#define HOSTMEM_BENCH_COUNTING_H

/*
 * Prints the tables. Returns the system calls that 2 MiB of hostmem took, an operation, or -1 where
 * nothing could be counted.
 */
double counting_show(void);

#endif
