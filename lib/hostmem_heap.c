/* SPDX-License-Identifier: MIT */
/* The C face of heaps: arguments are checked here, then the call goes to the heap. What the calls
 * promise is in <hostmem/heap.h>. No lock. */
#include <hostmem/heap.h>

#include <errno.h>

#include "lib/heap.h"
#include "lib/manager.h"

#define FLAGS HOSTMEM_HEAP_EXECUTABLE

static uint32_t protection_of(uint32_t flags)
{
    return flags & HOSTMEM_HEAP_EXECUTABLE ? HOSTMEM_PROT_RW | HOSTMEM_PROT_EXEC : HOSTMEM_PROT_RW;
}

int hostmem_heap_create(
    struct hostmem *manager, int node, uint32_t flags, struct hostmem_heap **ret_heap)
{
    struct node *home;
    if (!manager || !ret_heap)
        return -EINVAL;
    int error = manager_usable(manager);
    if (!error && flags & ~FLAGS)
        error = -EINVAL;
    if (!error)
        error = node_pick(manager, node, &home);
    return error ? error : heap_create(manager, home, protection_of(flags), ret_heap);
}

void hostmem_heap_destroy(struct hostmem_heap *heap)
{
    if (heap)
        heap_destroy(heap);
}

/* -- blocks -- */

static int check(const struct hostmem_heap *heap, enum hostmem_critical critical, void **ret_block)
{
    if (!heap || !ret_block || (unsigned)critical > HOSTMEM_PROCESS_CRITICAL)
        return -EINVAL;
    return heap_usable(heap);
}

int hostmem_heap_alloc(
    struct hostmem_heap *heap, size_t size, enum hostmem_critical critical, void **ret_block)
{
    int error = check(heap, critical, ret_block);
    return error ? error : heap_alloc(heap, size, critical, ret_block);
}

int hostmem_heap_debug_alloc(struct hostmem_heap *heap, size_t size, enum hostmem_critical critical,
    const char *file, int line, void **ret_block)
{
    int error = check(heap, critical, ret_block);
    return error ? error : heap_debug_alloc(heap, size, critical, file, line, ret_block);
}

int hostmem_heap_free(struct hostmem_heap *heap, void *block)
{
    if (!heap)
        return -EINVAL;
    int error = heap_usable(heap);
    return error || !block ? error : heap_free(heap, block);
}

/* -- questions -- */

size_t hostmem_heap_report(struct hostmem_heap *heap, char *ret_text, size_t size)
{
    if (!heap || heap_usable(heap) != 0)
        return 0;
    return heap_report(heap, ret_text, ret_text ? size : 0);
}

int hostmem_heap_stats(struct hostmem_heap *heap, struct hostmem_heap_stats *ret_stats)
{
    if (!heap || !ret_stats)
        return -EINVAL;
    int error = heap_usable(heap);
    if (error)
        return error;
    *ret_stats = (struct hostmem_heap_stats){
        .node = heap->node->id,
        .flags = heap->protection & HOSTMEM_PROT_EXEC ? HOSTMEM_HEAP_EXECUTABLE : 0,
        .bytes = atomic_load_explicit(&heap->bytes, memory_order_relaxed),
        .regions = atomic_load_explicit(&heap->regions, memory_order_relaxed),
        .debug_blocks = origins_count(&heap->origins),
    };
    return 0;
}
