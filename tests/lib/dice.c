/* SPDX-License-Identifier: MIT */
/* splitmix64, with a seed from the environment or the clock. No lock: see dice.h. */
#include "dice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct dice dice_new(const char *name)
{
    const char *given = getenv("HM_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t seed = (uint64_t)now.tv_sec * 1000000007 ^ (uint64_t)now.tv_nsec;
    if (given)
        seed = strtoull(given, NULL, 0);
    printf("%s: HM_TEST_SEED=%" PRIu64 "\n", name, seed);
    return (struct dice){seed};
}

size_t dice_roll(struct dice *dice, size_t below)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

size_t dice_scaled(size_t count)
{
    const char *scale = getenv("HM_TEST_SCALE");
    size_t percent = scale ? strtoul(scale, NULL, 10) : 100;
    return count * percent / 100 + 1;
}
