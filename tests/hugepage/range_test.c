/* SPDX-License-Identifier: MIT */
/*
 * thp and base against the contract of hp.h, on any Linux machine. What both promise is one test
 * with the backing as its state; what tells them apart has a test of its own.
 */
#include "memory.h"

#include "hugepage/hp.h"

#include <errno.h>
#include <numaif.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct hp_spec spec = {.page_size = HP_BASE_PAGE, .fd = -1};
static const struct hp_spec open_spec = {
    .page_size = HP_BASE_PAGE, .fd = -1, .fork = true, .dump = true};

static const struct hp_ops *const thp = &hp_thp, *const base = &hp_base;

static char *map(const struct hp_ops *ops, size_t size, size_t align)
{
    void *start;
    assert_int_equal(ops->map(&spec, NULL, size, align, &start), 0);
    return start;
}

/* Mapped, writable and populated. */
static char *map_full(const struct hp_ops *ops, size_t size)
{
    char *start = map(ops, size, 2 * MIB);
    assert_int_equal(ops->protect(start, size, HP_RW), 0);
    assert_int_equal(ops->populate(start, size), 0);
    return start;
}

/* Pages of the range that are in memory. */
static size_t resident(void *start, size_t size)
{
    static unsigned char vector[4096];
    size_t count = 0, pages = size / HP_BASE_PAGE;
    assert_true(pages <= sizeof(vector));
    assert_int_equal(mincore(start, size, vector), 0);
    for (size_t i = 0; i < pages; i++)
        count += vector[i] & 1;
    return count;
}

static void mapping_is_aligned_and_trimmed(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    /* Once beforehand: sanitizers map shadows for places that are new to them. */
    for (size_t align = HP_BASE_PAGE; align <= GIB; align *= 2)
        assert_int_equal(ops->unmap(map(ops, 3 * HP_BASE_PAGE, align), 3 * HP_BASE_PAGE), 0);
    size_t before = map_count();
    for (size_t align = HP_BASE_PAGE; align <= GIB; align *= 2) {
        char *start = map(ops, 3 * HP_BASE_PAGE, align);
        assert_int_equal((uintptr_t)start % align, 0);
        assert_int_equal(ops->unmap(start, 3 * HP_BASE_PAGE), 0);
    }
    assert_int_equal(map_count(), before);
}

static void a_terabyte_takes_no_memory(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map(ops, TIB, 2 * MIB);
    assert_int_equal(resident(start, 2 * MIB), 0);
    assert_int_equal(ops->unmap(start, TIB), 0);
}

static void more_than_the_address_space_is_no_memory(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    void *start = &start;
    assert_int_equal(ops->map(&spec, NULL, (size_t)1 << 60, HP_BASE_PAGE, &start), -ENOMEM);
    assert_int_equal(
        ops->map(&spec, NULL, SIZE_MAX - HP_BASE_PAGE + 1, (size_t)1 << 30, &start), -ENOMEM);
    assert_ptr_equal(start, &start);
}

static void fixed_address_is_taken_or_refused(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map_full(ops, 4 * MIB);
    void *again = NULL;
    start[3 * MIB] = 7;
    assert_int_equal(ops->map(&spec, start + 2 * MIB, 4 * MIB, HP_BASE_PAGE, &again), -EEXIST);
    assert_null(again);
    assert_int_equal(start[3 * MIB], 7);
    assert_int_equal(ops->unmap(start + 2 * MIB, 2 * MIB), 0);
    assert_int_equal(ops->map(&spec, start + 2 * MIB, 2 * MIB, HP_BASE_PAGE, &again), 0);
    assert_ptr_equal(again, start + 2 * MIB);
    assert_int_equal(ops->unmap(start, 4 * MIB), 0);
}

static void flags_follow_the_spec(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    void *shut, *open;
    assert_int_equal(ops->map(&spec, NULL, 2 * MIB, 2 * MIB, &shut), 0);
    assert_int_equal(ops->map(&open_spec, NULL, 2 * MIB, 2 * MIB, &open), 0);
    assert_true(vm_flag(shut, "dc") && vm_flag(shut, "dd") && vm_flag(shut, "nr"));
    assert_true(!vm_flag(open, "dc") && !vm_flag(open, "dd") && vm_flag(open, "nr"));
    assert_int_equal(vm_flag(shut, "wr"), ops->at_rest == HP_RW);
    ops->unmap(shut, 2 * MIB);
    ops->unmap(open, 2 * MIB);
}

static void populate_keeps_what_is_there(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map(ops, 4 * MIB, 2 * MIB);
    assert_int_equal(ops->protect(start, 4 * MIB, HP_RW), 0);
    start[MIB] = 7;
    assert_int_equal(ops->populate(start, 4 * MIB), 0);
    assert_int_equal(resident(start, 4 * MIB), 1024);
    assert_int_equal(start[MIB], 7);
    start[MIB] = 0;
    assert_true(all_bytes(start, 4 * MIB, 0));
    assert_int_equal(ops->unmap(start, 4 * MIB), 0);
}

static void populate_needs_the_right_to_write(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map(ops, 2 * MIB, 2 * MIB);
    assert_int_equal(ops->protect(start, 2 * MIB, HP_READ), 0);
    assert_true(ops->populate(start, 2 * MIB) < 0);
    assert_int_equal(ops->unmap(start, 2 * MIB), 0);
}

static void discard_gives_back_and_zeroes(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map_full(ops, 4 * MIB);
    memset(start, 7, 4 * MIB);
    assert_int_equal(ops->discard(start, 2 * MIB), 0);
    assert_int_equal(resident(start, 2 * MIB), 0);
    assert_int_equal(ops->populate(start, 2 * MIB), 0);
    assert_true(all_bytes(start, 2 * MIB, 0));
    assert_true(all_bytes(start + 2 * MIB, 2 * MIB, 7));
    assert_int_equal(ops->unmap(start, 4 * MIB), 0);
}

static void discard_works_on_locked_memory(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map_full(ops, 2 * MIB);
    if (mlock(start, 2 * MIB) != 0) {
        ops->unmap(start, 2 * MIB);
        print_message("this process may not lock 2 MiB of memory\n");
        skip();
    }
    start[0] = 7;
    assert_int_equal(ops->discard(start, 2 * MIB), 0);
    assert_int_equal(start[0], 0);
    assert_int_equal(ops->unmap(start, 2 * MIB), 0);
}

static void protection_is_kept_per_page(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map_full(ops, 2 * MIB);
    char value = 1;
    assert_int_equal(ops->protect(start + HP_BASE_PAGE, HP_BASE_PAGE, HP_READ), 0);
    assert_int_equal(ops->protect(start + 2 * HP_BASE_PAGE, HP_BASE_PAGE, HP_NONE), 0);
    assert_int_equal(touch_write(start, 7), 0);
    assert_int_equal(touch_write(start + HP_BASE_PAGE, 7), SIGSEGV);
    assert_int_equal(touch_read(start + HP_BASE_PAGE, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(touch_read(start + 2 * HP_BASE_PAGE, &value), SIGSEGV);
    assert_int_equal(touch_write(start + 3 * HP_BASE_PAGE, 7), 0);
    assert_int_equal(ops->unmap(start, 2 * MIB), 0);
}

static void bound_memory_is_on_its_node(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    if (!hp_probe(0).bind || !hp_probe(0).locate) {
        print_message("this process may not bind memory to node 0 or ask where it lies\n");
        skip();
    }
    char *start = map(ops, 2 * MIB, 2 * MIB);
    void *pages[2] = {start, start + MIB};
    int nodes[2] = {-1, -1}, policy = -1;
    assert_int_equal(ops->bind(start, 2 * MIB, 0), 0);
    assert_int_equal(get_mempolicy(&policy, NULL, 0, start, MPOL_F_ADDR), 0);
    assert_int_equal(policy, MPOL_PREFERRED);
    assert_int_equal(hp_locate(pages, 2, nodes), 0);
    assert_true(nodes[0] < 0 && nodes[1] < 0);
    assert_int_equal(ops->protect(start, 2 * MIB, HP_RW), 0);
    assert_int_equal(ops->populate(start, 2 * MIB), 0);
    assert_int_equal(hp_locate(pages, 2, nodes), 0);
    assert_true(nodes[0] == 0 && nodes[1] == 0);
    assert_int_equal(ops->unmap(start, 2 * MIB), 0);
}

static void nodes_that_cannot_be_are_refused(void **state)
{
    const struct hp_ops *ops = *(const struct hp_ops **)*state;
    char *start = map(ops, 2 * MIB, 2 * MIB);
    assert_int_equal(ops->bind(start, 2 * MIB, -1), -EINVAL);
    assert_int_equal(ops->bind(start, 2 * MIB, 1024), -EINVAL);
    assert_true(ops->bind(start, 2 * MIB, 1023) < 0);
    assert_int_equal(ops->unmap(start, 2 * MIB), 0);
}

static void locate_has_a_limit(void **state)
{
    void *pages[HP_LOCATE_MAX + 1] = {0};
    int nodes[HP_LOCATE_MAX + 1] = {0};
    (void)state;
    assert_int_equal(hp_locate(pages, HP_LOCATE_MAX + 1, nodes), -EINVAL);
}

/* The right half of 4 MiB of `under` becomes memory of `over`, and everything else stays. */
static void replace_half(const struct hp_ops *under, const struct hp_ops *over, bool populate)
{
    char *start = map_full(under, 4 * MIB), *half = start + 2 * MIB;
    memset(start, 7, 4 * MIB);
    assert_int_equal(over->replace(&spec, half, 2 * MIB, 0, populate), 0);
    assert_int_equal(resident(half, 2 * MIB), populate ? 512 : 0);
    assert_true(vm_flag(half, "dc") && vm_flag(half, "dd"));
    assert_int_equal(vm_flag(half, "wr"), over->at_rest == HP_RW);
    assert_true(vm_flag(half, over == &hp_thp ? "hg" : "nh"));
    assert_int_equal(over->protect(half, 2 * MIB, HP_RW), 0);
    assert_true(all_bytes(half, 2 * MIB, 0));
    assert_true(all_bytes(start, 2 * MIB, 7));
    assert_int_equal(over->unmap(start, 4 * MIB), 0);
}

static void replace_puts_fresh_memory_in_place(void **state)
{
    (void)state;
    for (int populate = 0; populate < 2; populate++) {
        replace_half(&hp_base, &hp_thp, populate);
        replace_half(&hp_thp, &hp_base, populate);
        replace_half(&hp_base, &hp_base, populate);
    }
}

static void replace_fills_a_hole(void **state)
{
    (void)state;
    char *start = map(&hp_base, 4 * MIB, 2 * MIB);
    assert_int_equal(hp_base.unmap(start + 2 * MIB, 2 * MIB), 0);
    assert_int_equal(hp_thp.replace(&open_spec, start + 2 * MIB, 2 * MIB, -1, true), 0);
    assert_true(!vm_flag(start + 2 * MIB, "dc") && !vm_flag(start + 2 * MIB, "dd"));
    start[2 * MIB] = 7;
    assert_int_equal(hp_base.unmap(start, 4 * MIB), 0);
}

static void failed_replace_changes_nothing(void **state)
{
    (void)state;
    char *start = map_full(&hp_thp, 2 * MIB);
    memset(start, 7, 2 * MIB);
    size_t before = map_count();
    assert_true(hp_base.replace(&spec, start, 2 * MIB, 1023, true) < 0);
    assert_true(hp_base.replace(&spec, start + 1, HP_BASE_PAGE, 0, true) < 0);
    assert_true(all_bytes(start, 2 * MIB, 7));
    assert_int_equal(map_count(), before);
    assert_int_equal(hp_thp.unmap(start, 2 * MIB), 0);
}

static void thp_is_huge_and_base_is_not(void **state)
{
    bool huge = true;
    (void)state;
    char *start = map_full(&hp_base, 2 * MIB);
    int r = hp_is_huge(start, &huge);
    if (r == -EOPNOTSUPP || !thp_enabled()) {
        hp_base.unmap(start, 2 * MIB);
        print_message("no PAGEMAP_SCAN in this kernel, or transparent huge pages are off\n");
        skip();
    }
    assert_int_equal(r, 0);
    assert_false(huge);
    assert_int_equal(hp_thp.replace(&spec, start, 2 * MIB, 0, true), 0);
    assert_int_equal(hp_is_huge(start, &huge), 0);
    assert_true(huge);
    assert_int_equal(hp_thp.discard(start + HP_BASE_PAGE, HP_BASE_PAGE), 0);
    assert_int_equal(hp_is_huge(start, &huge), 0);
    assert_false(huge);
    assert_int_equal(hp_thp.unmap(start, 2 * MIB), 0);
}

/* A read gives the kernel's one huge page of zeros, which is not memory of ours. */
static void a_page_that_was_only_read_is_not_huge(void **state)
{
    bool huge = true;
    char value = 1;
    (void)state;
    char *start = map(&hp_thp, 2 * MIB, 2 * MIB);
    assert_int_equal(touch_read(start, &value), 0);
    int r = hp_is_huge(start, &huge);
    hp_thp.unmap(start, 2 * MIB);
    if (r == -EOPNOTSUPP) {
        print_message("no PAGEMAP_SCAN in this kernel\n");
        skip();
    }
    assert_int_equal(r, 0);
    assert_false(huge);
}

/* gcc says it by a macro, clang by a feature. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

static void a_child_has_none_of_it(void **state)
{
    (void)state;
    if (UNDER_TSAN) {
        print_message("missing: a child without the memory of the thread sanitizer's making\n");
        skip();
    }
    char *start = map_full(&hp_thp, 2 * MIB);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    /* The kernel's look at it and not a touch: sanitizers have their own ideas of faults. */
    if (child == 0)
        _exit(write(pipes[1], start, 1) < 0 && errno == EFAULT ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(hp_thp.unmap(start, 2 * MIB), 0);
}

static void tick(int signal)
{
    (void)signal;
}

static void populate_goes_on_after_signals(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = tick}, old;
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    char *start = map(&hp_base, 64 * MIB, 2 * MIB);
    assert_int_equal(hp_base.protect(start, 64 * MIB, HP_RW), 0);
    sigaction(SIGALRM, &action, &old);
    setitimer(ITIMER_REAL, &often, NULL);
    int r = hp_base.populate(start, 64 * MIB);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    assert_int_equal(r, 0);
    assert_int_equal(resident(start + 62 * MIB, 2 * MIB), 512);
    assert_int_equal(hp_base.unmap(start, 64 * MIB), 0);
}

static void table_has_every_backing(void **state)
{
    (void)state;
    assert_ptr_equal(hp_ops_of(HP_HUGETLB), &hp_hugetlb);
    assert_ptr_equal(hp_ops_of(HP_THP), &hp_thp);
    assert_ptr_equal(hp_ops_of(HP_BASE), &hp_base);
}

#define BOTH(f)                                                                                    \
    {"thp: " #f, f, NULL, NULL, (void *)&thp},                                                     \
    {                                                                                              \
        "base: " #f, f, NULL, NULL, (void *)&base                                                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(mapping_is_aligned_and_trimmed),
        BOTH(a_terabyte_takes_no_memory),
        BOTH(more_than_the_address_space_is_no_memory),
        BOTH(fixed_address_is_taken_or_refused),
        BOTH(flags_follow_the_spec),
        BOTH(populate_keeps_what_is_there),
        BOTH(populate_needs_the_right_to_write),
        BOTH(discard_gives_back_and_zeroes),
        BOTH(discard_works_on_locked_memory),
        BOTH(protection_is_kept_per_page),
        BOTH(bound_memory_is_on_its_node),
        BOTH(nodes_that_cannot_be_are_refused),
        cmocka_unit_test(locate_has_a_limit),
        cmocka_unit_test(replace_puts_fresh_memory_in_place),
        cmocka_unit_test(replace_fills_a_hole),
        cmocka_unit_test(failed_replace_changes_nothing),
        cmocka_unit_test(thp_is_huge_and_base_is_not),
        cmocka_unit_test(a_page_that_was_only_read_is_not_huge),
        cmocka_unit_test(a_child_has_none_of_it),
        cmocka_unit_test(populate_goes_on_after_signals),
        cmocka_unit_test(table_has_every_backing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
