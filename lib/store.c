/* SPDX-License-Identifier: MIT */
/* The memory for the library's own structures: pieces cut from mappings that live as long as the
 * manager. Mapping is done without the lock held; two threads that both find the chunk used up both
 * bring a new one, and the rest of one of them stays unused. Lock: the store's. */
#include "lib/store.h"

#include "lib/units.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define LINE_BYTES  ((size_t)64)

struct store_chunk {
    struct store_chunk *older;
    size_t size; /* bytes of the mapping, this header included */
};

_Static_assert(sizeof(struct store_chunk) <= LINE_BYTES, "the header takes one line");
_Static_assert(CHUNK_BYTES > STORE_OWN + LINE_BYTES, "a chunk holds every small request");

void store_open(struct store *store, const struct hp_ops *base)
{
    *store = (struct store){
        .ops = base,
        .spec = {.page_size = PAGE_BYTES, .fd = -1, .fork = true, .dump = true},
    };
    lock_init(&store->lock, RANK_STORE);
}

void store_close(struct store *store) UNCHECKED_LOCKING
{
    for (struct store_chunk *chunk = store->chunks, *older; chunk; chunk = older) {
        older = chunk->older;
        store->ops->unmap(chunk, chunk->size);
    }
    store->chunks = NULL;
    lock_destroy(&store->lock);
}

static int map_chunk(struct store *store, size_t size, struct store_chunk **ret_chunk)
{
    void *base;
    int error = store->ops->map(&store->spec, NULL, size, PAGE_BYTES, &base);
    if (error)
        return error;
    error = store->ops->protect(base, size, HP_RW);
    if (error) {
        store->ops->unmap(base, size);
        return error;
    }
    *ret_chunk = base;
    (*ret_chunk)->size = size;
    return 0;
}

static void keep_chunk(struct store *store, struct store_chunk *chunk) REQUIRES(store->lock)
{
    chunk->older = store->chunks;
    store->chunks = chunk;
}

static void *cut(struct store *store, size_t size) REQUIRES(store->lock)
{
    if ((size_t)(store->end - store->next) < size)
        return NULL;
    void *memory = store->next;
    store->next += size;
    return memory;
}

static int take_own(struct store *store, size_t size, void **ret_memory)
{
    struct store_chunk *chunk;
    int error = map_chunk(store, align_up(size + LINE_BYTES, PAGE_BYTES), &chunk);
    if (error)
        return error;
    lock_take(&store->lock);
    keep_chunk(store, chunk);
    lock_drop(&store->lock);
    *ret_memory = (char *)chunk + LINE_BYTES;
    return 0;
}

static int take_from_new(struct store *store, size_t size, void **ret_memory)
{
    struct store_chunk *chunk;
    int error = map_chunk(store, CHUNK_BYTES, &chunk);
    if (error)
        return error;
    lock_take(&store->lock);
    keep_chunk(store, chunk);
    store->next = (char *)chunk + LINE_BYTES;
    store->end = (char *)chunk + CHUNK_BYTES;
    *ret_memory = cut(store, size);
    lock_drop(&store->lock);
    return 0;
}

int store_take(struct store *store, size_t size, void **ret_memory)
{
    if (size >= STORE_OWN)
        return take_own(store, size, ret_memory);
    size = align_up(size, LINE_BYTES);
    lock_take(&store->lock);
    void *memory = cut(store, size);
    lock_drop(&store->lock);
    if (!memory)
        return take_from_new(store, size, ret_memory);
    *ret_memory = memory;
    return 0;
}
