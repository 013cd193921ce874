/* SPDX-License-Identifier: MIT */
/*
 * What a manager costs: time to create it, resident metadata for a terabyte that is reserved,
 * mappings; and that nothing stays when regions and managers go. Address space itself is free.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define CREATIONS 20
#define CYCLES    100

/* -- creation -- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void creation_is_quick(void **state)
{
    uint64_t took[CREATIONS];
    live_environment(NULL);
    for (size_t i = 0; i < CREATIONS; i++) {
        uint64_t start = live_now();
        struct hostmem *manager = live_manager();
        took[i] = live_now() - start;
        hostmem_destroy(manager);
    }
    qsort(took, CREATIONS, sizeof(took[0]), by_size);
    print_message("creation: median %llu us, slowest %llu us\n",
        (unsigned long long)took[CREATIONS / 2] / 1000,
        (unsigned long long)took[CREATIONS - 1] / 1000);
    if (!LIVE_SANITIZED)
        assert_true(took[CREATIONS / 2] <= 5000000);
}

/* -- a terabyte -- */

struct terabyte {
    const char *backing;
    size_t regions, size;
};

static void measure(void *argument)
{
    const struct terabyte *t = argument;
    live_environment(t->backing, NULL);
    struct hostmem *manager = live_manager();
    void **bases = calloc(t->regions, sizeof(*bases));
    must(bases);
    memset(bases, 0, t->regions * sizeof(*bases));
    size_t resident = live_resident(), maps = live_maps();
    for (size_t i = 0; i < t->regions; i++)
        bases[i] = live_reserve(manager, t->size, 0);
    size_t cost = live_resident() - resident;
    print_message("%s, %zu regions of %zu GiB: %zu KiB resident, %zu more mappings\n", t->backing,
        t->regions, t->size / GIB, cost / KIB, live_maps() - maps);
    must(LIVE_SANITIZED || cost <= MIB);
    for (size_t i = 0; i < t->regions; i++)
        must(hostmem_release(manager, bases[i]) == 0);
    hostmem_destroy(manager);
    free(bases);
}

static void a_terabyte_costs_little(void **state)
{
    static const char *const backings[] = {
        "HOSTMEM_BACKING=hugetlb", "HOSTMEM_BACKING=thp", "HOSTMEM_BACKING=base"};
    if (LIVE_THREAD_SANITIZED)
        live_skip("a terabyte of address space: the thread sanitizer leaves less");
    for (size_t i = 0; i < COUNT(backings); i++) {
        struct terabyte shapes[] = {
            {backings[i], 1, TIB}, {backings[i], 512, 2 * GIB}, {backings[i], 16, 64 * GIB}};
        for (size_t j = 0; j < COUNT(shapes); j++)
            live_in_child(measure, &shapes[j]);
    }
}

/* -- what stays -- */

/* Regions of all kinds: in windows, in shares, in mappings of their own, cut by protections. */
static void use(struct hostmem *manager)
{
    void *free_place = live_reserve(manager, 16 * MIB, 0);
    void *whole = live_reserve(manager, 5 * FRAME, HOSTMEM_COMMIT);
    void *small = live_reserve(manager, 3 * PAGE, HOSTMEM_COMMIT);
    struct hostmem_request request = {.size = 32 * PAGE, .node = -1, .protection = HOSTMEM_PROT_RW};
    void *own = NULL;
    must(hostmem_release(manager, free_place) == 0);
    request.address = (void *)live_address(0);
    must(hostmem_reserve(manager, &request, &own, NULL) == 0);
    live_commit(manager, own, 32 * PAGE);
    for (size_t page = 0; page < 32; page += 2)
        must(hostmem_protect(manager, (char *)own + page * PAGE, PAGE, HOSTMEM_PROT_READ, NULL) ==
             0);
    must(hostmem_release(manager, own) == 0);
    must(hostmem_release(manager, whole) == 0);
    must(hostmem_release(manager, small) == 0);
}

/* The C library keeps the stack of a thread that has ended, and a scrubber begins when it likes. */
#define NO_THREAD "HOSTMEM_SCRUB=0"

static void regions_of_their_own_leave_nothing(void **state)
{
    live_environment(NO_THREAD, NULL);
    struct hostmem *manager = live_manager();
    use(manager);
    size_t maps = live_maps();
    for (int i = 0; i < 10; i++)
        use(manager);
    /* A sanitizer maps on its own account. */
    if (!LIVE_SANITIZED)
        assert_int_equal(live_maps(), maps);
    assert_int_equal(live_committed(manager), 0);
    hostmem_destroy(manager);
}

static void cycle(void *argument)
{
    struct hostmem *manager = live_manager();
    use(manager);
    hostmem_destroy(manager);
}

static size_t open_files(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += dup2(fd, fd) == fd;
    return count;
}

/* Regions are left to the manager, too. */
static void cycle_unreleased(void)
{
    struct hostmem *manager = live_manager();
    live_reserve(manager, 3 * FRAME, HOSTMEM_COMMIT);
    live_reserve(manager, GRANULE, HOSTMEM_COMMIT);
    hostmem_destroy(manager);
}

static void managers_leave_nothing(void **state)
{
    uint64_t before = live_huge_free();
    live_environment(NO_THREAD, NULL);
    cycle(NULL);
    cycle_unreleased();
    live_maps();
    size_t maps = live_maps(), files = open_files(), resident = live_resident();
    for (size_t i = 0; i < CYCLES; i++) {
        cycle(NULL);
        cycle_unreleased();
    }
    print_message("%d managers: %zd KiB\n", 2 * CYCLES,
        ((ssize_t)live_resident() - (ssize_t)resident) / (ssize_t)KIB);
    assert_int_equal(open_files(), files);
    assert_true(live_huge_free_again(before));
    if (LIVE_SANITIZED)
        return;
    assert_int_equal(live_maps(), maps);
    assert_true(live_resident() <= resident + 64 * KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_is_quick),
        cmocka_unit_test(a_terabyte_costs_little),
        cmocka_unit_test(regions_of_their_own_leave_nothing),
        cmocka_unit_test(managers_leave_nothing),
    };
    live_limit_windows();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
