/* SPDX-License-Identifier: MIT */
/* Changes to a region's pages: the rules of VirtualAlloc (MEM_COMMIT, MEM_RESET), VirtualFree and
 * VirtualProtect. Lock: the region's, over each change. */
#include "lib/change.h"

#include <errno.h>

#include "lib/backer.h"
#include "lib/reserve.h"
#include "lib/units.h"

#define ATTRIBUTES (HOSTMEM_PROT_NOCACHE | HOSTMEM_PROT_WRITECOMBINE)

static unsigned access_of(uint32_t protection)
{
    return protection & ~ATTRIBUTES;
}

/* How memory is cached is a matter of the whole region, chosen when it was reserved. */
uint32_t change_reported(uint32_t region_protection, page_state state)
{
    uint32_t access = state_access(state);
    return access ? access | (region_protection & ATTRIBUTES) : access;
}

/* The pages that have a byte in the range; end may lie behind the region. */
static struct pages pages_of(const struct region *region, struct range range)
{
    size_t offset = range.address - region_base(region);
    return (struct pages){offset / PAGE_BYTES, (offset + range.size + PAGE_BYTES - 1) / PAGE_BYTES};
}

/* The region that has every page of the range, locked. */
static struct region *lock_whole(
    struct hostmem *manager, struct range range, struct pages *ret_pages) UNCHECKED_LOCKING
{
    struct region *region = region_lock_at(manager, range.address);
    if (!region)
        return NULL;
    *ret_pages = pages_of(region, range);
    if (ret_pages->end <= region_pages(region) && !region->large)
        return region;
    region_unlock(region);
    return NULL;
}

static int commit_pages(
    struct region *region, struct pages pages, uint32_t protection, enum priority priority)
{
    struct commit commit = {
        .pages = pages, .access = access_of(protection), .taking = {.priority = priority}};
    int error = region_make_room(region);
    if (!error)
        error = backer_of(region)->commit(region, &commit);
    if (error == -ENOMEM)
        watch_failure(region->asked);
    if (error)
        return error;
    if (commit.taking.reason)
        region->reason = commit.taking.reason;
    region_set_committed(region, pages, commit.access, commit.lender);
    return 0;
}

int change_commit(struct hostmem *manager, struct range range, uint32_t protection,
    enum priority priority, struct node **ret_node) UNCHECKED_LOCKING
{
    struct pages pages;
    struct region *region = lock_whole(manager, range, &pages);
    if (!region)
        return -EADDRNOTAVAIL;
    int error = commit_pages(region, pages, protection, priority);
    if (error == -ENOMEM)
        *ret_node = region->asked;
    region_unlock(region);
    return error;
}

/* -- decommit and release -- */

static int decommit_pages(struct region *region, struct pages pages)
{
    int error = region_make_room(region);
    if (!error)
        error = backer_of(region)->decommit(region, pages);
    if (!error)
        region_set_reserved(region, pages);
    return error;
}

/* Size 0 means the whole region and is only understood in its first page. */
static int decommit_range(struct region *region, struct range range)
{
    struct pages pages = pages_of(region, range);
    if (region->large)
        return -EADDRNOTAVAIL;
    if (range.size == 0 && pages.first > 0)
        return -EADDRNOTAVAIL;
    if (range.size == 0)
        pages = (struct pages){0, region_pages(region)};
    if (pages.end > region_pages(region))
        return -EINVAL;
    return decommit_pages(region, pages);
}

int change_decommit(struct hostmem *manager, struct range range) UNCHECKED_LOCKING
{
    struct region *region = region_lock_at(manager, range.address);
    if (!region)
        return -ENXIO;
    int error = decommit_range(region, range);
    region_unlock(region);
    return error;
}

int change_release(struct hostmem *manager, uintptr_t address) UNCHECKED_LOCKING
{
    struct region *region = region_lock_at(manager, address);
    if (!region)
        return -ENXIO;
    int error = -EADDRNOTAVAIL;
    if (address - region_base(region) < PAGE_BYTES)
        error = reserve_end(manager, region);
    if (error)
        region_unlock(region);
    return error;
}

/* -- protect -- */

static bool all_committed(const struct region *region, struct pages pages)
{
    for (struct walk w = region_walk(region, pages); walk_next(&w);)
        if (!state_committed(w.extent.state))
            return false;
    return true;
}

static int protect_pages(struct region *region, struct pages pages, uint32_t protection)
{
    if (!all_committed(region, pages))
        return -EADDRNOTAVAIL;
    int error = region_make_room(region);
    if (!error)
        error = backer_of(region)->protect(region, pages, access_of(protection));
    if (!error)
        region_set_committed(region, pages, access_of(protection), 0);
    return error;
}

int change_protect(struct hostmem *manager, struct range range, uint32_t protection,
    uint32_t *ret_old) UNCHECKED_LOCKING
{
    struct pages pages;
    struct region *region = lock_whole(manager, range, &pages);
    if (!region)
        return -EADDRNOTAVAIL;
    page_state state = region_extent(region, pages.first).state;
    uint32_t old = change_reported(region_protection(region), state);
    int error = protect_pages(region, pages, protection);
    region_unlock(region);
    if (!error && ret_old)
        *ret_old = old;
    return error;
}

/* -- reset -- */

int change_reset(struct hostmem *manager, struct range range) UNCHECKED_LOCKING
{
    struct pages pages;
    struct region *region = lock_whole(manager, range, &pages);
    if (!region)
        return -EADDRNOTAVAIL;
    region_unlock(region);
    return 0;
}

int change_reset_undo(struct hostmem *manager, struct range range) UNCHECKED_LOCKING
{
    struct pages pages;
    struct region *region = lock_whole(manager, range, &pages);
    if (!region)
        return -EADDRNOTAVAIL;
    int error = all_committed(region, pages) ? 0 : -EADDRNOTAVAIL;
    region_unlock(region);
    return error;
}
