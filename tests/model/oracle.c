/* SPDX-License-Identifier: MIT */
/* The oracle: a cell for each page, and rules that look at all of them; see oracle.h. No lock. */
#include "oracle.h"

#include <errno.h>
#include <stdlib.h>

#define ACCESS     (HOSTMEM_PROT_RW | HOSTMEM_PROT_EXEC)
#define ATTRIBUTES (HOSTMEM_PROT_NOCACHE | HOSTMEM_PROT_WRITECOMBINE)

void oracle_begin(
    struct oracle *o, uintptr_t base, size_t size, uint32_t protection, enum kind kind)
{
    *o = (struct oracle){
        .base = base,
        .pages = (size + PAGE - 1) / PAGE,
        .protection = protection,
        .kind = kind,
    };
    o->known = (struct span){0, o->pages};
    o->cells = calloc(o->pages, sizeof(*o->cells));
    must(o->cells);
}

void oracle_end(struct oracle *o)
{
    free(o->cells);
    *o = (struct oracle){0};
}

bool oracle_span(const struct oracle *o, uintptr_t address, size_t size, struct span *ret_span)
{
    uintptr_t end = o->base + o->pages * PAGE;
    if (address < o->base || address >= end || size > end - address)
        return false;
    *ret_span =
        (struct span){(address - o->base) / PAGE, (address - o->base + size + PAGE - 1) / PAGE};
    return true;
}

/* -- frames of huge pages -- */

static uintptr_t frame_of(uintptr_t address)
{
    return address & ~(uintptr_t)(FRAME - 1);
}

/* A frame of which the region does not have every granule may be another's as well. */
static bool frame_is_whole(uintptr_t base, size_t size, uintptr_t frame)
{
    uintptr_t end = (base + size + GRANULE - 1) & ~(uintptr_t)(GRANULE - 1);
    return frame >= base && frame + FRAME <= end;
}

static struct span pages_of_frame(const struct oracle *o, size_t page)
{
    uintptr_t frame = frame_of(o->base + page * PAGE);
    uintptr_t end = frame + FRAME;
    uintptr_t region_end = o->base + o->pages * PAGE;
    return (struct span){frame > o->base ? (frame - o->base) / PAGE : 0,
        ((end < region_end ? end : region_end) - o->base) / PAGE};
}

bool oracle_frame_sticks_out(const struct oracle *o, size_t page, struct span span)
{
    struct span frame = pages_of_frame(o, page);
    return frame.first < span.first || frame.end > span.end;
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t max_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Whether the frame of `page` would have two accesses if the span got this one. */
static bool frame_would_mix(const struct oracle *o, size_t page, struct span span, uint32_t access)
{
    struct span frame = pages_of_frame(o, page);
    uintptr_t address = frame_of(o->base + page * PAGE);
    if (!frame_is_whole(o->base, o->pages * PAGE, address))
        return access != HOSTMEM_PROT_RW;
    for (size_t i = max_of(frame.first, o->known.first); i < min_of(frame.end, o->known.end); i++)
        if ((i < span.first || i >= span.end) && o->cells[i].committed &&
            o->cells[i].access != access)
            return true;
    return false;
}

/* The frames between the ends of a span are wholly in it. */
static int carries(const struct oracle *o, struct span span, uint32_t access)
{
    if (o->kind != KIND_HUGETLB)
        return 0;
    if (frame_would_mix(o, span.first, span, access) ||
        frame_would_mix(o, span.end - 1, span, access))
        return -EOPNOTSUPP;
    return 0;
}

int oracle_reserve_committed(
    enum kind kind, uintptr_t base, size_t size, uint32_t protection, bool large)
{
    uint32_t access = protection & ACCESS;
    if (kind != KIND_HUGETLB || access == HOSTMEM_PROT_RW || large)
        return 0;
    bool whole = frame_is_whole(base, size, frame_of(base)) &&
                 frame_is_whole(base, size, frame_of(base + size - 1));
    return whole ? 0 : -EOPNOTSUPP;
}

/* -- what calls return -- */

static bool all_committed(const struct oracle *o, struct span span)
{
    for (size_t i = span.first; i < span.end; i++)
        if (!o->cells[i].committed)
            return false;
    return true;
}

int oracle_commit(const struct oracle *o, uintptr_t address, size_t size, uint32_t protection)
{
    struct span span;
    if (!oracle_span(o, address, size, &span) || o->large)
        return -EADDRNOTAVAIL;
    return carries(o, span, protection & ACCESS);
}

int oracle_protect(const struct oracle *o, uintptr_t address, size_t size, uint32_t protection)
{
    struct span span;
    if (!oracle_span(o, address, size, &span) || o->large || !all_committed(o, span))
        return -EADDRNOTAVAIL;
    return carries(o, span, protection & ACCESS);
}

int oracle_decommit(const struct oracle *o, uintptr_t address, size_t size)
{
    struct span span;
    if (!oracle_span(o, address, 0, &span))
        return -ENXIO;
    if (o->large || (size == 0 && address - o->base >= PAGE))
        return -EADDRNOTAVAIL;
    return oracle_span(o, address, size, &span) ? 0 : -EINVAL;
}

int oracle_release(const struct oracle *o, uintptr_t address)
{
    struct span span;
    if (!oracle_span(o, address, 0, &span))
        return -ENXIO;
    return address - o->base < PAGE ? 0 : -EADDRNOTAVAIL;
}

int oracle_reset(const struct oracle *o, uintptr_t address, size_t size)
{
    struct span span;
    return oracle_span(o, address, size, &span) && !o->large ? 0 : -EADDRNOTAVAIL;
}

int oracle_reset_undo(const struct oracle *o, uintptr_t address, size_t size)
{
    struct span span;
    int error = oracle_reset(o, address, size);
    if (error)
        return error;
    oracle_span(o, address, size, &span);
    return all_committed(o, span) ? 0 : -EADDRNOTAVAIL;
}

/* -- what calls do -- */

void oracle_set_committed(struct oracle *o, struct span span, uint32_t protection)
{
    for (size_t i = span.first; i < span.end; i++) {
        struct cell *cell = &o->cells[i];
        cell->tag = cell->committed ? cell->tag : 0;
        cell->committed = 1;
        cell->access = (uint8_t)(protection & ACCESS);
    }
}

void oracle_set_reserved(struct oracle *o, struct span span)
{
    for (size_t i = span.first; i < span.end; i++)
        o->cells[i] = (struct cell){0};
}

/* -- what is seen -- */

static bool same(struct cell a, struct cell b)
{
    return a.committed == b.committed && a.access == b.access;
}

struct hostmem_info oracle_query(const struct oracle *o, uintptr_t address)
{
    size_t first = (address - o->base) / PAGE, end = first;
    struct cell cell = o->cells[first];
    while (end < o->known.end && same(o->cells[end], cell))
        end++;
    return (struct hostmem_info){
        .base = o->base + first * PAGE,
        .size = (end - first) * PAGE,
        .allocation_base = o->base,
        .allocation_protection = o->protection,
        .protection = cell.access ? cell.access | (o->protection & ATTRIBUTES) : 0,
        .state = cell.committed ? HOSTMEM_COMMITTED : HOSTMEM_RESERVED,
        .type = HOSTMEM_PRIVATE,
    };
}

uint32_t *oracle_tag_word(uintptr_t page)
{
    size_t words = PAGE / sizeof(uint32_t);
    return (uint32_t *)page + (page / PAGE * 2654435761u) % words;
}

/* Memory for execution alone can be read on some processors. */
bool oracle_readable(struct cell cell)
{
    return cell.committed && (cell.access & HOSTMEM_PROT_READ);
}

bool oracle_writable(struct cell cell)
{
    return cell.committed && (cell.access & HOSTMEM_PROT_WRITE);
}
