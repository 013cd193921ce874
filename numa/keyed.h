/* SPDX-License-Identifier: MIT */
/*
 * What cgroup files hold: one number or the word "max", or lines of a key and a number
 * (memory.stat, memory.events). Pure functions but for the reads; no malloc, no lock.
 */
#ifndef NUMA_KEYED_H
#define NUMA_KEYED_H

#include <stdint.h>

#include "numa/root.h"

/* The number behind `key` at the beginning of a line. -ENOENT: no such line. -EINVAL: no number. */
int nn_keyed_find(const char *text, const char *key, uint64_t *ret_number);

/* The number that is all of a file; "max" is UINT64_MAX. -EINVAL: it holds something else. */
int nn_keyed_read(const struct nn_root *directory, const char *name, uint64_t *ret_number);

#endif
