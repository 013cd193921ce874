/* SPDX-License-Identifier: MIT */
/* Bitmaps against an array of bools: random operations, and every run within three words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "lib/bits.h"

#define BITS 640

static bits map[BITS / 64 + 1], other[BITS / 64 + 1];
static bool truth[BITS], other_truth[BITS];

static void clear_all(void)
{
    memset((void *)map, 0, sizeof(map));
    memset((void *)other, 0, sizeof(other));
    memset(truth, 0, sizeof(truth));
    memset(other_truth, 0, sizeof(other_truth));
}

static size_t count_of(const bool *of, size_t first, size_t end)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        count += of[i];
    return count;
}

static void set_truth(bool *of, size_t first, size_t count, bool value)
{
    for (size_t i = first; i < first + count; i++)
        of[i] = value;
}

static size_t find_truth(bool with_set, size_t first, size_t end, size_t count)
{
    for (size_t at = first; at + count <= end; at++)
        if (count_of(truth, at, at + count) == 0 &&
            (!with_set || count_of(other_truth, at, at + count) == count))
            return at;
    return BITS_NONE;
}

static size_t next_truth(size_t first, size_t end, bool wanted)
{
    while (first < end && truth[first] != wanted)
        first++;
    return first;
}

static void same_everywhere(void)
{
    for (size_t i = 0; i < BITS; i++)
        assert_int_equal(bits_get(map, i), truth[i]);
    assert_int_equal(bits_word(map, BITS / 64), 0);
}

/* Every run that begins in the first word and ends in the first three. */
static void runs_over_word_edges(void **state)
{
    for (size_t first = 0; first < 65; first++)
        for (size_t count = 0; first + count <= 192; count++) {
            clear_all();
            assert_int_equal(bits_set(map, first, count), count);
            set_truth(truth, first, count, true);
            same_everywhere();
            assert_int_equal(bits_set(map, first, count), 0);
            assert_int_equal(bits_count(map, 0, BITS), count);
            assert_int_equal(bits_count(map, first, count), count);
            assert_int_equal(bits_next(map, 0, BITS, true), count ? first : BITS);
            assert_int_equal(bits_next(map, first, first + count, false), first + count);
            assert_int_equal(bits_set(other, 0, 192), 192);
            bits_wipe(other, first, count);
            assert_int_equal(bits_count(other, 0, 192), 192 - count);
            assert_int_equal(bits_count(other, first, count), 0);
            bits_wipe(other, 0, 192);
            assert_int_equal(bits_count(other, 0, BITS), 0);
            assert_int_equal(bits_clear(map, first, count), count);
            assert_int_equal(bits_clear(map, first, count), 0);
            assert_int_equal(bits_count(map, 0, BITS), 0);
        }
}

static void masks_change_one_word(void **state)
{
    clear_all();
    assert_int_equal(bits_set_mask(map, 1, 0xf0), 0xf0);
    assert_int_equal(bits_set_mask(map, 1, 0xff), 0x0f);
    assert_int_equal(bits_clear_mask(map, 1, ~UINT64_C(0)), 0xff);
    assert_true(bits_mask(0, 0, 64) == ~UINT64_C(0));
    assert_true(bits_mask(1, 70, 71) == UINT64_C(1) << 6);
    assert_true(bits_mask(1, 3, 127) == ~UINT64_C(0) >> 1);
    assert_int_equal(bits_words(0), 0);
    assert_int_equal(bits_words(64), 1);
    assert_int_equal(bits_words(65), 2);
}

static void compare_searches(struct dice *dice)
{
    size_t first = dice_roll(dice, BITS), end = first + dice_roll(dice, BITS - first + 1);
    size_t count = 1 + dice_roll(dice, dice_roll(dice, 2) ? 8 : 200);
    bool wanted = dice_roll(dice, 2);
    assert_int_equal(bits_count(map, first, end - first), count_of(truth, first, end));
    assert_int_equal(bits_next(map, first, end, wanted), next_truth(first, end, wanted));
    const struct bits_choice one = {.clear = {map}}, both = {.clear = {map}, .set = other};
    const struct bits_choice none = {.clear = {map, NULL, map}, .set = map};
    assert_int_equal(bits_find(&one, first, end, count), find_truth(false, first, end, count));
    assert_int_equal(bits_find(&both, first, end, count), find_truth(true, first, end, count));
    assert_int_equal(bits_find(&none, first, end, count), BITS_NONE);
}

static void change(struct dice *dice, bits *of, bool *truth_of)
{
    size_t first = dice_roll(dice, BITS);
    size_t most = dice_roll(dice, 3) ? 12 : BITS;
    size_t count = dice_roll(dice, 1 + (most < BITS - first ? most : BITS - first));
    size_t set = count_of(truth_of, first, first + count);
    bool value = dice_roll(dice, 2);
    size_t changed = value ? bits_set(of, first, count) : bits_clear(of, first, count);
    assert_int_equal(changed, value ? count - set : set);
    set_truth(truth_of, first, count, value);
}

static void random_operations(void **state)
{
    struct dice dice = dice_new("bits");
    clear_all();
    for (size_t left = dice_scaled(20000); left > 0; left--) {
        change(&dice, map, truth);
        change(&dice, other, other_truth);
        compare_searches(&dice);
        if (left % 64 == 0)
            same_everywhere();
    }
    same_everywhere();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_over_word_edges),
        cmocka_unit_test(masks_change_one_word),
        cmocka_unit_test(random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
