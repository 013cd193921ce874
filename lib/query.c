/* SPDX-License-Identifier: MIT */
/* What is at an address: our regions from their views, free space in our windows from the address
 * table, all else from the kernel. No lock: see query.h. */
#include "lib/query.h"

#include <errno.h>

#include "hugepage/maps.h"
#include "lib/change.h"
#include "lib/region.h"
#include "lib/units.h"
#include "lib/window.h"

static struct hostmem_info describe(uintptr_t page, const struct region_sight *sight)
{
    page_state state = sight->extent.state;
    bool committed = state_committed(state);
    return (struct hostmem_info){
        .base = page,
        .size = sight->base + sight->extent.end * PAGE_BYTES - page,
        .allocation_base = sight->base,
        .allocation_protection = sight->protection,
        .protection = committed ? change_reported(sight->protection, state) : 0,
        .state = committed ? HOSTMEM_COMMITTED : HOSTMEM_RESERVED,
        .type = HOSTMEM_PRIVATE,
    };
}

static bool see_region(struct hostmem *manager, uintptr_t page, struct region_sight *ret_sight)
{
    struct region *region = table_get(&manager->table, page);
    return region && region_see(region, page, ret_sight);
}

static struct hostmem_info free_space(uintptr_t page, uintptr_t end)
{
    return (struct hostmem_info){.base = page, .size = end - page, .state = HOSTMEM_FREE};
}

/*
 * The lowest address from `from` on that a region has; else end. Slots of regions that are being
 * made or ended are passed over.
 */
static uintptr_t next_region(struct hostmem *manager, uintptr_t from, uintptr_t end)
{
    struct region_sight sight;
    uintptr_t at = table_next(&manager->table, from, end);
    while (at < end) {
        struct region *region = table_get(&manager->table, at);
        if (region && region_see(region, at, &sight))
            return at;
        uintptr_t next = region ? region_skip(region, at) : at + GRANULE_BYTES;
        at = next < end ? table_next(&manager->table, next, end) : end;
    }
    return end;
}

/* Free space within a window: a window's edge ends it, because no region may lie across. */
static struct hostmem_info free_in_window(
    struct hostmem *manager, const struct window *window, uintptr_t page)
{
    uintptr_t from = align_up(page, GRANULE_BYTES);
    uintptr_t end = window_end(window);
    return free_space(page, from < end ? next_region(manager, from, end) : end);
}

static struct hostmem_info describe_map(uintptr_t page, const struct hp_map *map)
{
    static const enum hostmem_type types[] = {
        [HP_MAP_PRIVATE] = HOSTMEM_PRIVATE,
        [HP_MAP_SHARED] = HOSTMEM_MAPPED,
        [HP_MAP_IMAGE] = HOSTMEM_IMAGE,
    };
    return (struct hostmem_info){
        .base = page,
        .size = map->end - page,
        .allocation_base = map->start,
        .allocation_protection = map->access,
        .protection = map->access,
        .state = HOSTMEM_COMMITTED,
        .type = types[map->kind],
    };
}

static int query_foreign(uintptr_t page, struct hostmem_info *ret_info)
{
    struct hp_map map;
    int error = hp_map_at(page, &map);
    if (error == -ENOENT)
        *ret_info = free_space(page, page < USER_END ? USER_END : ADDRESS_END);
    else if (error)
        return error;
    else if (map.start > page)
        *ret_info = free_space(page, min_size(map.start, page < USER_END ? USER_END : ADDRESS_END));
    else
        *ret_info = describe_map(page, &map);
    return 0;
}

int query_at(struct hostmem *manager, uintptr_t address, struct hostmem_info *ret_info)
{
    uintptr_t page = align_down(address, PAGE_BYTES);
    struct region_sight sight;
    if (see_region(manager, page, &sight)) {
        *ret_info = describe(page, &sight);
        return 0;
    }
    struct window *window = window_of(manager, page);
    if (!window)
        return query_foreign(page, ret_info);
    *ret_info = free_in_window(manager, window, page);
    return 0;
}
