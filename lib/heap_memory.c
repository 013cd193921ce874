/* SPDX-License-Identifier: MIT */
/*
 * How much a heap gets, and when. A pool wants a megabyte at a time and four of them at once, which
 * a small heap must not take from the node; and it must not be let in while memory is waited for,
 * because others would spin meanwhile. Invariant: see heap_memory.h.
 */
#include "lib/heap_memory.h"

#include <errno.h>
#include <string.h>

#include "lib/change.h"
#include "lib/reserve.h"
#include "lib/units.h"

/*
 * Blocks below this size lie in slabs, of which a pool takes any number from a region. For them it
 * asks in whole megabytes; for a large block in multiples of 8 KiB plus a little that it needs.
 */
#define SLAB_BLOCK ((size_t)8 << 10)
#define SLAB_UNIT  ((size_t)1 << 20)

_Thread_local struct heap_asking heap_asking;

/* A region for the smallest of large blocks has 17 granules: both fit into a frame of 32. */
#define SLABS_MOST (15 * GRANULE_BYTES)
#define MODERATE   ((size_t)4 << 20) /* a larger region has large cells */

_Static_assert(HEAP_SMALLEST >= (size_t)1 << HEAP_SMALL_CELL, "one block in a cell");
_Static_assert(SLAB_BLOCK > (size_t)1 << HEAP_LARGE_CELL, "one block in a cell");
_Static_assert(1 << (HEAP_LARGE_CELL - HEAP_LARGE_STEP) < UINT8_MAX, "a place fits into a byte");

/* -- how much -- */

static bool is_for_slabs(size_t wanted)
{
    return is_aligned(wanted, SLAB_UNIT);
}

/* Of a region of that size, what is not the pool's. */
static size_t head_of(size_t size, bool large)
{
    unsigned cell = large ? HEAP_LARGE_CELL : HEAP_SMALL_CELL;
    return align_up(offsetof(struct heap_region, begins) + (size >> cell), 64);
}

/* Small heaps grow by as much as they have; the least holds two slabs. */
static size_t size_of_slabs(const struct hostmem_heap *heap)
{
    size_t has = atomic_load_explicit(&heap->bytes, memory_order_relaxed);
    return align_up(min_size(max_size(has, GRANULE_BYTES), SLABS_MOST), GRANULE_BYTES);
}

static size_t size_of_large(size_t wanted, bool large)
{
    size_t size = align_up(wanted, GRANULE_BYTES);
    while (size - head_of(size, large) < wanted)
        size += GRANULE_BYTES;
    return size;
}

/* Regions of one size after the other are stock; without the first the block cannot be had. */
static bool is_stock(size_t wanted)
{
    if (heap_asking.got != wanted)
        return false;
    heap_asking.refused = true;
    return true;
}

/* -- regions -- */

static int take_region(struct hostmem_heap *heap, size_t size, struct heap_region **ret_region)
{
    struct hostmem_request request = {.size = size,
        .node = heap->node->id,
        .flags = HOSTMEM_COMMIT | RESERVE_AS_IS,
        .protection = heap->protection};
    struct region *region;
    int error = reserve_region(heap->node, &request, heap_asking.priority, &region);
    if (!error)
        *ret_region = (struct heap_region *)region_base(region);
    return error;
}

static int new_region(struct hostmem_heap *heap, size_t wanted, struct heap_region **ret_region)
{
    bool slabs = is_for_slabs(wanted), large = !slabs && wanted > MODERATE;
    size_t size = slabs ? size_of_slabs(heap) : size_of_large(wanted, large);
    struct heap_region *region;
    int error = take_region(heap, size, &region);
    if (error)
        return error;
    region->heap = heap;
    region->size = size;
    region->large = large;
    memset(region->begins, 0, head_of(size, large) - offsetof(struct heap_region, begins));
    error = heaps_enter(region, size);
    if (error) {
        change_release(heap->manager, (uintptr_t)region);
        return error;
    }
    atomic_fetch_add_explicit(&heap->bytes, size, memory_order_relaxed);
    atomic_fetch_add_explicit(&heap->regions, 1, memory_order_relaxed);
    *ret_region = region;
    return 0;
}

void *heap_memory_take(intptr_t heap, size_t *bytes)
{
    struct heap_region *region;
    if (*bytes > USER_END || is_stock(*bytes))
        return NULL;
    heap_asking.error = new_region((struct hostmem_heap *)heap, *bytes, &region);
    if (heap_asking.error)
        return NULL;
    size_t head = head_of(region->size, region->large);
    heap_asking.got = *bytes;
    *bytes = region->size - head;
    return (char *)region + head;
}

int heap_memory_give(intptr_t id, void *base, size_t bytes)
{
    struct hostmem_heap *heap = (struct hostmem_heap *)id;
    struct heap_region *region = heaps_at((uintptr_t)base);
    size_t size = region->size;
    HEAP_SEES(heap);
    heaps_leave(region, size);
    atomic_fetch_sub_explicit(&heap->bytes, size, memory_order_relaxed);
    atomic_fetch_sub_explicit(&heap->regions, 1, memory_order_relaxed);
    return change_release(heap->manager, (uintptr_t)region);
}

/* -- asking -- */

/* Once more wherever a region came and was not enough: each time the pool has got larger. */
int heap_memory_settle(struct hostmem_heap *heap, size_t size, void *memory, void **ret_memory)
{
    while (!memory && heap_asking.refused) {
        heap_asking.got = 0;
        heap_asking.refused = false;
        memory = heap->tbb->alloc(heap->pool, size);
    }
    int error = heap_asking.error ? heap_asking.error : -ENOMEM;
    heap_asking = (struct heap_asking){.priority = PRIORITY_TASK};
    if (!memory)
        return error;
    *ret_memory = memory;
    return 0;
}

int heap_memory_ask(
    struct hostmem_heap *heap, size_t size, enum priority priority, void **ret_memory)
{
    heap_asking.priority = priority;
    return heap_memory_settle(heap, size, heap->tbb->alloc(heap->pool, size), ret_memory);
}
