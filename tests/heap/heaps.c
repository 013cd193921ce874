/* SPDX-License-Identifier: MIT */
/* A manager and heaps for tests; see heaps.h. No lock. */
#include "heaps.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hostmem *manager;

int heaps_setup(void **state)
{
    const char *backing = getenv("HOSTMEM_BACKING");
    static char setting[64];
    snprintf(setting, sizeof(setting), "HOSTMEM_BACKING=%s", backing ? backing : "thp,base");
    live_environment(setting, NULL);
    manager = live_manager();
    return 0;
}

int heaps_teardown(void **state)
{
    hostmem_destroy(manager);
    manager = NULL;
    return 0;
}

struct hostmem_heap *heaps_new(void)
{
    struct hostmem_heap *heap = NULL;
    must(hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &heap) == 0);
    return heap;
}

void *heaps_get(struct hostmem_heap *heap, size_t size)
{
    void *block = NULL;
    must(hostmem_heap_alloc(heap, size, HOSTMEM_TASK_CRITICAL, &block) == 0);
    must(block != NULL && (uintptr_t)block % 16 == 0);
    return block;
}

void heaps_put(struct hostmem_heap *heap, void *block)
{
    must(hostmem_heap_free(heap, block) == 0);
}

struct hostmem_heap_stats heaps_stats(struct hostmem_heap *heap)
{
    struct hostmem_heap_stats stats;
    must(hostmem_heap_stats(heap, &stats) == 0);
    return stats;
}

size_t heaps_keys_left(void)
{
    pthread_key_t keys[PTHREAD_KEYS_MAX];
    size_t count = 0;
    while (count < PTHREAD_KEYS_MAX && pthread_key_create(&keys[count], NULL) == 0)
        count++;
    for (size_t i = 0; i < count; i++)
        pthread_key_delete(keys[i]);
    return count;
}

void heaps_fill(void *block, size_t size, unsigned seed)
{
    memset(block, (int)(seed % 251 + 1), size);
}

bool heaps_filled(const void *block, size_t size, unsigned seed)
{
    const unsigned char *byte = block;
    for (size_t i = 0; i < size; i++)
        if (byte[i] != seed % 251 + 1)
            return false;
    return true;
}
