/* SPDX-License-Identifier: MIT */
/* Regions come and go: where they are reserved, what is free then, and the balance at the end.
 * Locks: each slot's, over everything that is done with its region. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/window.h"
#include "worker.h"

/* -- the budget of the test: frames that regions touch at most -- */

static long frames_of(size_t size)
{
    return (long)(size / FRAME) + 2;
}

static bool budget_take(struct world *world, long frames)
{
    if (atomic_fetch_sub(&world->budget, frames) >= frames)
        return true;
    atomic_fetch_add(&world->budget, frames);
    return false;
}

/* -- what is where -- */

/* Of the library's insides this alone is asked: which backing a window at the address has. */
static const struct window *window_at(const struct world *world, uintptr_t address)
{
    return window_of(world->face.c, address);
}

static enum kind kind_at(const struct world *world, uintptr_t address)
{
    const struct window *window = window_at(world, address);
    if (!window || window->backing == HP_BASE)
        return KIND_EXACT;
    return window->backing == HP_HUGETLB ? KIND_HUGETLB : KIND_THP;
}

static bool meets(const struct oracle *o, uintptr_t base, uintptr_t end)
{
    uintptr_t region_end = (o->base + o->pages * PAGE + GRANULE - 1) & ~(uintptr_t)(GRANULE - 1);
    return o->base && base < region_end && end > o->base;
}

/* For a world with one worker, which need not take the locks. */
static bool in_use(const struct world *world, size_t index, uintptr_t base, uintptr_t end)
{
    for (size_t i = 0; i < SLOTS_SHARED; i++)
        if (world->alone && meets(&world->shared[i].region, base, end))
            return true;
    for (size_t i = 0; i < SLOTS_OWN; i++)
        if (meets(&world->own[index][i].region, base, end))
            return true;
    return false;
}

/* -- what is asked for -- */

static size_t pick_size(struct worker *w)
{
    size_t largest = w->world->largest, size;
    switch (live_below(&w->random, 32)) {
    case 0:
        size = 1 + live_below(&w->random, largest);
        break;
    case 1:
    case 2:
    case 3:
        size = (1 + live_below(&w->random, 8)) * FRAME;
        break;
    case 4:
    case 5:
    case 6:
        size = 1 + live_below(&w->random, 16 * MIB);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
        size = FRAME - 2 * GRANULE + live_below(&w->random, 4 * GRANULE);
        break;
    case 12:
    case 13:
    case 14:
    case 15:
        size = 1 + live_below(&w->random, 4 * GRANULE);
        break;
    default:
        size = (1 + live_below(&w->random, 16)) * GRANULE;
    }
    return size < largest ? size : largest;
}

/* Shared slots have regions in windows alone, so that a worker knows all that is in its arena. */
static uintptr_t pick_address(struct worker *w)
{
    bool knows = w->apart || w->world->alone;
    size_t choice = live_below(&w->random, 8);
    uintptr_t freed = w->freed[live_below(&w->random, FREED)];
    if (choice == 0 && knows)
        return w->arena + live_below(&w->random, ARENA_BYTES);
    if (choice == 1 && freed && (knows || window_at(w->world, freed)))
        return freed + live_below(&w->random, 8) * GRANULE + live_below(&w->random, 3) * 100;
    return 0;
}

static struct hostmem_request pick_request(struct worker *w)
{
    static const uint32_t protections[] = {0, 1, 4, 5, 7, 3 | HOSTMEM_PROT_NOCACHE, 3, 3};
    struct hostmem_request request = {
        .address = (void *)pick_address(w),
        .size = pick_size(w),
        .node = HOSTMEM_NODE_LOCAL,
        .flags = live_one_in(&w->random, 2) ? HOSTMEM_COMMIT : 0,
        .protection = HOSTMEM_PROT_RW,
    };
    if (live_one_in(&w->random, 3))
        request.protection = protections[live_below(&w->random, COUNT(protections))];
    if (live_one_in(&w->random, 8))
        request.flags |= HOSTMEM_TOP_DOWN;
    if (!request.address && live_one_in(&w->random, 24)) {
        request.size = (1 + live_below(&w->random, 4)) * FRAME;
        request.flags |= HOSTMEM_COMMIT | HOSTMEM_LARGE;
        request.protection = HOSTMEM_PROT_RW;
    }
    return request;
}

/* -- what has to come of it -- */

struct extentless {
    uintptr_t base, end;
};

static struct extentless rounded(const struct hostmem_request *request)
{
    uintptr_t address = (uintptr_t)request->address;
    return (struct extentless){address & ~(uintptr_t)(GRANULE - 1),
        (address + request->size + PAGE - 1) & ~(uintptr_t)(PAGE - 1)};
}

/* At an address: -EADDRNOTAVAIL where something is; 1 where that is not known to this worker. */
static int place_named(struct worker *w, const struct hostmem_request *request)
{
    struct extentless range = rounded(request);
    const struct window *window = window_at(w->world, range.base);
    uintptr_t granules = (range.end + GRANULE - 1) & ~(uintptr_t)(GRANULE - 1);
    if (in_use(w->world, w->index, range.base, granules))
        return -EADDRNOTAVAIL;
    if (window && range.end > window_end(window))
        return -EADDRNOTAVAIL;
    return window && !w->world->alone ? 1 : 0;
}

static int wanted_at(struct worker *w, const struct hostmem_request *request, int place)
{
    struct extentless range = rounded(request);
    if (place < 0)
        return place;
    if (!(request->flags & HOSTMEM_COMMIT))
        return 0;
    return oracle_reserve_committed(kind_at(w->world, range.base), range.base,
        range.end - range.base, request->protection, false);
}

/* Anywhere: where only huge pages are offered, part of one cannot be protected. */
static int wanted_anywhere(struct worker *w, const struct hostmem_request *request)
{
    const struct config *config = &w->world->face.c->config;
    bool only_hugetlb = config->backing.count == 1 && config->backing.order[0] == HP_HUGETLB;
    if (request->flags & HOSTMEM_LARGE)
        return config_has_backing(config, HP_HUGETLB) ? 0 : -ENOBUFS;
    if (!(request->flags & HOSTMEM_COMMIT) || !only_hugetlb)
        return 0;
    return oracle_reserve_committed(KIND_HUGETLB, FRAME, request->size, request->protection, false);
}

static void judge_reserve(
    struct worker *w, const struct hostmem_request *request, int error, int wanted, int place)
{
    if (place == 1 && error == -EADDRNOTAVAIL)
        return;
    if (request->flags & HOSTMEM_LARGE && (w->world->scarce || w->world->few) && error == -ENOBUFS)
        return;
    judge_result(w, error, wanted);
}

static void adopt(struct worker *w, const struct hostmem_request *request, uintptr_t base,
    struct oracle *ret_region)
{
    uintptr_t end = request->address ? rounded(request).end : base + request->size;
    must(base % GRANULE == 0);
    must(!request->address || base == rounded(request).base);
    must(!in_use(w->world, w->index, base, end));
    oracle_begin(ret_region, base, end - base, request->protection, kind_at(w->world, base));
    ret_region->large = request->flags & HOSTMEM_LARGE;
    must(!ret_region->large || ret_region->kind == KIND_HUGETLB);
    if (request->flags & HOSTMEM_COMMIT)
        oracle_set_committed(ret_region, (struct span){0, ret_region->pages}, request->protection);
    worker_check_all(w, ret_region);
}

static void note(struct worker *w, const struct hostmem_request *request)
{
    snprintf(w->note, sizeof(w->note),
        "worker %zu, %zu calls to go: reserve %#zx bytes at %p, flags %u, protection %#x", w->index,
        w->operations, request->size, request->address, request->flags, request->protection);
}

void worker_reserve(struct worker *w, struct oracle *ret_region)
{
    struct hostmem_request request = pick_request(w);
    struct world *world = w->world;
    void *base = NULL;
    if (!budget_take(world, frames_of(request.size)))
        return;
    note(w, &request);
    int place = request.address ? place_named(w, &request) : 0;
    int wanted = request.address ? wanted_at(w, &request, place) : wanted_anywhere(w, &request);
    int error = face_reserve(&world->face, live_one_in(&w->random, 4), &request, &base, NULL);
    judge_reserve(w, &request, error, wanted, place);
    if (error) {
        must(base == NULL);
        atomic_fetch_add(&world->budget, frames_of(request.size));
        return;
    }
    adopt(w, &request, (uintptr_t)base, ret_region);
    long more = frames_of(request.size) - frames_of(ret_region->pages * PAGE);
    atomic_fetch_add(&world->budget, more);
    w->done[3]++;
}

/* -- the end of a region -- */

void worker_check_all(struct worker *w, struct oracle *o)
{
    struct hostmem_info seen = {0};
    judge_pages(w, o, (struct span){0, o->pages});
    for (uintptr_t at = o->base; at < o->base + o->pages * PAGE; at += seen.size) {
        struct hostmem_info wanted = oracle_query(o, at);
        must(hostmem_query(w->world->face.c, (void *)at, &seen) == 0);
        must(!memcmp(&seen, &wanted, sizeof(seen)));
    }
}

static void check_gone(struct worker *w, uintptr_t base, size_t size)
{
    const struct face *face = &w->world->face;
    struct hostmem_info info = {0};
    uintptr_t at = base + live_below(&w->random, size / PAGE) * PAGE;
    must(face_query(face, false, at, &info) == 0);
    must(info.state == HOSTMEM_FREE && info.allocation_base == 0 && info.size >= PAGE);
    judge_result(w, face_commit(face, false, at, 1, 3, NULL), -EADDRNOTAVAIL);
    judge_result(w, face_decommit(face, false, at, 1), -ENXIO);
    judge_result(w, face_release(face, false, base), -ENXIO);
}

void worker_release(struct worker *w, struct oracle *o)
{
    const struct face *face = &w->world->face;
    uintptr_t base = o->base;
    size_t size = o->pages * PAGE;
    snprintf(w->note, sizeof(w->note), "worker %zu, %zu calls to go: release %#zx of %#zx bytes",
        w->index, w->operations, (size_t)base, size);
    worker_check_all(w, o);
    uintptr_t at = base + (live_one_in(&w->random, 4) ? live_below(&w->random, PAGE) : 0);
    judge_result(w, face_release(face, live_one_in(&w->random, 4), at), 0);
    oracle_end(o);
    if (w->world->alone)
        check_gone(w, base, size);
    w->freed[live_below(&w->random, FREED)] = base;
    atomic_fetch_add(&w->world->budget, frames_of(size));
    w->done[4]++;
}

/* -- wrong reservations -- */

static void wrong_reservations(struct worker *w)
{
    struct hostmem *manager = w->world->face.c;
    static const struct hostmem_request bad[] = {
        {.size = 0, .node = -1, .protection = 3},
        {.size = SIZE_MAX, .node = -1, .protection = 3},
        {.size = (size_t)1 << 47, .node = -1, .protection = 3},
        {.size = 4096, .node = -1, .protection = 2},
        {.size = 4096, .node = -1, .protection = 3, .flags = 8},
        {.size = 4096, .node = 1023, .protection = 3},
        {.size = 4096, .node = -2, .protection = 3},
        {.size = 4096, .node = -1, .protection = 3, .critical = 3},
        {.size = 4096, .node = -1, .protection = 0x33},
        {.size = 4096, .node = -1, .protection = 3, .address = (void *)0xfff},
        {.size = 1 << 30, .node = -1, .protection = 3, .address = (void *)0x7fffffff0000},
        {.size = FRAME, .node = -1, .protection = 3, .flags = HOSTMEM_LARGE},
        {.size = FRAME + 4096, .node = -1, .protection = 3, .flags = 3},
        {.size = FRAME, .node = -1, .protection = 1, .flags = 3},
    };
    const struct hostmem_request *request = &bad[live_below(&w->random, COUNT(bad))];
    void *base = NULL;
    note(w, request);
    judge_result(w, hostmem_reserve(manager, request, &base, NULL), -EINVAL);
    must(base == NULL);
}

/* -- workers -- */

static struct slot *pick_slot(struct worker *w)
{
    struct world *world = w->world;
    w->apart = live_one_in(&w->random, 2);
    if (!w->apart)
        return &world->shared[live_below(&w->random, SLOTS_SHARED)];
    return &world->own[w->index][live_below(&w->random, SLOTS_OWN)];
}

static void work_on(struct worker *w, struct oracle *o)
{
    if (live_one_in(&w->random, 64))
        wrong_reservations(w);
    else if (!o->base)
        worker_reserve(w, o);
    else if (live_one_in(&w->random, o->large ? 3 : 24))
        worker_release(w, o);
    else
        worker_step(w, o, (struct span){0, o->pages}, false);
}

static void *run(void *argument)
{
    struct worker *w = argument;
    live_note(w->note);
    for (; w->operations; w->operations--) {
        struct slot *slot = pick_slot(w);
        pthread_mutex_lock(&slot->lock);
        work_on(w, &slot->region);
        pthread_mutex_unlock(&slot->lock);
    }
    return NULL;
}

void world_run(struct world *world, size_t workers, size_t operations, uint64_t seed)
{
    static struct worker all[WORKERS_MAX];
    pthread_t threads[WORKERS_MAX];
    world->alone = workers == 1;
    for (size_t i = 0; i < workers; i++) {
        worker_open(&all[i], world, i, seed);
        all[i].operations = operations;
        if (world->alone)
            run(&all[i]);
        else
            must(pthread_create(&threads[i], NULL, run, &all[i]) == 0);
    }
    for (size_t i = 0; i < workers; i++) {
        if (!world->alone)
            pthread_join(threads[i], NULL);
        print_message("worker %zu: %zu commits, %zu decommits, %zu protects, %zu regions\n", i,
            all[i].done[0], all[i].done[1], all[i].done[2], all[i].done[3]);
        worker_close(&all[i]);
    }
    print_message("%zu answers that memory is short\n", atomic_load(&world->short_answers));
}

/* -- worlds -- */

static void open_slots(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pthread_mutex_init(&slots[i].lock, NULL);
}

void world_open(struct world *world)
{
    face_open(&world->face);
    open_slots(world->shared, SLOTS_SHARED);
    for (size_t i = 0; i < WORKERS_MAX; i++)
        open_slots(world->own[i], SLOTS_OWN);
}

static void close_slots(struct world *world, struct slot *slots, size_t count)
{
    struct worker worker;
    worker_open(&worker, world, 0, 0);
    for (size_t i = 0; i < count; i++)
        if (slots[i].region.base)
            worker_release(&worker, &slots[i].region);
    worker_close(&worker);
}

/* A scrubber may still have a frame in its hands. */
static void await_sound(struct window *window)
{
    uint64_t until = live_now() + UINT64_C(30000000000);
    while (window_check(window) != 0) {
        must(live_now() < until);
        sched_yield();
    }
}

void world_close(struct world *world)
{
    struct hostmem *manager = world->face.c;
    world->alone = false;
    close_slots(world, world->shared, SLOTS_SHARED);
    for (size_t i = 0; i < WORKERS_MAX; i++)
        close_slots(world, world->own[i], SLOTS_OWN);
    must(live_committed(manager) == 0);
    struct window *window = atomic_load(&manager->windows);
    for (; window; window = window->next_all)
        await_sound(window);
    face_close(&world->face);
}
