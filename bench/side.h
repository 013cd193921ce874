/* SPDX-License-Identifier: MIT */
/*
 * The sides that are compared: ways to get zeroed memory and to give it back. Invariant: a side
 * that cannot be had on this machine says why and is never asked for memory. A side belongs to one
 * thread; no lock.
 */
#ifndef HOSTMEM_BENCH_SIDE_H
#define HOSTMEM_BENCH_SIDE_H

#include <stdbool.h>
#include <stddef.h>

#include <hostmem/mscoree.h>

enum side_kind { SIDE_HOSTMEM, SIDE_HUGE, SIDE_PLAIN, SIDES };

struct side {
    enum side_kind kind;
    char title[32];               /* of its column */
    const char *missing;          /* why it cannot be had, or NULL */
    enum hostmem_backing backing; /* of SIDE_HOSTMEM: what it got when it was tried */
    IHostMemoryManager *manager;  /* of SIDE_HOSTMEM; borrowed */
    bool decline;                 /* of SIDE_PLAIN: the kernel would use huge pages unasked */
};

/* Largest size that sides_open() tries; with it a side gets or gives memory. */
#define SIDE_LARGEST ((size_t)16 << 20)

/* All sides, in the order of enum side_kind. */
void sides_open(IHostMemoryManager *manager, struct side ret_sides[SIDES]);

/* Zeroed memory, or NULL. */
void *side_get(const struct side *side, size_t size);
void side_give(const struct side *side, void *base, size_t size);

/* Writes a word in every `step` bytes; whether the word beside it was zero everywhere. */
bool side_use(void *base, size_t size, size_t step);

#endif
