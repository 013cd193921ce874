/* SPDX-License-Identifier: MIT */
/*
 * The operations whose system calls are counted. Invariant: an operation leaves everything as it
 * found it, so that it can be repeated, but for the cold commits, which go through a region frame
 * by frame. One thread; no lock.
 */
#ifndef HOSTMEM_BENCH_STEPS_H
#define HOSTMEM_BENCH_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include <hostmem/mscoree.h>

#include "bench/side.h"

#define STEPS_MOST 32
#define STEPS_WARM ((size_t)2 << 20)

struct steps;

struct step {
    const char *what;
    bool (*run)(struct step *step); /* once; false: it failed */
    struct steps *steps;
    const struct side *side; /* of those that are compared, with size */
    size_t size;
    unsigned times;              /* that it is counted */
    const char *missing;         /* why it cannot be done, or NULL */
    bool counted;                /* what follows means something */
    unsigned long calls, faults; /* of all times */
};

struct steps {
    IHostMemoryManager *manager;
    struct side sides[SIDES];
    char *region;    /* of STEPS_WARM and more; its first frames are warm */
    size_t cold;     /* bytes of the region up to the next frame that was never used */
    char *guarded;   /* reserved without access */
    size_t compared; /* of at[]: size by size, the sides of each */
    size_t count;
    struct step at[STEPS_MOST];
};

/* A manager and the operations on it; false: that was unexpected. */
bool steps_open(struct steps *steps);
void steps_close(struct steps *steps);

#endif
