/* SPDX-License-Identifier: MIT */
/*
 * The memory pools of oneTBB's libtbbmalloc, by the names that a C++ compiler gives them.
 * Invariant: the library is loaded when the first heap is made and stays; what tbb_load() returns
 * never changes. No lock but pthread_once.
 *
 * It is loaded and not linked: its constructor opens the library a second time and looks for a
 * profiler, it takes keys of its own, and it releases the caches of the main thread when the
 * process exits. A program that makes no heap has none of that, and needs no libtbbmalloc.
 */
#ifndef HOSTMEM_TBB_H
#define HOSTMEM_TBB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TBB_LIBRARY "libtbbmalloc.so.2"

/* One pool: rml::MemoryPool. */
struct tbb_pool;

/*
 * Where a pool's memory comes from. take() may give another size than it is asked for, as far as
 * the pool can do with that (heap_memory.c); give() returns 0. `id` is the one of pool_create.
 */
typedef void *tbb_take(intptr_t id, size_t *bytes);
typedef int tbb_give(intptr_t id, void *base, size_t bytes);

struct tbb {
    struct tbb_pool *(*create)(intptr_t id, tbb_take *take, tbb_give *give); /* NULL: no memory */
    bool (*destroy)(struct tbb_pool *pool);
    void *(*alloc)(struct tbb_pool *pool, size_t size);
    bool (*free)(struct tbb_pool *pool, void *memory);
};

/* -ELIBACC: there is no such library, or not with these functions; tbb_missing() says why. */
int tbb_load(const struct tbb **ret_tbb);

/* Why it could not be loaded: a constant string, good after tbb_load() has failed. */
const char *tbb_missing(void);

#endif
