/* SPDX-License-Identifier: MIT */
/*
 * The machine in figures and words: what a result means only together with it. Read once; figures
 * of free huge pages change meanwhile. No lock.
 */
#ifndef HOSTMEM_BENCH_MACHINE_H
#define HOSTMEM_BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/order.h"

#define MACHINE_NODES 64
#define MACHINE_TEXT  128

struct machine_node {
    int number;
    uint64_t memory; /* bytes */
    uint64_t free_2m, free_1g;
    unsigned cpus; /* that this process may use */
    int16_t cpu[ORDER_CPUS];
};

struct machine {
    char cpu[MACHINE_TEXT], kernel[MACHINE_TEXT], thp[MACHINE_TEXT], governor[MACHINE_TEXT];
    char time[MACHINE_TEXT];
    bool guest; /* a virtual machine, as its CPU says */
    unsigned cpus, nodes;
    struct machine_node node[MACHINE_NODES];
    unsigned distance[MACHINE_NODES][MACHINE_NODES];
    uint64_t memory, free_2m, free_1g;
};

void machine_read(struct machine *ret_machine);

/* Free huge pages of 2 MiB, of all nodes, now. */
uint64_t machine_free_2m(void);

/* A path for new files on a mounted hugetlbfs that this process may write to. */
bool machine_hugetlbfs(char *ret_path, size_t size);

#endif
