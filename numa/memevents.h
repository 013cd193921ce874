/* SPDX-License-Identifier: MIT */
/*
 * memory.events of cgroup v2: the kernel wakes a poller each time that a limit was hit. It works
 * where cgroup files are read-only. No malloc, no lock.
 *
 * memory.events.local is taken where there is one (Linux 5.2): it counts what the limit of this
 * very cgroup did, to us or to its other members; memory.events counts in addition what the limits
 * of the cgroups below it did to their members, who may be other programs. So an ancestor is
 * listened to by its local file or not at all.
 */
#ifndef NUMA_MEMEVENTS_H
#define NUMA_MEMEVENTS_H

#include "numa/cgroup.h"
#include "numa/source.h"

/* -ENOENT: no such level, or it has no such file (the root has none). */
int nn_memevents_arm(
    const struct nn_cgroups *cgroups, unsigned level, struct nn_source *ret_source);

/*
 * Reads what a poll reported, which ends the report. At the limit the kernel counts each pass of
 * reclaim: a caller that is told too often closes its ears for a while.
 * -ENODEV: the cgroup was removed. -EBADMSG: this is no such file.
 */
int nn_memevents_take(struct nn_source *source, struct nn_event *ret_event);

#endif
