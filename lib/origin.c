/* SPDX-License-Identifier: MIT */
/* Records of blocks with file and line. Invariant and lock: see origin.h. */
#include "lib/origin.h"

#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SHOWN 200 /* characters of a file's name */

struct origin {
    const void *block; /* first, so that an address is enough to look for it */
    size_t size;
    struct origin *previous, *next;
    int line;
    char file[]; /* a copy: the module that has the name may be unloaded before the report */
};

static int by_block(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct origin *)a)->block;
    uintptr_t y = (uintptr_t)((const struct origin *)b)->block;
    return (x > y) - (x < y);
}

void origins_open(struct origins *origins)
{
    *origins = (struct origins){0};
    pthread_mutex_init(&origins->lock, NULL);
}

static void enlist(struct origins *origins, struct origin *origin)
{
    origin->previous = origins->last;
    *(origins->last ? &origins->last->next : &origins->first) = origin;
    origins->last = origin;
    atomic_fetch_add_explicit(&origins->count, 1, memory_order_relaxed);
}

/* Out of the list, the tree and memory. */
static void end(struct origins *origins, struct origin *origin)
{
    tdelete(origin, &origins->tree, by_block);
    *(origin->previous ? &origin->previous->next : &origins->first) = origin->next;
    *(origin->next ? &origin->next->previous : &origins->last) = origin->previous;
    atomic_fetch_sub_explicit(&origins->count, 1, memory_order_relaxed);
    free(origin);
}

void origins_close(struct origins *origins)
{
    while (origins->first)
        end(origins, origins->first);
    pthread_mutex_destroy(&origins->lock);
}

static struct origin *new_origin(const void *block, size_t size, const char *file, int line)
{
    size_t length = strlen(file ? file : "") + 1;
    struct origin *origin = calloc(1, sizeof(*origin) + length);
    if (!origin)
        return NULL;
    origin->block = block;
    origin->size = size;
    origin->line = line;
    memcpy(origin->file, file ? file : "", length);
    return origin;
}

int origins_add(struct origins *origins, const void *block, size_t size, const char *file, int line)
{
    struct origin *origin = new_origin(block, size, file, line);
    if (!origin)
        return -ENOMEM;
    pthread_mutex_lock(&origins->lock);
    bool added = tsearch(origin, &origins->tree, by_block) != NULL;
    if (added)
        enlist(origins, origin);
    pthread_mutex_unlock(&origins->lock);
    if (!added)
        free(origin);
    return added ? 0 : -ENOMEM;
}

void origins_drop(struct origins *origins, const void *block)
{
    struct origin wanted = {.block = block};
    pthread_mutex_lock(&origins->lock);
    struct origin **found = tfind(&wanted, &origins->tree, by_block);
    if (found)
        end(origins, *found);
    pthread_mutex_unlock(&origins->lock);
}

static void print(const struct origin *origin, struct text *text)
{
    text_add_quoted(text, origin->file, MOST_SHOWN);
    text_add(text, ":%d: %zu bytes at %p\n", origin->line, origin->size, origin->block);
}

void origins_print(struct origins *origins, struct text *text)
{
    pthread_mutex_lock(&origins->lock);
    for (struct origin *origin = origins->first; origin; origin = origin->next)
        print(origin, text);
    pthread_mutex_unlock(&origins->lock);
}
