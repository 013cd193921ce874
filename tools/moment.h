/* SPDX-License-Identifier: MIT */
/*
 * Moments of CLOCK_MONOTONIC in nanoseconds, the clock of announcements. MOMENT_NEVER is later than
 * all others. No state, no lock.
 */
#ifndef TOOLS_MOMENT_H
#define TOOLS_MOMENT_H

#include <stdint.h>

#define MOMENT_NEVER  UINT64_MAX
#define MOMENT_MS     UINT64_C(1000000)
#define MOMENT_SECOND (1000 * MOMENT_MS)

uint64_t moment_now(void);

/* `span` after `moment`; a span of MOMENT_NEVER does not end. */
uint64_t moment_after(uint64_t moment, uint64_t span);

uint64_t moment_earlier(uint64_t a, uint64_t b);

#endif
