/* SPDX-License-Identifier: MIT */
/*
 * Making and ending regions. Budgets, frames and granules are claimed for an offer (offer.h) and
 * given back in reverse when the next offer has to be tried; the region is shown to readers last,
 * with its pages in their final state. Lock: the region's own, held from the moment it has an
 * address.
 */
#include "lib/reserve.h"

#include <errno.h>

#include "lib/backer.h"
#include "lib/offer.h"
#include "lib/populate.h"
#include "lib/space.h"
#include "lib/units.h"
#include "lib/window.h"

/* A request on its way. */
struct plan {
    const struct hostmem_request *request;
    struct node *node;          /* that the request stands for */
    unsigned backings;          /* OFFER_* that can carry it */
    uintptr_t base;             /* 0: anywhere */
    size_t size;                /* whole pages */
    bool more_offers;           /* what is short here may be had elsewhere, in another region */
    enum priority priority;     /* how much it has to leave */
    enum hostmem_reason reason; /* why the first choice was not taken */
};

static unsigned access_of(uint32_t protection)
{
    return protection & (HP_READ | HP_WRITE | HP_EXEC);
}

/* -- addresses -- */

static int claim_in(struct window *window, uintptr_t at, size_t size, uintptr_t *ret_base)
{
    int error = space_enter(window);
    if (error)
        return error;
    uintptr_t base = at ? at : space_find(window, size);
    error = base ? space_claim(window, base, size) : -ENOSPC;
    space_leave(window);
    if (!error)
        *ret_base = base;
    return error;
}

/* An address in any window of the offer; windows are added until there is room. */
static int claim_anywhere(
    struct offer offer, size_t size, struct window **ret_window, uintptr_t *ret_base)
{
    for (;;) {
        struct window *first = atomic_load(&offer.node->windows[offer.backing]);
        for (struct window *window = first; window; window = window->next) {
            int error = claim_in(window, 0, size, ret_base);
            if (error == -ENOSPC)
                continue;
            *ret_window = window;
            return error;
        }
        int error = window_grow(offer.node, offer.backing, size, first);
        if (error)
            return error;
    }
}

/* -- regions -- */

static void adopt(struct region *region, const struct plan *plan, struct window *window)
{
    region->window = window;
    region->node = window ? window->node : plan->node;
    region->asked = plan->node;
    region->exact = !window || window->backing == HP_BASE;
    region->large = plan->request->flags & HOSTMEM_LARGE;
    region->reason = plan->reason;
    region->origin = 0;
}

/* A descriptor with an address, known to the table, not shown. */
static int found_region(const struct plan *plan, struct window *window, uintptr_t base,
    struct region **ret_region) UNCHECKED_LOCKING
{
    struct node *node = window ? window->node : plan->node;
    struct table *table = &node->manager->table;
    struct region *region;
    int error = region_new(node, &region);
    if (error)
        return error;
    error = table_prepare(table, base, plan->size);
    if (error) {
        region_free(node, region);
        return error;
    }
    lock_take(&region->lock);
    adopt(region, plan, window);
    if (window)
        region->origin = (base - (uintptr_t)window->base) / PAGE_BYTES;
    region_lay_out(region, base, plan->size / PAGE_BYTES, plan->request->protection);
    table_set(table, base, plan->size, region);
    *ret_region = region;
    return 0;
}

static void give_address(
    struct hostmem *manager, struct window *window, uintptr_t base, size_t size) UNCHECKED_LOCKING
{
    if (!window) {
        manager->ops[HP_BASE]->unmap((void *)base, size);
        return;
    }
    lock_take(&window->node->space);
    space_free(window, base, size);
    lock_drop(&window->node->space);
}

/* Reverses found_region() and the claim of the address. */
static void lose_region(struct hostmem *manager, struct region *region) UNCHECKED_LOCKING
{
    uintptr_t base = region_base(region);
    size_t size = region_pages(region) * PAGE_BYTES;
    struct node *node = region->node;
    table_set(&manager->table, base, size, NULL);
    give_address(manager, region->window, base, size);
    lock_drop(&region->lock);
    region_free(node, region);
}

static int commit_whole(struct region *region, const struct plan *plan, enum hostmem_reason *reason)
{
    struct commit commit = {
        .pages = {0, region_pages(region)},
        .access = access_of(plan->request->protection),
        .as_is = plan->request->flags & RESERVE_AS_IS,
        .taking = {.home_only = plan->more_offers || region->large, .priority = plan->priority},
    };
    int error = backer_of(region)->commit(region, &commit);
    if (commit.taking.reason && !*reason)
        *reason = commit.taking.reason;
    if (error)
        return error;
    region->reason = *reason;
    region_set_committed(region, commit.pages, commit.access, commit.lender);
    if (region->node != plan->node)
        pool_count(&region->node->pool.spilled, plan->size);
    return 0;
}

/* The region at a claimed address, complete and shown; the address is given back on failure. */
static int complete(struct hostmem *manager, struct plan *plan, struct window *window,
    uintptr_t base, struct region **ret_region) UNCHECKED_LOCKING
{
    struct region *region;
    int error = found_region(plan, window, base, &region);
    if (error) {
        give_address(manager, window, base, plan->size);
        return error;
    }
    if (plan->request->flags & HOSTMEM_COMMIT)
        error = commit_whole(region, plan, &plan->reason);
    if (error) {
        lose_region(manager, region);
        return error;
    }
    region_show(region);
    lock_drop(&region->lock);
    *ret_region = region;
    return 0;
}

/* -- the two kinds of requests: at an address, and anywhere -- */

static int map_own(struct hostmem *manager, struct plan *plan, struct region **ret_region)
{
    const struct hp_ops *ops = manager->ops[HP_BASE];
    void *base;
    if (plan->request->flags & HOSTMEM_LARGE)
        return -EOPNOTSUPP;
    plan->reason = HOSTMEM_REASON_ADDRESS;
    int error =
        ops->map(&manager->spec[HP_BASE], (void *)plan->base, plan->size, GRANULE_BYTES, &base);
    if (error)
        return error == -EEXIST ? -EADDRNOTAVAIL : populate_error(error);
    error = manager_bind(manager, HP_BASE, base, plan->size, plan->node->id);
    if (error) {
        ops->unmap(base, plan->size);
        return error;
    }
    return complete(manager, plan, NULL, plan->base, ret_region);
}

static int reserve_at(struct hostmem *manager, struct plan *plan, struct region **ret_region)
{
    struct window *window = window_of(manager, plan->base);
    uintptr_t base;
    if (!window)
        return map_own(manager, plan, ret_region);
    if (plan->size > window_end(window) - plan->base)
        return -EADDRNOTAVAIL;
    if ((plan->request->flags & HOSTMEM_LARGE) && window->backing != HP_HUGETLB)
        return -EOPNOTSUPP;
    int error = claim_in(window, plan->base, plan->size, &base);
    return error ? error : complete(manager, plan, window, base, ret_region);
}

static int take_offer(
    struct hostmem *manager, struct plan *plan, struct offer offer, struct region **ret_region)
{
    struct window *window;
    uintptr_t base;
    int error = claim_anywhere(offer, plan->size, &window, &base);
    if (error && !plan->reason)
        plan->reason = HOSTMEM_REASON_NO_SPACE;
    if (error)
        return error;
    return complete(manager, plan, window, base, ret_region);
}

static int reserve_anywhere(struct hostmem *manager, struct plan *plan, struct region **ret_region)
{
    struct offers offers = offers_for(plan->node, plan->backings);
    struct offer offer;
    int error = -ENOMEM;
    plan->more_offers = true;
    while (error == -ENOMEM && offers_next(&offers, &offer))
        error = take_offer(manager, plan, offer, ret_region);
    return error;
}

/* Backings that can carry the protection page by page, or the best there are. */
static unsigned backings_for(const struct hostmem *manager, const struct hostmem_request *request)
{
    if (request->flags & HOSTMEM_LARGE)
        return OFFER_HUGE;
    if (access_of(request->protection) == HP_RW)
        return OFFER_ANY;
    if (offer_backings(manager, OFFER_EXACT))
        return OFFER_EXACT;
    return offer_backings(manager, 1u << HP_THP) ? 1u << HP_THP : OFFER_ANY;
}

static enum hostmem_reason reason_of(const struct hostmem *manager, const struct plan *plan)
{
    enum hp_backing first = manager->config.backing.order[0];
    if (!(plan->backings & 1u << first))
        return HOSTMEM_REASON_PROTECTION;
    if (first == HP_HUGETLB && plan->node->huge == 0)
        return HOSTMEM_REASON_NO_HUGE;
    return HOSTMEM_REASON_NONE;
}

int reserve_region(struct node *node, const struct hostmem_request *request, enum priority priority,
    struct region **ret_region)
{
    struct hostmem *manager = node->manager;
    uintptr_t address = (uintptr_t)request->address;
    struct plan plan = {
        .request = request,
        .node = node,
        .backings = backings_for(manager, request),
        .priority = priority,
        .base = align_down(address, GRANULE_BYTES),
    };
    plan.size = align_up(address + request->size, PAGE_BYTES) - plan.base;
    plan.reason = reason_of(manager, &plan);
    int error = address ? reserve_at(manager, &plan, ret_region)
                        : reserve_anywhere(manager, &plan, ret_region);
    if (error == -ENOMEM)
        watch_failure(node);
    return error;
}

/*
 * A mapping of its own goes with its memory in one step, so that a failure (munmap may have to cut
 * a mapping near max_map_count) leaves everything as it was. The table is cleared first: the
 * address may be somebody else's as soon as it is unmapped.
 */
static int end_own(struct hostmem *manager, struct region *region) UNCHECKED_LOCKING
{
    uintptr_t base = region_base(region);
    size_t size = region_pages(region) * PAGE_BYTES;
    struct node *node = region->node;
    region_hide(region);
    table_set(&manager->table, base, size, NULL);
    int error = manager->ops[HP_BASE]->unmap((void *)base, size);
    if (error) {
        table_set(&manager->table, base, size, region);
        region_show(region);
        return error;
    }
    exact_forget(region);
    lock_drop(&region->lock);
    region_free(node, region);
    return 0;
}

static bool is_untouched(const struct region *region)
{
    struct extent e = region_extent(region, 0);
    return !state_committed(e.state) && e.end == region_pages(region);
}

int reserve_end(struct hostmem *manager, struct region *region) UNCHECKED_LOCKING
{
    int error = 0;
    if (!region->window)
        return end_own(manager, region);
    if (!is_untouched(region))
        error = backer_of(region)->decommit(region, (struct pages){0, region_pages(region)});
    if (error)
        return error;
    region_hide(region);
    lose_region(manager, region);
    return 0;
}
