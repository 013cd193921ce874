/* SPDX-License-Identifier: MIT */
/*
 * A worker: one thread that makes random calls on regions and holds each result, and the memory
 * itself, against the oracle. Invariant: a region is worked on with its slot's lock held, so that
 * its oracle is exact while other regions change at the same time. Locks: each slot's.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "face.h"
#include "oracle.h"

struct slot {
    pthread_mutex_t lock;
    struct oracle region; /* under the lock */
};

#define SLOTS_OWN    6 /* of each worker */
#define SLOTS_SHARED 8
#define WORKERS_MAX  4

struct world {
    struct face face;
    bool alone;         /* one worker: what is free is known exactly */
    bool scarce;        /* memory may run out: -ENOMEM is an answer, and nothing has changed */
    bool few;           /* huge pages may run out, while other memory does not */
    size_t largest;     /* bytes of a region */
    atomic_long budget; /* frames that regions may still touch; kept by the test */
    atomic_size_t short_answers;
    struct slot shared[SLOTS_SHARED];
    struct slot own[WORKERS_MAX][SLOTS_OWN];
};

#define FREED 16

struct worker {
    struct world *world;
    uint64_t random;
    size_t index;
    size_t operations;
    bool apart;      /* the slot in hand is this worker's own */
    uintptr_t arena; /* addresses for regions in slots of its own, so that it knows them all */
    uintptr_t freed[FREED]; /* bases of regions that were released */
    int pipe[2];
    size_t done[16]; /* calls that succeeded, by kind */
    char note[256];
};

#define ARENA_BYTES (256 * MIB)

void world_open(struct world *world);
/* Releases everything; the books have to be balanced then. */
void world_close(struct world *world);

/* Runs the workers to their end, each `operations` calls; one alone runs in this thread. */
void world_run(struct world *world, size_t workers, size_t operations, uint64_t seed);

/* Calls on the pages of `within` of a region that is there; the caller sees to it that nobody else
 * works on these pages. shared: a frame that sticks out of `within` is another worker's, too. */
void worker_step(struct worker *worker, struct oracle *region, struct span within, bool shared);

/* The parts of that, for a region as a whole. */
void worker_reserve(struct worker *worker, struct oracle *ret_region);
void worker_release(struct worker *worker, struct oracle *region);
void worker_check_all(struct worker *worker, struct oracle *region);

void worker_open(struct worker *worker, struct world *world, size_t index, uint64_t seed);
void worker_close(struct worker *worker);

/* -- held against the oracle (judge.c) -- */

/* The result is the one that was worked out, or a permitted shortage. */
void judge_result(struct worker *worker, int error, int wanted);
/* The contents of committed pages that can be read. */
void judge_pages(struct worker *worker, const struct oracle *region, struct span span);
/* A query, at a random page of the span; of a run that leaves the span less is known. */
void judge_query(struct worker *worker, const struct oracle *region, struct span span, bool shared);
/* What the kernel lets the program do with a page. */
void judge_access(struct worker *worker, const struct oracle *region, size_t page);

#endif
