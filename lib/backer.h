/* SPDX-License-Identifier: MIT */
/*
 * The two ways in which a region's pages get memory: over frames (framed.c) and page by page
 * (exact.c), behind one table. Callers hold the region's lock, name ranges of the region's pages,
 * and publish the new state themselves: after a commit, and after a decommit. On failure nothing
 * has changed.
 */
#ifndef HOSTMEM_BACKER_H
#define HOSTMEM_BACKER_H

#include "lib/frame.h"
#include "lib/region.h"

/* A commit as it is passed down: what is wanted and what became of it. */
struct commit {
    struct pages pages;
    unsigned access; /* enum hp_access, for all of the pages */
    bool as_is;      /* what the pages hold is of no interest: they need not be zeroed */
    struct taking taking;
    unsigned lender; /* exact regions: index + 1 of the node that gave the pages, 0: the home */
};

struct backer {
    /* Gives memory, zero unless as_is, to the reserved pages of the range; sets the access of all.
     */
    int (*commit)(struct region *region, struct commit *commit);

    /* Takes the memory from the committed pages of the range. */
    int (*decommit)(struct region *region, struct pages pages);

    /* Sets the access of the range, all of it committed. -EOPNOTSUPP: not at this grain. */
    int (*protect)(struct region *region, struct pages pages, unsigned access);
};

extern const struct backer backer_framed, backer_exact;

/* The budgets of an exact region whose memory went away as a whole. */
void exact_forget(struct region *region);

static inline const struct backer *backer_of(const struct region *region)
{
    return region->exact ? &backer_exact : &backer_framed;
}

#endif
