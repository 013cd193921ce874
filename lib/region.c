/* SPDX-License-Identifier: MIT */
/* Regions: their descriptors, their two views, how readers and writers find them. Invariant and
 * lock: see region.h. */
#include "lib/region.h"

#include <errno.h>

#include "lib/check.h"
#include "lib/units.h"

/* A piece of metadata for extents, of `capacity` words. */
struct extent_block {
    uint32_t capacity;
    extent_word words[];
};

#define BLOCK_FIRST 32 /* words of the smallest block */

struct extent region_extent(const struct region *region, size_t page)
{
    return extents_at(&region->view[0].extents, page, region_pages(region));
}

bool walk_next(struct walk *walk)
{
    if (walk->rest.first >= walk->rest.end)
        return false;
    walk->extent = region_extent(walk->region, walk->rest.first);
    walk->part = (struct pages){walk->rest.first, min_size(walk->extent.end, walk->rest.end)};
    walk->rest.first = walk->part.end;
    return true;
}

/* -- descriptors -- */

static struct region *pop_spare(struct node *node)
{
    lock_take(&node->space);
    struct region *region = node->spare;
    if (region)
        node->spare = region->next;
    lock_drop(&node->space);
    return region;
}

int region_new(struct node *node, struct region **ret_region)
{
    struct region *region = pop_spare(node);
    if (!region) {
        void *memory;
        int error = store_take(&node->manager->store, sizeof(struct region), &memory);
        if (error)
            return error;
        region = memory;
        lock_init(&region->lock, RANK_REGION);
    }
    *ret_region = region;
    return 0;
}

void region_free(struct node *node, struct region *region)
{
    lock_take(&node->space);
    region->next = node->spare;
    node->spare = region;
    lock_drop(&node->space);
}

/* -- views -- */

static void view_lay_out(
    struct region_view *view, uintptr_t base, size_t pages, uint32_t protection)
{
    extents_init(&view->extents);
    latch_store(&view->shown, 0);
    latch_store(&view->protection, protection);
    latch_store(&view->base, base);
    latch_store(&view->pages, pages);
}

void region_lay_out(struct region *region, uintptr_t base, size_t pages, uint32_t protection)
{
    for (unsigned copy = 0; copy < 2; copy++) {
        latch_flip(&region->latch);
        view_lay_out(&region->view[copy], base, pages, protection);
    }
}

static void set_shown(struct region *region, uint32_t shown)
{
    for (unsigned copy = 0; copy < 2; copy++) {
        latch_flip(&region->latch);
        latch_store(&region->view[copy].shown, shown);
    }
}

void region_show(struct region *region)
{
    set_shown(region, 1);
}

void region_hide(struct region *region)
{
    set_shown(region, 0);
}

/*
 * extents_init() goes back to the few words of its own, and the block of an earlier life of the
 * descriptor is kept in spare[] for the next time.
 */
static int new_block(struct region *region, unsigned copy, uint32_t words)
{
    struct extent_block *spare = region->spare[copy];
    void *memory;
    if (spare && spare->capacity >= words)
        return 0;
    uint32_t capacity = spare ? spare->capacity : BLOCK_FIRST;
    while (capacity < words)
        capacity *= 2;
    int error = store_take(&region->node->manager->store,
        sizeof(struct extent_block) + capacity * sizeof(extent_word), &memory);
    if (error)
        return error;
    region->spare[copy] = memory;
    region->spare[copy]->capacity = capacity;
    return 0;
}

static void move_to_block(struct extents *extents, struct extent_block *block)
{
    extents_move(extents, block->words, block->capacity);
}

int region_make_room(struct region *region)
{
    int error = 0;
    bool full[2];
    for (unsigned copy = 0; copy < 2 && !error; copy++) {
        full[copy] = extents_full(&region->view[copy].extents);
        if (full[copy])
            error = new_block(region, copy, region->view[copy].extents.capacity + EXTENT_GROWTH);
    }
    if (error)
        return error;
    if (!full[0] && !full[1])
        return 0;
    for (unsigned copy = 0; copy < 2; copy++) {
        latch_flip(&region->latch);
        if (full[copy])
            move_to_block(&region->view[copy].extents, region->spare[copy]);
    }
    return 0;
}

/* Inner borders can only go: at most the two ends of the range are new. */
static void commit_view(
    struct extents *extents, struct pages range, size_t all, unsigned access, unsigned lender)
{
    for (size_t page = range.first; page < range.end;) {
        struct extent e = extents_at(extents, page, all);
        size_t end = min_size(e.end, range.end);
        unsigned from = state_committed(e.state) ? state_lender(e.state) : lender;
        page_state state = STATE_COMMITTED | STATE_ACCESS(access) | STATE_LENDER(from);
        extents_set(extents, page, end, all, state);
        page = end;
    }
}

void region_set_committed(
    struct region *region, struct pages pages, unsigned access, unsigned lender)
{
    size_t all = region_pages(region);
    for (unsigned copy = 0; copy < 2; copy++) {
        latch_flip(&region->latch);
        commit_view(&region->view[copy].extents, pages, all, access, lender);
    }
    CHECKED(hm_assert(region_check(region)));
}

void region_set_reserved(struct region *region, struct pages pages)
{
    size_t all = region_pages(region);
    for (unsigned copy = 0; copy < 2; copy++) {
        latch_flip(&region->latch);
        extents_set(&region->view[copy].extents, pages.first, pages.end, all, STATE_RESERVED);
    }
    CHECKED(hm_assert(region_check(region)));
}

bool region_access_differs(const struct region *region, struct pages pages, unsigned access)
{
    for (struct walk w = region_walk(region, pages); walk_next(&w);)
        if (state_committed(w.extent.state) && state_access(w.extent.state) != access)
            return true;
    return false;
}

bool region_check(const struct region *region)
{
    size_t pages = region_pages(region);
    for (unsigned copy = 0; copy < 2; copy++)
        if (!extents_check(&region->view[copy].extents, pages))
            return false;
    return is_aligned(region_base(region), GRANULE_BYTES) && pages > 0;
}

/* -- readers without a lock -- */

static bool same_to_query(page_state a, page_state b)
{
    return (a & STATE_QUERY_MASK) == (b & STATE_QUERY_MASK);
}

/* Goes on over extents that a query does not tell apart. */
static struct extent widen(
    const extent_word *words, uint32_t count, struct extent found, size_t pages)
{
    while (found.end < pages) {
        struct extent next = extents_search(words, count, found.end, pages);
        if (!same_to_query(found.state, next.state) || next.end <= found.end)
            break;
        found.end = next.end;
    }
    return found;
}

/* One look at a copy. Words are only followed once they are known to belong to their count. */
static bool look(
    struct region *region, uint64_t sequence, uintptr_t address, struct region_sight *ret_sight)
{
    struct region_view *view = &region->view[latch_copy(sequence)];
    struct region_sight sight = {
        .base = latch_load(&view->base),
        .pages = latch_load(&view->pages),
        .protection = latch_load(&view->protection),
    };
    bool shown = latch_load(&view->shown);
    uint32_t count = latch_load(&view->extents.count);
    const extent_word *words = latch_load(&view->extents.words);
    if (latch_changed(&region->latch, sequence))
        return false;
    ret_sight->pages = 0;
    if (!shown || address < sight.base || (address - sight.base) / PAGE_BYTES >= sight.pages)
        return true;
    size_t page = (address - sight.base) / PAGE_BYTES;
    sight.extent = extents_search(words, count, page, sight.pages);
    sight.extent = widen(words, count, sight.extent, sight.pages);
    *ret_sight = sight;
    return true;
}

bool region_see(struct region *region, uintptr_t address, struct region_sight *ret_sight)
{
    uint64_t sequence;
    do
        sequence = latch_read(&region->latch);
    while (!look(region, sequence, address, ret_sight) || latch_changed(&region->latch, sequence));
    return ret_sight->pages > 0;
}

uintptr_t region_skip(struct region *region, uintptr_t address)
{
    uint64_t sequence;
    uintptr_t base;
    size_t pages;
    do {
        sequence = latch_read(&region->latch);
        const struct region_view *view = &region->view[latch_copy(sequence)];
        base = latch_load(&view->base);
        pages = latch_load(&view->pages);
    } while (latch_changed(&region->latch, sequence));
    if (address < base || (address - base) / PAGE_BYTES >= pages)
        return align_down(address, GRANULE_BYTES) + GRANULE_BYTES;
    return align_up(base + pages * PAGE_BYTES, GRANULE_BYTES);
}

/* -- writers -- */

static bool holds(const struct region *region, uintptr_t address)
{
    uintptr_t base = region_base(region);
    bool shown = atomic_load_explicit(&region->view[0].shown, memory_order_relaxed);
    return shown && address >= base && (address - base) / PAGE_BYTES < region_pages(region);
}

struct region *region_lock_at(struct hostmem *manager, uintptr_t address) UNCHECKED_LOCKING
{
    struct region *region = table_get(&manager->table, address);
    while (region) {
        lock_take(&region->lock);
        if (holds(region, address))
            return region;
        lock_drop(&region->lock);
        /* It ended, or another took its place: only a slot that has changed is looked at again. */
        struct region *now = table_get(&manager->table, address);
        if (now == region)
            return NULL;
        region = now;
    }
    return NULL;
}

void region_unlock(struct region *region) UNCHECKED_LOCKING
{
    lock_drop(&region->lock);
}
