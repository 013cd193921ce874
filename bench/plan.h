/* SPDX-License-Identifier: MIT */
/*
 * How things are measured: for one column of a table the sides' processes are started, warmed up,
 * counted, and then take turns, round after round, so that whatever disturbs the machine disturbs
 * all of them. One thread; no lock.
 */
#ifndef HOSTMEM_BENCH_PLAN_H
#define HOSTMEM_BENCH_PLAN_H

#include "bench/options.h"
#include "bench/peer.h"
#include "bench/report.h"

#define PLAN_SIDES 40

struct column {
    const struct work *work;
    const char *label;
    struct order order; /* how much and how long is filled in, where it is zero */
    bool count;         /* system calls and page faults too */
    bool only_count;
};

struct plan {
    const struct options *options;
    struct report *report;
    bool dry;       /* nothing is measured: steps and huge pages are added up */
    unsigned steps; /* in a dry run */
    uint64_t pages; /* likewise: huge pages of 2 MiB that are in use at the same time */
};

/* An order for the first CPU of that node (by index in the machine), and memory wherever it is. */
void plan_place(const struct plan *plan, unsigned node, struct order *order);

/* Measures the column for each of the sides (up to a NULL) that the options leave. */
void plan_column(struct plan *plan, const struct column *column, const struct peer *const sides[]);

/* The same for one side, whose result is about a CPU's node and a memory's. */
void plan_pair(struct plan *plan, const struct column *column, const struct peer *side,
    unsigned cpu_node, unsigned memory_node);

#endif
