/* SPDX-License-Identifier: MIT */
/*
 * Segments are cut and joined as the kernel does with its mappings. Invariant: they are sorted, do
 * not meet, and each is whole pages of its size. No lock: the caller's is held.
 */
#include "hp_space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SEGMENTS_MAX 8192
#define ADDRESS_BITS 47

struct segment space_segments[SEGMENTS_MAX];
size_t space_count;
static uint8_t *origin; /* of each 4 KiB: its node + 1, or 0 for nothing there */

_Noreturn void space_broken(const char *what, const void *base, size_t size)
{
    fprintf(stderr, "hp_fake: %s: %zu bytes at %p\n", what, size, base);
    abort();
}

uint8_t *space_origin(uintptr_t page)
{
    const size_t size = (size_t)1 << ADDRESS_BITS >> 12;
    if (origin == NULL) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        origin = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (origin == MAP_FAILED)
            space_broken("no address space for the table of pages", NULL, size);
    }
    return &origin[page / HP_BASE_PAGE];
}

size_t space_find(uintptr_t address)
{
    size_t low = 0, high = space_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space_segments[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void space_insert(size_t index, struct segment segment)
{
    if (space_count == SEGMENTS_MAX)
        space_broken("too many segments", (void *)segment.start, segment.end - segment.start);
    memmove(&space_segments[index + 1], &space_segments[index],
        (space_count - index) * sizeof(space_segments[0]));
    space_segments[index] = segment;
    space_count++;
}

static void cut(uintptr_t address)
{
    size_t i = space_find(address);
    if (i == space_count || space_segments[i].start >= address)
        return;
    if (address % space_segments[i].page != 0)
        space_broken("cuts a page in two", (void *)address, space_segments[i].page);
    struct segment low = space_segments[i];
    low.end = address;
    space_segments[i].start = address;
    space_insert(i, low);
}

static bool alike(const struct segment *a, const struct segment *b)
{
    return a->end == b->start && a->page == b->page && a->node == b->node && a->access == b->access;
}

void space_join(void)
{
    size_t kept = 0;
    for (size_t i = 1; i < space_count; i++) {
        if (alike(&space_segments[kept], &space_segments[i]))
            space_segments[kept].end = space_segments[i].end;
        else
            space_segments[++kept] = space_segments[i];
    }
    space_count = space_count == 0 ? 0 : kept + 1;
}

void space_select(const void *base, size_t size, size_t *ret_first, size_t *ret_end)
{
    uintptr_t start = (uintptr_t)base, end = start + size;
    if (size == 0 || start % HP_BASE_PAGE != 0 || size % HP_BASE_PAGE != 0)
        space_broken("not whole pages", base, size);
    cut(start);
    cut(end);
    size_t first = space_find(start), i = first;
    for (uintptr_t at = start; at < end; at = space_segments[i++].end)
        if (i == space_count || space_segments[i].start != at)
            space_broken("not mapped", base, size);
    *ret_first = first;
    *ret_end = i;
}

bool space_is_free(uintptr_t start, size_t size)
{
    size_t i = space_find(start);
    return i == space_count || space_segments[i].start >= start + size;
}

void space_drop(size_t first, size_t end)
{
    memmove(&space_segments[first], &space_segments[end],
        (space_count - end) * sizeof(space_segments[0]));
    space_count -= end - first;
}

const struct segment *space_holder(uintptr_t address)
{
    size_t i = space_find(address);
    return i < space_count && space_segments[i].start <= address ? &space_segments[i] : NULL;
}
