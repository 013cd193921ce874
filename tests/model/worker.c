/* SPDX-License-Identifier: MIT */
/* Random calls on one region: what is called, what the oracle does for it. Whole regions come and
 * go in world.c. No lock: the caller has the region. */
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void worker_open(struct worker *worker, struct world *world, size_t index, uint64_t seed)
{
    *worker = (struct worker){
        .world = world,
        .index = index,
        .random = seed + index,
        .arena = live_address(index),
    };
    must(pipe(worker->pipe) == 0);
    snprintf(worker->note, sizeof(worker->note), "worker %zu", index);
    live_note(worker->note);
}

void worker_close(struct worker *worker)
{
    close(worker->pipe[0]);
    close(worker->pipe[1]);
    live_note(NULL);
}

/* -- choosing -- */

static bool through_com(struct worker *w)
{
    return live_one_in(&w->random, 4);
}

static uint32_t pick_protection(struct worker *w)
{
    static const uint32_t some[] = {
        0, 1, 3, 4, 5, 7, 3, 1, 3 | HOSTMEM_PROT_NOCACHE, 1 | HOSTMEM_PROT_WRITECOMBINE};
    return live_one_in(&w->random, 3) ? some[live_below(&w->random, COUNT(some))] : HOSTMEM_PROT_RW;
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Pages of `within`: one, a few, around the edge of a frame, any, all. */
static struct span pick_span(struct worker *w, const struct oracle *o, struct span within)
{
    size_t all = within.end - within.first;
    size_t first = within.first + live_below(&w->random, all), left = within.end - first;
    switch (live_below(&w->random, 10)) {
    case 0:
    case 1:
        return (struct span){first, first + 1};
    case 2:
    case 3:
    case 4:
    case 5:
        return (struct span){first, first + 1 + live_below(&w->random, min_of(left, 40))};
    case 6:
    case 7: {
        size_t frame = FRAME / PAGE, origin = o->base % FRAME / PAGE;
        size_t edge = (first + origin) / frame * frame;
        size_t start = edge > origin + within.first ? edge - origin : within.first;
        size_t end = start + frame + live_below(&w->random, 3) - 1;
        return (struct span){start, end < within.end ? end : within.end};
    }
    case 8:
        return (struct span){first, first + 1 + live_below(&w->random, left)};
    default:
        return within;
    }
}

/* An address in the first page and a size that ends in the last: every byte of a page stands for
 * all of it. */
struct where {
    uintptr_t address;
    size_t size;
};

static struct where blur(struct worker *w, const struct oracle *o, struct span span)
{
    uintptr_t from = o->base + span.first * PAGE, to = o->base + span.end * PAGE;
    if (live_one_in(&w->random, 2))
        return (struct where){from, to - from};
    if (span.end - span.first == 1) {
        size_t offset = live_below(&w->random, PAGE);
        return (struct where){from + offset, 1 + live_below(&w->random, PAGE - offset)};
    }
    from += live_below(&w->random, PAGE);
    to -= live_below(&w->random, PAGE);
    return (struct where){from, to - from};
}

static void note(struct worker *w, const char *what, const struct oracle *o, struct where at,
    uint32_t protection)
{
    snprintf(w->note, sizeof(w->note),
        "worker %zu, %zu calls to go: %s [%#zx, +%#zx) protection %#x, of the region %#zx of %zu "
        "pages, kind %d",
        w->index, w->operations, what, (size_t)at.address, at.size, protection, (size_t)o->base,
        o->pages, (int)o->kind);
}

/* -- calls that are to succeed or fail as the oracle says -- */

/* Another worker's pages in a frame that both have may be in the way. */
static bool tolerated(const struct oracle *o, struct span span, struct span within, bool shared)
{
    return shared && o->kind == KIND_HUGETLB &&
           (oracle_frame_sticks_out(o, span.first, within) ||
               oracle_frame_sticks_out(o, span.end - 1, within));
}

static void judge_receipt(
    const struct oracle *o, struct span span, const struct hostmem_receipt *receipt)
{
    must(receipt->committed == (span.end - span.first) * PAGE);
    must(receipt->node_given >= 0 || receipt->node_given == HOSTMEM_NODE_MIXED);
    must(receipt->page_size >= PAGE && receipt->backing != HOSTMEM_BACKING_NONE);
    if (o->kind == KIND_EXACT)
        must(receipt->backing == HOSTMEM_BACKING_BASE && receipt->page_size == PAGE);
}

static void do_commit(struct worker *w, struct oracle *o, struct span within, bool shared)
{
    struct span span = pick_span(w, o, within);
    struct where at = blur(w, o, span);
    uint32_t protection = pick_protection(w);
    struct hostmem_receipt receipt = {0};
    bool com = through_com(w), asks = !com && live_one_in(&w->random, 4);
    note(w, "commit", o, at, protection);
    int wanted = oracle_commit(o, at.address, at.size, protection);
    int error =
        face_commit(&w->world->face, com, at.address, at.size, protection, asks ? &receipt : NULL);
    if (error == -EOPNOTSUPP && tolerated(o, span, within, shared))
        return;
    judge_result(w, error, wanted);
    if (error)
        return;
    oracle_set_committed(o, span, protection);
    if (asks)
        judge_receipt(o, span, &receipt);
    judge_pages(w, o, span);
    w->done[0]++;
}

static void do_decommit(struct worker *w, struct oracle *o, struct span within)
{
    struct span span = pick_span(w, o, within);
    struct where at = blur(w, o, span);
    note(w, "decommit", o, at, 0);
    int wanted = oracle_decommit(o, at.address, at.size);
    int error = face_decommit(&w->world->face, through_com(w), at.address, at.size);
    judge_result(w, error, wanted);
    if (!error)
        oracle_set_reserved(o, span);
    w->done[1] += !error;
}

static void do_protect(struct worker *w, struct oracle *o, struct span within, bool shared)
{
    struct span span = pick_span(w, o, within);
    struct where at = blur(w, o, span);
    uint32_t protection = pick_protection(w), old = 0;
    uint32_t before = oracle_query(o, o->base + span.first * PAGE).protection;
    note(w, "protect", o, at, protection);
    int wanted = oracle_protect(o, at.address, at.size, protection);
    int error =
        face_protect(&w->world->face, through_com(w), at.address, at.size, protection, &old);
    if (error == -EOPNOTSUPP && tolerated(o, span, within, shared))
        return;
    judge_result(w, error, wanted);
    if (error)
        return;
    must(old == before);
    oracle_set_committed(o, span, protection);
    judge_pages(w, o, span);
    w->done[2]++;
}

static void do_reset(struct worker *w, struct oracle *o, struct span within)
{
    struct span span = pick_span(w, o, within);
    struct where at = blur(w, o, span);
    note(w, "reset", o, at, 0);
    int wanted = oracle_reset(o, at.address, at.size);
    judge_result(w, face_reset(&w->world->face, through_com(w), at.address, at.size), wanted);
    note(w, "reset undo", o, at, 0);
    wanted = oracle_reset_undo(o, at.address, at.size);
    judge_result(w, face_reset_undo(&w->world->face, through_com(w), at.address, at.size), wanted);
    judge_pages(w, o, span);
}

/* The program writes: tags, or zero again. */
static void do_write(struct worker *w, struct oracle *o, struct span within)
{
    struct span span = pick_span(w, o, within);
    struct where at = {o->base + span.first * PAGE, (span.end - span.first) * PAGE};
    note(w, "write", o, at, 0);
    for (size_t i = span.first; i < span.end; i++) {
        struct cell *cell = &o->cells[i];
        if (!oracle_writable(*cell))
            continue;
        cell->tag = live_one_in(&w->random, 16) ? 0 : (uint32_t)live_random(&w->random);
        *oracle_tag_word(o->base + i * PAGE) = cell->tag;
    }
}

/* -- calls that are wrong in themselves -- */

static void wrong_arguments(struct worker *w, struct oracle *o, struct span within)
{
    const struct face *face = &w->world->face;
    uintptr_t at = o->base + within.first * PAGE;
    static const uint32_t bad[] = {2, 6, 0x33, 0x10, 0x20, 8, 0x40, 0x80000000u};
    uint32_t protection = bad[live_below(&w->random, COUNT(bad))], old = 77;
    bool com = through_com(w);
    judge_result(w, face_commit(face, com, at, PAGE, protection, NULL), -EINVAL);
    judge_result(w, face_commit(face, com, at, 0, HOSTMEM_PROT_RW, NULL), -EINVAL);
    judge_result(w, face_commit(face, com, at, SIZE_MAX - at, HOSTMEM_PROT_RW, NULL), -EINVAL);
    judge_result(w, face_protect(face, com, at, PAGE, protection, &old), -EINVAL);
    judge_result(w, face_protect(face, com, at, 0, HOSTMEM_PROT_RW, &old), -EINVAL);
    judge_result(w, face_decommit(face, com, at, SIZE_MAX - at), -EINVAL);
    judge_result(w, face_reset(face, com, at, 0), -EINVAL);
    judge_result(w, hostmem_commit(face->c, (void *)at, PAGE, 3, 7, NULL), -EINVAL);
    must(old == 77);
}

/* Ranges that leave the region by a byte, sizes of zero, addresses that are nobody's. */
static void wrong_places(struct worker *w, struct oracle *o)
{
    static char foreign;
    const struct face *face = &w->world->face;
    size_t size = o->pages * PAGE, from = live_below(&w->random, o->pages) * PAGE;
    uintptr_t at = o->base + from, nobodys = (uintptr_t)&foreign;
    uint32_t old = 77;
    bool com = through_com(w);
    judge_result(w, face_commit(face, com, at, size - from + 1, 3, NULL), -EADDRNOTAVAIL);
    judge_result(w, face_protect(face, com, at, size - from + 1, 3, &old), -EADDRNOTAVAIL);
    judge_result(w, face_reset(face, com, at, size - from + 1), -EADDRNOTAVAIL);
    judge_result(
        w, face_decommit(face, com, at, size - from + 1), oracle_decommit(o, at, size - from + 1));
    judge_result(w, face_commit(face, com, nobodys, 1, 3, NULL), -EADDRNOTAVAIL);
    judge_result(w, face_protect(face, com, nobodys, 1, 3, &old), -EADDRNOTAVAIL);
    judge_result(w, face_decommit(face, com, nobodys, 1), -ENXIO);
    judge_result(w, face_release(face, com, nobodys), -ENXIO);
    must(old == 77);
    if (from == 0)
        return;
    judge_result(w, face_decommit(face, com, at, 0), -EADDRNOTAVAIL);
    judge_result(w, face_release(face, com, at), -EADDRNOTAVAIL);
}

static void do_wrong(struct worker *w, struct oracle *o, struct span within)
{
    struct where nowhere = {0};
    note(w, "wrong calls", o, nowhere, 0);
    if (live_one_in(&w->random, 2))
        wrong_arguments(w, o, within);
    else
        wrong_places(w, o);
}

/* -- one step -- */

void worker_step(struct worker *w, struct oracle *o, struct span within, bool shared)
{
    switch (live_below(&w->random, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        do_commit(w, o, within, shared);
        break;
    case 5:
    case 6:
    case 7:
        do_decommit(w, o, within);
        break;
    case 8:
    case 9:
    case 10:
        do_protect(w, o, within, shared);
        break;
    case 11:
        do_reset(w, o, within);
        break;
    case 12:
        do_wrong(w, o, within);
        break;
    default:
        do_write(w, o, within);
    }
    judge_query(w, o, within, shared);
    judge_pages(w, o, (struct span){within.first, min_of(within.end, within.first + 1)});
    if (live_one_in(&w->random, 8))
        judge_access(w, o, within.first + live_below(&w->random, within.end - within.first));
}
