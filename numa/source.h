/* SPDX-License-Identifier: MIT */
/*
 * A file descriptor that tells of memory pressure when it is polled, and why one could not be had.
 * It belongs to one thread at a time; reading it never waits. No malloc, no lock.
 *
 * A forked child shares what is behind the descriptor with its parent, and would take events away
 * from it: it closes its copies and arms its own.
 */
#ifndef NUMA_SOURCE_H
#define NUMA_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

/* In the order of preference among the first three: one of them is armed. */
enum nn_source_kind {
    NN_SOURCE_WATCH,       /* what MEMORY_PRESSURE_WATCH names */
    NN_SOURCE_PSI_CGROUP,  /* memory.pressure of the own cgroup */
    NN_SOURCE_PSI_MACHINE, /* proc/pressure/memory */
    NN_SOURCE_EVENTS,      /* memory.events of v2: a limit was hit */
    NN_SOURCE_LEVEL,       /* memory.pressure_level of v1 */
    NN_SOURCE_KINDS,
};

/* Counters of memory.events since the cgroup was made, or how much they grew. */
struct nn_memory_events {
    uint64_t low, high, max, oom, oom_kill;
};

#define NN_SOURCE_PATH 256

struct nn_source {
    int fd;       /* owned; -1 once it is closed, which poll() passes over */
    short events; /* to poll for */
    enum nn_source_kind kind;
    unsigned level; /* of the cgroup: 0 the own, n its n-th ancestor */

    uint64_t stall_us, window_us;   /* PSI trigger: so much stall in so long; 0 where not known */
    uint64_t total_us;              /* PSI: stall when last looked */
    bool fresh;                     /* PSI: no event yet: the first may be a false one */
    struct nn_memory_events counts; /* memory.events: when last looked */

    char path[NN_SOURCE_PATH]; /* for reports; the end of it where it is longer */
};

struct nn_event {
    enum nn_source_kind kind;
    unsigned level;                /* as in the source */
    bool happened;                 /* there was pressure; else it was a false alarm */
    uint64_t stall_us;             /* PSI: how much stall was added since the last event */
    struct nn_memory_events grown; /* memory.events: since the last event */
    uint64_t signals;              /* memory.pressure_level: since the last event */
};

/* Why a source is not live. */
enum nn_refusal {
    NN_LIVE,
    NN_REFUSED_NOT_NEEDED, /* a better one of its kind is live */
    NN_REFUSED_NOT_ASKED,  /* the variable is not set */
    NN_REFUSED_OFF,        /* the variable says /dev/null */
    NN_REFUSED_ABSENT,     /* no such file */
    NN_REFUSED_READ_ONLY,  /* a read-only file system, as in most containers */
    NN_REFUSED_DENIED,     /* no permission */
    NN_REFUSED_DISABLED,   /* the kernel has it, and it is switched off */
    NN_REFUSED_INVALID,    /* the kernel doesn't take the trigger, or the variable is garbage */
    NN_REFUSED_GONE,       /* it was live, and its cgroup was removed */
    NN_REFUSED_FAILED,     /* anything else */
    NN_REFUSALS,
};

/* "psi-cgroup", "memory.events" ... */
const char *nn_source_name(enum nn_source_kind kind);

/* What a -errno of arming or reading a source means. */
enum nn_refusal nn_refusal_of(int error);
const char *nn_refusal_text(enum nn_refusal refusal);

void nn_source_close(struct nn_source *source);

/* Fills in where a source was found: directory, '/', levels up, name. */
void nn_source_note(
    struct nn_source *source, const char *directory, unsigned level, const char *name);

#endif
