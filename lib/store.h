/* SPDX-License-Identifier: MIT */
/*
 * The memory for the library's own structures. It never comes from malloc, and it is never unmapped
 * before the manager ends: a reader without a lock may follow a stale pointer and still finds a
 * structure of the same type there. Invariant: `next` to `end` is unused and zero. Lock: its own.
 */
#ifndef HOSTMEM_STORE_H
#define HOSTMEM_STORE_H

#include <stddef.h>

#include "hugepage/hp.h"
#include "lib/lock.h"

struct store_chunk;

struct store {
    const struct hp_ops *ops; /* base pages; constant */
    struct hp_spec spec;      /* constant */
    struct lock lock;
    struct store_chunk *chunks GUARDED_BY(lock); /* all mappings, newest first */
    char *next GUARDED_BY(lock);
    char *end GUARDED_BY(lock);
};

/* Metadata stays in the child after fork() and in core dumps, whatever the pools do. */
void store_open(struct store *store, const struct hp_ops *base);

/* Unmaps all that was ever taken. */
void store_close(struct store *store);

/*
 * Zeroed memory, aligned to a cache line. From STORE_OWN bytes on it is a mapping of its own, which
 * takes up memory only where it is touched. -ENOMEM.
 */
#define STORE_OWN ((size_t)64 << 10)
int store_take(struct store *store, size_t size, void **ret_memory);

#endif
