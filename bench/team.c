/* SPDX-License-Identifier: MIT */
/* Threads that begin together. They yield while they wait, for there may be more of them than CPUs.
 * See team.h. */
#include "bench/team.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "bench/cpus.h"

struct member {
    struct team *team;
    pthread_t thread;
    unsigned number;
    int cpu, error;
};

void team_meet(struct team *team)
{
    unsigned meeting = atomic_load(&team->meetings);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == team->size) {
        atomic_store(&team->arrived, 0);
        atomic_fetch_add(&team->meetings, 1);
        return;
    }
    while (atomic_load(&team->meetings) == meeting)
        sched_yield();
}

static void *member_main(void *argument)
{
    struct member *m = argument;
    int order;
    cpus_pin(m->cpu);
    while ((order = atomic_load(&m->team->order)) == 0)
        sched_yield();
    if (order > 0)
        m->error = m->team->work(m->team, m->team->context, m->number);
    return NULL;
}

static unsigned start_all(struct team *team, const struct order *order, struct member *members)
{
    for (unsigned i = 0; i < team->size; i++) {
        members[i] = (struct member){.team = team, .number = i, .cpu = order->cpus[i]};
        if (pthread_create(&members[i].thread, NULL, member_main, &members[i]))
            return i;
    }
    return team->size;
}

int team_run(const struct order *order, team_work *work, void *context)
{
    static struct member members[ORDER_CPUS];
    struct team team = {.size = order->threads, .work = work, .context = context};
    if (!team.size || team.size > ORDER_CPUS)
        return -EINVAL;
    unsigned started = start_all(&team, order, members);
    int error = started < team.size ? -EAGAIN : 0;
    atomic_store(&team.order, error ? -1 : 1);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(members[i].thread, NULL);
        error = error ? error : members[i].error;
    }
    return error;
}
