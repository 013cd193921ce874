/* SPDX-License-Identifier: MIT */
/*
 * The address space of the fake backing: a sorted array of segments, and a byte for each 4 KiB of
 * the whole address space that tells which node its memory came from (a larger page uses the byte
 * of its start; the table itself is mapped NORESERVE). No lock: the fake's mutex is held around
 * every call.
 */
#ifndef HOSTMEM_TESTS_HP_SPACE_H
#define HOSTMEM_TESTS_HP_SPACE_H

#include "hugepage/hp.h"

#define SPACE_UNBOUND (-1)

struct segment {
    uintptr_t start, end; /* bytes */
    size_t page;          /* bytes */
    int node;             /* that it is bound to, or SPACE_UNBOUND */
    unsigned access;
};

extern struct segment hp_space_segments[];
extern size_t hp_space_count;

/* Says on stderr how the contract of hp.h was broken, and aborts. */
_Noreturn void hp_space_broken(const char *what, const void *base, size_t size);

uint8_t *hp_space_origin(uintptr_t page);

/* Index of the segment that ends above the address; hp_space_count when there is none. */
size_t hp_space_find(uintptr_t address);

/* The segment that holds the address, or NULL. */
const struct segment *hp_space_holder(uintptr_t address);

bool hp_space_is_free(uintptr_t start, size_t size);

/* Cuts the range out, which must be mapped throughout; its segments are [*ret_first, *ret_end). */
void hp_space_select(const void *base, size_t size, size_t *ret_first, size_t *ret_end);

/* Puts a segment in at its index (hp_space_find of its start). */
void hp_space_insert(size_t index, struct segment segment);

/* Takes the segments [first, end) out. */
void hp_space_drop(size_t first, size_t end);

/* Joins neighbours that differ in nothing; indexes are void afterwards. */
void hp_space_join(void);

#endif
