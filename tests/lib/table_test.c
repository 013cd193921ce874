/* SPDX-License-Identifier: MIT */
/*
 * The address table against a map of granules: ranges from a granule to several GiB come and go,
 * none over another. Regions are numbers here; the table never looks into them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "lib/table.h"
#include "lib/units.h"

#define GIB      ((size_t)1 << 30)
#define SPACE    (5 * GIB)
#define BASE     (UINT64_C(0x7e) * GIB + 3 * SPAN_BYTES)
#define GRANULES (SPACE / GRANULE_BYTES)
#define RANGES   200

static struct store store;
static struct table table;
static uint16_t truth[GRANULES]; /* the number of the range that has the granule; 0: none */

static struct {
    size_t first, end; /* granules; first == end: there is none */
    size_t tail;       /* bytes that its last granule lacks */
} ranges[RANGES];

static struct region *name_of(size_t number)
{
    return (struct region *)(uintptr_t)(number * 64);
}

static void enter(size_t number, bool present)
{
    size_t first = ranges[number].first, end = ranges[number].end;
    uintptr_t base = BASE + first * GRANULE_BYTES;
    size_t size = (end - first) * GRANULE_BYTES - ranges[number].tail;
    if (present)
        assert_int_equal(table_prepare(&table, base, size), 0);
    table_set(&table, base, size, present ? name_of(number) : NULL);
    for (size_t granule = first; granule < end; granule++)
        truth[granule] = present ? (uint16_t)number : 0;
}

static bool is_free(size_t first, size_t end)
{
    for (size_t granule = first; granule < end; granule++)
        if (truth[granule])
            return false;
    return true;
}

static void change(struct dice *dice)
{
    static const size_t most[] = {3, 40, 2 * SPAN_BYTES / GRANULE_BYTES,
        70 * SPAN_BYTES / GRANULE_BYTES, 2 * GIB / GRANULE_BYTES};
    size_t number = 1 + dice_roll(dice, RANGES - 1);
    if (ranges[number].end > ranges[number].first) {
        enter(number, false);
        ranges[number].end = ranges[number].first;
        return;
    }
    size_t first = dice_roll(dice, GRANULES);
    size_t end = first + 1 + dice_roll(dice, most[dice_roll(dice, 5)]);
    if (dice_roll(dice, 3) == 0)
        first -= first % (SPAN_BYTES / GRANULE_BYTES);
    if (end > GRANULES || !is_free(first, end))
        return;
    ranges[number].first = first;
    ranges[number].end = end;
    ranges[number].tail = dice_roll(dice, 2) ? dice_roll(dice, 16) * PAGE_BYTES : 0;
    enter(number, true);
}

static void compare_at(size_t granule, size_t offset)
{
    assert_ptr_equal(
        table_get(&table, BASE + granule * GRANULE_BYTES + offset), name_of(truth[granule]));
}

static void compare_next(size_t from, size_t end)
{
    size_t granule = from;
    while (granule < end && !truth[granule])
        granule++;
    assert_int_equal(table_next(&table, BASE + from * GRANULE_BYTES, BASE + end * GRANULE_BYTES),
        BASE + granule * GRANULE_BYTES);
}

static void begin(void)
{
    memset(truth, 0, sizeof(truth));
    memset(ranges, 0, sizeof(ranges));
    store_open(&store, &hp_base);
    assert_int_equal(table_open(&table, &store), 0);
}

static void random_ranges(void **state)
{
    struct dice dice = dice_new("table");
    begin();
    for (size_t left = dice_scaled(5000); left > 0; left--) {
        change(&dice);
        for (int i = 0; i < 20; i++)
            compare_at(dice_roll(&dice, GRANULES), dice_roll(&dice, GRANULE_BYTES));
        size_t from = dice_roll(&dice, GRANULES);
        compare_next(from, from + dice_roll(&dice, GRANULES - from + 1));
        if (left % 500 == 0)
            for (size_t granule = 0; granule < GRANULES; granule++)
                compare_at(granule, 0);
    }
    store_close(&store);
}

/* Where a whole GiB was, pieces come; where pieces were, a whole GiB. */
static void whole_and_pieces_take_turns(void **state)
{
    size_t whole = (GIB - BASE % GIB) / GRANULE_BYTES;
    begin();
    for (int round = 0; round < 3; round++) {
        ranges[1].first = whole;
        ranges[1].end = whole + GIB / GRANULE_BYTES;
        enter(1, true);
        compare_at(whole, 0);
        compare_at(whole + GIB / GRANULE_BYTES - 1, GRANULE_BYTES - 1);
        compare_at(whole - 1, 0);
        enter(1, false);
        compare_next(0, GRANULES);
        ranges[2].first = whole + 33;
        ranges[2].end = whole + 131;
        enter(2, true);
        for (size_t granule = whole; granule < whole + 200; granule++)
            compare_at(granule, 0);
        compare_next(whole, GRANULES);
        enter(2, false);
        compare_next(0, GRANULES);
    }
    store_close(&store);
}

static void the_ends_of_user_space(void **state)
{
    begin();
    uintptr_t last = USER_END - GRANULE_BYTES;
    assert_null(table_get(&table, USER_LOWEST));
    assert_null(table_get(&table, USER_END - 1));
    assert_int_equal(table_prepare(&table, last, GRANULE_BYTES), 0);
    assert_int_equal(table_prepare(&table, USER_LOWEST, GRANULE_BYTES), 0);
    table_set(&table, last, GRANULE_BYTES, name_of(1));
    assert_ptr_equal(table_get(&table, USER_END - 1), name_of(1));
    assert_int_equal(table_next(&table, USER_LOWEST, USER_END), last);
    table_set(&table, last, GRANULE_BYTES, NULL);
    assert_int_equal(table_next(&table, USER_LOWEST, USER_END), USER_END);
    table_set(&table, USER_LOWEST, GRANULE_BYTES, name_of(2));
    assert_int_equal(table_next(&table, USER_LOWEST, USER_END), USER_LOWEST);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_ranges),
        cmocka_unit_test(whole_and_pieces_take_turns),
        cmocka_unit_test(the_ends_of_user_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
