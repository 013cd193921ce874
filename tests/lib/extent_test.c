/* SPDX-License-Identifier: MIT */
/* Extents against one state for each page: random changes, each followed by a full comparison. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "lib/extent.h"

#define PAGES 300
#define MOST  (2 * PAGES)

static struct extents extents;
static extent_word blocks[2][MOST];
static page_state truth[PAGES];

static const page_state states[] = {STATE_RESERVED, STATE_COMMITTED | STATE_ACCESS(3),
    STATE_COMMITTED | STATE_ACCESS(1), STATE_COMMITTED | STATE_ACCESS(3) | STATE_LENDER(1),
    STATE_COMMITTED | STATE_ACCESS(7) | STATE_LENDER(STATE_LENDERS - 1)};
#define STATES (sizeof(states) / sizeof(states[0]))

static void compare(size_t pages)
{
    size_t first = 0;
    assert_true(extents_check(&extents, pages));
    for (size_t page = 0; page < pages; page++) {
        if (page > 0 && truth[page] != truth[page - 1])
            first = page;
        struct extent e = extents_at(&extents, page, pages);
        size_t end = page;
        while (end < pages && truth[end] == truth[page])
            end++;
        assert_int_equal(e.state, truth[page]);
        assert_int_equal(e.first, first);
        assert_int_equal(e.end, end);
    }
}

static void set(size_t first, size_t end, size_t pages, page_state state)
{
    if (extents_full(&extents)) {
        bool second = atomic_load(&extents.words) == blocks[0];
        extents_move(&extents, blocks[second], extents.capacity + EXTENT_GROWTH);
    }
    extents_set(&extents, first, end, pages, state);
    for (size_t page = first; page < end; page++)
        truth[page] = state;
}

static void begin(void)
{
    extents_init(&extents);
    for (size_t page = 0; page < PAGES; page++)
        truth[page] = STATE_RESERVED;
}

/* Every range over every range, in a few pages. */
static void all_pairs_of_ranges(void **state)
{
    const size_t pages = 6;
    for (size_t a = 0; a < pages; a++)
        for (size_t b = a + 1; b <= pages; b++)
            for (size_t c = 0; c < pages; c++)
                for (size_t d = c + 1; d <= pages; d++)
                    for (size_t s = 0; s < 3; s++) {
                        begin();
                        set(a, b, pages, states[1]);
                        set(c, d, pages, states[s]);
                        compare(pages);
                    }
}

static void random_changes(void **state)
{
    struct dice dice = dice_new("extents");
    size_t pages = PAGES;
    begin();
    for (size_t left = dice_scaled(20000); left > 0; left--) {
        if (left % 2000 == 0) {
            pages = 1 + dice_roll(&dice, PAGES);
            begin();
        }
        size_t first = dice_roll(&dice, pages), most = pages - first;
        if (dice_roll(&dice, 4) && most > 4)
            most = 4;
        set(first, first + 1 + dice_roll(&dice, most), pages, states[dice_roll(&dice, STATES)]);
        compare(pages);
    }
}

/* As many extents as there are pages, and back to one. */
static void every_page_differs(void **state)
{
    begin();
    for (size_t page = 1; page < PAGES; page += 2)
        set(page, page + 1, PAGES, states[1]);
    compare(PAGES);
    assert_int_equal(atomic_load(&extents.count), PAGES);
    set(0, PAGES, PAGES, states[2]);
    assert_int_equal(atomic_load(&extents.count), 1);
    compare(PAGES);
}

static void states_keep_their_parts(void **state)
{
    page_state full = STATE_COMMITTED | STATE_ACCESS(7) | STATE_LENDER(STATE_LENDERS);
    assert_true(state_committed(full));
    assert_int_equal(state_access(full), 7);
    assert_int_equal(state_lender(full), STATE_LENDERS);
    assert_false(state_committed(STATE_RESERVED));
}

/* The check sees what is broken. */
static void the_check_sees(void **state)
{
    begin();
    set(2, 4, PAGES, states[1]);
    assert_true(extents_check(&extents, PAGES));
    assert_false(extents_check(&extents, 4));
    extent_word *words = atomic_load(&extents.words);
    uint64_t kept = atomic_load(&words[1]);
    atomic_store(&words[1], atomic_load(&words[2]));
    assert_false(extents_check(&extents, PAGES));
    atomic_store(&words[1], kept & ~UINT64_C(0xffff));
    assert_false(extents_check(&extents, PAGES));
    atomic_store(&words[1], kept);
    atomic_store(&words[0], UINT64_C(1) << 16);
    assert_false(extents_check(&extents, PAGES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_of_ranges),
        cmocka_unit_test(random_changes),
        cmocka_unit_test(every_page_differs),
        cmocka_unit_test(states_keep_their_parts),
        cmocka_unit_test(the_check_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
