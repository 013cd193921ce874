/* SPDX-License-Identifier: MIT */
/*
 * The memory of heaps: regions that a pool asks for and gives back, and which blocks of them are
 * alive. Before the pool's part of a region there is a byte for each cell of it, and a cell is so
 * small that no two blocks begin in one. Invariant: a byte is not 0 while a live block begins in
 * its cell, and says where. Bytes of blocks are written by who has the block; no lock.
 *
 * The bytes lie apart from the blocks so that a free touches little memory, and that a program
 * which overruns a block does not make another one look as if it was never there.
 */
#ifndef HOSTMEM_HEAP_MEMORY_H
#define HOSTMEM_HEAP_MEMORY_H

#include <stdbool.h>

#include "lib/heap.h"
#include "lib/heaps.h"

struct heap_region {
    struct hostmem_heap *heap;
    size_t size; /* whole granules, from here */
    bool large;  /* its cells are */
    _Alignas(64) _Atomic uint8_t begins[];
};

/* The smallest block that a pool is asked for, so that no two begin in one cell. */
#define HEAP_SMALLEST ((size_t)32)

/*
 * A region with slabs, or of a moderate size, has small cells. In a larger one lie blocks of 8 KiB
 * and more alone, each aligned to 64.
 */
#define HEAP_SMALL_CELL 5 /* 2^this bytes */
#define HEAP_SMALL_STEP 4 /* blocks begin at multiples of 2^this */
#define HEAP_LARGE_CELL 12
#define HEAP_LARGE_STEP 6

static inline unsigned heap_step(const struct heap_region *region)
{
    return region->large ? HEAP_LARGE_STEP : HEAP_SMALL_STEP;
}

static inline unsigned heap_cell(const struct heap_region *region)
{
    return region->large ? HEAP_LARGE_CELL : HEAP_SMALL_CELL;
}

/* What a cell's byte says of a block at this address. */
static inline uint8_t heap_place(const struct heap_region *region, uintptr_t block)
{
    if (region->large)
        return (
            uint8_t)(1 + (block >> HEAP_LARGE_STEP) % (1 << (HEAP_LARGE_CELL - HEAP_LARGE_STEP)));
    return (uint8_t)(1 + (block >> HEAP_SMALL_STEP) % (1 << (HEAP_SMALL_CELL - HEAP_SMALL_STEP)));
}

static inline _Atomic uint8_t *heap_byte(struct heap_region *region, uintptr_t block)
{
    return &region->begins[(block - (uintptr_t)region) >> heap_cell(region)];
}

/* What the pool calls. The id is the heap. */
void *heap_memory_take(intptr_t heap, size_t *bytes);
int heap_memory_give(intptr_t heap, void *base, size_t bytes);

/*
 * What came of a thread's call of the pool, which does not say for whom it asks: written by
 * heap_memory_take(), all zero before each call but for the priority of an attempt.
 */
struct heap_asking {
    size_t got; /* the size that a region was asked for with and given; 0: none yet */
    enum priority priority;
    int error;    /* why there was no region */
    bool refused; /* a further region of that size was refused */
};
_Static_assert(PRIORITY_TASK == 0, "what an ordinary call has");
extern _Thread_local struct heap_asking heap_asking __attribute__((tls_model("initial-exec")));

/*
 * Allocates from the pool, with regions as the priority allows. -ENOMEM: there are none; else why
 * the node could not give one.
 */
int heap_memory_ask(
    struct hostmem_heap *heap, size_t size, enum priority priority, void **ret_memory);

/* The rest of a call that gave `memory` or NULL. */
int heap_memory_settle(struct hostmem_heap *heap, size_t size, void *memory, void **ret_memory);

/* heap_memory_ask() of an ordinary priority. */
static inline int heap_memory_get(struct hostmem_heap *heap, size_t size, void **ret_memory)
{
    void *memory = heap->tbb->alloc(heap->pool, size);
    if (!memory || heap_asking.got)
        return heap_memory_settle(heap, size, memory, ret_memory);
    *ret_memory = memory;
    return 0;
}

#endif
