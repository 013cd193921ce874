/* SPDX-License-Identifier: MIT */
/* Moments of CLOCK_MONOTONIC in nanoseconds; sums stop at MOMENT_NEVER. No state, no lock. */
#include "tools/moment.h"

#include <time.h>

uint64_t moment_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MOMENT_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t moment_after(uint64_t moment, uint64_t span)
{
    return span > MOMENT_NEVER - moment ? MOMENT_NEVER : moment + span;
}

uint64_t moment_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
