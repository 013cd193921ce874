/* SPDX-License-Identifier: MIT */
/*
 * A region: one reservation, and the state of each of its pages. Invariant: what readers without a
 * lock need is in two copies of a view (latch.h), of which at least one is whole at any instant; a
 * region that is not shown does not exist for anybody but who makes or ends it. Descriptors are
 * never unmapped and never become anything else. Lock: the region's, for every change and all that
 * the view does not hold.
 */
#ifndef HOSTMEM_REGION_H
#define HOSTMEM_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hostmem/hostmem.h>

#include "lib/extent.h"
#include "lib/latch.h"
#include "lib/lock.h"
#include "lib/manager.h"
#include "lib/units.h"

struct region_view {
    _Atomic uintptr_t base;
    _Atomic size_t pages;
    _Atomic uint32_t shown;      /* 0: for readers there is no region */
    _Atomic uint32_t protection; /* as it was reserved: HOSTMEM_PROT_* with attributes */
    struct extents extents;
};

struct extent_block;

/* Pages [first, end) of a region. */
struct pages {
    size_t first, end;
};

struct region {
    struct lock lock;
    struct latch latch;
    struct region_view view[2];
    struct node *node;     /* the home: where its pages come from first */
    struct node *asked;    /* the node that the request stood for */
    struct window *window; /* NULL: a mapping of its own */
    size_t origin;         /* its first page, counted from the window's first */
    bool exact;            /* 4 KiB pages, each with its own protection and nothing kept warm */
    bool large;            /* HOSTMEM_LARGE: never changed until it is released */
    enum hostmem_reason reason;    /* why the last commit that fell back did */
    struct extent_block *spare[2]; /* blocks for extents, kept when they are outgrown */
    struct region *next;           /* in the node's list of spare descriptors */
};

/* For who holds the region's lock. */
static inline uintptr_t region_base(const struct region *region)
{
    return atomic_load_explicit(&region->view[0].base, memory_order_relaxed);
}

static inline size_t region_pages(const struct region *region)
{
    return atomic_load_explicit(&region->view[0].pages, memory_order_relaxed);
}

static inline uint32_t region_protection(const struct region *region)
{
    return atomic_load_explicit(&region->view[0].protection, memory_order_relaxed);
}

struct extent region_extent(const struct region *region, size_t page);

/*
 * The parts of a range that are in one state each, in order:
 *     for (struct walk w = region_walk(region, range); walk_next(&w);) ... w.part, w.extent
 * The states up to the current part may be changed on the way.
 */
struct walk {
    const struct region *region;
    struct pages rest;
    struct pages part;    /* of the range */
    struct extent extent; /* the whole extent that the part belongs to */
};

static inline struct walk region_walk(const struct region *region, struct pages range)
{
    return (struct walk){.region = region, .rest = range};
}

bool walk_next(struct walk *walk);

static inline char *region_page(const struct region *region, size_t page)
{
    return (char *)region_base(region) + page * PAGE_BYTES;
}

/* A descriptor for a node, spare or new. -ENOMEM. */
int region_new(struct node *node, struct region **ret_region);
void region_free(struct node *node, struct region *region);

/* Lays out a region of reserved pages that is not shown yet. */
void region_lay_out(struct region *region, uintptr_t base, size_t pages, uint32_t protection);

/* Makes it visible with all its pages' states, or invisible, in one step. */
void region_show(struct region *region);
void region_hide(struct region *region);

/* Room for one region_set_...() that cannot fail then. -ENOMEM. */
int region_make_room(struct region *region);

/*
 * Makes pages committed with the access, for all readers at once. Those that are committed already
 * keep their lender, the others get this one.
 */
void region_set_committed(
    struct region *region, struct pages pages, unsigned access, unsigned lender);
void region_set_reserved(struct region *region, struct pages pages);

/* Whether a committed page of the range has another access than `access`. */
bool region_access_differs(const struct region *region, struct pages pages, unsigned access);

/* What a reader without the lock sees of the page at `address`; false: no region has it. */
struct region_sight {
    uintptr_t base;
    size_t pages;
    uint32_t protection;
    struct extent extent; /* neighbours that differ in the lender alone are one */
};
bool region_see(struct region *region, uintptr_t address, struct region_sight *ret_sight);

/*
 * Where to look on for a region behind `address`, whose slot names this one although it is not
 * shown: the end of what it is laid out for, as far as that holds the address.
 */
uintptr_t region_skip(struct region *region, uintptr_t address);

/* The region at the address, locked, or NULL. */
struct region *region_lock_at(struct hostmem *manager, uintptr_t address) UNCHECKED_LOCKING;
void region_unlock(struct region *region) UNCHECKED_LOCKING;

/* Whether its structure holds, with its lock held. */
bool region_check(const struct region *region);

#endif
