/* SPDX-License-Identifier: MIT */
/*
 * Work A by several threads at the same time. A sample is the time of an operation as a thread sees
 * it, the mean of all threads: what one thread slows another down shows as a longer time. All
 * threads do the same number of operations and begin each sample together.
 */
#include "bench/job.h"

#include <errno.h>

#include "bench/team.h"

#define SAMPLE_NS 2000000.0 /* long against the moments at which threads begin and end */
#define OPS_MOST  (1u << 16)
#define TRIED     16u

struct crew {
    const struct peer *peer;
    struct order *order;
    struct series *samples;
    uint64_t end; /* when the time is spent */
    _Atomic bool done;
    double ns[ORDER_CPUS];
};

static int operate(const struct crew *crew, unsigned ops)
{
    const struct order *order = crew->order;
    for (unsigned i = 0; i < ops; i++) {
        void *base = crew->peer->get(order->size);
        if (!base)
            return -ENOMEM;
        job_touch(base, order->size, order->touch);
        crew->peer->give(base, order->size);
    }
    return 0;
}

/* A thread that ran out of memory goes on to the meetings, for the others wait there. */
static int time_ops(struct crew *crew, unsigned ops, double *ret_ns)
{
    uint64_t begin = measure_now_ns();
    int error = operate(crew, ops);
    *ret_ns = (double)(measure_now_ns() - begin) / ops;
    return error;
}

static double mean(const struct crew *crew)
{
    double sum = 0;
    for (unsigned i = 0; i < crew->order->threads; i++)
        sum += crew->ns[i];
    return sum / crew->order->threads;
}

static void choose_ops(struct crew *crew)
{
    double ops = SAMPLE_NS / (mean(crew) + 1);
    crew->order->ops = ops < 1 ? 1 : ops > OPS_MOST ? OPS_MOST : (unsigned)ops;
}

/* What the first thread does between two meetings. */
static void account(struct crew *crew, bool warm)
{
    if (!warm)
        choose_ops(crew);
    else
        series_add(crew->samples, mean(crew));
    crew->done = (warm && measure_now_ns() > crew->end);
}

static int member(struct team *team, void *context, unsigned thread)
{
    struct crew *crew = context;
    int error = 0;
    for (unsigned i = 0; i <= crew->order->samples && !crew->done; i++) {
        unsigned ops = i && crew->order->ops ? crew->order->ops : TRIED;
        team_meet(team);
        error |= time_ops(crew, ops, &crew->ns[thread]);
        team_meet(team);
        if (thread == 0)
            account(crew, i > 0);
        team_meet(team);
    }
    return error ? -ENOMEM : 0;
}

int job_threads(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    struct crew crew = {.peer = peer,
        .order = order,
        .samples = ret_samples,
        .end = order->budget_ns ? measure_now_ns() + order->budget_ns : UINT64_MAX};
    return team_run(order, member, &crew);
}
