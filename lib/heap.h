/* SPDX-License-Identifier: MIT */
/*
 * A heap: a pool of oneTBB (tbb.h) whose memory are regions of one node. Invariant: which blocks
 * are alive is known apart from the pool (heap_memory.h), so that it is only told to free what is a
 * live block of its own. No lock: the pool has its own, and the regions theirs.
 */
#ifndef HOSTMEM_LIB_HEAP_H
#define HOSTMEM_LIB_HEAP_H

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <hostmem/heap.h>

#include "lib/heaps.h"
#include "lib/manager.h"
#include "lib/origin.h"
#include "lib/tbb.h"

struct hostmem_heap {
    struct hostmem *manager;
    struct node *node;
    uint32_t protection;
    const struct tbb *tbb;
    struct tbb_pool *pool;
    unsigned forks; /* heaps_forks when it was made */
    _Atomic size_t bytes, regions;
    struct origins origins;
    struct hostmem_heap *previous, *next; /* heaps.c */
};

/*
 * Keys of thread-specific data that heaps leave to the rest of the process: each pool takes one of
 * PTHREAD_KEYS_MAX.
 */
#define HEAP_KEYS_LEFT 64

/* -ELIBACC, -EMFILE (keys), -EAGAIN (the calling thread is ending), -ENOMEM. */
int heap_create(struct hostmem *manager, struct node *node, uint32_t protection,
    struct hostmem_heap **ret_heap);

/* 0, or -ENODEV in a child of the process that made it. */
static inline int heap_usable(const struct hostmem_heap *heap)
{
    return heap->forks == heaps_forks ? 0 : -ENODEV;
}

/* Ends it with all its blocks. In a child the parent's memory is left alone. */
void heap_destroy(struct hostmem_heap *heap);

/* A block of `size` bytes, aligned to 16. */
int heap_alloc(
    struct hostmem_heap *heap, size_t size, enum hostmem_critical level, void **ret_block);

/* The same with an origin; `file` may be NULL. */
int heap_debug_alloc(struct hostmem_heap *heap, size_t size, enum hostmem_critical level,
    const char *file, int line, void **ret_block);

/* -ENXIO: that is no live block of this heap. */
int heap_free(struct hostmem_heap *heap, void *block);

/* A line for each live block that has an origin, as snprintf(3) writes. */
size_t heap_report(struct hostmem_heap *heap, char *ret_text, size_t size);

/* The thread sanitizer does not see the pool hand memory from one thread to another. */
#if defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
void __tsan_acquire(void *);
void __tsan_release(void *);
#define HEAP_SEES(heap)  __tsan_acquire(heap)
#define HEAP_SHOWS(heap) __tsan_release(heap)
#else
#define HEAP_SEES(heap)  (void)(heap)
#define HEAP_SHOWS(heap) (void)(heap)
#endif

#endif
