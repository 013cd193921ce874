/* SPDX-License-Identifier: MIT */
/*
 * Automatic NUMA balancing moves pages to the node that uses them. It is made as eager as it can
 * be, ordinary memory shows that it works, and memory of ours that the same thread uses in the same
 * way must lie where it lay. Runs on shapes where nodes 0 and 1 have CPUs and memory, as root. One
 * thread; settings are put back.
 */
#include "guest.h"

#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define DEBUG "/sys/kernel/debug/sched/numa_balancing/"
#define PLAIN ((size_t)256 * KIB)
#define LIMIT 90 /* seconds */

static const struct setting {
    const char *path;
    const char *eager;
} settings[] = {
    {"/proc/sys/kernel/numa_balancing", "1"},
    {DEBUG "scan_delay_ms", "1"},
    {DEBUG "scan_period_min_ms", "10"},
    {DEBUG "scan_period_max_ms", "50"},
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static char former[SETTINGS][32];

static int make_eager(void **state)
{
    (void)state;
    for (size_t i = 0; i < SETTINGS; i++) {
        FILE *file = fopen(settings[i].path, "re");
        if (!file || !fgets(former[i], sizeof(former[i]), file))
            return -1;
        fclose(file);
        if (guest_write(settings[i].path, settings[i].eager))
            return -1;
    }
    return 0;
}

static int put_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < SETTINGS; i++)
        guest_write(settings[i].path, former[i]);
    return 0;
}

static void use(volatile char *memory, size_t size)
{
    for (size_t at = 0; at < size; at += 4096)
        memory[at]++;
}

/* A page that the kernel has just marked to see who uses it is, for the moment, nowhere. */
static bool lies_on(char *plain, int node)
{
    void *pages[PLAIN / 4096];
    int nodes[PLAIN / 4096];
    for (size_t i = 0; i < PLAIN / 4096; i++)
        pages[i] = plain + i * 4096;
    assert_int_equal(move_pages(0, PLAIN / 4096, pages, NULL, nodes, 0), 0);
    for (size_t i = 0; i < PLAIN / 4096; i++)
        if (nodes[i] != node)
            return false;
    return true;
}

/* Uses both from a node until the kernel has the ordinary memory there. */
static void use_until_it_moved(int node, char *plain, char *ours, size_t size)
{
    time_t end = time(NULL) + LIMIT;
    guest_pin(node);
    while (!lies_on(plain, node)) {
        assert_true(time(NULL) < end);
        for (int i = 0; i < 50; i++) {
            use(plain, PLAIN);
            use(ours, size);
        }
    }
}

static void stays(const char *backing)
{
    void *ours;
    guest_set("HOSTMEM_BACKING", backing);
    char *plain = mmap(NULL, PLAIN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(plain != MAP_FAILED);
    struct hostmem_receipt receipt = guest_must_take(1, 4 * MIB, &ours);
    use_until_it_moved(1, plain, ours, 4 * MIB);
    use_until_it_moved(0, plain, ours, 4 * MIB);
    guest_assert_placed(ours, 4 * MIB, &receipt);
    munmap(plain, PLAIN);
}

static void frames_of_huge_pages_stay(void **state)
{
    (void)state;
    stays("hugetlb");
}

static void transparent_huge_pages_stay(void **state)
{
    (void)state;
    stays("thp");
}

static void base_pages_stay(void **state)
{
    (void)state;
    stays("base");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(frames_of_huge_pages_stay),
        guest_test(transparent_huge_pages_stay),
        guest_test(base_pages_stay),
    };
    cmocka_set_test_filter(getenv("GUEST_ONLY"));
    return cmocka_run_group_tests(tests, make_eager, put_back);
}
