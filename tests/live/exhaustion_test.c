/* SPDX-License-Identifier: MIT */
/*
 * Huge pages come and go: while other processes take and give back huge pages at random moments,
 * commits of random sizes end in success or in -ENOMEM and in nothing else. What was committed can
 * be written to the last byte, then and later, and the books are balanced in the end.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define COMMITS 10000
#define REGIONS 12
#define RIVALS  2

/* -- the other processes -- */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static void take_some(uint64_t *random, size_t most)
{
    size_t size = (1 + live_below(random, most)) * FRAME;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == MAP_FAILED)
        return;
    madvise(at, size, MADV_POPULATE_WRITE);
    for (volatile size_t i = live_below(random, 2000000); i; i--)
        ;
    munmap(at, size);
}

static pid_t start_rival(uint64_t seed, size_t pages)
{
    pid_t parent = getpid(), pid = fork();
    must(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent)
        take_some(&seed, pages);
    _exit(0);
}

static void stop_rival(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    must(waitpid(pid, &status, 0) == pid);
}

/* -- this one -- */

struct owner {
    struct hostmem *manager;
    uint64_t random;
    struct {
        char *base;
        size_t size, first, end; /* committed pages; all written */
    } regions[REGIONS];
    size_t successes, shortages, lent;
};

static void write_all(char *base, size_t first, size_t end)
{
    for (size_t page = first; page < end; page++)
        memset(base + page * PAGE, (int)(page % 251) + 1, PAGE);
}

static void check_all(const char *base, size_t first, size_t end)
{
    for (size_t page = first; page < end; page++)
        for (size_t i = 0; i < PAGE; i += 512)
            must(base[page * PAGE + i] == (char)(page % 251 + 1));
}

/* The end of a region lies in a frame that others may have as well, and may have brought about. */
static bool in_a_share(size_t region_size, size_t end)
{
    size_t granules = (region_size + GRANULE - 1) / GRANULE;
    return end * PAGE > granules * GRANULE / FRAME * FRAME;
}

static void judge_receipt(
    struct owner *owner, const struct hostmem_receipt *receipt, size_t pages, bool shared)
{
    must(receipt->committed == pages * PAGE);
    if (receipt->backing == HOSTMEM_BACKING_HUGETLB)
        return;
    must(receipt->reason == HOSTMEM_REASON_NO_HUGE || shared);
    owner->lent++;
}

static void commit_some(struct owner *owner, size_t i)
{
    size_t pages = owner->regions[i].size / PAGE, first = live_below(&owner->random, pages);
    size_t end = first + 1 + live_below(&owner->random, pages - first);
    char *base = owner->regions[i].base;
    struct hostmem_receipt receipt = {0};
    int error = hostmem_commit(owner->manager, base + first * PAGE, (end - first) * PAGE,
        HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, &receipt);
    must(error == 0 || error == -ENOMEM);
    if (error) {
        struct hostmem_info info = {0};
        must(hostmem_query(owner->manager, base + first * PAGE, &info) == 0);
        must(info.state == HOSTMEM_RESERVED);
        owner->shortages++;
        return;
    }
    judge_receipt(owner, &receipt, end - first, in_a_share(owner->regions[i].size, end));
    must(live_is_zero(base + first * PAGE, (end - first) * PAGE));
    write_all(base, first, end);
    owner->regions[i].first = first;
    owner->regions[i].end = end;
    owner->successes++;
}

/* A region is reserved, committed, and ended by a release or emptied by a decommit. */
static void one_commit(struct owner *owner)
{
    size_t i = live_below(&owner->random, REGIONS);
    if (!owner->regions[i].base) {
        size_t size = PAGE + live_below(&owner->random, 6 * FRAME);
        owner->regions[i].size = size & ~(PAGE - 1);
        owner->regions[i].base = live_reserve(owner->manager, owner->regions[i].size, 0);
    }
    check_all(owner->regions[i].base, owner->regions[i].first, owner->regions[i].end);
    must(hostmem_decommit(owner->manager, owner->regions[i].base, 0) == 0);
    owner->regions[i].first = owner->regions[i].end = 0;
    commit_some(owner, i);
    if (!live_one_in(&owner->random, 3))
        return;
    check_all(owner->regions[i].base, owner->regions[i].first, owner->regions[i].end);
    must(hostmem_release(owner->manager, owner->regions[i].base) == 0);
    memset(&owner->regions[i], 0, sizeof(owner->regions[i]));
}

static void run(const char *backing)
{
    static struct owner owner;
    uint64_t seed = live_seed(), before = live_huge_free();
    live_environment(backing, "HOSTMEM_WARM=32M", NULL);
    owner = (struct owner){.random = seed, .manager = live_manager()};
    pid_t rivals[RIVALS];
    for (size_t i = 0; i < RIVALS; i++)
        rivals[i] = start_rival(seed + 1 + i, before * 3 / 4);
    for (size_t n = live_scaled(COMMITS); n; n--)
        one_commit(&owner);
    for (size_t i = 0; i < RIVALS; i++)
        stop_rival(rivals[i]);
    for (size_t i = 0; i < REGIONS; i++)
        if (owner.regions[i].base)
            must(hostmem_release(owner.manager, owner.regions[i].base) == 0);
    print_message("%zu commits, %zu of them with other memory than huge pages, %zu refused\n",
        owner.successes, owner.lent, owner.shortages);
    assert_int_equal(live_committed(owner.manager), 0);
    hostmem_destroy(owner.manager);
    assert_true(live_huge_free_again(before));
}

static void with_hugetlb_alone(void **state)
{
    run("HOSTMEM_BACKING=hugetlb");
}

static void with_the_default_list(void **state)
{
    run("HOSTMEM_BACKING=hugetlb,thp,base");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_hugetlb_alone),
        cmocka_unit_test(with_the_default_list),
    };
    live_limit_windows();
    live_catch_faults();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
