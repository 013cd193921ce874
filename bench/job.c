/* SPDX-License-Identifier: MIT */
/* The table of jobs and the taking of samples. See job.h. */
#include "bench/job.h"

#include <errno.h>
#include <time.h>

#include "bench/raw.h"

#define SAMPLE_NS 20000 /* a sample is at least so long, or one operation */
#define OPS_MOST  4096u

static int (*const jobs[JOBS])(const struct peer *, struct order *, struct series *) = {
    [JOB_CHURN] = job_churn,
    [JOB_FIRST] = job_first,
    [JOB_COMMIT] = job_commit,
    [JOB_TAIL] = job_tail,
    [JOB_THREADS] = job_threads,
    [JOB_QUERY] = job_query,
    [JOB_LOAD] = job_load,
    [JOB_FOOTPRINT] = job_footprint,
    [JOB_CHASE] = job_chase,
    [JOB_READ] = job_bandwidth,
    [JOB_WRITE] = job_bandwidth,
    [JOB_COPY] = job_bandwidth,
};

int job_do(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    if (order->job >= JOBS || !jobs[order->job])
        return -EINVAL;
    return jobs[order->job](peer, order, ret_samples);
}

void job_touch(void *base, size_t size, enum touch touch)
{
    size_t end = touch == TOUCH_PAGES ? size : 1;
    for (size_t at = 0; at < end; at += RAW_PAGE)
        *(volatile uint64_t *)((char *)base + at) = 1;
}

void job_pause(const struct peer *peer, const struct order *order)
{
    struct timespec t = {
        (time_t)(order->pause_ns / 1000000000u), (long)(order->pause_ns % 1000000000u)};
    if (!order->pause_ns)
        return;
    nanosleep(&t, NULL);
    if (peer->settle)
        peer->settle();
}

/* Nanoseconds of so many operations; negative: one failed. */
static double run(job_operation *operation, void *context, unsigned ops)
{
    uint64_t begin = measure_now_ns();
    for (unsigned i = 0; i < ops; i++)
        if (!operation(context))
            return -1;
    return (double)(measure_now_ns() - begin);
}

/* How many operations make a sample: doubled until they take long enough. */
static unsigned choose_ops(job_operation *operation, void *context)
{
    unsigned ops = 1;
    run(operation, context, 1);
    while (ops < OPS_MOST && run(operation, context, ops) < SAMPLE_NS)
        ops *= 2;
    return ops;
}

/* The first pause is not part of the time that is to be spent: what cleans may have fallen asleep.
 */
int job_sample(const struct peer *peer, struct order *order, job_operation *operation,
    void *context, struct series *ret_samples)
{
    double clock = measure_clock_ns();
    if (!order->ops)
        order->ops = choose_ops(operation, context);
    job_pause(peer, order);
    uint64_t begin = measure_now_ns();
    for (unsigned i = 0; i < order->samples; i++) {
        if (i)
            job_pause(peer, order);
        double took = run(operation, context, order->ops);
        if (took < 0)
            return -ENOMEM;
        series_add(ret_samples, (took > clock ? took - clock : 0) / order->ops);
        if (order->budget_ns && measure_now_ns() - begin > order->budget_ns)
            break;
    }
    return 0;
}
