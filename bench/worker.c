/* SPDX-License-Identifier: MIT */
/* The process of a side: reads orders, does them, writes answers. See child.h. */
#include "bench/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/cpus.h"
#include "bench/job.h"

static bool read_order(struct order *ret_order)
{
    size_t got = 0;
    while (got < sizeof(*ret_order)) {
        ssize_t count = read(CHILD_ORDERS, (char *)ret_order + got, sizeof(*ret_order) - got);
        if (count <= 0)
            return false;
        got += (size_t)count;
    }
    return true;
}

static bool write_all(const void *bytes, size_t size)
{
    size_t put = 0;
    while (put < size) {
        ssize_t count = write(CHILD_ANSWERS, (const char *)bytes + put, size - put);
        if (count <= 0)
            return false;
        put += (size_t)count;
    }
    return true;
}

static double faults_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_minflt + usage.ru_majflt);
}

static bool answer_order(const struct peer *peer, struct order *order, struct series *samples)
{
    struct answer answer = {0};
    cpus_pin(order->cpus[0]);
    samples->count = 0;
    double faults = faults_now();
    answer.error = job_do(peer, order, samples);
    answer.faults = faults_now() - faults;
    answer.ops = order->ops;
    answer.count = answer.error ? 0 : (unsigned)samples->count;
    return write_all(&answer, sizeof(answer)) &&
           write_all(samples->at, answer.count * sizeof(samples->at[0]));
}

/* Not yet on one CPU: threads that the side starts would inherit that. */
static bool answer_open(const struct peer *peer, const struct order *order)
{
    struct answer answer = {0};
    answer.error = peer->open(order, answer.said);
    return write_all(&answer, sizeof(answer)) && !answer.error;
}

int worker_main(const char *name)
{
    const struct peer *peer = peer_find(name);
    struct series samples = {0};
    struct order order;
    if (!peer || !read_order(&order))
        return EXIT_FAILURE;
    bool good = answer_open(peer, &order);
    while (good && read_order(&order))
        good = answer_order(peer, &order, &samples);
    series_free(&samples);
    return EXIT_SUCCESS;
}
