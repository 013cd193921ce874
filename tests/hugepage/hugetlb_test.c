/* SPDX-License-Identifier: MIT */
/*
 * hugetlb against the contract of hp.h with real huge pages: 2 MiB always, 1 GiB where two are
 * free. Every test gives back all pages, which is checked after each.
 */
#include "memory.h"

#include "hugepage/hp.h"

#include <errno.h>
#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NEEDED 16 /* free pages of 2 MiB */
#define SKIP   77

static const struct hp_spec spec = {.page_size = 2 * MIB, .fd = -1};
static const struct hp_spec open_spec = {
    .page_size = 2 * MIB, .fd = -1, .fork = true, .dump = true};
static const struct hp_spec base_spec = {.page_size = HP_BASE_PAGE, .fd = -1};

static size_t free_before;

static int note_free(void **state)
{
    (void)state;
    free_before = huge_free(2 * MIB);
    return 0;
}

static int same_free(void **state)
{
    (void)state;
    return huge_free(2 * MIB) == free_before ? 0 : -1;
}

static char *map(size_t size)
{
    void *start;
    assert_int_equal(hp_hugetlb.map(&spec, NULL, size, 2 * MIB, &start), 0);
    return start;
}

static char *map_full(size_t size)
{
    char *start = map(size);
    assert_int_equal(hp_hugetlb.populate(start, size), 0);
    return start;
}

static void a_window_takes_no_page(void **state)
{
    (void)state;
    size_t before = map_count();
    char *start = map(TIB);
    assert_int_equal(map_count(), before + 1);
    assert_int_equal(huge_free(2 * MIB), free_before);
    assert_true(vm_flag(start, "ht") && vm_flag(start, "nr") && vm_flag(start, "wr"));
    assert_true(vm_flag(start, "dc") && vm_flag(start, "dd"));
    assert_int_equal(hp_hugetlb.unmap(start, TIB), 0);
}

static void alignment_beyond_the_page(void **state)
{
    (void)state;
    void *start;
    size_t before = map_count();
    assert_int_equal(hp_hugetlb.map(&open_spec, NULL, 4 * MIB, GIB, &start), 0);
    assert_int_equal((uintptr_t)start % GIB, 0);
    assert_int_equal(map_count(), before + 1);
    assert_true(!vm_flag(start, "dc") && !vm_flag(start, "dd"));
    assert_int_equal(hp_hugetlb.unmap(start, 4 * MIB), 0);
    assert_int_equal(map_count(), before);
}

static void fixed_address_is_taken_or_refused(void **state)
{
    (void)state;
    char *start = map(8 * MIB);
    void *again = NULL;
    assert_int_equal(hp_hugetlb.map(&spec, start + 4 * MIB, 8 * MIB, 2 * MIB, &again), -EEXIST);
    assert_null(again);
    assert_int_equal(hp_hugetlb.unmap(start + 4 * MIB, 4 * MIB), 0);
    assert_int_equal(hp_hugetlb.map(&spec, start + 4 * MIB, 4 * MIB, 2 * MIB, &again), 0);
    assert_ptr_equal(again, start + 4 * MIB);
    assert_int_equal(hp_hugetlb.unmap(start, 8 * MIB), 0);
}

static void a_size_that_is_not_there_is_invalid(void **state)
{
    (void)state;
    const struct hp_spec odd = {.page_size = 64 * 1024, .fd = -1};
    void *start = NULL;
    if (access("/sys/kernel/mm/hugepages/hugepages-64kB", F_OK) == 0) {
        print_message("this machine has huge pages of 64 KiB\n");
        skip();
    }
    assert_int_equal(hp_hugetlb.map(&odd, NULL, 2 * MIB, 2 * MIB, &start), -EINVAL);
    assert_null(start);
}

static void frames_come_and_go(void **state)
{
    (void)state;
    char *start = map(8 * MIB);
    assert_int_equal(hp_hugetlb.populate(start + 2 * MIB, 4 * MIB), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 2);
    memset(start + 2 * MIB, 7, 4 * MIB);
    assert_int_equal(hp_hugetlb.populate(start, 8 * MIB), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 4);
    assert_true(all_bytes(start, 2 * MIB, 0));
    assert_true(all_bytes(start + 2 * MIB, 4 * MIB, 7));
    assert_int_equal(hp_hugetlb.discard(start + 2 * MIB, 4 * MIB), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 2);
    assert_int_equal(hp_hugetlb.populate(start + 2 * MIB, 2 * MIB), 0);
    assert_true(all_bytes(start + 2 * MIB, 2 * MIB, 0));
    assert_int_equal(hp_hugetlb.unmap(start, 8 * MIB), 0);
}

/* Whoever else uses the pool meanwhile makes it only shorter. */
static void a_spent_pool_is_no_memory(void **state)
{
    (void)state;
    size_t size = (free_before + 1) * 2 * MIB;
    char *start = map(size);
    assert_int_equal(hp_hugetlb.populate(start, size), -ENOMEM);
    assert_int_equal(huge_free(2 * MIB), 0);
    assert_int_equal(hp_hugetlb.discard(start, size), 0);
    assert_int_equal(huge_free(2 * MIB), free_before);
    assert_int_equal(hp_hugetlb.populate(start, 2 * MIB), 0);
    assert_int_equal(hp_hugetlb.unmap(start, size), 0);
}

static void protection_is_per_frame(void **state)
{
    (void)state;
    char *start = map_full(4 * MIB), value;
    assert_int_equal(hp_hugetlb.protect(start, 2 * MIB, HP_NONE), 0);
    assert_int_equal(touch_read(start, &value), SIGSEGV);
    assert_int_equal(touch_write(start + 2 * MIB, 7), 0);
    assert_int_equal(hp_hugetlb.protect(start, 2 * MIB, HP_READ), 0);
    assert_int_equal(touch_read(start, &value), 0);
    assert_int_equal(touch_write(start, 7), SIGSEGV);
    assert_int_equal(hp_hugetlb.protect(start, HP_BASE_PAGE, HP_NONE), -EINVAL);
    assert_int_equal(hp_hugetlb.unmap(start, 4 * MIB), 0);
}

static void bound_frames_are_on_their_node(void **state)
{
    (void)state;
    struct hp_caps caps = hp_probe(0);
    if (!caps.bind || !caps.locate) {
        print_message("this process may not bind memory to node 0 or ask where it lies\n");
        skip();
    }
    char *start = map(4 * MIB);
    int policy = -1, nodes[2];
    void *pages[2] = {start, start + 2 * MIB};
    assert_int_equal(hp_hugetlb.bind(start, 4 * MIB, 0), 0);
    assert_int_equal(get_mempolicy(&policy, NULL, 0, start, MPOL_F_ADDR), 0);
    assert_int_equal(policy, MPOL_BIND);
    assert_int_equal(hp_hugetlb.populate(start, 2 * MIB), 0);
    assert_int_equal(hp_locate(pages, 2, nodes), 0);
    assert_int_equal(nodes[0], 0);
    assert_true(nodes[1] < 0);
    policy = -1;
    assert_int_equal(hp_hugetlb.replace(&spec, start + 2 * MIB, 2 * MIB, 0, true), 0);
    assert_int_equal(get_mempolicy(&policy, NULL, 0, start + 2 * MIB, MPOL_F_ADDR), 0);
    assert_int_equal(policy, MPOL_BIND);
    assert_int_equal(hp_hugetlb.unmap(start, 4 * MIB), 0);
}

/* As a frame is dissolved into small pages, and made one again. */
static void frame_to_small_pages_and_back(void **state)
{
    (void)state;
    char *start = map_full(6 * MIB), *middle = start + 2 * MIB;
    memset(start, 7, 6 * MIB);
    assert_int_equal(hp_base.replace(&base_spec, middle, 2 * MIB, 0, true), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 2);
    assert_true(vm_flag(middle, "dc") && vm_flag(middle, "dd") && !vm_flag(middle, "ht"));
    assert_int_equal(touch_write(middle, 1), SIGSEGV);
    assert_int_equal(hp_base.protect(middle, 2 * MIB, HP_RW), 0);
    assert_true(all_bytes(middle, 2 * MIB, 0));
    assert_int_equal(hp_base.protect(middle + HP_BASE_PAGE, HP_BASE_PAGE, HP_NONE), 0);
    assert_int_equal(hp_hugetlb.replace(&spec, middle, 2 * MIB, 0, true), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 3);
    assert_true(vm_flag(middle, "dc") && vm_flag(middle, "dd") && vm_flag(middle, "ht"));
    assert_true(all_bytes(start, 2 * MIB, 7));
    assert_true(all_bytes(middle, 2 * MIB, 0));
    assert_true(all_bytes(middle + 2 * MIB, 2 * MIB, 7));
    assert_int_equal(hp_hugetlb.unmap(start, 6 * MIB), 0);
}

static void frame_to_thp(void **state)
{
    bool huge = false;
    (void)state;
    char *start = map_full(4 * MIB);
    assert_int_equal(hp_thp.replace(&base_spec, start, 2 * MIB, 0, true), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 1);
    assert_true(vm_flag(start, "hg") && vm_flag(start, "dc") && vm_flag(start, "dd"));
    int r = hp_is_huge(start, &huge);
    assert_true(r == -EOPNOTSUPP || !thp_enabled() || (r == 0 && huge));
    assert_int_equal(touch_write(start, 7), 0);
    assert_int_equal(hp_hugetlb.unmap(start, 4 * MIB), 0);
}

static void an_empty_replacement_takes_no_page(void **state)
{
    (void)state;
    char *start = map_full(2 * MIB);
    assert_int_equal(hp_hugetlb.replace(&open_spec, start, 2 * MIB, 0, false), 0);
    assert_int_equal(huge_free(2 * MIB), free_before);
    assert_true(vm_flag(start, "ht") && !vm_flag(start, "dc") && !vm_flag(start, "dd"));
    assert_int_equal(hp_hugetlb.unmap(start, 2 * MIB), 0);
}

static void failed_replace_changes_nothing(void **state)
{
    (void)state;
    size_t size = free_before * 2 * MIB;
    char *start = map(size), *small;
    void *mapped;
    assert_int_equal(hp_base.map(&base_spec, NULL, 2 * MIB, 2 * MIB, &mapped), 0);
    small = mapped;
    assert_int_equal(hp_base.protect(small, 2 * MIB, HP_RW), 0);
    memset(small, 7, 2 * MIB);
    assert_int_equal(hp_hugetlb.populate(start, size), 0);
    size_t before = map_count();
    assert_int_equal(hp_hugetlb.replace(&spec, small, 2 * MIB, 0, true), -ENOMEM);
    memset(start, 6, 2 * MIB);
    assert_int_equal(
        hp_base.replace(&base_spec, start + HP_BASE_PAGE, HP_BASE_PAGE, 0, true), -EINVAL);
    assert_true(all_bytes(small, 2 * MIB, 7));
    assert_true(all_bytes(start, 2 * MIB, 6));
    assert_int_equal(map_count(), before);
    assert_int_equal(hp_base.unmap(small, 2 * MIB), 0);
    assert_int_equal(hp_hugetlb.unmap(start, size), 0);
}

static void a_gigabyte_page(void **state)
{
    (void)state;
    const struct hp_spec giant = {.page_size = GIB, .fd = -1};
    size_t before = huge_free(GIB);
    if (before < 1) {
        print_message("no free huge page of 1 GiB\n");
        skip();
    }
    void *start;
    assert_int_equal(hp_hugetlb.map(&giant, NULL, (before + 1) * GIB, GIB, &start), 0);
    assert_int_equal((uintptr_t)start % GIB, 0);
    assert_int_equal(hp_hugetlb.populate(start, GIB), 0);
    assert_int_equal(huge_free(GIB), before - 1);
    assert_int_equal(touch_write((char *)start + GIB - 1, 7), 0);
    assert_int_equal(hp_hugetlb.populate(start, (before + 1) * GIB), -ENOMEM);
    assert_int_equal(hp_hugetlb.discard(start, (before + 1) * GIB), 0);
    assert_int_equal(huge_free(GIB), before);
    assert_int_equal(hp_hugetlb.unmap(start, (before + 1) * GIB), 0);
}

#define CHECKED(f) cmocka_unit_test_setup_teardown(f, note_free, same_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECKED(a_window_takes_no_page),
        CHECKED(alignment_beyond_the_page),
        CHECKED(fixed_address_is_taken_or_refused),
        CHECKED(a_size_that_is_not_there_is_invalid),
        CHECKED(frames_come_and_go),
        CHECKED(a_spent_pool_is_no_memory),
        CHECKED(protection_is_per_frame),
        CHECKED(bound_frames_are_on_their_node),
        CHECKED(frame_to_small_pages_and_back),
        CHECKED(frame_to_thp),
        CHECKED(an_empty_replacement_takes_no_page),
        CHECKED(failed_replace_changes_nothing),
        CHECKED(a_gigabyte_page),
    };
    if (huge_free(2 * MIB) < NEEDED) {
        printf("needs %d free huge pages of 2 MiB\n", NEEDED);
        return SKIP;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
