/* SPDX-License-Identifier: MIT */
/*
 * Where the blocks of a heap come from that were asked for with file and line. Invariant: list and
 * tree hold exactly those of them that are alive, the list with the oldest first, the tree by
 * address. Lock: its own mutex; nothing is taken within but malloc's.
 */
#ifndef HOSTMEM_ORIGIN_H
#define HOSTMEM_ORIGIN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/text.h"

struct origin;

struct origins {
    pthread_mutex_t lock;
    void *tree; /* of tsearch(3) */
    struct origin *first, *last;
    _Atomic size_t count;
};

void origins_open(struct origins *origins);
void origins_close(struct origins *origins);

/* A block that is alive now; `file` is copied and may be NULL. -ENOMEM. */
int origins_add(
    struct origins *origins, const void *block, size_t size, const char *file, int line);

/* A block is not alive any more, which may be none of these. */
void origins_drop(struct origins *origins, const void *block);

static inline size_t origins_count(const struct origins *origins)
{
    return atomic_load_explicit(&origins->count, memory_order_relaxed);
}

static inline bool origins_any(const struct origins *origins)
{
    return origins_count(origins) > 0;
}

/* Adds a line for each. */
void origins_print(struct origins *origins, struct text *text);

#endif
