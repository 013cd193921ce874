/* SPDX-License-Identifier: MIT */
/*
 * The address space of a window of 32 frames against an owner for each granule: what is found is
 * free, what is claimed is nobody else's, nothing is refused that is free; hints are true and
 * shares are where parts of frames are.
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
#include "fakes.h"
#include "lib/frame.h"
#include "lib/space.h"

#define FRAMES    (FAKES_WINDOW / SPAN_BYTES)
#define PER_FRAME (SPAN_BYTES / GRANULE_BYTES)
#define GRANULES  (FRAMES * PER_FRAME)
#define CLAIMS    60

static const char *sysroot;
static struct hostmem *manager;
static struct window *window;
static uint8_t owner[GRANULES]; /* number of a claim, or 0 */

static struct {
    size_t first, count; /* granules; count 0: none */
} claims[CLAIMS + 1];

static int open_window(void **state)
{
    static const struct setting_text settings[] = {{"BACKING", "hugetlb"}, {NULL, NULL}};
    fakes_reset(64 * MIB);
    memset(owner, 0, sizeof(owner));
    memset(claims, 0, sizeof(claims));
    if (fakes_open(sysroot, settings, &manager))
        return -1;
    if (window_grow(&manager->nodes[0], HP_HUGETLB, SPAN_BYTES, NULL))
        return -1;
    window = atomic_load(&manager->nodes[0].windows[HP_HUGETLB]);
    return window->frames == FRAMES ? 0 : -1;
}

static int close_window(void **state)
{
    manager_close(manager);
    return hp_fake_mapped() ? -1 : 0;
}

static uintptr_t address(size_t granule)
{
    return (uintptr_t)window->base + granule * GRANULE_BYTES;
}

static bool is_free(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        if (i >= GRANULES || owner[i])
            return false;
    return true;
}

static size_t used_of(size_t frame)
{
    size_t used = 0;
    for (size_t i = 0; i < PER_FRAME; i++)
        used += owner[frame * PER_FRAME + i] != 0;
    return used;
}

/* Whether there is room by the rules: small ones in open shares or a free frame, others in frames.
 */
static bool has_room(size_t count)
{
    for (size_t frame = 0; frame < FRAMES; frame++) {
        size_t first = frame * PER_FRAME;
        if (is_free(first, (count + PER_FRAME - 1) / PER_FRAME * PER_FRAME))
            return true;
        bool open = window->shares[frame] != NULL;
        for (size_t i = 0; count < PER_FRAME && open && i + count <= PER_FRAME; i++)
            if (is_free(first + i, count))
                return true;
    }
    return false;
}

static void enter_claim(int number, size_t first, size_t count, bool present)
{
    for (size_t i = first; i < first + count; i++)
        owner[i] = present ? (uint8_t)number : 0;
    claims[number].first = first;
    claims[number].count = present ? count : 0;
}

static void find_and_claim(int number, size_t size)
{
    size_t count = (size + GRANULE_BYTES - 1) / GRANULE_BYTES;
    uintptr_t found = space_find(window, size);
    assert_int_equal(found != 0, has_room(count));
    if (!found)
        return;
    size_t first = (found - (uintptr_t)window->base) / GRANULE_BYTES;
    assert_int_equal(found % GRANULE_BYTES, 0);
    assert_true(is_free(first, count));
    if (size >= SPAN_BYTES)
        assert_int_equal(first % PER_FRAME, 0);
    else
        assert_int_equal(first / PER_FRAME, (first + count - 1) / PER_FRAME);
    assert_int_equal(space_claim(window, found, size), 0);
    enter_claim(number, first, count, true);
}

static void claim_at(int number, size_t first, size_t size)
{
    size_t count = (size + GRANULE_BYTES - 1) / GRANULE_BYTES;
    if (first + count > GRANULES)
        return;
    int error = space_claim(window, address(first), size);
    assert_int_equal(error, is_free(first, count) ? 0 : -EADDRNOTAVAIL);
    if (!error)
        enter_claim(number, first, count, true);
}

/* A frame that was claimed as a whole has no share; one that was claimed in parts has. */
static void check_frame(size_t frame)
{
    size_t used = used_of(frame), first = frame * PER_FRAME;
    const struct share *share = window->shares[frame];
    assert_int_equal(bits_get(window->claimed, frame), used > 0);
    if (used == 0)
        assert_null(share);
    if (used > 0 && used < PER_FRAME)
        assert_non_null(share);
    if (!share)
        return;
    assert_int_equal(share->frame, frame);
    assert_int_equal(share->free, PER_FRAME - used);
    for (size_t i = 0; i < PER_FRAME; i++)
        assert_int_equal(share_is_free(share, i, 1), owner[first + i] == 0);
}

static void check_all(void)
{
    size_t open = 0, listed = 0, spare = 0;
    for (size_t frame = 0; frame < FRAMES; frame++) {
        check_frame(frame);
        open += window->shares[frame] && window->shares[frame]->free > 0;
        if (used_of(frame) == 0)
            assert_true(frame >= window->hint);
        else
            assert_true(frame < window->high);
    }
    for (struct share *s = window->open; s; s = s->next, listed++)
        assert_true(s->free > 0 && (!s->next || s->next->previous == s));
    for (struct share *s = window->spare; s; s = s->next)
        spare++;
    assert_int_equal(listed, open);
    assert_int_equal(spare, window->spares);
}

static size_t some_size(struct dice *dice)
{
    static const size_t most[] = {3, PER_FRAME, 3 * PER_FRAME, GRANULES};
    size_t granules = 1 + dice_roll(dice, most[dice_roll(dice, 4)]);
    return granules * GRANULE_BYTES -
           dice_roll(dice, 2) * dice_roll(dice, GRANULE_PAGES) * PAGE_BYTES;
}

static void random_claims(void **state) UNCHECKED_LOCKING
{
    struct dice dice = dice_new("space");
    for (size_t left = dice_scaled(20000); left > 0; left--) {
        int number = 1 + (int)dice_roll(&dice, CLAIMS);
        size_t count = claims[number].count, size = some_size(&dice);
        assert_int_equal(space_enter(window), 0);
        if (count) {
            space_free(window, address(claims[number].first), count * GRANULE_BYTES);
            enter_claim(number, claims[number].first, count, false);
        } else if (dice_roll(&dice, 2)) {
            find_and_claim(number, size);
        } else {
            claim_at(number, dice_roll(&dice, GRANULES), size);
        }
        check_all();
        space_leave(window);
    }
}

/* Frames that have memory are taken before those that need some. */
static void idle_memory_is_preferred(void **state) UNCHECKED_LOCKING
{
    struct taking taking = {0};
    struct frames third = {window, 3, 1};
    assert_int_equal(space_enter(window), 0);
    assert_int_equal(space_claim(window, address(0), 5 * SPAN_BYTES), 0);
    space_leave(window);
    assert_int_equal(frame_take(third, &taking), 0);
    frame_put(third);
    assert_int_equal(space_enter(window), 0);
    space_free(window, address(0), 5 * SPAN_BYTES);
    assert_int_equal(space_find(window, SPAN_BYTES), address(3 * PER_FRAME));
    assert_int_equal(space_find(window, GRANULE_BYTES), address(3 * PER_FRAME));
    assert_int_equal(space_find(window, 2 * SPAN_BYTES), address(0));
    space_leave(window);
    assert_int_equal(frame_drain(window->node, HP_HUGETLB, SPAN_BYTES), SPAN_BYTES);
}

/* Where the limits leave no room for a terabyte a window is a quarter of what can be mapped, but
 * never less than what was asked for. */
static void windows_fit_the_address_space(void **state)
{
    struct node *node = &manager->nodes[0];
    assert_int_equal(window_grow(node, HP_HUGETLB, SPAN_BYTES, NULL), 0);
    assert_ptr_equal(atomic_load(&node->windows[HP_HUGETLB]), window);
    assert_int_equal(window_grow(node, HP_HUGETLB, 200 * MIB, window), 0);
    struct window *large = atomic_load(&node->windows[HP_HUGETLB]);
    assert_int_equal(large->frames * large->frame_bytes, FAKES_MAP);
    assert_ptr_equal(large->next, window);
    assert_ptr_equal(window_of(manager, (uintptr_t)large->base), large);
    assert_ptr_equal(window_of(manager, window_end(window) - 1), window);
    assert_int_equal(window_grow(node, HP_HUGETLB, FAKES_MAP + 1, large), -ENOMEM);
    assert_ptr_equal(atomic_load(&node->windows[HP_HUGETLB]), large);
}

static int open_machine(void **state)
{
    static const struct machine machine = {.nodes = 1, .huge = {32}, .thp = true};
    sysroot = machine_write(&machine);
    return 0;
}

static int close_machine(void **state)
{
    machine_remove(sysroot);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_claims, open_window, close_window),
        cmocka_unit_test_setup_teardown(idle_memory_is_preferred, open_window, close_window),
        cmocka_unit_test_setup_teardown(windows_fit_the_address_space, open_window, close_window),
    };
    return cmocka_run_group_tests(tests, open_machine, close_machine);
}
