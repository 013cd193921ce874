/* SPDX-License-Identifier: MIT */
/*
 * The kernel's pools of reserved huge pages, as sysfs tells them. No malloc, no lock.
 */
#ifndef NUMA_HUGEPAGES_H
#define NUMA_HUGEPAGES_H

#include <stddef.h>
#include <stdint.h>

#include "numa/root.h"

#define NN_HUGE_SIZES 8 /* more than any architecture has */

struct nn_huge {
    uint64_t size;        /* bytes of a page */
    uint64_t total, free; /* pages */
};

/*
 * The pools of a node, or of the whole machine (for kernels that know no nodes), in ascending order
 * of page size; their number is returned: 0 where sysfs does not say. A count that cannot be read
 * is 0.
 */
size_t nn_huge_of_node(
    const struct nn_root *root, int node, struct nn_huge ret_huge[NN_HUGE_SIZES]);
size_t nn_huge_of_machine(const struct nn_root *root, struct nn_huge ret_huge[NN_HUGE_SIZES]);

/* The pool of a node (of the machine, for kernels that know no nodes) of one page size. -ENOENT:
 * sysfs has none. */
int nn_huge_of_size(const struct nn_root *root, int node, uint64_t size, struct nn_huge *ret_huge);

/* How many pages of that size the kernel may make beyond its pools (nr_overcommit_hugepages). */
uint64_t nn_huge_overcommit(const struct nn_root *root, uint64_t size);

/* Bytes in the free pages of `count` pools; UINT64_MAX where it is more. */
uint64_t nn_huge_free_bytes(const struct nn_huge *huge, size_t count);

#endif
