/* SPDX-License-Identifier: MIT */
/*
 * Random numbers for tests: from a seed that is printed when it is drawn, so that HM_TEST_SEED
 * repeats a run; HM_TEST_SCALE is percent of the usual number of operations. Each thread that draws
 * has dice of its own; no lock.
 */
#ifndef HOSTMEM_TESTS_DICE_H
#define HOSTMEM_TESTS_DICE_H

#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* Dice with HM_TEST_SEED, else with a seed of the clock; printed with the name of the test. */
struct dice dice_new(const char *name);

/* A number in [0, below). */
size_t dice_roll(struct dice *dice, size_t below);

/* So many operations as HM_TEST_SCALE leaves of `count`; at least one. */
size_t dice_scaled(size_t count);

#endif
