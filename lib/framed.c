/* SPDX-License-Identifier: MIT */
/*
 * Regions over frames. Invariant: a frame's memory is taken while the region (or any region of the
 * share) has a committed page in it; the access that the kernel enforces is read and write, except
 * for committed pages that were given another one. A hugetlb frame has one access as a whole, so
 * what would leave two in one frame is refused. Lock: the region's.
 */
#include <errno.h>

#include "lib/backer.h"
#include "lib/share.h"
#include "lib/window.h"

/* -- frames of a region -- */

static size_t frame_pages(const struct region *region)
{
    return window_frame_pages(region->window);
}

/* The frames that the pages touch. */
static struct frames touched(const struct region *region, struct pages pages)
{
    size_t per = frame_pages(region);
    size_t first = (region->origin + pages.first) / per;
    size_t end = (region->origin + pages.end + per - 1) / per;
    return (struct frames){region->window, first, end - first};
}

/* The region's pages in the frames. */
static struct pages pages_in(const struct region *region, struct frames frames)
{
    size_t per = frame_pages(region), from = frames.first * per;
    size_t to = (frames.first + frames.count) * per - region->origin;
    return (struct pages){
        from > region->origin ? from - region->origin : 0, min_size(to, region_pages(region))};
}

/* The frames of which the region has no page outside [pages.first, pages.end). */
static struct frames filled(const struct region *region, struct pages pages)
{
    size_t per = frame_pages(region), first = region->origin + pages.first;
    size_t end = region->origin + pages.end;
    first = pages.first == 0 ? first / per : (first + per - 1) / per;
    end = pages.end == region_pages(region) ? (end + per - 1) / per : end / per;
    return (struct frames){region->window, first, end > first ? end - first : 0};
}

static struct frames common(struct frames a, struct frames b)
{
    size_t first = max_size(a.first, b.first);
    size_t end = min_size(a.first + a.count, b.first + b.count);
    return (struct frames){a.window, first, end > first ? end - first : 0};
}

static struct frames frames_between(struct window *window, size_t first, size_t end)
{
    return (struct frames){window, first, end > first ? end - first : 0};
}

/* -- taking and putting frames, of which the first and the last may be shares -- */

static struct share *share_at(struct window *window, size_t frame)
{
    return window->shares[frame];
}

static void put_frames(struct frames f)
{
    size_t first = f.first, end = f.first + f.count;
    if (f.count && share_at(f.window, first))
        share_leave(share_at(f.window, first++));
    if (end > first && share_at(f.window, end - 1))
        share_leave(share_at(f.window, --end));
    if (end > first)
        frame_put(frames_between(f.window, first, end));
}

static int take_frames(struct frames f, struct taking *taking)
{
    size_t first = f.first, end = f.first + f.count;
    int error = 0;
    if (f.count && share_at(f.window, first))
        error = share_enter(share_at(f.window, first++), taking);
    if (error)
        return error;
    bool tail = end > first && share_at(f.window, end - 1);
    if (end - tail > first)
        error = frame_take(frames_between(f.window, first, end - tail), taking);
    if (error)
        goto undo_head;
    if (tail)
        error = share_enter(share_at(f.window, end - 1), taking);
    if (error)
        goto undo_middle;
    return 0;

undo_middle:
    if (end - tail > first)
        frame_put(frames_between(f.window, first, end - tail));
undo_head:
    if (first > f.first)
        share_leave(share_at(f.window, f.first));
    return error;
}

/* The frames that the range touches and whose pages all lie in the reserved extent `e`. */
static struct frames unused(const struct region *region, struct extent e, struct pages range)
{
    return common(filled(region, (struct pages){e.first, e.end}), touched(region, range));
}

/* Puts back what take_all() took for the part of the range before page `end`. */
static void put_all(struct region *region, struct pages range, size_t end)
{
    for (struct walk w = region_walk(region, (struct pages){range.first, end}); walk_next(&w);)
        if (!state_committed(w.extent.state))
            put_frames(unused(region, w.extent, range));
}

/* Takes the frames that the range touches and in which the region has no committed page yet. */
static int take_all(struct region *region, struct pages range, struct taking *taking)
{
    int error = 0;
    for (struct walk w = region_walk(region, range); walk_next(&w) && !error;) {
        if (!state_committed(w.extent.state))
            error = take_frames(unused(region, w.extent, range), taking);
        if (error)
            put_all(region, range, w.part.first);
    }
    return error;
}

/* -- access rights -- */

static bool one_access_a_frame(const struct region *region)
{
    return region->window->backing == HP_HUGETLB;
}

/* The frame has pages of other regions, or committed pages of this one outside of the range. */
static bool frame_is_mixed(
    const struct region *region, size_t frame, struct pages range, unsigned access)
{
    struct pages all = pages_in(region, (struct frames){region->window, frame, 1});
    if (share_at(region->window, frame))
        return access != HP_RW;
    struct pages before = {all.first, max_size(all.first, range.first)};
    struct pages behind = {min_size(all.end, range.end), all.end};
    return region_access_differs(region, before, access) ||
           region_access_differs(region, behind, access);
}

/* Whether the range may get the access; -EOPNOTSUPP: a hugetlb frame would need two. */
static int may_have_access(const struct region *region, struct pages range, unsigned access)
{
    struct frames f = touched(region, range);
    if (!one_access_a_frame(region))
        return 0;
    if (frame_is_mixed(region, f.first, range, access) ||
        frame_is_mixed(region, f.first + f.count - 1, range, access))
        return -EOPNOTSUPP;
    return 0;
}

/*
 * What a change of access reaches: of hugetlb the whole frames, whose further pages no region has,
 * or the region has and leaves reserved.
 */
static struct pages reach(const struct region *region, struct pages range)
{
    return one_access_a_frame(region) ? pages_in(region, touched(region, range)) : range;
}

static int set_frames_access(struct frames f, unsigned access)
{
    return f.window->ops->protect(
        window_frame(f.window, f.first), f.count * f.window->frame_bytes, access);
}

static int set_access(const struct region *region, struct pages range, unsigned access)
{
    size_t size = (range.end - range.first) * PAGE_BYTES;
    if (one_access_a_frame(region))
        return set_frames_access(touched(region, range), access);
    return region->window->ops->protect(region_page(region, range.first), size, access);
}

/* Puts back what the extents say; it may only fail where the kernel could not restore it either. */
static void restore_access(const struct region *region, struct pages range)
{
    set_access(region, range, HP_RW);
    for (struct walk w = region_walk(region, reach(region, range)); walk_next(&w);)
        if (state_committed(w.extent.state) && state_access(w.extent.state) != HP_RW)
            set_access(region, w.part, state_access(w.extent.state));
}

static int change_access(const struct region *region, struct pages range, unsigned access)
{
    int error = set_access(region, range, access);
    if (error)
        restore_access(region, range);
    return error;
}

/* A split huge page keeps its memory, but it is one no more. */
static void note_split(const struct region *region, struct pages range)
{
    struct frames f = touched(region, range);
    if (region->window->backing == HP_THP)
        bits_set(region->window->small, f.first, f.count);
}

/* -- the operations -- */

static void clean_all(struct region *region, struct pages range)
{
    size_t zeroed = 0, origin = region->origin;
    for (struct walk w = region_walk(region, range); walk_next(&w);)
        if (!state_committed(w.extent.state))
            zeroed +=
                dirty_clean(&region->window->dirty, origin + w.part.first, origin + w.part.end);
    if (zeroed)
        pool_count(&region->window->node->pool.zeroed, zeroed);
}

static int framed_commit(struct region *region, struct commit *commit)
{
    struct pages range = commit->pages;
    int error = may_have_access(region, range, commit->access);
    if (error)
        return error;
    error = take_all(region, range, &commit->taking);
    if (error)
        return error;
    /* Pages that are to be zeroed may lie in a frame that is not writable now. */
    if (region_access_differs(region, reach(region, range), HP_RW))
        error = change_access(region, range, HP_RW);
    if (error)
        goto undo;
    if (!commit->as_is)
        clean_all(region, range);
    if (commit->access == HP_RW)
        return 0;
    error = change_access(region, range, commit->access);
    if (error)
        goto undo;
    note_split(region, range);
    return 0;

undo:
    put_all(region, range, range.end);
    return error;
}

static int framed_protect(struct region *region, struct pages range, unsigned access)
{
    int error = may_have_access(region, range, access);
    if (error || !region_access_differs(region, range, access))
        return error;
    note_split(region, range);
    return change_access(region, range, access);
}

/*
 * Uncommitted memory is readable and writable. hugetlb: only frames that are put back can be given
 * that access; in the others the access of the pages that stay holds for all.
 */
static int open_access(struct region *region, struct pages range, struct frames freed)
{
    int error = 0;
    if (!region_access_differs(region, range, HP_RW))
        return 0;
    if (!one_access_a_frame(region))
        error = set_access(region, range, HP_RW);
    else if (freed.count)
        error = set_frames_access(freed, HP_RW);
    if (error)
        restore_access(region, range);
    return error;
}

/* The reserved extent that the range will be part of, once it is decommitted. */
static struct pages future_extent(const struct region *region, struct pages range)
{
    struct pages wide = range;
    if (range.first > 0) {
        struct extent e = region_extent(region, range.first - 1);
        wide.first = state_committed(e.state) ? range.first : e.first;
    }
    if (range.end < region_pages(region)) {
        struct extent e = region_extent(region, range.end);
        wide.end = state_committed(e.state) ? range.end : e.end;
    }
    return wide;
}

static void soil_committed(struct region *region, struct pages range)
{
    size_t origin = region->origin;
    for (struct walk w = region_walk(region, range); walk_next(&w);)
        if (state_committed(w.extent.state))
            dirty_soil(&region->window->dirty, origin + w.part.first, origin + w.part.end);
}

/* Puts back those of the freed frames that have a committed page in the range, each once. */
static void put_committed(struct region *region, struct pages range, struct frames freed)
{
    size_t done = freed.first;
    for (struct walk w = region_walk(region, range); walk_next(&w);) {
        struct frames f = common(freed, touched(region, w.part));
        if (!state_committed(w.extent.state))
            continue;
        put_frames(frames_between(f.window, max_size(f.first, done), f.first + f.count));
        done = max_size(done, f.first + f.count);
    }
}

static int framed_decommit(struct region *region, struct pages range)
{
    struct frames freed = filled(region, future_extent(region, range));
    freed = common(freed, touched(region, range));
    int error = open_access(region, range, freed);
    if (error)
        return error;
    soil_committed(region, range);
    put_committed(region, range, freed);
    return 0;
}

const struct backer backer_framed = {framed_commit, framed_decommit, framed_protect};
