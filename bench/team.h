/* SPDX-License-Identifier: MIT */
/*
 * Threads that begin at the same moment, each on its CPU. Invariant: none of them runs when
 * team_run() returns. No lock: they meet by counting.
 */
#ifndef HOSTMEM_BENCH_TEAM_H
#define HOSTMEM_BENCH_TEAM_H

#include <stdatomic.h>

#include "bench/order.h"

struct team;

/* What a thread does; 0 or -errno. It must come to team_meet() as often as the others do. */
typedef int team_work(struct team *team, void *context, unsigned thread);

struct team {
    unsigned size;
    team_work *work;
    void *context;
    _Atomic unsigned arrived, meetings;
    _Atomic int order; /* 0: wait; 1: begin; -1: end, for one could not be started */
};

/* Runs `work` on order->threads CPUs at once. The first error of a thread, or -EAGAIN. */
int team_run(const struct order *order, team_work *work, void *context);

/* Returns when all the threads of the team have called it. */
void team_meet(struct team *team);

#endif
