/* SPDX-License-Identifier: MIT */
/*
 * How much memory a node has, and how much of it can still be had. Read from the kernel's files at
 * each call, without malloc, stdio or a lock, in 16 KiB of stack.
 */
#ifndef NUMA_MEMINFO_H
#define NUMA_MEMINFO_H

#include <stdint.h>

#include "numa/root.h"

struct nn_memory {
    uint64_t total_bytes;
    uint64_t available_bytes; /* at most total_bytes; free huge pages included */
};

/*
 * The node's own file. On a machine of one node (or none that the kernel names) proc/meminfo stands
 * in for it, which has the kernel's own estimate of what is available, and the whole truth: where
 * memory is initialised lazily a node's file has been seen to tell of 4 GiB out of 24. -ENOENT: no
 * such node, or no file that tells of it. -ENODATA: the file has no MemTotal.
 */
int nn_node_memory(const struct nn_root *root, int node, struct nn_memory *ret_memory);

/*
 * Bytes in the line of that name in the text of a meminfo file, proc's or a node's. -ENOENT: there
 * is no such line. -EINVAL: it holds no number, or one too large.
 */
int nn_meminfo_field(const char *text, const char *name, uint64_t *ret_bytes);

#endif
