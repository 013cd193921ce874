/* SPDX-License-Identifier: MIT */
/* The clock, and what is said of a series of times: least, median, 99th percentile. No lock. */
#ifndef HOSTMEM_BENCH_MEASURE_H
#define HOSTMEM_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Samples of one kind; at[] is the series' own. */
struct series {
    size_t count, room;
    double *at;
};

struct summary {
    size_t count;
    double least, median, p99, p999, most;
};

/* CLOCK_MONOTONIC. */
uint64_t measure_now_ns(void);

/* What reading the clock twice takes: it is part of every time, and is taken off short ones. */
double measure_clock_ns(void);

/* Adds a sample; one that there is no memory for is lost. */
void series_add(struct series *series, double sample);
void series_free(struct series *series);

/* Sorts the series. All zero for an empty one. */
struct summary series_summarize(struct series *series);

/* The part q (0..1) of a sorted series, by the nearest rank. */
double series_at(const struct series *series, double q);

#endif
