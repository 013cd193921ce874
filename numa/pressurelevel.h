/* SPDX-License-Identifier: MIT */
/*
 * memory.pressure_level of cgroup v1: the kernel signals an eventfd when reclaim in the cgroup
 * becomes hard. No malloc, no lock.
 */
#ifndef NUMA_PRESSURELEVEL_H
#define NUMA_PRESSURELEVEL_H

#include "numa/cgroup.h"
#include "numa/source.h"

/*
 * From "medium" on: much of what was scanned could not be freed. Needs cgroup.event_control to be
 * writable. -ENOENT: no v1 memory controller, or no such file. -EROFS, -EACCES: not writable.
 */
int nn_pressurelevel_arm(const struct nn_cgroups *cgroups, struct nn_source *ret_source);

/* Reads what a poll reported. The kernel signals once more when the cgroup is removed: -ENODEV. */
int nn_pressurelevel_take(
    const struct nn_cgroups *cgroups, struct nn_source *source, struct nn_event *ret_event);

#endif
