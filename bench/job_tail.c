/* SPDX-License-Identifier: MIT */
/* Times of single operations: reserve and commit, without the release, each a sample of its own. */
#include "bench/job.h"

#include <errno.h>

int job_tail(const struct peer *peer, struct order *order, struct series *ret_samples)
{
    double clock = measure_clock_ns();
    uint64_t end = order->budget_ns ? measure_now_ns() + order->budget_ns : UINT64_MAX;
    order->ops = 1;
    for (unsigned i = 0; i < order->samples && measure_now_ns() < end; i++) {
        job_pause(peer, order);
        uint64_t begin = measure_now_ns();
        void *base = peer->get(order->size);
        double took = (double)(measure_now_ns() - begin);
        if (!base)
            return -ENOMEM;
        series_add(ret_samples, took > clock ? took - clock : 0);
        job_touch(base, order->size, order->touch);
        peer->give(base, order->size);
    }
    return 0;
}
