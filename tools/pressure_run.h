/* SPDX-License-Identifier: MIT */
/*
 * The course of `hostmem pressure`: take, hold, give back, wait for relief, and a line for each
 * thing that happens. One thread, no lock.
 */
#ifndef TOOLS_PRESSURE_RUN_H
#define TOOLS_PRESSURE_RUN_H

#include <stdint.h>

#include "tools/session.h"
#include "tools/taking.h"

struct pressure_work {
    struct session *session; /* which listens to nothing yet */
    int node;                /* a number */
    uint64_t bytes;          /* to be taken */
    uint64_t for_ns;         /* to hold it; MOMENT_NEVER: until a signal */

    /* The rest is pressure_run()'s. */
    struct taking taking;
    struct hostmem_receipt shown; /* of the memory that the next line about it tells of */
    size_t shown_bytes;           /* how much that is */
    enum hostmem_level levels[2]; /* last heard: of the node, and of all */
};

/* Returns the exit status. */
int pressure_run(struct pressure_work *work);

#endif
