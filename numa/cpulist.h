/* SPDX-License-Identifier: MIT */
/*
 * A set of small numbers, CPUs or nodes, and the kernel's text for it: "0-3,8,10-11". A value
 * without ownership: {0} is the empty set, assignment copies, memcmp compares. No lock.
 */
#ifndef NUMA_CPULIST_H
#define NUMA_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NN_CPUS  8192 /* CPU numbers are 0..8191, as in the kernel's largest configuration (x86) */
#define NN_NODES 1024 /* node numbers are 0..1023, likewise */

struct nn_set {
    uint64_t words[NN_CPUS / 64]; /* number n is bit n % 64 of word n / 64 */
};

/*
 * The longest text of a set of numbers below `limit`, with a newline and a NUL: pairs with gaps of
 * one, ten characters for three numbers.
 */
#define NN_SET_TEXT(limit) (10 * ((limit) / 3 + 1) + 2)

/* number < NN_CPUS */
void nn_set_add(struct nn_set *set, unsigned number);

/* Any number: what is out of range is not in the set. */
bool nn_set_has(const struct nn_set *set, unsigned number);

/* The smallest member that is at least `from`, or -1. For a loop: from 0, then from the last + 1.
 */
int nn_set_next(const struct nn_set *set, unsigned from);

size_t nn_set_count(const struct nn_set *set);

/*
 * Reads the kernel's list format. Members are below `limit` (NN_CPUS or NN_NODES). White space at
 * the end is ignored, and nothing else is the empty set. -EINVAL: anything else is not a list.
 */
int nn_set_parse(const char *text, unsigned limit, struct nn_set *ret_set);

/* Writes the same format, without a newline. -ENOSPC: the buffer is too small (NN_SET_TEXT(NN_CPUS)
 * never is). */
int nn_set_print(const struct nn_set *set, char *buffer, size_t size);

#endif
