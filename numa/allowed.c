/* SPDX-License-Identifier: MIT */
/*
 * The nodes that cpusets leave to this process, from libnuma. No lock.
 *
 * Seen with libnuma 2.0.16: what it does at load time survives a missing /sys, a missing /proc,
 * both, and a get_mempolicy() that seccomp refuses, without an exit or a word. numa_available()
 * says no for ENOSYS alone: after EPERM, which containers without CAP_SYS_NICE give, it says yes,
 * and numa_get_mems_allowed() prints an error to stderr and returns no nodes. So get_mempolicy() is
 * asked first.
 */
#include "numa/allowed.h"

#include <numa.h>
#include <numaif.h>
#include <stddef.h>

void nn_allowed_all(const struct nn_topology *topology, struct nn_set *ret_nodes)
{
    struct nn_set with_memory = {0}, all = {0};

    for (size_t i = 0; i < topology->node_count; i++) {
        const struct nn_node *node = &topology->nodes[i];

        nn_set_add(&all, (unsigned)node->id);
        if (node->memory_bytes > 0)
            nn_set_add(&with_memory, (unsigned)node->id);
    }
    *ret_nodes = nn_set_count(&with_memory) > 0 ? with_memory : all;
}

static bool kernel_tells(void)
{
    return numa_available() >= 0 && get_mempolicy(NULL, NULL, 0, NULL, 0) == 0;
}

static struct nn_set intersection(const struct nn_set *nodes, const struct bitmask *mask)
{
    struct nn_set both = {0};

    for (int id = nn_set_next(nodes, 0); id >= 0; id = nn_set_next(nodes, (unsigned)id + 1))
        if (numa_bitmask_isbitset(mask, (unsigned)id))
            nn_set_add(&both, (unsigned)id);
    return both;
}

void nn_allowed_here(const struct nn_topology *topology, struct nn_set *ret_nodes)
{
    struct bitmask *mask;
    struct nn_set permitted;

    nn_allowed_all(topology, ret_nodes);
    if (!kernel_tells())
        return;
    mask = numa_get_mems_allowed();
    permitted = intersection(ret_nodes, mask);
    numa_bitmask_free(mask);
    if (nn_set_count(&permitted) > 0)
        *ret_nodes = permitted;
}
