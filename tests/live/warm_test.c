/* SPDX-License-Identifier: MIT */
/*
 * The warm path does not enter the kernel. After a warm-up a child puts itself under a filter that
 * kills it at any system call but those that measure and report, and goes on with reservations,
 * commits, decommits, releases and queries. The page faults that the rounds took have to be none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "live.h"

static const int allowed[] = {SYS_write, SYS_exit_group, SYS_getrusage, -1};

/* The size of the regions, and how often. */
struct load {
    const char *backing;
    size_t size, rounds;
};

static long faults(void)
{
    struct rusage usage;
    must(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_minflt + usage.ru_majflt;
}

static void query(struct hostmem *manager, char *at, enum hostmem_state state)
{
    struct hostmem_info info = {0};
    must(hostmem_query(manager, at, &info) == 0);
    must(info.state == state);
}

/* In one step, and in two, with a decommit between. */
static void one_round(struct hostmem *manager, size_t size)
{
    char *at = live_reserve(manager, size, HOSTMEM_COMMIT);
    query(manager, at + size - 1, HOSTMEM_COMMITTED);
    at[0] = at[size - 1] = 1;
    must(hostmem_decommit(manager, at, 0) == 0);
    query(manager, at, HOSTMEM_RESERVED);
    live_commit(manager, at, size);
    must(at[0] == 0 && at[size - 1] == 0);
    at[size / 2] = 1;
    must(hostmem_release(manager, at) == 0);
    query(manager, at, HOSTMEM_FREE);
}

/* Memory that this thread uses later: two regions at once, so that the round finds what it needs
 * wherever the one before it was. */
static void warm_up(struct hostmem *manager, size_t size)
{
    void *at = live_reserve(manager, size, HOSTMEM_COMMIT);
    for (int i = 0; i < 8; i++)
        one_round(manager, size);
    must(hostmem_release(manager, at) == 0);
    for (int i = 0; i < 8; i++)
        one_round(manager, size);
}

static void run_rounds(void *argument)
{
    const struct load *load = argument;
    live_environment(load->backing, "HOSTMEM_WARM=1G", NULL);
    struct hostmem *manager = live_manager();
    warm_up(manager, load->size);
    faults();
    live_allow_only(allowed);
    long before = faults();
    for (size_t i = 0; i < load->rounds; i++)
        one_round(manager, load->size);
    long taken = faults() - before;
    if (taken)
        fprintf(stderr, "%ld page faults in %zu rounds\n", taken, load->rounds);
    must(taken == 0);
    _exit(0);
}

static void run(const char *backing)
{
    const struct load loads[] = {
        {backing, 64 * KIB, live_scaled(100000)},
        {backing, 2 * MIB, live_scaled(20000)},
        {backing, 2 * MIB + 64 * KIB, live_scaled(20000)},
        {backing, 16 * MIB, live_scaled(1000)},
        {backing, 256 * MIB, live_scaled(20)},
    };
    for (size_t i = 0; i < COUNT(loads); i++) {
        struct load load = loads[i];
        print_message("%s, %zu KiB, %zu rounds\n", backing, load.size / KIB, load.rounds);
        assert_int_equal(live_child(run_rounds, &load, NULL, 0), 0);
    }
}

static void on_hugetlb(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer makes system calls of its own");
    run("HOSTMEM_BACKING=hugetlb");
}

static void on_thp(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer makes system calls of its own");
    run("HOSTMEM_BACKING=thp");
}

/* That the filter would have seen a system call. */
static void call_the_kernel(void *argument)
{
    live_allow_only(allowed);
    syscall(SYS_getppid);
}

static void the_filter_works(void **state)
{
    assert_int_equal(live_child(call_the_kernel, NULL, NULL, 0), 128 + 31);
}

/* Commits of memory that is not warm are seen, too. */
static void commit_cold(void *argument)
{
    live_environment("HOSTMEM_BACKING=hugetlb", NULL);
    struct hostmem *manager = live_manager();
    void *at = live_reserve(manager, FRAME, 0);
    live_allow_only(allowed);
    live_commit(manager, at, FRAME);
}

static void cold_commits_are_seen(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer makes system calls of its own");
    assert_int_equal(live_child(commit_cold, NULL, NULL, 0), 128 + 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_works),
        cmocka_unit_test(cold_commits_are_seen),
        cmocka_unit_test(on_hugetlb),
        cmocka_unit_test(on_thp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
