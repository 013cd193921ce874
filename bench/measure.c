/* SPDX-License-Identifier: MIT */
/* The clock and the statistics. See measure.h. */
#include "bench/measure.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define CLOCK_READINGS 2000
#define ROOM_FIRST     64

uint64_t measure_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double measure_clock_ns(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < CLOCK_READINGS; i++) {
        uint64_t begin = measure_now_ns(), took = measure_now_ns() - begin;
        least = took < least ? took : least;
    }
    return (double)least;
}

void series_add(struct series *series, double sample)
{
    if (series->count == series->room) {
        size_t room = series->room ? 2 * series->room : ROOM_FIRST;
        double *at = realloc(series->at, room * sizeof(*at));
        if (!at)
            return;
        series->at = at;
        series->room = room;
    }
    series->at[series->count++] = sample;
}

void series_free(struct series *series)
{
    free(series->at);
    *series = (struct series){0};
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double series_at(const struct series *series, double q)
{
    size_t rank = (size_t)ceil(q * (double)series->count);
    return series->at[rank ? rank - 1 : 0];
}

struct summary series_summarize(struct series *series)
{
    struct summary s = {.count = series->count};
    if (!series->count)
        return s;
    qsort(series->at, series->count, sizeof(series->at[0]), compare);
    s.least = series->at[0];
    s.median = series_at(series, 0.5);
    s.p99 = series_at(series, 0.99);
    s.p999 = series_at(series, 0.999);
    s.most = series->at[series->count - 1];
    return s;
}
