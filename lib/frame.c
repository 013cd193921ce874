/* SPDX-License-Identifier: MIT */
/*
 * The memory of frames. The warm path is all bitmaps: a claim of idle bits, budgets, done. The cold
 * path populates, drains what is idle elsewhere on the node when that fails, and then borrows
 * (loan.h). Invariant: see frame.h. No lock: a frame is worked
 * on by who took its idle bit, or by who owns its address while it is cold.
 */
#include "lib/frame.h"

#include <errno.h>

#include "lib/loan.h"
#include "lib/populate.h"
#include "lib/window.h"

static size_t bytes_of(struct frames f)
{
    return f.count * f.window->frame_bytes;
}

static struct pool *home_pool(struct frames f)
{
    return &f.window->node->pool;
}

static struct frames part(struct frames f, size_t first, size_t end)
{
    return (struct frames){f.window, first, end - first};
}

static struct site home_site(struct frames f, enum priority priority)
{
    return (struct site){
        f.window->node, f.window->backing, window_frame(f.window, f.first), bytes_of(f), priority};
}

/* The next run of frames, from *at on, whose bit in `map` is as wanted; false when there is none.
 */
static bool next_run(
    struct frames f, const bits *map, bool wanted, size_t *at, struct frames *ret_run)
{
    size_t end = f.first + f.count;
    size_t first = bits_next(map, *at, end, wanted);
    if (first == end)
        return false;
    *at = bits_next(map, first, end, !wanted);
    *ret_run = part(f, first, *at);
    return true;
}

/* -- giving memory back to the kernel -- */

/* Frames that the caller has; on failure they stay populated. */
static int discard(struct frames f)
{
    int error = f.window->ops->discard(window_frame(f.window, f.first), bytes_of(f));
    if (error)
        return error;
    bits_clear(f.window->populated, f.first, f.count);
    pool_count(&home_pool(f)->returned, bytes_of(f));
    return 0;
}

static size_t drain_mask(struct window *window, size_t word, uint64_t mask)
{
    uint64_t got = bits_clear_mask(window->idle, word, mask);
    size_t freed = 0;
    while (got) {
        unsigned at = (unsigned)__builtin_ctzll(got);
        struct frames f = {window, word * 64 + at, 1};
        got &= got - 1;
        if (discard(f)) {
            bits_set(window->idle, f.first, 1);
            continue;
        }
        pool_unkeep(&window->node->pool, window->backing, window->frame_bytes);
        freed += window->frame_bytes;
    }
    return freed;
}

/* The lowest `count` bits that are set. */
static uint64_t lowest(uint64_t value, size_t count)
{
    uint64_t rest = value;
    while (rest && count--)
        rest &= rest - 1;
    return value & ~rest;
}

static size_t drain_window(struct window *window, size_t bytes)
{
    size_t freed = 0;
    for (size_t word = 0; word < bits_words(window->frames) && freed < bytes; word++) {
        size_t want = (bytes - freed - 1) / window->frame_bytes + 1;
        uint64_t idle = bits_word(window->idle, word);
        if (idle)
            freed += drain_mask(window, word, lowest(idle, want));
    }
    return freed;
}

size_t frame_drain(struct node *node, enum hp_backing backing, size_t bytes)
{
    size_t freed = 0;
    struct window *window = atomic_load(&node->windows[backing]);
    if (pool_figure(&node->pool.warm[backing]) == 0)
        return 0;
    for (; window && freed < bytes; window = window->next)
        freed += drain_window(window, bytes - freed);
    return freed;
}

/* 4 KiB pages are never idle; of all that is, the memory of transparent huge pages serves them. */
bool frame_make_room(struct site site)
{
    enum hp_backing idle = site.backing == HP_BASE ? HP_THP : site.backing;
    uint64_t held = critical_held(site.node, site.priority);
    uint64_t bytes = held < SIZE_MAX - site.size ? site.size + held : SIZE_MAX;
    return frame_drain(site.node, idle, bytes) > 0;
}

/* -- populating -- */

/* Frames that took one page each are huge; else each is looked at, and is small where nobody can.
 */
static void note_small(struct frames f, uint64_t pages)
{
    int (*is_huge)(void *, bool *) = f.window->node->manager->parts->is_huge;
    bool huge;
    if (f.window->backing != HP_THP)
        return;
    bits_clear(f.window->small, f.first, f.count);
    for (size_t i = 0; i < f.count && pages > f.count; i++)
        if (is_huge(window_frame(f.window, f.first + i), &huge) || !huge)
            bits_set(f.window->small, f.first + i, 1);
}

/*
 * Cold frames get memory of their own node. A stray touch may have put a page there that nobody
 * knows of: what is there is dropped first, so that a commit always returns zero.
 */
static int fill_at_home(struct frames f, enum priority priority)
{
    struct site site = home_site(f, priority);
    uint64_t pages;
    int error = loan_restore(f);
    if (!error)
        error = f.window->ops->discard(site.base, site.size);
    if (error)
        return error;
    error = populate_site(site, &pages);
    if (error == -ENOMEM && frame_make_room(site))
        error = populate_site(site, &pages);
    if (!error)
        note_small(f, pages);
    return error;
}

enum hostmem_reason frame_shortage(const struct window *window)
{
    return window->backing == HP_HUGETLB ? HOSTMEM_REASON_NO_HUGE : HOSTMEM_REASON_NODE_SPENT;
}

/* Cold frames get memory; `budget` is 0 if the home's budget is held for them. */
static int fill(struct frames f, int budget, struct taking *taking)
{
    int error = budget ? budget : fill_at_home(f, taking->priority);
    if (error == -ENOMEM)
        taking->reason = budget ? HOSTMEM_REASON_POOL : frame_shortage(f.window);
    if (error == -ENOMEM && !taking->home_only) {
        error = loan_take(f, taking->priority);
        if (!error && !budget)
            node_untake(f.window->node, bytes_of(f));
    }
    if (error)
        return error;
    dirty_forget(&f.window->dirty, f.first, f.count);
    bits_set(f.window->fresh, f.first, f.count);
    bits_set(f.window->populated, f.first, f.count);
    pool_count(&f.window->node->pool.populated, bytes_of(f));
    return 0;
}

/* -- taking -- */

/*
 * Claims what is idle of a word. A frame that is populated and not idle is in the hands of a thread
 * that gives it back to the kernel or cleans it: it holds no lock and waits for nothing, so it is
 * waited for. Returns what was idle.
 */
static uint64_t claim_word(struct window *window, size_t word, uint64_t mask)
{
    uint64_t got = bits_clear_mask(window->idle, word, mask);
    for (unsigned turns = 0; mask & ~got & bits_word(window->populated, word); turns++) {
        scrubber_await(window->node, turns);
        got |= bits_clear_mask(window->idle, word, mask & ~got);
    }
    return got;
}

static size_t claim_idle(struct frames f)
{
    size_t warm = 0, end = f.first + f.count;
    for (size_t word = f.first / 64; word * 64 < end; word++)
        warm +=
            (size_t)__builtin_popcountll(claim_word(f.window, word, bits_mask(word, f.first, end)));
    if (warm)
        pool_unkeep(home_pool(f), f.window->backing, warm * f.window->frame_bytes);
    return warm;
}

/* The home's budget is spent: its warm memory may not be used either. */
static int discard_warm(struct frames f)
{
    struct frames run;
    int error = 0;
    for (size_t at = f.first; !error && next_run(f, f.window->populated, true, &at, &run);)
        error = discard(run);
    return error;
}

/* None while somebody waits for memory: an idle frame serves nobody but who has its address. */
static size_t keep(struct frames f)
{
    if (critical_waited_for(f.window->node))
        return 0;
    return pool_keep(home_pool(f), f.window->backing, f.window->frame_bytes, f.count);
}

/* Makes populated frames idle that nobody has, as many as may be kept warm, and drops the others.
 */
static void make_idle(struct frames f)
{
    size_t kept = keep(f);
    if (kept < f.count) {
        struct frames rest = part(f, f.first + kept, f.first + f.count);
        if (discard(rest)) {
            /* It could not be given back: it is warm beyond the limit then, and known to be. */
            pool_count(&home_pool(f)->warm[f.window->backing], bytes_of(rest));
            kept = f.count;
        }
    }
    /* What is put back now is not what the scrubber saw. */
    bits_wipe(f.window->aged, f.first, kept);
    bits_set(f.window->idle, f.first, kept);
}

/* Undoes a taking of which some frames have memory: fresh ones become cold, warm ones idle again.
 */
static void undo(struct frames f, int budget)
{
    struct frames run;
    size_t lent = loan_undo(f);
    for (size_t at = f.first; next_run(f, f.window->fresh, true, &at, &run);) {
        bits_clear(f.window->fresh, run.first, run.count);
        for (size_t i = 0; i < run.count; i++)
            if (bits_get(f.window->populated, run.first + i))
                discard(part(f, run.first + i, run.first + i + 1));
    }
    for (size_t at = f.first; next_run(f, f.window->populated, true, &at, &run);)
        make_idle(run);
    if (!budget)
        node_untake(f.window->node, bytes_of(f) - lent * f.window->frame_bytes);
}

static int fill_cold(struct frames f, int budget, struct taking *taking)
{
    struct frames run;
    int error = 0;
    for (size_t at = f.first; !error && next_run(f, f.window->populated, false, &at, &run);)
        error = fill(run, budget, taking);
    return error;
}

static int take(struct frames f, struct taking *taking)
{
    int budget = node_take(f.window->node, bytes_of(f), taking->priority);
    if (budget && taking->home_only) {
        taking->reason = HOSTMEM_REASON_POOL;
        return budget;
    }
    int error = 0;
    size_t warm = claim_idle(f);
    if (budget && warm)
        error = discard_warm(f);
    if (!error && (budget || warm < f.count))
        error = fill_cold(f, budget, taking);
    if (error)
        undo(f, budget);
    else if (warm < f.count || budget)
        bits_clear(f.window->fresh, f.first, f.count);
    return error;
}

int frame_take(struct frames f, struct taking *taking)
{
    size_t end = f.first + f.count;
    bool cold = bits_next(f.window->populated, f.first, end, false) < end;
    if (!cold)
        return take(f, taking);
    node_begin_populating(f.window->node, bytes_of(f));
    int error = take(f, taking);
    node_end_populating(f.window->node, bytes_of(f));
    return error;
}

/* -- putting back -- */

/* THP frames of which the kernel made 4 KiB pages are not worth keeping. */
static void drop_small(struct frames f)
{
    struct frames run;
    if (f.window->backing != HP_THP)
        return;
    for (size_t at = f.first; next_run(f, f.window->small, true, &at, &run);)
        if (discard(run) == 0)
            bits_clear(f.window->small, run.first, run.count);
}

void frame_put(struct frames f)
{
    struct frames run;
    size_t lent = loan_return(f);
    drop_small(f);
    for (size_t at = f.first; next_run(f, f.window->populated, true, &at, &run);)
        make_idle(run);
    node_give(f.window->node, bytes_of(f) - lent * f.window->frame_bytes);
}

int frame_prefault(struct frames f)
{
    struct taking taking = {.home_only = true, .priority = PRIORITY_WAITING};
    int error = frame_take(f, &taking);
    if (error)
        return error;
    frame_put(f);
    return 0;
}
