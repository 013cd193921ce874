/* SPDX-License-Identifier: MIT */
/*
 * A machine of several nodes, written as files under a temporary directory: a HOSTMEM_SYSROOT. Its
 * node numbers have holes, so that a number is never mistaken for an index.
 */
#ifndef HOSTMEM_TESTS_MACHINE_H
#define HOSTMEM_TESTS_MACHINE_H

#include <stdbool.h>

#define MACHINE_NODES 4

/* Their numbers; all CPUs are the first one's, so "local" is the first. */
extern const int machine_ids[MACHINE_NODES];

/* For each node, by index: the indices of all, the nearest first. */
extern const int machine_order[MACHINE_NODES][MACHINE_NODES];

struct machine {
    int nodes;               /* 1..MACHINE_NODES: the first ones of machine_ids */
    int huge[MACHINE_NODES]; /* huge pages of 2 MiB of each */
    bool thp;
};

/* Writes it; the path is good until the next one is written. */
const char *machine_write(const struct machine *machine);
void machine_remove(const char *root);

#endif
