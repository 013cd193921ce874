/* SPDX-License-Identifier: MIT */
/*
 * The dirty map against a byte for each page, with memory behind it: cleaning makes exactly the
 * dirty pages of the range zero and touches nothing else. Small frames reach over the edge of a
 * word of 64 of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "dice.h"
#include "lib/dirty.h"
#include "lib/units.h"

#define FILL 0x5a

static struct store store;
static struct dirty dirty;
static char *base;
static bool *truth;
static size_t pages, frame_pages;

static void begin(size_t frames, size_t frame_bytes)
{
    store_open(&store, &hp_base);
    frame_pages = frame_bytes / PAGE_BYTES;
    pages = frames * frame_pages;
    base = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(base, MAP_FAILED);
    assert_int_equal(dirty_open(&dirty, &store, base, frames, frame_bytes), 0);
    truth = calloc(pages, sizeof(*truth));
    memset(base, FILL, pages * PAGE_BYTES);
}

static void end(void)
{
    for (size_t frame = 0; frame < pages / frame_pages; frame++)
        assert_true(dirty_check(&dirty, frame));
    munmap(base, pages * PAGE_BYTES);
    store_close(&store);
    free(truth);
}

static void compare(void)
{
    for (size_t page = 0; page < pages; page++)
        assert_int_equal(dirty_page(&dirty, page), truth[page]);
}

static void assert_page(size_t page, char value)
{
    const char *bytes = base + page * PAGE_BYTES;
    assert_int_equal(bytes[0], value);
    assert_int_equal(memcmp(bytes, bytes + 1, PAGE_BYTES - 1), 0);
}

static void soil(size_t first, size_t last)
{
    dirty_soil(&dirty, first, last);
    for (size_t page = first; page < last; page++)
        truth[page] = true;
}

/* Neighbours of the range are looked at too. */
static void clean(size_t first, size_t last)
{
    size_t wanted = 0;
    for (size_t page = first; page < last; page++)
        wanted += truth[page] ? PAGE_BYTES : 0;
    assert_int_equal(dirty_clean(&dirty, first, last), wanted);
    for (size_t page = first ? first - 1 : 0; page < pages && page <= last; page++) {
        bool zeroed = page >= first && page < last && truth[page];
        assert_page(page, zeroed ? 0 : FILL);
        if (zeroed)
            memset(base + page * PAGE_BYTES, FILL, PAGE_BYTES);
    }
    for (size_t page = first; page < last; page++)
        truth[page] = false;
}

static void forget(size_t frame, size_t count)
{
    dirty_forget(&dirty, frame, count);
    for (size_t page = frame * frame_pages; page < (frame + count) * frame_pages; page++)
        truth[page] = false;
}

/* Scrubbing goes on for so many granules. */
static bool goes_on(void *left)
{
    size_t *granules = left;
    return *granules > 0 && (*granules)-- > 0;
}

/* The dirty pages of the frame's first granules become zero, and nothing else is written. */
static void scrub(size_t frame, size_t granules)
{
    size_t all = frame_pages / GRANULE_PAGES, wanted = 0, cleaned = 0, left = granules;
    size_t first = frame * frame_pages, end = first + frame_pages;
    size_t reached = first + (granules < all ? granules : all) * GRANULE_PAGES;
    for (size_t page = first; page < reached; page++)
        wanted += truth[page] ? PAGE_BYTES : 0;
    bool whole = dirty_scrub(&dirty, frame, goes_on, &left, &cleaned);
    assert_true(granules < all || whole);
    assert_int_equal(left, whole ? left : 0);
    assert_int_equal(cleaned, wanted);
    for (size_t page = first; page < end; page++) {
        bool zeroed = page < reached && truth[page];
        assert_page(page, zeroed ? 0 : FILL);
        if (!zeroed)
            continue;
        memset(base + page * PAGE_BYTES, FILL, PAGE_BYTES);
        truth[page] = false;
    }
}

/* Starts and lengths that like the edges of frames. */
static size_t place(struct dice *dice, size_t most)
{
    size_t at = dice_roll(dice, most + 1);
    if (dice_roll(dice, 2))
        at -= at % frame_pages;
    return at;
}

static void change(struct dice *dice)
{
    size_t first = place(dice, pages), last = place(dice, pages);
    size_t frames = pages / frame_pages, frame = dice_roll(dice, frames);
    if (dice_roll(dice, 2))
        last = first + dice_roll(dice, 2 * frame_pages);
    if (last > pages)
        last = pages;
    switch (dice_roll(dice, 6)) {
    case 0:
    case 1:
        if (first < last)
            soil(first, last);
        break;
    case 2:
        if (first < last)
            clean(first, last);
        break;
    case 3:
        dirty_share(&dirty, frame);
        break;
    case 4:
        scrub(frame, dice_roll(dice, frame_pages / GRANULE_PAGES + 2));
        break;
    default:
        forget(frame, 1 + dice_roll(dice, frames - frame < 3 ? frames - frame : 3));
    }
}

static void play(const char *name, size_t rounds)
{
    struct dice dice = dice_new(name);
    for (size_t left = dice_scaled(rounds); left > 0; left--) {
        change(&dice);
        compare();
    }
    for (size_t page = 0; page < pages; page++)
        assert_page(page, FILL);
}

static void frames_of_2m(void **state)
{
    begin(4, SPAN_BYTES);
    play("dirty, 2 MiB", 2000);
    end();
}

static void many_small_frames(void **state)
{
    begin(131, 2 * GRANULE_BYTES);
    play("dirty, 128 KiB", 2000);
    end();
}

/* Runs of whole frames that begin and end on either side of a word. */
static void runs_of_frames_over_a_word(void **state)
{
    begin(131, GRANULE_BYTES);
    for (size_t first = 60; first < 68; first++)
        for (size_t last = first + 1; last <= 131; last += last < 70 ? 1 : 30) {
            soil(first * frame_pages, last * frame_pages);
            compare();
            clean(first * frame_pages, last * frame_pages);
            compare();
        }
    soil(0, pages);
    clean(frame_pages + 1, pages - 1);
    compare();
    end();
}

/* In a shared frame each granule is one region's: what they do does not meet. */
static void granules_of_a_shared_frame(void **state)
{
    begin(1, SPAN_BYTES);
    soil(0, pages);
    dirty_share(&dirty, 0);
    compare();
    clean(GRANULE_PAGES, 2 * GRANULE_PAGES);
    soil(GRANULE_PAGES + 3, GRANULE_PAGES + 4);
    compare();
    clean(0, pages);
    compare();
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_2m),
        cmocka_unit_test(many_small_frames),
        cmocka_unit_test(runs_of_frames_over_a_word),
        cmocka_unit_test(granules_of_a_shared_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
