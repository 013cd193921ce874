/* SPDX-License-Identifier: MIT */
/* The list of heaps, the table of their addresses, and what a fork means for them. Invariant and
 * locks: see heaps.h. */
#include "lib/heaps.h"

#include <errno.h>
#include <pthread.h>

#include "hugepage/hp.h"
#include "lib/exiting.h"
#include "lib/heap.h"
#include "lib/keys.h"
#include "lib/store.h"

static struct store store;
static int open_error;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct hostmem_heap *first; /* under lock */

/* -- addresses -- */

_Atomic(struct heaps_leaf *) heaps_leaves[HEAPS_LEAVES];

bool heaps_have(const void *value)
{
    return heaps_at((uintptr_t)value) != NULL;
}

/* Two threads may bring one at the same time: the first is kept, the other stays unused. */
static int make_leaf(size_t index)
{
    struct heaps_leaf *none = NULL;
    void *made;
    if (atomic_load(&heaps_leaves[index]))
        return 0;
    int error = store_take(&store, sizeof(struct heaps_leaf), &made);
    if (!error)
        atomic_compare_exchange_strong(&heaps_leaves[index], &none, made);
    return error;
}

static void set(uintptr_t base, size_t size, struct heap_region *region)
{
    for (uintptr_t at = base; at < base + size; at += GRANULE_BYTES) {
        struct heaps_leaf *leaf = atomic_load(&heaps_leaves[at >> HEAPS_LEAF_SHIFT]);
        atomic_store_explicit(
            &leaf->region[(at >> GRANULE_SHIFT) % HEAPS_SLOTS], region, memory_order_release);
    }
}

int heaps_enter(struct heap_region *region, size_t size)
{
    uintptr_t base = (uintptr_t)region, last = base + size - 1;
    int error = 0;
    for (size_t i = base >> HEAPS_LEAF_SHIFT; i <= last >> HEAPS_LEAF_SHIFT && !error; i++)
        error = make_leaf(i);
    if (!error)
        set(base, size, region);
    return error;
}

void heaps_leave(struct heap_region *region, size_t size)
{
    set((uintptr_t)region, size, NULL);
}

/* -- forks -- */

unsigned heaps_forks;

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

/* The child's own heaps may come to lie where the parent's are. */
static void forget_regions(void)
{
    for (size_t i = 0; i < HEAPS_LEAVES; i++)
        if (atomic_load_explicit(&heaps_leaves[i], memory_order_relaxed))
            atomic_store_explicit(&heaps_leaves[i], NULL, memory_order_relaxed);
}

/*
 * What pools keep for the thread that forked lies in memory that the child has not got, and has a
 * destructor, and is looked at when the process exits.
 */
static void in_child(void)
{
    heaps_forks++;
    pthread_mutex_init(&lock, NULL);
    exiting_forked();
    keys_forget(heaps_have);
    forget_regions();
}

static void open_all(void)
{
    store_open(&store, &hp_base);
    open_error = pthread_atfork(before_fork, after_fork, in_child) ? -ENOMEM : 0;
}

int heaps_open(void)
{
    pthread_once(&once, open_all);
    return open_error;
}

/* -- the list -- */

void heaps_add(struct hostmem_heap *heap)
{
    pthread_mutex_lock(&lock);
    heap->previous = NULL;
    heap->next = first;
    if (first)
        first->previous = heap;
    first = heap;
    pthread_mutex_unlock(&lock);
}

void heaps_drop(struct hostmem_heap *heap)
{
    pthread_mutex_lock(&lock);
    *(heap->previous ? &heap->previous->next : &first) = heap->next;
    if (heap->next)
        heap->next->previous = heap->previous;
    pthread_mutex_unlock(&lock);
}

static struct hostmem_heap *any_of(const struct hostmem *manager)
{
    pthread_mutex_lock(&lock);
    struct hostmem_heap *heap = first;
    while (heap && heap->manager != manager)
        heap = heap->next;
    pthread_mutex_unlock(&lock);
    return heap;
}

void heaps_end(const struct hostmem *manager)
{
    for (struct hostmem_heap *heap = any_of(manager); heap; heap = any_of(manager))
        heap_destroy(heap);
}
