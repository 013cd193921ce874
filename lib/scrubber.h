/* SPDX-License-Identifier: MIT */
/*
 * The scrubber of a node: a thread on the node's CPUs that turns idle dirty frames clean, so that
 * commits find memory that need not be zeroed. It runs when a CPU has nothing else to do, stops
 * while anybody on the node zeroes or populates, and sleeps when nothing is dirty: then the node's
 * watcher, which looks once in a while anyway, wakes it. Invariant: what it works on has its idle
 * bit clear, like anything that is in somebody's hands; who wants just that frame waits for a
 * granule to be zeroed, and as long as it has one in its hands the thread runs like any other.
 * Where the process may not raise a thread's priority again, it is like any other all the time, and
 * works little at a time. No lock: a thread that may be kept off the CPU must not hold one.
 */
#ifndef HOSTMEM_SCRUBBER_H
#define HOSTMEM_SCRUBBER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct node;

struct scrubber {
    sem_t news;             /* posted when `woken` or `ended` becomes true */
    bool started, replaced; /* the watcher's, then who ends the manager */
    pthread_t thread;       /* while started */
    _Atomic bool woken;     /* there is something to do */
    _Atomic bool ended;     /* the thread is to end */
    _Atomic bool
        equal; /* the thread may not be of idle priority: it has ended, for one that is not */
    _Atomic bool wanted;      /* somebody waits for a frame that is being cleaned */
    _Atomic uint64_t cleaned; /* bytes ever */
};

void scrubber_open(struct scrubber *scrubber);
void scrubber_close(struct scrubber *scrubber);

/* The node's watcher looks: where there is something to clean the thread is woken, or started. */
void scrubber_tend(struct node *node);

/* Ends the thread; nobody tends any more. */
void scrubber_stop(struct node *node);

/* One turn of waiting for a frame of the node; `turns` counts those before. */
void scrubber_await(struct node *node, unsigned turns);

/* Idle memory of the node of which nothing has to be zeroed, in bytes. */
uint64_t scrubber_clean_bytes(struct node *node);

#endif
