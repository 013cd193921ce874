/* SPDX-License-Identifier: MIT */
/*
 * Regions of 4 KiB pages, in a window of base pages or in a mapping of their own. Invariant: what
 * is not committed is not accessible and has no memory; a committed page has the access that its
 * state says and, unless the state names a lender, its memory and budget from the region's node.
 * Nothing is kept warm: to be exact takes system calls in any case. Lock: the region's.
 */
#include <errno.h>

#include "lib/backer.h"
#include "lib/offer.h"
#include "lib/populate.h"
#include "lib/units.h"

static const struct hp_ops *ops_of(const struct region *region)
{
    return region->node->manager->ops[HP_BASE];
}

static size_t bytes_of(struct pages pages)
{
    return (pages.end - pages.first) * PAGE_BYTES;
}

static int set_access(const struct region *region, struct pages pages, unsigned access)
{
    return ops_of(region)->protect(region_page(region, pages.first), bytes_of(pages), access);
}

static int bind_to(const struct region *region, struct pages pages, const struct node *node)
{
    char *base = region_page(region, pages.first);
    return manager_bind(region->node->manager, HP_BASE, base, bytes_of(pages), node->id);
}

static struct node *lender_node(const struct region *region, unsigned lender)
{
    return lender ? &region->node->manager->nodes[lender - 1] : region->node;
}

/* -- committing -- */

/* Takes memory and budget of pages away again. */
static void empty(const struct region *region, struct pages pages, struct node *node)
{
    ops_of(region)->discard(region_page(region, pages.first), bytes_of(pages));
    if (node != region->node)
        bind_to(region, pages, region->node);
    set_access(region, pages, HP_NONE);
    node_untake(node, bytes_of(pages));
}

static int populate_from(const struct region *region, struct pages pages, struct site site)
{
    uint64_t faults;
    int error = 0;
    if (site.node != region->node)
        error = bind_to(region, pages, site.node);
    if (!error)
        error = set_access(region, pages, HP_RW);
    /* After a failed give-back old contents may be there. */
    if (!error)
        error = ops_of(region)->discard(site.base, site.size);
    return error ? error : populate_site(site, &faults);
}

static int fill(
    struct region *region, struct pages pages, struct site site, enum hostmem_reason *ret_shortage)
{
    int error = node_take(site.node, site.size, site.priority);
    *ret_shortage = error ? HOSTMEM_REASON_POOL : HOSTMEM_REASON_NODE_SPENT;
    if (error)
        return error;
    error = populate_from(region, pages, site);
    if (error == -ENOMEM && frame_make_room(site))
        error = populate_from(region, pages, site);
    if (error) {
        empty(region, pages, site.node);
        return error;
    }
    pool_count(&site.node->pool.populated, site.size);
    if (site.node != region->node)
        pool_count(&site.node->pool.spilled, site.size);
    return 0;
}

static int fill_from(struct region *region, struct pages pages, const struct commit *commit,
    enum hostmem_reason *ret_shortage)
{
    struct site site = {lender_node(region, commit->lender), HP_BASE,
        region_page(region, pages.first), bytes_of(pages), commit->taking.priority};
    node_begin_populating(site.node, site.size);
    int error = fill(region, pages, site, ret_shortage);
    node_end_populating(site.node, site.size);
    return error;
}

/* Undoes fill_all() for the reserved parts of the range before page `end`. */
static void empty_filled(struct region *region, struct commit *commit, size_t end)
{
    struct node *node = lender_node(region, commit->lender);
    struct pages done = {commit->pages.first, end};
    for (struct walk w = region_walk(region, done); walk_next(&w);)
        if (!state_committed(w.extent.state))
            empty(region, w.part, node);
}

/* The reason is that of the first node which had not enough. */
static int fill_all(struct region *region, struct commit *commit)
{
    enum hostmem_reason shortage;
    int error = 0;
    for (struct walk w = region_walk(region, commit->pages); walk_next(&w) && !error;) {
        if (!state_committed(w.extent.state))
            error = fill_from(region, w.part, commit, &shortage);
        if (!error)
            continue;
        empty_filled(region, commit, w.part.first);
        if (!commit->taking.reason)
            commit->taking.reason = shortage;
    }
    return error;
}

/* All reserved pages of one commit come from one node: the nearest that has enough. */
static int fill_from_best(struct region *region, struct commit *commit)
{
    struct offers offers = offers_for(region->node, OFFER_EXACT);
    struct offer offer;
    int error = -ENOMEM;
    commit->lender = 0;
    if (commit->taking.home_only || !(offers.backings & OFFER_EXACT))
        return fill_all(region, commit);
    while (error == -ENOMEM && offers_next(&offers, &offer)) {
        commit->lender = offer.node == region->node ? 0 : offer.node->index + 1;
        error = fill_all(region, commit);
    }
    return error;
}

/* -- access rights -- */

/* Puts the access of committed pages back to what their states say. */
static void restore_access(const struct region *region, struct pages range)
{
    for (struct walk w = region_walk(region, range); walk_next(&w);) {
        page_state state = w.extent.state;
        set_access(region, w.part, state_committed(state) ? state_access(state) : HP_NONE);
    }
}

static int exact_protect(struct region *region, struct pages range, unsigned access)
{
    int error = 0;
    if (region_access_differs(region, range, access))
        error = set_access(region, range, access);
    if (error)
        restore_access(region, range);
    return error;
}

/* What was just filled is accessible for writing; the rest as before. */
static int set_all_access(struct region *region, struct commit *commit)
{
    if (commit->access == HP_RW && !region_access_differs(region, commit->pages, HP_RW))
        return 0;
    return set_access(region, commit->pages, commit->access);
}

static int exact_commit(struct region *region, struct commit *commit)
{
    int error = fill_from_best(region, commit);
    if (error)
        return error;
    error = set_all_access(region, commit);
    if (error) {
        empty_filled(region, commit, commit->pages.end);
        restore_access(region, commit->pages);
    }
    return error;
}

/* -- decommitting -- */

/*
 * The memory of pages that are not accessible any more. Should the kernel refuse to take it, it
 * stays out of reach and is dropped when the pages are committed again; a policy that stays behind
 * costs a detour then.
 */
static void drop_memory(struct region *region, struct pages part, struct node *node)
{
    ops_of(region)->discard(region_page(region, part.first), bytes_of(part));
    if (node != region->node)
        bind_to(region, part, region->node);
    node_give(node, bytes_of(part));
    pool_count(&node->pool.returned, bytes_of(part));
}

/* Access goes first: that can fail for want of mappings, and be undone. */
static int exact_decommit(struct region *region, struct pages range)
{
    int error = set_access(region, range, HP_NONE);
    if (error) {
        restore_access(region, range);
        return error;
    }
    for (struct walk w = region_walk(region, range); walk_next(&w);)
        if (state_committed(w.extent.state))
            drop_memory(region, w.part, lender_node(region, state_lender(w.extent.state)));
    return 0;
}

void exact_forget(struct region *region)
{
    struct pages all = {0, region_pages(region)};
    for (struct walk w = region_walk(region, all); walk_next(&w);)
        if (state_committed(w.extent.state))
            node_give(lender_node(region, state_lender(w.extent.state)), bytes_of(w.part));
}

const struct backer backer_exact = {exact_commit, exact_decommit, exact_protect};
