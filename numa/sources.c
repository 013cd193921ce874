/* SPDX-License-Identifier: MIT */
/* Which sources are armed, in which order, and how each kind is read. No lock. */
#include "numa/sources.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "numa/memevents.h"
#include "numa/pressurelevel.h"
#include "numa/psi.h"

static_assert(NN_SOURCES >= NN_SOURCES_EVENTS + 2, "one of PSI and one of v1 have room, too");

/* Counts the source just armed at the end of the set, or notes why there is none. */
static int settle(struct nn_sources *sources, enum nn_source_kind kind, int r)
{
    sources->refused[kind] = nn_refusal_of(r);
    if (r == 0)
        sources->count++;
    return r;
}

static struct nn_source *next(struct nn_sources *sources)
{
    return &sources->at[sources->count];
}

static void arm_psi(const struct nn_root *root, const struct nn_cgroups *cgroups,
    const struct nn_pressure_env *environment, struct nn_sources *sources)
{
    const char *watch = environment->watch;
    enum nn_refusal *refused = sources->refused;

    refused[NN_SOURCE_WATCH] = NN_REFUSED_NOT_ASKED;
    refused[NN_SOURCE_PSI_CGROUP] = refused[NN_SOURCE_PSI_MACHINE] = NN_REFUSED_NOT_NEEDED;
    if (watch != NULL && strcmp(watch, "/dev/null") == 0) {
        refused[NN_SOURCE_WATCH] = NN_REFUSED_OFF;
        refused[NN_SOURCE_PSI_CGROUP] = refused[NN_SOURCE_PSI_MACHINE] = NN_REFUSED_OFF;
        return;
    }
    if (watch != NULL && watch[0] != '\0' &&
        settle(sources, NN_SOURCE_WATCH,
            nn_psi_arm_watch(root, watch, environment->payload, next(sources))) == 0)
        return;
    if (settle(sources, NN_SOURCE_PSI_CGROUP, nn_psi_arm_cgroup(cgroups, next(sources))) < 0)
        settle(sources, NN_SOURCE_PSI_MACHINE, nn_psi_arm_machine(root, next(sources)));
}

/* The own cgroup decides what is said of the kind, unless an ancestor has what it has not. */
static void arm_events(const struct nn_cgroups *cgroups, struct nn_sources *sources)
{
    enum nn_refusal own = NN_LIVE;
    size_t before = sources->count;

    for (unsigned level = 0; level < NN_SOURCES_EVENTS; level++) {
        settle(sources, NN_SOURCE_EVENTS, nn_memevents_arm(cgroups, level, next(sources)));
        if (level == 0)
            own = sources->refused[NN_SOURCE_EVENTS];
    }
    sources->refused[NN_SOURCE_EVENTS] = sources->count > before ? NN_LIVE : own;
}

void nn_sources_arm(const struct nn_root *root, const struct nn_cgroups *cgroups,
    const struct nn_pressure_env *environment, struct nn_sources *ret_sources)
{
    ret_sources->count = 0;
    arm_psi(root, cgroups, environment, ret_sources);
    arm_events(cgroups, ret_sources);
    settle(ret_sources, NN_SOURCE_LEVEL, nn_pressurelevel_arm(cgroups, next(ret_sources)));
}

void nn_sources_close(struct nn_sources *sources)
{
    while (sources->count > 0)
        nn_source_close(&sources->at[--sources->count]);
}

static int take(
    const struct nn_cgroups *cgroups, struct nn_source *source, struct nn_event *ret_event)
{
    switch (source->kind) {
    case NN_SOURCE_EVENTS:
        return nn_memevents_take(source, ret_event);
    case NN_SOURCE_LEVEL:
        return nn_pressurelevel_take(cgroups, source, ret_event);
    default:
        return nn_psi_take(source, ret_event);
    }
}

static bool has_live(const struct nn_sources *sources, enum nn_source_kind kind)
{
    for (size_t i = 0; i < sources->count; i++) {
        if (sources->at[i].kind == kind && sources->at[i].fd >= 0)
            return true;
    }
    return false;
}

int nn_sources_take(const struct nn_cgroups *cgroups, struct nn_sources *sources, size_t i,
    struct nn_event *ret_event)
{
    struct nn_source *source = &sources->at[i];
    int r = source->fd < 0 ? -EBADF : take(cgroups, source, ret_event);

    if (r < 0 && source->fd >= 0) {
        nn_source_close(source);
        if (!has_live(sources, source->kind))
            sources->refused[source->kind] = nn_refusal_of(r);
    }
    return r;
}
