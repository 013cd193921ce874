/* SPDX-License-Identifier: MIT */
/* Samples: taking, publishing and judging them. All sums are clamped: on some machines two files of
 * the kernel disagree by most of the memory. Locks: see sample.h. */
#include "lib/sample.h"

#include <errno.h>
#include <string.h>

#include "lib/offer.h"
#include "lib/units.h"
#include "numa/hugepages.h"
#include "numa/limit.h"
#include "numa/meminfo.h"

_Static_assert(sizeof(struct sample) == SAMPLE_WORDS * sizeof(uint64_t), "a sample is words");

static const struct room no_limit = {UINT64_MAX, UINT64_MAX};

struct sample sample_none(void)
{
    return (struct sample){
        .huge = no_limit, .cgroup = no_limit, .hugetlb = no_limit, .nearest = UINT64_MAX};
}

struct sample sample_unknown(void)
{
    struct sample sample = sample_none();
    sample.memory = no_limit;
    return sample;
}

/* -- taking -- */

uint64_t sample_warm_bytes(struct node *node)
{
    uint64_t sum = 0;
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        sum += pool_figure(&node->pool.warm[b]);
    return sum;
}

static struct room room_of(uint64_t total, uint64_t left)
{
    return (struct room){total, min_size(left, total)};
}

static struct room limit_room(const struct nn_limit *limit)
{
    return room_of(limit->limit_bytes, subtract_clamped(limit->limit_bytes, limit->used_bytes));
}

static bool takes_huge_pages_alone(const struct hostmem *manager)
{
    return offer_backings(manager, OFFER_ANY) == OFFER_HUGE;
}

/* The kernel may make more of them with nr_overcommit_hugepages: then they are no limit. */
static struct room take_huge(struct node *node)
{
    struct hostmem *manager = node->manager;
    size_t frame = manager->frame_bytes[HP_HUGETLB];
    struct nn_huge huge;
    if (!takes_huge_pages_alone(manager) || nn_huge_overcommit(&manager->root, frame) > 0 ||
        nn_huge_of_size(&manager->root, node->id, frame, &huge))
        return no_limit;
    return room_of(huge.total * frame,
        add_clamped(huge.free * frame, pool_figure(&node->pool.warm[HP_HUGETLB])));
}

static uint64_t populating(const struct hostmem *manager)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < manager->node_count; i++)
        sum = add_clamped(sum, atomic_load(&manager->nodes[i].pool.populating));
    return sum;
}

struct shared sample_shared(struct hostmem *manager)
{
    const struct nn_cgroups *cgroups = membership_now(&manager->membership);
    struct shared shared = {no_limit, no_limit, UINT64_MAX, pools_together(manager), 0};
    uint64_t before = populating(manager);
    struct nn_limit limit;
    bool memory = nn_cgroup_memory(cgroups, &limit) == 0;
    if (memory) {
        shared.cgroup = limit_room(&limit);
        shared.nearest = limit.available_bytes;
    }
    bool huge = takes_huge_pages_alone(manager) &&
                nn_cgroup_hugetlb(cgroups, manager->frame_bytes[HP_HUGETLB], &limit) == 0;
    if (huge)
        shared.hugetlb = limit_room(&limit);
    if (memory || huge)
        shared.populating = max_size(before, populating(manager));
    return shared;
}

int sample_take(struct node *node, const struct shared *shared, struct sample *ret_sample)
{
    struct nn_memory memory;
    const struct pool *pool = &node->pool;
    uint64_t before = atomic_load(&pool->populating);
    struct sample sample = {
        .cgroup = shared->cgroup,
        .hugetlb = shared->hugetlb,
        .nearest = shared->nearest,
        .together = shared->together,
        .committed = pool_figure(&pool->committed),
        .idle_small = pool_figure(&pool->warm[HP_THP]),
        .idle_huge = pool_figure(&pool->warm[HP_HUGETLB]),
    };
    int error = nn_node_memory(&node->manager->root, node->id, &memory);
    if (error)
        return error;
    sample.memory =
        room_of(memory.total_bytes, add_clamped(memory.available_bytes, sample_warm_bytes(node)));
    sample.huge = take_huge(node);
    sample.populating =
        max_size(shared->populating, max_size(before, atomic_load(&pool->populating)));
    *ret_sample = sample;
    return 0;
}

static struct room fuller(struct room a, struct room b)
{
    if (a.total == UINT64_MAX || b.total == 0)
        return b;
    if (b.total == UINT64_MAX || a.total == 0)
        return a;
    return (unsigned __int128)a.left * b.total <= (unsigned __int128)b.left * a.total ? a : b;
}

/* On one machine all nodes have a limit, or none has. */
static struct room both(struct room sum, struct room more)
{
    if (sum.total == UINT64_MAX)
        return more;
    return (struct room){add_clamped(sum.total, more.total), add_clamped(sum.left, more.left)};
}

void sample_add(struct sample *sum, const struct sample *sample)
{
    sum->memory.total = add_clamped(sum->memory.total, sample->memory.total);
    sum->memory.left = add_clamped(sum->memory.left, sample->memory.left);
    sum->huge = both(sum->huge, sample->huge);
    sum->cgroup = fuller(sum->cgroup, sample->cgroup);
    sum->hugetlb = fuller(sum->hugetlb, sample->hugetlb);
    sum->nearest = min_size(sum->nearest, sample->nearest);
    sum->idle_small = add_clamped(sum->idle_small, sample->idle_small);
    sum->idle_huge = add_clamped(sum->idle_huge, sample->idle_huge);
    sum->committed = add_clamped(sum->committed, sample->committed);
    sum->together = sample->together;
    sum->populating = add_clamped(sum->populating, sample->populating);
}

/* -- publishing -- */
void sample_write(struct sample_book *book, const struct sample *sample)
{
    uint64_t words[SAMPLE_WORDS];
    memcpy(words, sample, sizeof(words));
    for (unsigned copy = 0; copy < 2; copy++) {
        latch_flip(&book->latch);
        for (size_t i = 0; i < SAMPLE_WORDS; i++)
            latch_store(&book->copy[copy][i], words[i]);
    }
    latch_store(&book->written, true);
}

void sample_forget(struct sample_book *book)
{
    latch_store(&book->written, false);
}

bool sample_read(struct sample_book *book, struct sample *ret_sample)
{
    uint64_t words[SAMPLE_WORDS], sequence;
    if (!latch_load(&book->written))
        return false;
    do {
        sequence = latch_read(&book->latch);
        for (size_t i = 0; i < SAMPLE_WORDS; i++)
            words[i] = latch_load(&book->copy[latch_copy(sequence)][i]);
    } while (latch_changed(&book->latch, sequence));
    memcpy(ret_sample, words, sizeof(words));
    return true;
}

/* -- judging -- */

#define ROOMS 5

/* What has changed since a sample, in bytes; both at once, and idle memory besides. */
struct change {
    uint64_t given, taken, idle, foreign;
};

static struct change change_since(uint64_t then, uint64_t now)
{
    return (struct change){
        .given = subtract_clamped(then, now), .taken = subtract_clamped(now, then)};
}

/* What a file said is left, brought up to date. */
static uint64_t left_after(uint64_t left, struct change change)
{
    unsigned __int128 more = (unsigned __int128)left + change.given + change.idle;
    unsigned __int128 less = (unsigned __int128)change.taken + change.foreign;
    if (more < less)
        return 0;
    return more - less > UINT64_MAX ? UINT64_MAX : (uint64_t)(more - less);
}

static struct room brought(struct room room, struct change change)
{
    if (room.total == UINT64_MAX)
        return no_limit;
    return room_of(room.total, left_after(room.left, change));
}

void sample_date(struct sample *sample, uint64_t together)
{
    struct change change = change_since(sample->together, together);
    sample->cgroup = brought(sample->cgroup, change);
    sample->hugetlb = brought(sample->hugetlb, change);
    if (sample->nearest != UINT64_MAX)
        sample->nearest = left_after(sample->nearest, change);
    sample->together = together;
}

/*
 * Each room as it is now, in the order of limit_of_room. What the runtime has mapped itself counts
 * as used, whether it is populated or not; it is never made of huge pages.
 */
static void rooms_now(
    const struct sample *sample, const struct sample_now *now, struct room ret_rooms[ROOMS])
{
    struct change own = change_since(sample->committed, now->committed);
    struct change all = change_since(sample->together, now->together), huge = all;
    ret_rooms[4] = brought(sample->huge, own);
    own.foreign = all.foreign = now->foreign;
    all.idle = sample->idle_small;
    huge.idle = sample->idle_huge;
    ret_rooms[0] = brought(sample->memory, own);
    ret_rooms[1] = brought(sample->cgroup, all);
    ret_rooms[2] = brought(sample->hugetlb, huge);
    ret_rooms[3] = now->pool;
}

static const enum hostmem_limit limit_of_room[ROOMS] = {HOSTMEM_LIMIT_MEMORY, HOSTMEM_LIMIT_CGROUP,
    HOSTMEM_LIMIT_HUGETLB_CGROUP, HOSTMEM_LIMIT_POOL, HOSTMEM_LIMIT_HUGE_PAGES};

/* Rounded up, so that 100 says that nothing is left. */
static uint32_t percent_of(struct room room)
{
    uint64_t used = room.total - room.left;
    if (room.total == 0)
        return 100;
    if (room.total == UINT64_MAX)
        return 0;
    if (room.total <= UINT64_MAX / 128)
        return (uint32_t)((used * 100 + room.total - 1) / room.total);
    return (uint32_t)(((unsigned __int128)used * 100 + room.total - 1) / room.total);
}

struct hostmem_load sample_judge(const struct sample *sample, const struct sample_now *now)
{
    struct hostmem_load load = {.limit = HOSTMEM_LIMIT_MEMORY, .available_bytes = UINT64_MAX};
    struct room rooms[ROOMS];
    rooms_now(sample, now, rooms);
    for (unsigned i = 0; i < ROOMS; i++) {
        uint32_t percent = percent_of(rooms[i]);
        if (percent > load.percent) {
            load.percent = percent;
            load.limit = limit_of_room[i];
        }
        load.available_bytes = min_size(load.available_bytes, rooms[i].left);
    }
    struct change all = change_since(sample->together, now->together);
    all.idle = sample->idle_small;
    if (sample->nearest != UINT64_MAX)
        load.available_bytes = min_size(load.available_bytes, left_after(sample->nearest, all));
    return load;
}

/* The most bytes in use at which a room is less than `percent` full, which is at least 1. */
static uint64_t most_below(struct room room, unsigned percent)
{
    return (uint64_t)((unsigned __int128)room.total * (percent - 1) / 100);
}

/* The rooms that other nodes fill as well. */
static bool is_shared(unsigned i)
{
    return limit_of_room[i] == HOSTMEM_LIMIT_CGROUP ||
           limit_of_room[i] == HOSTMEM_LIMIT_HUGETLB_CGROUP;
}

/* One node's part of what is shared, so that no crossing goes unseen; not 0 unless all of it is. */
static uint64_t part_of(uint64_t bytes, unsigned i, const struct sample_now *now)
{
    unsigned sharers = is_shared(i) && now->sharers ? now->sharers : 1;
    return bytes / sharers + (bytes % sharers != 0);
}

uint64_t sample_distance(
    const struct sample *sample, const struct sample_now *now, unsigned percent)
{
    struct room rooms[ROOMS];
    uint64_t distance = UINT64_MAX;
    if (percent == 0)
        return 0;
    rooms_now(sample, now, rooms);
    for (unsigned i = 0; i < ROOMS; i++) {
        uint64_t used = rooms[i].total - rooms[i].left;
        if (rooms[i].total == 0)
            return 0; /* what has no room at all is full */
        if (rooms[i].total != UINT64_MAX)
            distance = min_size(distance,
                part_of(subtract_clamped(most_below(rooms[i], percent) + 1, used), i, now));
    }
    return distance;
}

uint64_t sample_excess(const struct sample *sample, const struct sample_now *now, unsigned percent)
{
    struct room rooms[ROOMS];
    uint64_t excess = 0;
    if (percent == 0)
        return UINT64_MAX;
    rooms_now(sample, now, rooms);
    for (unsigned i = 0; i < ROOMS; i++) {
        uint64_t used = rooms[i].total - rooms[i].left;
        if (rooms[i].total != UINT64_MAX)
            excess = max_size(
                excess, part_of(subtract_clamped(used, most_below(rooms[i], percent)), i, now));
    }
    return excess;
}
