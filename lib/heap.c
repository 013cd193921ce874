/* SPDX-License-Identifier: MIT */
/* Blocks and the life of a heap. Invariant: see heap.h. */
#include "lib/heap.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/exiting.h"
#include "lib/heap_memory.h"
#include "lib/heaps.h"
#include "lib/keys.h"
#include "lib/units.h"

#define LARGEST (USER_END - GIB_BYTES)

/* -- what is alive -- */

static void begin_block(void *block)
{
    uintptr_t at = (uintptr_t)block;
    struct heap_region *region = heaps_at(at);
    atomic_store_explicit(heap_byte(region, at), heap_place(region, at), memory_order_relaxed);
}

/* False: there is no live block of this heap. Of others nothing is read but their region's head. */
static bool end_block(struct hostmem_heap *heap, void *block)
{
    uintptr_t at = (uintptr_t)block;
    struct heap_region *region = heaps_at(at);
    if (!region || region->heap != heap || !is_aligned(at, (size_t)1 << heap_step(region)))
        return false;
    _Atomic uint8_t *byte = heap_byte(region, at);
    if (atomic_load_explicit(byte, memory_order_relaxed) != heap_place(region, at))
        return false;
    atomic_store_explicit(byte, 0, memory_order_relaxed);
    return true;
}

/* -- blocks -- */

/* One that the pool had no memory for, on its way through critical.h. */
struct asking {
    struct attempt attempt;
    struct hostmem_heap *heap;
    void *memory;
};

static int try_alloc(struct attempt *attempt, enum priority priority)
{
    struct asking *asking = (struct asking *)attempt;
    return heap_memory_ask(asking->heap, attempt->size, priority, &asking->memory);
}

/* Memory is waited for outside of the pool. */
static int allocate_critically(
    struct hostmem_heap *heap, size_t size, enum hostmem_critical level, void **ret_memory)
{
    struct asking asking = {
        .attempt = {.make = try_alloc, .node = heap->node, .size = size, .level = level},
        .heap = heap,
    };
    int error = critical_attempt(&asking.attempt);
    if (!error)
        *ret_memory = asking.memory;
    return error;
}

static int allocate(
    struct hostmem_heap *heap, size_t size, enum hostmem_critical level, void **ret_memory)
{
    int error = heap_memory_get(heap, size, ret_memory);
    if (error == -ENOMEM && level != HOSTMEM_TASK_CRITICAL)
        error = allocate_critically(heap, size, level, ret_memory);
    return error;
}

int heap_alloc(
    struct hostmem_heap *heap, size_t size, enum hostmem_critical level, void **ret_block)
{
    void *block;
    if (size > LARGEST)
        return -ENOMEM;
    int error = exiting_enlist();
    if (!error)
        error = allocate(heap, max_size(size, HEAP_SMALLEST), level, &block);
    if (error)
        return error;
    HEAP_SEES(heap);
    begin_block(block);
    *ret_block = block;
    return 0;
}

int heap_free(struct hostmem_heap *heap, void *block)
{
    if (!end_block(heap, block))
        return -ENXIO;
    if (origins_any(&heap->origins))
        origins_drop(&heap->origins, block);
    HEAP_SHOWS(heap);
    heap->tbb->free(heap->pool, block);
    return 0;
}

int heap_debug_alloc(struct hostmem_heap *heap, size_t size, enum hostmem_critical level,
    const char *file, int line, void **ret_block)
{
    void *block;
    int error = heap_alloc(heap, size, level, &block);
    if (error)
        return error;
    error = origins_add(&heap->origins, block, size, file, line);
    if (error) {
        heap_free(heap, block);
        return error;
    }
    *ret_block = block;
    return 0;
}

/* -- pools -- */

static void close_pool(struct hostmem_heap *heap)
{
    exiting_exclude();
    HEAP_SEES(heap);
    heap->tbb->destroy(heap->pool);
    exiting_admit();
}

/*
 * A pool whose key is known to be above that of exiting.c: its first block puts data of this thread
 * behind the key. -ERANGE: it is below, which happens where the program has deleted keys.
 */
static int try_pool(struct hostmem_heap *heap)
{
    void *block;
    if (!keys_left(HEAP_KEYS_LEFT + 1))
        return -EMFILE;
    heap->pool = heap->tbb->create((intptr_t)heap, heap_memory_take, heap_memory_give);
    if (!heap->pool)
        return -ENOMEM;
    int error = heap_alloc(heap, 0, HOSTMEM_TASK_CRITICAL, &block);
    if (!error) {
        heap_free(heap, block);
        error = keys_below(exiting_key(), heaps_have) ? -ERANGE : 0;
    }
    if (error)
        close_pool(heap);
    return error;
}

/* Keys that are too low are taken and kept; there are never more than below that of exiting.c. */
static int open_pool(struct hostmem_heap *heap)
{
    int error = try_pool(heap);
    for (pthread_key_t low = 0; error == -ERANGE && low < exiting_key(); low++) {
        if (pthread_key_create(&low, NULL) != 0)
            return -EMFILE;
        error = try_pool(heap);
    }
    return error;
}

/* -- heaps -- */

static int open_process(struct hostmem *manager, const struct tbb **ret_tbb)
{
    int error = tbb_load(ret_tbb);
    if (error)
        log_line(&manager->log, LOG_NOTE, "there are no heaps: %s", tbb_missing());
    if (!error)
        error = exiting_open();
    return error ? error : heaps_open();
}

int heap_create(
    struct hostmem *manager, struct node *node, uint32_t protection, struct hostmem_heap **ret_heap)
{
    const struct tbb *tbb;
    int error = open_process(manager, &tbb);
    if (error)
        return error;
    struct hostmem_heap *heap = calloc(1, sizeof(*heap));
    if (!heap)
        return -ENOMEM;
    heap->manager = manager;
    heap->node = node;
    heap->protection = protection;
    heap->tbb = tbb;
    heap->forks = heaps_forks;
    origins_open(&heap->origins);
    error = open_pool(heap);
    if (error) {
        origins_close(&heap->origins);
        free(heap);
        return error;
    }
    heaps_add(heap);
    *ret_heap = heap;
    return 0;
}

size_t heap_report(struct hostmem_heap *heap, char *ret_text, size_t size)
{
    struct text text = text_begin(ret_text, size);
    origins_print(&heap->origins, &text);
    return text.length;
}

/* What was asked for with file and line and is still there. */
static void say_leaks(struct hostmem_heap *heap)
{
    struct log *log = &heap->manager->log;
    if (log->verbosity < LOG_NOTE || !origins_any(&heap->origins))
        return;
    size_t size = heap_report(heap, NULL, 0) + 1;
    char *text = malloc(size);
    if (!text)
        return;
    heap_report(heap, text, size);
    log_line(log, LOG_NOTE, "a heap ends with blocks in use:");
    log_text(log, LOG_NOTE, text);
    free(text);
}

void heap_destroy(struct hostmem_heap *heap)
{
    heaps_drop(heap);
    if (heap_usable(heap) == 0) {
        say_leaks(heap);
        close_pool(heap);
    }
    origins_close(&heap->origins);
    free(heap);
}
