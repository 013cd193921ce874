/* SPDX-License-Identifier: MIT */
/*
 * What the process of a side does for an order. Each job adds samples to a series, in nanoseconds
 * an operation (bandwidth: bytes a nanosecond; footprint: bytes). Invariant: a job gives back all
 * that it took. One thread calls them; JOB_THREADS and the bandwidths start others and end them.
 */
#ifndef HOSTMEM_BENCH_JOB_H
#define HOSTMEM_BENCH_JOB_H

#include <stdbool.h>

#include "bench/measure.h"
#include "bench/order.h"
#include "bench/peer.h"

/* Does an order, whose `ops` are set to what was chosen. 0 or -errno. */
int job_do(const struct peer *peer, struct order *order, struct series *ret_samples);

/* One operation of a sample; false: no memory. */
typedef bool job_operation(void *context);

/* Samples of `operation` as the order says: paused, counted, until the time is spent. */
int job_sample(const struct peer *peer, struct order *order, job_operation *operation,
    void *context, struct series *ret_samples);

/* The pause before a sample, if the order has one: until the side has nothing more to clean, too.
 */
void job_pause(const struct peer *peer, const struct order *order);

/* Writes what the order says into memory that was just got. */
void job_touch(void *base, size_t size, enum touch touch);

/* The jobs, by file. */
int job_churn(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_first(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_commit(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_tail(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_threads(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_query(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_load(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_footprint(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_chase(const struct peer *peer, struct order *order, struct series *ret_samples);
int job_bandwidth(const struct peer *peer, struct order *order, struct series *ret_samples);

#endif
