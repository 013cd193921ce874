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

struct segment hp_space_segments[SEGMENTS_MAX];
size_t hp_space_count;
static uint8_t *origin; /* of each 4 KiB: its node + 1, or 0 for nothing there */

_Noreturn void hp_space_broken(const char *what, const void *base, size_t size)
{
    fprintf(stderr, "hp_fake: %s: %zu bytes at %p\n", what, size, base);
    abort();
}

uint8_t *hp_space_origin(uintptr_t page)
{
    const size_t size = (size_t)1 << ADDRESS_BITS >> 12;
    if (origin == NULL) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        origin = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (origin == MAP_FAILED)
            hp_space_broken("no address space for the table of pages", NULL, size);
    }
    return &origin[page / HP_BASE_PAGE];
}

size_t hp_space_find(uintptr_t address)
{
    size_t low = 0, high = hp_space_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hp_space_segments[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void hp_space_insert(size_t index, struct segment segment)
{
    if (hp_space_count == SEGMENTS_MAX)
        hp_space_broken("too many segments", (void *)segment.start, segment.end - segment.start);
    memmove(&hp_space_segments[index + 1], &hp_space_segments[index],
        (hp_space_count - index) * sizeof(hp_space_segments[0]));
    hp_space_segments[index] = segment;
    hp_space_count++;
}

static void cut(uintptr_t address)
{
    size_t i = hp_space_find(address);
    if (i == hp_space_count || hp_space_segments[i].start >= address)
        return;
    if (address % hp_space_segments[i].page != 0)
        hp_space_broken("cuts a page in two", (void *)address, hp_space_segments[i].page);
    struct segment low = hp_space_segments[i];
    low.end = address;
    hp_space_segments[i].start = address;
    hp_space_insert(i, low);
}

static bool alike(const struct segment *a, const struct segment *b)
{
    return a->end == b->start && a->page == b->page && a->node == b->node && a->access == b->access;
}

void hp_space_join(void)
{
    size_t kept = 0;
    for (size_t i = 1; i < hp_space_count; i++) {
        if (alike(&hp_space_segments[kept], &hp_space_segments[i]))
            hp_space_segments[kept].end = hp_space_segments[i].end;
        else
            hp_space_segments[++kept] = hp_space_segments[i];
    }
    hp_space_count = hp_space_count == 0 ? 0 : kept + 1;
}

void hp_space_select(const void *base, size_t size, size_t *ret_first, size_t *ret_end)
{
    uintptr_t start = (uintptr_t)base, end = start + size;
    if (size == 0 || start % HP_BASE_PAGE != 0 || size % HP_BASE_PAGE != 0)
        hp_space_broken("not whole pages", base, size);
    cut(start);
    cut(end);
    size_t first = hp_space_find(start), i = first;
    for (uintptr_t at = start; at < end; at = hp_space_segments[i++].end)
        if (i == hp_space_count || hp_space_segments[i].start != at)
            hp_space_broken("not mapped", base, size);
    *ret_first = first;
    *ret_end = i;
}

bool hp_space_is_free(uintptr_t start, size_t size)
{
    size_t i = hp_space_find(start);
    return i == hp_space_count || hp_space_segments[i].start >= start + size;
}

void hp_space_drop(size_t first, size_t end)
{
    memmove(&hp_space_segments[first], &hp_space_segments[end],
        (hp_space_count - end) * sizeof(hp_space_segments[0]));
    hp_space_count -= end - first;
}

const struct segment *hp_space_holder(uintptr_t address)
{
    size_t i = hp_space_find(address);
    return i < hp_space_count && hp_space_segments[i].start <= address ? &hp_space_segments[i]
                                                                       : NULL;
}
