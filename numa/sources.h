/* SPDX-License-Identifier: MIT */
/*
 * All pressure sources that this process can have, and for each kind that it can't, why not. A set
 * belongs to one thread at a time; several sets may be armed side by side. No malloc, no lock.
 */
#ifndef NUMA_SOURCES_H
#define NUMA_SOURCES_H

#include <stddef.h>

#include "numa/cgroup.h"
#include "numa/root.h"
#include "numa/source.h"

#define NN_SOURCES_EVENTS 8                       /* levels whose memory.events are listened to */
#define NN_SOURCES        (NN_SOURCES_EVENTS + 2) /* and one of PSI, and one of v1 */

struct nn_sources {
    size_t count;
    struct nn_source at[NN_SOURCES];          /* the first `count`; dead ones have fd -1 */
    enum nn_refusal refused[NN_SOURCE_KINDS]; /* NN_LIVE, or why there is none of that kind */
};

/* What the environment says; the caller has read it. */
struct nn_pressure_env {
    const char *watch;   /* MEMORY_PRESSURE_WATCH, or NULL */
    const char *payload; /* MEMORY_PRESSURE_WRITE, or NULL */
};

/*
 * Arms one PSI trigger (that of the environment, else the own cgroup's, else the machine's; none
 * where the environment says /dev/null), memory.events of the own cgroup and its nearest ancestors,
 * and v1's memory.pressure_level. Never fails: what is refused is noted. `cgroups` has to stay open
 * as long as the set is.
 */
void nn_sources_arm(const struct nn_root *root, const struct nn_cgroups *cgroups,
    const struct nn_pressure_env *environment, struct nn_sources *ret_sources);
void nn_sources_close(struct nn_sources *sources);

/*
 * After a poll reported at[i]: what happened there. After a failure the source is closed, and where
 * it was the last of its kind the refusal is noted.
 */
int nn_sources_take(const struct nn_cgroups *cgroups, struct nn_sources *sources, size_t i,
    struct nn_event *ret_event);

#endif
