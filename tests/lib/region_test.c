/* SPDX-License-Identifier: MIT */
/*
 * Regions: their pages against a state for each, through growth of their extents, and readers that
 * look without a lock while a writer changes: every answer is a state that the region really had.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "dice.h"
#include "fakes.h"
#include "lib/region.h"

#define PAGES   400
#define READERS 2
#define BASE    ((uintptr_t)0x7f0000000000)
#define OTHER   ((uintptr_t)0x7e0000000000)

static const char *sysroot;
static struct hostmem *manager;
static struct region *region;
static page_state truth[PAGES];

static int open_region(void **state)
{
    fakes_reset(64 * MIB);
    if (fakes_open(sysroot, NULL, &manager) || region_new(&manager->nodes[0], &region))
        return -1;
    region->node = &manager->nodes[0];
    region_lay_out(region, BASE, PAGES, HOSTMEM_PROT_RW);
    memset(truth, 0, sizeof(truth));
    return 0;
}

static int close_region(void **state)
{
    region_free(&manager->nodes[0], region);
    manager_close(manager);
    return hp_fake_mapped() ? -1 : 0;
}

static void commit(struct pages pages, unsigned access, unsigned lender)
{
    assert_int_equal(region_make_room(region), 0);
    region_set_committed(region, pages, access, lender);
    for (size_t page = pages.first; page < pages.end; page++) {
        unsigned from = state_committed(truth[page]) ? state_lender(truth[page]) : lender;
        truth[page] = STATE_COMMITTED | STATE_ACCESS(access) | STATE_LENDER(from);
    }
}

static void reserve(struct pages pages)
{
    assert_int_equal(region_make_room(region), 0);
    region_set_reserved(region, pages);
    for (size_t page = pages.first; page < pages.end; page++)
        truth[page] = STATE_RESERVED;
}

static bool alike(page_state a, page_state b)
{
    return (a & STATE_QUERY_MASK) == (b & STATE_QUERY_MASK);
}

static void compare_page(size_t page)
{
    struct region_sight sight;
    size_t first = page, end = page;
    while (first > 0 && truth[first - 1] == truth[page])
        first--;
    while (end < PAGES && truth[end] == truth[page])
        end++;
    struct extent e = region_extent(region, page);
    assert_int_equal(e.state, truth[page]);
    assert_int_equal(e.first, first);
    assert_int_equal(e.end, end);
    assert_true(region_see(region, BASE + page * PAGE_BYTES + 4095, &sight));
    for (end = page; end < PAGES && alike(truth[end], truth[page]);)
        end++;
    assert_int_equal(sight.base, BASE);
    assert_int_equal(sight.pages, PAGES);
    assert_int_equal(sight.protection, HOSTMEM_PROT_RW);
    assert_true(alike(sight.extent.state, truth[page]));
    assert_int_equal(sight.extent.end, end);
}

static bool differs(struct pages pages, unsigned access)
{
    for (size_t page = pages.first; page < pages.end; page++)
        if (state_committed(truth[page]) && state_access(truth[page]) != access)
            return true;
    return false;
}

static void random_changes(void **state)
{
    struct dice dice = dice_new("region");
    region_show(region);
    for (size_t left = dice_scaled(4000); left > 0; left--) {
        size_t first = dice_roll(&dice, PAGES), most = PAGES - first;
        if (dice_roll(&dice, 8) && most > 3)
            most = 3;
        struct pages pages = {first, first + 1 + dice_roll(&dice, most)};
        unsigned access = (unsigned)dice_roll(&dice, 8);
        if (dice_roll(&dice, 3))
            commit(pages, access, (unsigned)dice_roll(&dice, 4));
        else
            reserve(pages);
        assert_true(region_check(region));
        assert_int_equal(region_access_differs(region, pages, access), differs(pages, access));
        for (int i = 0; i < 10; i++)
            compare_page(dice_roll(&dice, PAGES));
    }
    for (size_t page = 0; page < PAGES; page++)
        compare_page(page);
}

static void what_is_hidden_is_not_seen(void **state)
{
    struct region_sight sight;
    assert_false(region_see(region, BASE, &sight));
    region_show(region);
    assert_true(region_see(region, BASE, &sight));
    assert_true(region_see(region, BASE + PAGES * PAGE_BYTES - 1, &sight));
    assert_false(region_see(region, BASE + PAGES * PAGE_BYTES, &sight));
    assert_false(region_see(region, BASE - 1, &sight));
    region_hide(region);
    assert_false(region_see(region, BASE, &sight));
}

/* -- readers beside a writer -- */

static _Atomic int done;

/*
 * The writer's states: a region at BASE of PAGES pages in which the first k of the even pages are
 * committed with access k % 7 + 1, or one at OTHER of PAGES / 2 pages, all reserved; or none.
 */
static const char *judge(const struct region_sight *sight, size_t page, bool other)
{
    size_t pages = other ? PAGES / 2 : PAGES;
    struct extent e = sight->extent;
    if (sight->base != (other ? OTHER : BASE) || sight->pages != pages)
        return "the region of another time";
    if (sight->protection != (other ? HOSTMEM_PROT_READ : HOSTMEM_PROT_RW))
        return "the protection of another time";
    if (page < e.first || page >= e.end || e.end > pages)
        return "an extent elsewhere";
    if (other)
        return e.first == 0 && e.end == pages && e.state == STATE_RESERVED ? NULL : "no such state";
    if (state_committed(e.state))
        return e.end == e.first + 1 && e.first % 2 == 0 && state_access(e.state) ? NULL
                                                                                 : "no such page";
    return (e.first % 2 == 1 || e.first == 0) && (e.end == e.first + 1 || e.end == pages)
               ? NULL
               : "no such gap";
}

static void *read_on(void *argument)
{
    struct dice dice = {(uintptr_t)argument};
    const char *complaint = NULL;
    struct region_sight sight;
    size_t seen = 0;
    while (!complaint && (!atomic_load(&done) || seen == 0)) {
        bool other = dice_roll(&dice, 4) == 0;
        size_t page = dice_roll(&dice, other ? PAGES / 2 : PAGES);
        uintptr_t address = (other ? OTHER : BASE) + page * PAGE_BYTES;
        if (region_see(region, address, &sight)) {
            complaint = judge(&sight, page, other);
            seen++;
        }
    }
    return (void *)complaint;
}

static void one_life(size_t pages_committed)
{
    region_lay_out(region, BASE, PAGES, HOSTMEM_PROT_RW);
    region_show(region);
    for (size_t k = 0; k < pages_committed; k++) {
        struct pages page = {2 * k, 2 * k + 1};
        assert_int_equal(region_make_room(region), 0);
        region_set_committed(region, page, (unsigned)(k % 7 + 1), 0);
    }
    region_hide(region);
    region_lay_out(region, OTHER, PAGES / 2, HOSTMEM_PROT_READ);
    region_show(region);
    region_hide(region);
}

static void readers_see_whole_states(void **state)
{
    struct dice dice = dice_new("region, readers");
    pthread_t readers[READERS];
    void *complaint;
    atomic_store(&done, 0);
    for (uintptr_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, (void *)(i + 1)), 0);
    for (size_t left = dice_scaled(1000); left > 0; left--)
        one_life(dice_roll(&dice, PAGES / 2));
    /* One that stays, so that every reader has seen something. */
    region_lay_out(region, BASE, PAGES, HOSTMEM_PROT_RW);
    region_show(region);
    atomic_store(&done, 1);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], &complaint);
        if (complaint)
            fail_msg("%s", (const char *)complaint);
    }
}

/* A reader finishes while the writer has stopped in the middle of a change, after either flip. */
static void a_stopped_writer_stops_nobody(void **state)
{
    struct region_sight sight;
    region_show(region);
    commit((struct pages){0, 10}, HP_RW, 0);
    for (unsigned copy = 0; copy < 2; copy++) {
        latch_flip(&region->latch);
        extents_set(&region->view[copy].extents, 5, 20, PAGES, STATE_RESERVED);
        latch_store(&region->view[copy].pages, PAGES);
        assert_true(region_see(region, BASE, &sight));
        assert_int_equal(sight.extent.end, copy == 0 ? 10 : 5);
    }
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
        cmocka_unit_test_setup_teardown(random_changes, open_region, close_region),
        cmocka_unit_test_setup_teardown(what_is_hidden_is_not_seen, open_region, close_region),
        cmocka_unit_test_setup_teardown(readers_see_whole_states, open_region, close_region),
        cmocka_unit_test_setup_teardown(a_stopped_writer_stops_nobody, open_region, close_region),
    };
    return cmocka_run_group_tests(tests, open_machine, close_machine);
}
