/* SPDX-License-Identifier: MIT */
/*
 * Floors: what no allocator can do better, because it does nothing but take a block off a list. The
 * list is a stack, so that the block which is in the cache is used again. Lock: a mutex, taken only
 * where there are several threads.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"
#include "bench/raw.h"
#include "bench/stream.h"

static struct {
    pthread_mutex_t lock;
    bool shared;
    size_t count;
    void **blocks;
} list = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int open_list(const struct order *order, char ret_said[ORDER_SAID])
{
    const char *backing = "";
    size_t count = peer_bytes(order) / order->size;
    char *base = raw_keep(peer_bytes(order), order->home, &backing);
    list.blocks = calloc(count, sizeof(void *));
    if (!base || !list.blocks) {
        snprintf(ret_said, ORDER_SAID, "no memory");
        return -ENOMEM;
    }
    for (list.count = 0; list.count < count; list.count++)
        list.blocks[list.count] = base + list.count * order->size;
    list.shared = order->threads > 1;
    snprintf(ret_said, ORDER_SAID, "%s", backing);
    return 0;
}

static void *get_as_it_is(size_t size)
{
    (void)size;
    if (list.shared)
        pthread_mutex_lock(&list.lock);
    void *block = list.count ? list.blocks[--list.count] : NULL;
    if (list.shared)
        pthread_mutex_unlock(&list.lock);
    return block;
}

static void give(void *base, size_t size)
{
    (void)size;
    if (list.shared)
        pthread_mutex_lock(&list.lock);
    list.blocks[list.count++] = base;
    if (list.shared)
        pthread_mutex_unlock(&list.lock);
}

static void *get_set(size_t size)
{
    void *block = get_as_it_is(size);
    return block ? memset(block, 0, size) : NULL;
}

static void *get_streamed(size_t size)
{
    void *block = get_as_it_is(size);
    if (block)
        stream_zero(block, size);
    return block;
}

const struct peer peers_floor[] = {
    {.name = "floor-memset",
        .title = "floor: list + memset",
        .huge = true,
        .open = open_list,
        .get = get_set,
        .give = give},
    {.name = "floor-stream",
        .title = "floor: list + streaming",
        .huge = true,
        .open = open_list,
        .get = get_streamed,
        .give = give},
    {.name = "floor-zero",
        .title = "floor: list, zero already",
        .huge = true,
        .open = open_list,
        .get = get_as_it_is,
        .give = give},
    {0},
};
