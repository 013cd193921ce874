/* SPDX-License-Identifier: MIT */
/*
 * The oracle: a region as one cell for each page, and what each call has to return for it, worked
 * out the slow and obvious way from the rules of Win32 and of <hostmem/hostmem.h>. It knows nothing
 * of extents, bitmaps or shares. Invariant: a cell is what the page is, as far as the calls that
 * were made decide it. No lock: the caller has the region.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "live.h"

/* What decides which protections a region can carry. */
enum kind {
    KIND_HUGETLB, /* one access for each whole frame, read and write in frames of several regions */
    KIND_THP,     /* any access for each page; uncommitted memory is accessible */
    KIND_EXACT    /* any access for each page; uncommitted memory faults */
};

struct cell {
    uint8_t committed;
    uint8_t access; /* HOSTMEM_PROT_* of a committed page */
    uint32_t tag;   /* in its tag word; 0: the page is zero */
};

/* Pages [first, end) of a region. */
struct span {
    size_t first, end;
};

struct oracle {
    uintptr_t base; /* 0: there is no region */
    size_t pages;
    uint32_t protection; /* as it was reserved */
    enum kind kind;
    bool large;
    struct span known; /* the pages whose cells may be looked at; the others are somebody else's */
    struct cell *cells;
};

void oracle_begin(
    struct oracle *o, uintptr_t base, size_t size, uint32_t protection, enum kind kind);
void oracle_end(struct oracle *o);

/* The pages with a byte in the range; false: it is not wholly in the region. */
bool oracle_span(const struct oracle *o, uintptr_t address, size_t size, struct span *ret_span);

/* What a valid call has to return, if memory and mappings suffice. */
int oracle_commit(const struct oracle *o, uintptr_t address, size_t size, uint32_t protection);
int oracle_protect(const struct oracle *o, uintptr_t address, size_t size, uint32_t protection);
int oracle_decommit(const struct oracle *o, uintptr_t address, size_t size);
int oracle_release(const struct oracle *o, uintptr_t address);
int oracle_reset(const struct oracle *o, uintptr_t address, size_t size);
int oracle_reset_undo(const struct oracle *o, uintptr_t address, size_t size);
/* Of a region that would begin at `base`, committed as a whole. */
int oracle_reserve_committed(
    enum kind kind, uintptr_t base, size_t size, uint32_t protection, bool large);

/* What a call does that succeeded. */
void oracle_set_committed(struct oracle *o, struct span span, uint32_t protection);
void oracle_set_reserved(struct oracle *o, struct span span);

/* Whether the frame of page `page` has pages outside of `span` in the region. */
bool oracle_frame_sticks_out(const struct oracle *o, size_t page, struct span span);

/* What a query at the address has to say. */
struct hostmem_info oracle_query(const struct oracle *o, uintptr_t address);

/* Where the page at that address keeps its tag: by the address alone, so that an old tag that was
 * not zeroed is found by whoever has the page next. */
uint32_t *oracle_tag_word(uintptr_t page);

/* Whether the program may read the committed page, as far as its access says so for sure. */
bool oracle_readable(struct cell cell);
bool oracle_writable(struct cell cell);

#endif
