/* SPDX-License-Identifier: MIT */
/*
 * A region of a node into which memory is committed step by step, and what came of it. Invariant:
 * the first `got` bytes are committed, and nothing else. One thread, no lock.
 */
#ifndef TOOLS_TAKING_H
#define TOOLS_TAKING_H

#include <stdbool.h>
#include <stddef.h>

#include <hostmem/hostmem.h>

struct taking {
    struct hostmem *manager;        /* not owned */
    void *base;                     /* NULL: no address space was to be had */
    size_t asked, got;              /* bytes */
    size_t step;                    /* bytes of the next commit; 0: no more is to be had */
    int error;                      /* of the last commit that failed; 0: none did */
    struct hostmem_receipt receipt; /* of the last commit that did not */
};

/* Reserves `size` bytes for memory of that node. What fails is kept in `error`. */
void taking_open(struct hostmem *manager, int node, size_t size, struct taking *ret_taking);

/* Ends the region, memory and all. */
void taking_close(struct taking *taking);

/*
 * Commits one more step: the bytes that were got. 0: as much as asked is there, or less than
 * TAKING_LEAST more is to be had. A step that cannot be had is tried again with half of it.
 */
#define TAKING_LEAST ((size_t)64 << 10)
size_t taking_step(struct taking *taking);

#endif
