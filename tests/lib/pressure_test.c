/* SPDX-License-Identifier: MIT */
/*
 * The step of the pressure protocol, on a clock that the tests set: each rule by itself, then
 * random samples, thresholds and clocks against a second implementation that remembers everything
 * it was told and works the level out of that. Needs nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "lib/pressure.h"

#define MS  UINT64_C(1000000)
#define LOW PRESSURE_LOW
#define MID PRESSURE_NEUTRAL
#define TOP PRESSURE_HIGH

static const struct pressure_rules usual = {
    .low_enter = 90,
    .low_leave = 85,
    .high_enter = 60,
    .high_leave = 65,
    .hold_ms = 500,
    .repeat_ms = 10000,
};

/* One step at so many ms; the level that is announced, 0 if none is. */
static int step(struct pressure *state, uint64_t ms, unsigned percent)
{
    bool said = pressure_step(state, &usual, ms * MS, (struct pressure_sample){percent, false});

    return said ? (int)state->level : 0;
}

static int urgent(struct pressure *state, uint64_t ms, unsigned percent)
{
    bool said = pressure_step(state, &usual, ms * MS, (struct pressure_sample){percent, true});

    return said ? (int)state->level : 0;
}

static uint64_t wait(const struct pressure *state, uint64_t ms, unsigned percent)
{
    return pressure_wait(state, &usual, ms * MS, percent);
}

static void begins_neutral_and_unsaid(void **state)
{
    static const struct {
        unsigned percent;
        int said;
    } first[] = {{0, TOP}, {59, TOP}, {60, 0}, {75, 0}, {89, 0}, {90, LOW}, {100, LOW}, {999, LOW}};

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        struct pressure pressure = pressure_begin();

        assert_int_equal(pressure.level, MID);
        assert_int_equal(pressure.sequence, 0);
        assert_true(wait(&pressure, 0, first[i].percent) == (first[i].said ? 0 : UINT64_MAX));
        assert_int_equal(step(&pressure, 0, first[i].percent), first[i].said);
        assert_int_equal(pressure.sequence, first[i].said != 0);
    }
}

static void low_is_left_below_where_it_was_entered(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 0, 89), 0);
    assert_int_equal(step(&pressure, 1000, 90), LOW);
    assert_int_equal(step(&pressure, 2000, 89), 0);
    assert_int_equal(step(&pressure, 3000, 85), 0);
    assert_int_equal(step(&pressure, 4000, 84), MID);
    assert_int_equal(step(&pressure, 5000, 89), 0);
    assert_int_equal(pressure.sequence, 2);
}

static void high_is_left_above_where_it_was_entered(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 0, 60), 0);
    assert_int_equal(step(&pressure, 1000, 59), TOP);
    assert_int_equal(step(&pressure, 2000, 64), 0);
    assert_int_equal(step(&pressure, 3000, 65), MID);
    assert_int_equal(step(&pressure, 4000, 60), 0);
    assert_int_equal(pressure.sequence, 2);
}

static void jumps_pass_over_neutral(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 0, 95), LOW);
    assert_int_equal(step(&pressure, 1000, 10), TOP);
    assert_int_equal(step(&pressure, 2000, 95), LOW);
    assert_int_equal(step(&pressure, 3000, 64), MID);
}

static void a_hold_delays_and_loses_nothing(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 100, 95), LOW);
    assert_int_equal(step(&pressure, 101, 70), 0);
    assert_int_equal(pressure.level, LOW);
    assert_true(wait(&pressure, 101, 70) == 499 * MS);
    assert_int_equal(step(&pressure, 599, 70), 0);
    assert_true(wait(&pressure, 599, 70) == 1 * MS);
    assert_int_equal(step(&pressure, 600, 70), MID);
    assert_true(wait(&pressure, 600, 70) == UINT64_MAX);
}

static void what_is_over_within_a_hold_is_not_said(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 100, 95), LOW);
    assert_int_equal(step(&pressure, 200, 70), 0);
    assert_int_equal(step(&pressure, 600, 95), 0);
    assert_int_equal(pressure.sequence, 1);
}

static void low_is_repeated_while_it_lasts(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 0, 95), LOW);
    assert_true(wait(&pressure, 0, 95) == 10000 * MS);
    assert_int_equal(step(&pressure, 9999, 85), 0);
    assert_int_equal(step(&pressure, 10000, 85), LOW);
    assert_int_equal(pressure.sequence, 2);
    assert_int_equal(step(&pressure, 19999, 95), 0);
    assert_int_equal(step(&pressure, 25000, 95), LOW);
    assert_int_equal(step(&pressure, 34999, 95), 0);
    assert_int_equal(step(&pressure, 35000, 50), TOP);
    assert_true(wait(&pressure, 35000, 50) == UINT64_MAX);
    assert_int_equal(step(&pressure, 99000, 50), 0);
}

static void a_low_that_is_over_is_not_repeated_within_its_hold(void **state)
{
    struct pressure_rules rules = usual;
    struct pressure pressure = pressure_begin();

    rules.hold_ms = 60000;
    rules.repeat_ms = 1000;
    assert_true(pressure_step(&pressure, &rules, 0, (struct pressure_sample){95, false}));
    assert_false(pressure_step(&pressure, &rules, 5000 * MS, (struct pressure_sample){50, false}));
    assert_true(pressure_wait(&pressure, &rules, 5000 * MS, 50) == 55000 * MS);
    assert_true(pressure_step(&pressure, &rules, 6000 * MS, (struct pressure_sample){95, false}));
    assert_int_equal(pressure.level, LOW);
}

static void zero_never_repeats(void **state)
{
    struct pressure_rules rules = usual;
    struct pressure pressure = pressure_begin();

    rules.repeat_ms = 0;
    assert_true(pressure_step(&pressure, &rules, 0, (struct pressure_sample){95, false}));
    assert_true(pressure_wait(&pressure, &rules, 0, 95) == UINT64_MAX);
    assert_false(pressure_step(&pressure, &rules, UINT64_MAX, (struct pressure_sample){95, true}));
}

static void urgent_is_low_at_once(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(urgent(&pressure, 0, 10), LOW);
    assert_true(wait(&pressure, 0, 70) == 500 * MS);
    assert_int_equal(urgent(&pressure, 400, 70), 0);
    assert_int_equal(step(&pressure, 500, 70), MID);
    assert_int_equal(urgent(&pressure, 1000, 70), LOW);
    assert_int_equal(urgent(&pressure, 1500, 70), 0);
    assert_int_equal(pressure.sequence, 3);
}

static void urgent_within_a_hold_is_kept(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 0, 10), TOP);
    assert_int_equal(urgent(&pressure, 100, 10), 0);
    assert_true(wait(&pressure, 100, 10) == 400 * MS);
    assert_int_equal(step(&pressure, 499, 10), 0);
    assert_int_equal(step(&pressure, 500, 10), LOW);
    assert_int_equal(step(&pressure, 1000, 10), TOP);
    assert_int_equal(step(&pressure, 2000, 10), 0);
}

static void a_clock_that_goes_back_costs_one_hold(void **state)
{
    struct pressure pressure = pressure_begin();

    assert_int_equal(step(&pressure, 1000000, 95), LOW);
    assert_true(wait(&pressure, 50, 70) == 500 * MS);
    assert_int_equal(step(&pressure, 50, 70), 0);
    assert_true(wait(&pressure, 50, 70) == 500 * MS);
    assert_int_equal(step(&pressure, 549, 70), 0);
    assert_int_equal(step(&pressure, 550, 70), MID);

    assert_int_equal(step(&pressure, 2000000, 95), LOW);
    assert_int_equal(step(&pressure, 7, 95), 0);
    assert_int_equal(step(&pressure, 10006, 95), 0);
    assert_int_equal(step(&pressure, 10007, 95), LOW);
}

static void ends_of_the_clock_are_times_like_others(void **state)
{
    static const struct pressure_sample low = {95, false}, neutral = {70, false};
    struct pressure_rules rules = usual;
    struct pressure pressure = pressure_begin();

    rules.hold_ms = rules.repeat_ms = UINT32_MAX;
    assert_true(pressure_step(&pressure, &rules, 0, low));
    assert_false(pressure_step(&pressure, &rules, UINT32_MAX * MS - 1, neutral));
    assert_true(pressure_wait(&pressure, &rules, UINT32_MAX * MS - 1, 70) == 1);
    assert_true(pressure_step(&pressure, &rules, UINT64_MAX, low));
    assert_false(pressure_step(&pressure, &rules, UINT64_MAX, low));
    assert_true(pressure_step(&pressure, &rules, UINT64_MAX, neutral));
    assert_false(pressure_step(&pressure, &rules, 0, low));
    assert_true(pressure_wait(&pressure, &rules, 0, 95) == UINT32_MAX * MS);
}

static void a_thousand_crossings_a_second_are_two_changes(void **state)
{
    struct pressure pressure = pressure_begin();
    size_t said = 0;

    for (uint64_t ms = 0; ms < 10000; ms++)
        said += (size_t)(step(&pressure, ms, ms % 2 ? 95 : 10) != 0);
    assert_int_equal(said, pressure.sequence);
    assert_in_range(said, 18, 20);
    step(&pressure, 20000, 10);
    assert_int_equal(pressure.level, TOP);
}

/* The second implementation: all announcements that were ever made, and what is urgent since. */
struct naive {
    struct {
        uint64_t at; /* ns */
        int level;
    } said[4096];
    size_t count;
    bool alarm;
};

static int naive_level(const struct naive *naive)
{
    return naive->count == 0 ? MID : naive->said[naive->count - 1].level;
}

/* When the level became what it is; false: it always was. */
static bool naive_changed(const struct naive *naive, uint64_t *ret_at)
{
    size_t i = naive->count;

    if (i == 0)
        return false;
    while (i > 1 && naive->said[i - 2].level == naive->said[i - 1].level)
        i--;
    *ret_at = naive->said[i - 1].at;
    return true;
}

static int naive_wanted(
    const struct naive *naive, const struct pressure_rules *rules, unsigned percent)
{
    if (naive->alarm || percent >= rules->low_enter)
        return LOW;
    if (percent < rules->high_enter)
        return TOP;
    if (naive_level(naive) == LOW && percent >= rules->low_leave)
        return LOW;
    if (naive_level(naive) == TOP && percent < rules->high_leave)
        return TOP;
    return MID;
}

static int naive_step(struct naive *naive, const struct pressure_rules *rules, uint64_t now,
    struct pressure_sample sample)
{
    uint64_t changed, hold = rules->hold_ms * MS, repeat = rules->repeat_ms * MS;
    int wanted, level = naive_level(naive);

    for (size_t i = 0; i < naive->count; i++)
        if (naive->said[i].at > now)
            naive->said[i].at = now;
    if (sample.urgent)
        naive->alarm = true;
    wanted = naive_wanted(naive, rules, sample.percent);
    if (level == LOW)
        naive->alarm = false;
    if (wanted == level && level != LOW)
        return 0;
    if (wanted == level && (repeat == 0 || now - naive->said[naive->count - 1].at < repeat))
        return 0;
    if (wanted != level && naive_changed(naive, &changed) && now - changed < hold)
        return 0;
    assert_true(naive->count < sizeof(naive->said) / sizeof(naive->said[0]));
    naive->said[naive->count].at = now;
    naive->said[naive->count++].level = wanted;
    naive->alarm = false;
    return wanted;
}

static unsigned roll(struct dice *dice, size_t below)
{
    return (unsigned)dice_roll(dice, below);
}

/* Thresholds in their order, often close together or equal. */
static struct pressure_rules random_rules(struct dice *dice)
{
    static const unsigned spans[] = {0, 1, 10, 500, 500, 3000};
    unsigned bound[4];

    bound[0] = roll(dice, 60);
    for (int i = 1; i < 4; i++)
        bound[i] = bound[i - 1] + roll(dice, 14);
    return (struct pressure_rules){.high_enter = bound[0],
        .high_leave = bound[1],
        .low_leave = bound[2],
        .low_enter = bound[3],
        .hold_ms = spans[roll(dice, 6)],
        .repeat_ms = spans[roll(dice, 6)]};
}

/* A load that wanders, and sometimes jumps, around the thresholds. */
static unsigned random_load(struct dice *dice, unsigned before)
{
    unsigned turn = roll(dice, 12);

    if (turn == 0)
        return roll(dice, 101);
    return turn < 6 ? before : (before + 95 + roll(dice, 13)) % 101;
}

/* Mostly less than a hold; sometimes a long time, or none. */
static uint64_t random_time(struct dice *dice)
{
    switch (roll(dice, 20)) {
    case 0:
        return roll(dice, 10000) * MS;
    case 1:
        return 0;
    case 2:
        return 500 * MS;
    default:
        return 1 + dice_roll(dice, 200 * MS);
    }
}

/* What pressure_wait() says is exactly when the next step says something. */
static void check_wait(
    const struct pressure *state, const struct pressure_rules *rules, uint64_t now, unsigned load)
{
    uint64_t ns = pressure_wait(state, rules, now, load);
    struct pressure_sample sample = {load, false};
    struct pressure copy = *state;

    if (ns == UINT64_MAX) {
        assert_false(pressure_step(&copy, rules, now + 1000000000 * MS, sample));
        return;
    }
    assert_true(ns <= (rules->hold_ms > rules->repeat_ms ? rules->hold_ms : rules->repeat_ms) * MS);
    if (ns > 0)
        assert_false(pressure_step(&copy, rules, now + ns - 1, sample));
    copy = *state;
    assert_true(pressure_step(&copy, rules, now + ns, sample));
}

static void check_same(const struct pressure *state, const struct naive *naive)
{
    assert_int_equal(state->level, naive_level(naive));
    assert_int_equal(state->urgent, naive->alarm);
    assert_int_equal(state->sequence, naive->count);
}

static void random_against_the_naive(void **state)
{
    struct dice dice = dice_new("pressure, naive");

    for (size_t round = dice_scaled(2000); round > 0; round--) {
        static struct naive naive;
        struct pressure_rules rules = random_rules(&dice);
        struct pressure pressure = pressure_begin();
        uint64_t now = dice_roll(&dice, 2) * 1000000 * MS;
        unsigned load = roll(&dice, 101);

        memset(&naive, 0, sizeof(naive));
        for (int i = 0; i < 300; i++) {
            struct pressure_sample sample = {load, roll(&dice, 15) == 0};

            assert_int_equal(pressure_step(&pressure, &rules, now, sample),
                naive_step(&naive, &rules, now, sample) != 0);
            check_same(&pressure, &naive);
            check_wait(&pressure, &rules, now, load);
            now = roll(&dice, 50) == 0 ? now / 2 : now + random_time(&dice);
            load = random_load(&dice, load);
        }
    }
}

/* What is promised to those who listen, on a clock that only goes forward. */
static void check_spacing(const struct pressure_rules *rules, int before, int level,
    uint64_t since_change, uint64_t since_said)
{
    if (level != before)
        assert_true(since_change >= rules->hold_ms * MS);
    else
        assert_true(level == LOW && rules->repeat_ms > 0 && since_said >= rules->repeat_ms * MS);
}

/* After a calm end the last word is the true one: where no threshold was near, that is plain. */
static void check_calm(
    struct pressure *pressure, const struct pressure_rules *rules, uint64_t now, unsigned load)
{
    struct pressure_sample sample = {load, false};

    for (int i = 0; i < 3; i++) {
        now += rules->hold_ms * MS;
        pressure_step(pressure, rules, now, sample);
    }
    if (load >= rules->low_enter)
        assert_int_equal(pressure->level, LOW);
    else if (load < rules->high_enter)
        assert_int_equal(pressure->level, TOP);
    else if (load >= rules->high_leave && load < rules->low_leave)
        assert_int_equal(pressure->level, MID);
    assert_false(pressure->urgent);
}

static void random_keeps_the_promises(void **state)
{
    struct dice dice = dice_new("pressure, promises");

    for (size_t round = dice_scaled(3000); round > 0; round--) {
        struct pressure_rules rules = random_rules(&dice);
        struct pressure pressure = pressure_begin();
        uint64_t now = 0, changed = 0, said = 0, sequence = 0;
        unsigned load = roll(&dice, 101);
        int level = MID;

        for (size_t i = dice_roll(&dice, 300); i > 0; i--) {
            struct pressure_sample sample = {load, roll(&dice, 15) == 0};

            if (pressure_step(&pressure, &rules, now, sample)) {
                if (sequence > 0)
                    check_spacing(&rules, level, (int)pressure.level, now - changed, now - said);
                assert_int_equal(pressure.sequence, ++sequence);
                changed = (int)pressure.level != level ? now : changed;
                said = now;
                level = (int)pressure.level;
            }
            assert_int_equal(pressure.level, level);
            assert_int_equal(pressure.sequence, sequence);
            now += random_time(&dice);
            load = random_load(&dice, load);
        }
        check_calm(&pressure, &rules, now, load);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_neutral_and_unsaid),
        cmocka_unit_test(low_is_left_below_where_it_was_entered),
        cmocka_unit_test(high_is_left_above_where_it_was_entered),
        cmocka_unit_test(jumps_pass_over_neutral),
        cmocka_unit_test(a_hold_delays_and_loses_nothing),
        cmocka_unit_test(what_is_over_within_a_hold_is_not_said),
        cmocka_unit_test(low_is_repeated_while_it_lasts),
        cmocka_unit_test(a_low_that_is_over_is_not_repeated_within_its_hold),
        cmocka_unit_test(zero_never_repeats),
        cmocka_unit_test(urgent_is_low_at_once),
        cmocka_unit_test(urgent_within_a_hold_is_kept),
        cmocka_unit_test(a_clock_that_goes_back_costs_one_hold),
        cmocka_unit_test(ends_of_the_clock_are_times_like_others),
        cmocka_unit_test(a_thousand_crossings_a_second_are_two_changes),
        cmocka_unit_test(random_against_the_naive),
        cmocka_unit_test(random_keeps_the_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
