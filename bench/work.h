/* SPDX-License-Identifier: MIT */
/*
 * The work of the demo: threads that use memory as a managed runtime does, through
 * IHostMemoryManager. Each has a segment of a garbage collector, reserved once and committed and
 * decommitted in steps; small blocks; a large object; and a region without access, in which a page
 * is committed, made read-only and writable again. Invariant: a thread's fields are its own until
 * work_hold() returns, the caller's until work_end(). Lock: two semaphores for each thread.
 */
#ifndef HOSTMEM_BENCH_WORK_H
#define HOSTMEM_BENCH_WORK_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hostmem/mscoree.h>

#include "bench/cpus.h"

#define WORK_BLOCKS   32
#define WORK_HOLDINGS 8 /* kinds of regions of a thread that a table can tell apart */

/* Regions of one kind that got the same. */
struct holding {
    const char *what;
    unsigned count;
    size_t reserved;                /* bytes of all of them */
    struct hostmem_receipt receipt; /* `committed`: of all of them */
};

struct worker {
    IHostMemoryManager *manager;
    unsigned number;
    int cpu;
    pthread_t thread;
    sem_t holds;  /* posted by the thread when it holds all its memory */
    sem_t leaves; /* posted by the caller: give all of it back */
    uint64_t calls;
    bool protect_refused; /* a single page could not be protected: HOSTMEM_SUBPAGE */
    char *segment, *object, *guarded, *blocks[WORK_BLOCKS];
    size_t holding_count;
    struct holding holdings[WORK_HOLDINGS];
};

struct work {
    size_t count;
    struct worker workers[CPUS_THREADS];
};

/* Starts the threads and waits until each has done its work and holds its memory. */
void work_hold(struct work *work, IHostMemoryManager *manager);

/* Prints what every region got. */
void work_show(const struct work *work);

/* Lets the threads give everything back and end; how many calls they made. */
uint64_t work_end(struct work *work);

#endif
