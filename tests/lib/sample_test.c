/* SPDX-License-Identifier: MIT */
/*
 * Judging samples, held against a second computation that tries all percentages and looks at one
 * room after the other; and samples published by one thread while others read. Needs nothing.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "lib/sample.h"

#define NO_LIMIT ((struct room){UINT64_MAX, UINT64_MAX})
#define ALL      UINT64_MAX

typedef unsigned __int128 wide;

/* -- the second computation -- */

static uint64_t limited(wide value)
{
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* The first percentage that the bytes in use do not go beyond. */
static unsigned percent_by_trial(struct room room)
{
    unsigned percent = 0;
    if (room.total == ALL)
        return 0;
    if (room.total == 0)
        return 100;
    while ((wide)(room.total - room.left) * 100 > (wide)room.total * percent)
        percent++;
    return percent;
}

/* What changes a room of the sample: commits or decommits, and what is besides. */
struct besides {
    uint64_t then, now, idle, foreign;
};

static struct room moved(struct room room, struct besides besides)
{
    wide left = (wide)room.left + besides.idle;
    if (room.total == ALL)
        return room;
    if (besides.now < besides.then)
        left += besides.then - besides.now;
    wide taken = besides.foreign;
    if (besides.now > besides.then)
        taken += besides.now - besides.then;
    left = left > taken ? left - taken : 0;
    return (struct room){room.total, left > room.total ? room.total : (uint64_t)left};
}

#define ROOMS 5

struct judged {
    struct room rooms[ROOMS];
    enum hostmem_limit limits[ROOMS];
};

/*
 * Foreign ranges are mappings: they take no huge page of a hugetlb limit. The cgroup's limits are
 * filled by all pools together.
 */
static struct judged rooms_of(const struct sample *s, const struct sample_now *now)
{
    struct besides own = {s->committed, now->committed, 0, now->foreign};
    struct besides small = {s->together, now->together, s->idle_small, now->foreign};
    struct besides huge = {s->together, now->together, s->idle_huge, 0};
    struct besides pages = {s->committed, now->committed, 0, 0};
    return (struct judged){
        .rooms = {moved(s->memory, own), moved(s->cgroup, small), moved(s->hugetlb, huge),
            now->pool, moved(s->huge, pages)},
        .limits = {HOSTMEM_LIMIT_MEMORY, HOSTMEM_LIMIT_CGROUP, HOSTMEM_LIMIT_HUGETLB_CGROUP,
            HOSTMEM_LIMIT_POOL, HOSTMEM_LIMIT_HUGE_PAGES},
    };
}

/* The judgement is right: the highest percentage, of a room that has it, and the least left. */
static void assert_judged(const struct sample *sample, const struct sample_now *now)
{
    struct hostmem_load load = sample_judge(sample, now);
    struct judged all = rooms_of(sample, now);
    unsigned highest = 0;
    uint64_t least = ALL;
    bool named = false;
    for (unsigned i = 0; i < ROOMS; i++) {
        unsigned percent = percent_by_trial(all.rooms[i]);
        highest = percent > highest ? percent : highest;
        least = all.rooms[i].left < least ? all.rooms[i].left : least;
    }
    for (unsigned i = 0; i < ROOMS; i++)
        named |= all.limits[i] == load.limit && percent_by_trial(all.rooms[i]) == highest;
    assert_int_equal(load.percent, highest);
    assert_true(load.percent <= 100);
    assert_true(named);
    assert_true(load.available_bytes <= least);
    if (sample->nearest == ALL)
        assert_int_equal(load.available_bytes, least);
}

/* -- random samples -- */

/* Small and large numbers alike. */
static uint64_t some_bytes(struct dice *dice)
{
    uint64_t high = dice_roll(dice, UINT32_MAX), low = dice_roll(dice, UINT32_MAX);
    return ((high << 32) | low) >> dice_roll(dice, 64);
}

static struct room some_room(struct dice *dice)
{
    uint64_t total = some_bytes(dice);
    if (dice_roll(dice, 3) == 0)
        return NO_LIMIT;
    if (dice_roll(dice, 20) == 0)
        return (struct room){total, total};
    uint64_t left = total ? some_bytes(dice) % total : 0;
    return (struct room){total, left};
}

static struct sample some_sample(struct dice *dice)
{
    return (struct sample){.memory = some_room(dice),
        .cgroup = some_room(dice),
        .hugetlb = some_room(dice),
        .huge = some_room(dice),
        .nearest = dice_roll(dice, 2) ? ALL : some_bytes(dice),
        .idle_small = dice_roll(dice, 2) ? 0 : some_bytes(dice),
        .idle_huge = dice_roll(dice, 2) ? 0 : some_bytes(dice),
        .committed = dice_roll(dice, 4) ? some_bytes(dice) : 0,
        .together = dice_roll(dice, 4) ? some_bytes(dice) : 0};
}

static struct sample_now some_now(struct dice *dice, const struct sample *sample)
{
    struct sample_now now = {.pool = some_room(dice),
        .committed = sample->committed,
        .together = sample->together,
        .foreign = dice_roll(dice, 3) ? 0 : some_bytes(dice)};
    if (dice_roll(dice, 2))
        now.committed = some_bytes(dice);
    if (dice_roll(dice, 2))
        now.together = some_bytes(dice);
    return now;
}

static void random_samples_are_judged(void **state)
{
    struct dice dice = dice_new("sample");
    for (size_t n = dice_scaled(200000); n; n--) {
        struct sample sample = some_sample(&dice);
        struct sample_now now = some_now(&dice, &sample);
        assert_judged(&sample, &now);
    }
}

/* -- by hand -- */

static struct sample_now nothing_now(uint64_t committed)
{
    return (struct sample_now){.pool = NO_LIMIT, .committed = committed, .together = committed};
}

static struct sample of_memory(uint64_t total, uint64_t left)
{
    struct sample sample = sample_none();
    sample.memory = (struct room){total, left};
    return sample;
}

static void edges(void **state)
{
    struct sample sample = of_memory(1000, 1000);
    struct sample_now now = nothing_now(0);
    assert_int_equal(sample_judge(&sample, &now).percent, 0);
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 1000);
    assert_int_equal(sample_judge(&sample, &now).limit, HOSTMEM_LIMIT_MEMORY);
    now.committed = 1; /* rounded up */
    assert_int_equal(sample_judge(&sample, &now).percent, 1);
    now.committed = 990;
    assert_int_equal(sample_judge(&sample, &now).percent, 99);
    now.committed = 991;
    assert_int_equal(sample_judge(&sample, &now).percent, 100);
    now.committed = 5000; /* more than there is */
    assert_int_equal(sample_judge(&sample, &now).percent, 100);
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 0);
    sample.committed = 9000; /* more given back than was ever taken */
    assert_int_equal(sample_judge(&sample, &now).percent, 0);
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 1000);
    sample = of_memory(0, 0);
    assert_int_equal(sample_judge(&sample, &now).percent, 100);
}

/* No sum wraps around. */
static void sums_that_would_wrap(void **state)
{
    struct sample sample = of_memory(ALL - 1, ALL - 1);
    struct sample_now now = nothing_now(ALL);
    now.foreign = ALL;
    assert_int_equal(sample_judge(&sample, &now).percent, 100);
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 0);
    sample.committed = ALL;
    now = nothing_now(0);
    assert_int_equal(sample_judge(&sample, &now).percent, 0);
    struct sample sum = of_memory(ALL - 10, ALL - 10), more = of_memory(100, 50);
    more.committed = sum.committed = ALL - 1;
    sample_add(&sum, &more);
    assert_true(sum.memory.total == ALL && sum.memory.left == ALL && sum.committed == ALL);
}

/* The nearest headroom of a cgroup need not be that of the fullest limit. */
static void nearest_headroom(void **state)
{
    struct sample sample = of_memory(1000000, 900000);
    struct sample_now now = nothing_now(100);
    sample.cgroup = (struct room){100000, 20000};
    sample.nearest = 5000;
    sample.committed = sample.together = 100;
    assert_int_equal(sample_judge(&sample, &now).limit, HOSTMEM_LIMIT_CGROUP);
    assert_int_equal(sample_judge(&sample, &now).percent, 80);
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 5000);
    now.together = now.committed += 2000;
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 3000);
    sample.idle_small = 1000;
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 4000);
    now.together = now.committed += 20000;
    assert_int_equal(sample_judge(&sample, &now).available_bytes, 0);
}

static void each_limit_can_be_the_cause(void **state)
{
    struct room full = {100, 5}, free = {100, 95};
    struct sample sample = of_memory(100, 95);
    struct sample_now now = {.pool = free};
    sample.cgroup = sample.hugetlb = sample.huge = free;
    struct room *places[] = {
        &sample.memory, &now.pool, &sample.cgroup, &sample.hugetlb, &sample.huge};
    for (int limit = HOSTMEM_LIMIT_MEMORY; limit <= HOSTMEM_LIMIT_HUGE_PAGES; limit++) {
        *places[limit - 1] = full;
        struct hostmem_load load = sample_judge(&sample, &now);
        assert_int_equal(load.limit, limit);
        assert_int_equal(load.percent, 95);
        assert_int_equal(load.available_bytes, 5);
        *places[limit - 1] = free;
    }
}

/* -- sums -- */

/* 0 where the room has no limit. */
static long double fullness(struct room room)
{
    if (room.total == ALL)
        return -1;
    return room.total ? 1 - (long double)room.left / (long double)room.total : 1;
}

static void assert_fuller(struct room sum, struct room a, struct room b)
{
    struct room expected = fullness(a) >= fullness(b) ? a : b;
    long double off = fullness(sum) - fullness(expected);
    assert_true(off < 1e-9L && off > -1e-9L);
    assert_true(memcmp(&sum, &a, sizeof(sum)) == 0 || memcmp(&sum, &b, sizeof(sum)) == 0);
}

static void sums_over_nodes(void **state)
{
    struct dice dice = dice_new("sums");
    for (size_t n = dice_scaled(100000); n; n--) {
        struct sample a = some_sample(&dice), b = some_sample(&dice), sum = a;
        sample_add(&sum, &b);
        assert_int_equal(sum.memory.total, limited((wide)a.memory.total + b.memory.total));
        assert_int_equal(sum.memory.left, limited((wide)a.memory.left + b.memory.left));
        if (a.huge.total == ALL) {
            assert_memory_equal(&sum.huge, &b.huge, sizeof(sum.huge));
            continue;
        }
        assert_int_equal(sum.huge.total, limited((wide)a.huge.total + b.huge.total));
        assert_int_equal(sum.huge.left, limited((wide)a.huge.left + b.huge.left));
        assert_int_equal(sum.committed, limited((wide)a.committed + b.committed));
        assert_int_equal(sum.idle_small, limited((wide)a.idle_small + b.idle_small));
        assert_int_equal(sum.idle_huge, limited((wide)a.idle_huge + b.idle_huge));
        assert_int_equal(sum.nearest, a.nearest < b.nearest ? a.nearest : b.nearest);
        assert_fuller(sum.hugetlb, a.hugetlb, b.hugetlb);
    }
}

static void a_sum_begins_with_none(void **state)
{
    struct sample sum = sample_none(), one = of_memory(1000, 400);
    one.cgroup = (struct room){50, 20};
    one.hugetlb = (struct room){60, 20};
    one.huge = (struct room){70, 20};
    one.nearest = 7;
    one.committed = 8;
    one.together = 11;
    one.idle_small = 9;
    one.idle_huge = 10;
    sample_add(&sum, &one);
    assert_memory_equal(&sum, &one, sizeof(sum));
}

/* -- how far it is -- */

/* A pool from which `committed` bytes are taken. */
static struct room pool_of(uint64_t limit, uint64_t committed)
{
    return (struct room){limit, committed < limit ? limit - committed : 0};
}

static unsigned percent_with(const struct sample *sample, uint64_t limit, uint64_t committed)
{
    struct sample_now now = nothing_now(committed);
    if (limit != ALL)
        now.pool = pool_of(limit, committed);
    return sample_judge(sample, &now).percent;
}

static void assert_distance(
    const struct sample *sample, uint64_t limit, uint64_t committed, unsigned percent)
{
    struct sample_now now = nothing_now(committed);
    if (limit != ALL)
        now.pool = pool_of(limit, committed);
    uint64_t distance = sample_distance(sample, &now, percent);
    if (distance == ALL) {
        assert_true(percent_with(sample, limit, ALL / 2) < percent);
        return;
    }
    assert_true(percent_with(sample, limit, committed + distance) >= percent);
    assert_true(distance == 0 || percent_with(sample, limit, committed + distance - 1) < percent);
}

static void assert_excess(
    const struct sample *sample, uint64_t limit, uint64_t committed, unsigned percent)
{
    struct sample_now now = nothing_now(committed);
    if (limit != ALL)
        now.pool = pool_of(limit, committed);
    uint64_t excess = sample_excess(sample, &now, percent);
    if (excess > committed) /* others take it */
        return;
    assert_true(percent_with(sample, limit, committed - excess) < percent);
    assert_true(excess == 0 || percent_with(sample, limit, committed - excess + 1) >= percent);
}

/* Rooms that hold what is committed, so that giving back helps. */
static struct sample sample_around(struct dice *dice, uint64_t committed)
{
    struct sample sample = sample_none();
    uint64_t size = committed + 1 + dice_roll(dice, (size_t)1 << (1 + dice_roll(dice, 40)));
    sample.memory = (struct room){size, dice_roll(dice, size - committed + 1)};
    if (dice_roll(dice, 2))
        sample.cgroup = (struct room){2 * size, dice_roll(dice, 2 * size - committed + 1)};
    sample.committed = sample.together = committed;
    return sample;
}

static void distances_are_the_least(void **state)
{
    struct dice dice = dice_new("distance");
    for (size_t n = dice_scaled(200000); n; n--) {
        uint64_t committed = dice_roll(&dice, (size_t)1 << dice_roll(&dice, 41));
        struct sample sample = sample_around(&dice, committed);
        uint64_t limit = dice_roll(&dice, 2) ? ALL : committed + 1 + dice_roll(&dice, 100000);
        unsigned percent = 1 + (unsigned)dice_roll(&dice, 100);
        assert_distance(&sample, limit, committed, percent);
        assert_excess(&sample, limit, committed, percent);
    }
}

static void distance_of_what_is_there(void **state)
{
    struct sample empty = of_memory(0, 0), full = of_memory(1000, 0), none = sample_none();
    struct sample_now now = nothing_now(0);
    none.memory = NO_LIMIT;
    assert_int_equal(sample_distance(&empty, &now, 90), 0);
    assert_int_equal(sample_distance(&full, &now, 90), 0);
    assert_int_equal(sample_distance(&none, &now, 90), ALL);
    assert_int_equal(sample_excess(&none, &now, 90), 0);
}

/* -- limits that nodes share -- */

/* What was committed on another node fills the cgroup, and not this node's memory. */
static void others_fill_what_is_shared(void **state)
{
    struct sample sample = of_memory(1000, 500);
    struct sample_now now = nothing_now(200);
    sample.cgroup = (struct room){1000, 600};
    sample.committed = 200;
    sample.together = 300;
    now.together = 300;
    assert_int_equal(sample_judge(&sample, &now).percent, 50);
    assert_int_equal(sample_judge(&sample, &now).limit, HOSTMEM_LIMIT_MEMORY);
    now.together = 800;
    assert_int_equal(sample_judge(&sample, &now).percent, 90);
    assert_int_equal(sample_judge(&sample, &now).limit, HOSTMEM_LIMIT_CGROUP);
    now.together = 100;
    assert_int_equal(sample_judge(&sample, &now).percent, 50);
}

/* Two nodes that each leave their mark at a part of what is left cross it together at the most. */
static void a_shared_limit_is_approached_in_parts(void **state)
{
    struct sample sample = of_memory(10000, 10000);
    struct sample_now now = nothing_now(0);
    sample.cgroup = (struct room){1000, 800};
    now.sharers = 1;
    assert_int_equal(sample_distance(&sample, &now, 91), 701);
    assert_int_equal(sample_excess(&sample, &now, 11), 100);
    now.sharers = 2;
    assert_int_equal(sample_distance(&sample, &now, 91), 351);
    assert_int_equal(sample_excess(&sample, &now, 11), 50);
    now.sharers = 1000;
    assert_int_equal(sample_distance(&sample, &now, 91), 1);
    sample.memory = (struct room){1000, 790};
    assert_int_equal(sample_distance(&sample, &now, 91), 1);
    sample.cgroup = NO_LIMIT;
    assert_int_equal(sample_distance(&sample, &now, 91), 691);
}

/* Samples of two nodes that were taken one after the other count the same commits once. */
static void samples_of_different_dates_are_summed(void **state)
{
    struct sample first = of_memory(1000, 1000), second = first, sum = sample_none();
    first.cgroup = (struct room){100, 100};
    second.cgroup = (struct room){100, 40};
    first.nearest = 100;
    second.nearest = 40;
    second.committed = 60;
    second.together = 60;
    sample_date(&first, 60);
    sample_date(&second, 60);
    sample_add(&sum, &first);
    sample_add(&sum, &second);
    struct sample_now now = nothing_now(60);
    assert_int_equal(sample_judge(&sum, &now).percent, 60);
    assert_int_equal(sample_judge(&sum, &now).limit, HOSTMEM_LIMIT_CGROUP);
    assert_int_equal(sample_judge(&sum, &now).available_bytes, 40);
}

/* -- publishing -- */

static struct sample_book book;
static _Atomic bool stop;

static struct sample sample_of_number(uint64_t n)
{
    struct room room = {n, n};
    return (struct sample){room, room, room, room, n, n, n, n, n, n};
}

static void *read_on(void *argument)
{
    uint64_t *reads = argument, last = 0;
    struct sample seen = {0};
    while (!atomic_load(&stop)) {
        if (!sample_read(&book, &seen))
            continue;
        struct sample whole = sample_of_number(seen.committed);
        if (memcmp(&seen, &whole, sizeof(seen)) != 0 || seen.committed < last)
            return argument;
        last = seen.committed;
        ++*reads;
    }
    return NULL;
}

static void readers_see_whole_samples(void **state)
{
    uint64_t reads[3] = {0};
    pthread_t readers[3];
    void *broken[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &reads[i]), 0);
    for (uint64_t n = 1; n <= dice_scaled(2000000); n++) {
        struct sample sample = sample_of_number(n);
        sample_write(&book, &sample);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(readers[i], &broken[i]);
    for (int i = 0; i < 3; i++)
        assert_null(broken[i]);
}

static void nothing_is_read_before_the_first(void **state)
{
    struct sample_book fresh = {0};
    struct sample seen = sample_of_number(4711), before = seen, one = sample_of_number(1);
    assert_false(sample_read(&fresh, &seen));
    assert_memory_equal(&seen, &before, sizeof(seen));
    sample_write(&fresh, &one);
    assert_true(sample_read(&fresh, &seen));
    assert_memory_equal(&seen, &one, sizeof(seen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),
        cmocka_unit_test(sums_that_would_wrap),
        cmocka_unit_test(nearest_headroom),
        cmocka_unit_test(each_limit_can_be_the_cause),
        cmocka_unit_test(random_samples_are_judged),
        cmocka_unit_test(a_sum_begins_with_none),
        cmocka_unit_test(sums_over_nodes),
        cmocka_unit_test(distance_of_what_is_there),
        cmocka_unit_test(others_fill_what_is_shared),
        cmocka_unit_test(a_shared_limit_is_approached_in_parts),
        cmocka_unit_test(samples_of_different_dates_are_summed),
        cmocka_unit_test(distances_are_the_least),
        cmocka_unit_test(nothing_is_read_before_the_first),
        cmocka_unit_test(readers_see_whole_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
