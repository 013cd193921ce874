/* SPDX-License-Identifier: MIT */
/*
 * Memory that a commit returns is zero, whatever it was used for before. Each test uses memory up
 * in one way, 0xff in every byte, and then commits it again in as many shapes as there are; every
 * byte is looked at. Each runs over each backing in a child of its own, so that none sees memory
 * that another has left. The one exception is documented: a stray write to an uncommitted page of a
 * frame that is populated is not undone; nothing here relies on that.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "live.h"

#define DIRT 0xff

static void dirty(void *at, size_t size)
{
    memset(at, DIRT, size);
}

static void must_be_zero(const void *at, size_t size)
{
    must(live_is_zero(at, size));
}

static void release(struct hostmem *manager, void *base)
{
    must(hostmem_release(manager, base) == 0);
}

static void decommit(struct hostmem *manager, void *at, size_t size)
{
    must(hostmem_decommit(manager, at, size) == 0);
}

/* Commits zero memory at once and in two steps, in regions of many sizes, and soils all of it. */
static void use_all(struct hostmem *manager)
{
    static const size_t sizes[] = {PAGE, GRANULE, 3 * GRANULE + PAGE, FRAME - PAGE, FRAME,
        FRAME + GRANULE, 3 * FRAME + 5 * PAGE, 8 * FRAME};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *whole = live_reserve(manager, sizes[i], HOSTMEM_COMMIT);
        char *later = live_reserve(manager, sizes[i], 0);
        must_be_zero(whole, sizes[i]);
        dirty(whole, sizes[i]);
        live_commit(manager, later, sizes[i]);
        must_be_zero(later, sizes[i]);
        dirty(later, sizes[i]);
        release(manager, whole);
        release(manager, later);
    }
}

/* -- the ways of using memory up -- */

static void written_whole(struct hostmem *manager)
{
    for (int i = 0; i < 4; i++)
        use_all(manager);
}

static void decommitted_whole(struct hostmem *manager)
{
    char *at = live_reserve(manager, 5 * FRAME, HOSTMEM_COMMIT);
    dirty(at, 5 * FRAME);
    decommit(manager, at, 0);
    live_commit(manager, at, 5 * FRAME);
    must_be_zero(at, 5 * FRAME);
    release(manager, at);
}

/* Of the memory only a part goes, so that the frame stays taken. */
static void decommitted_in_parts(struct hostmem *manager)
{
    static const size_t parts[][2] = {
        {0, 1}, {511, 513}, {100, 900}, {1, 1535}, {512, 1024}, {15, 17}, {16, 32}, {1534, 1536}};
    char *at = live_reserve(manager, 3 * FRAME, HOSTMEM_COMMIT);
    dirty(at, 3 * FRAME);
    for (size_t i = 0; i < COUNT(parts); i++) {
        char *from = at + parts[i][0] * PAGE;
        size_t size = (parts[i][1] - parts[i][0]) * PAGE;
        decommit(manager, from, size);
        live_commit(manager, from, size);
        must_be_zero(from, size);
        dirty(from, size);
        for (size_t page = 0; page < 3 * FRAME; page += PAGE)
            must(at[page] == (char)DIRT);
    }
    release(manager, at);
}

/* Pages of a frame are committed one by one, out of order, some of them twice. */
static void committed_in_parts(struct hostmem *manager)
{
    char *at = live_reserve(manager, 2 * FRAME, 0);
    uint64_t random = 7;
    for (int round = 0; round < 40; round++) {
        bool seen[1024] = {false};
        for (int i = 0; i < 60; i++) {
            size_t page = live_below(&random, 1024);
            live_commit(manager, at + page * PAGE, PAGE);
            if (!seen[page])
                must_be_zero(at + page * PAGE, PAGE);
            seen[page] = true;
            dirty(at + page * PAGE, PAGE);
        }
        decommit(manager, at, 0);
    }
    release(manager, at);
}

/* By the kernel, which asks no permission of the library. */
static void read_into(struct hostmem *manager)
{
    int fd = memfd_create("dirt", MFD_CLOEXEC);
    char *at = live_reserve(manager, 2 * FRAME, HOSTMEM_COMMIT);
    static char block[PAGE];
    dirty(block, sizeof(block));
    for (size_t i = 0; i < 2 * FRAME; i += sizeof(block))
        must(write(fd, block, sizeof(block)) == (ssize_t)sizeof(block));
    must(pread(fd, at, 2 * FRAME, 0) == (ssize_t)(2 * FRAME));
    decommit(manager, at + 17 * PAGE, FRAME);
    live_commit(manager, at + 17 * PAGE, FRAME);
    must_be_zero(at + 17 * PAGE, FRAME);
    must(pread(fd, at, 2 * FRAME, 0) == (ssize_t)(2 * FRAME));
    release(manager, at);
    close(fd);
}

/* Many regions of a granule in the same frames; every second one goes, comes back, and is zero. */
static void shared_by_small_regions(struct hostmem *manager)
{
    char *at[200];
    for (size_t i = 0; i < COUNT(at); i++) {
        at[i] = live_reserve(manager, GRANULE, HOSTMEM_COMMIT);
        must_be_zero(at[i], GRANULE);
        dirty(at[i], GRANULE);
    }
    for (size_t turn = 0; turn < 6; turn++) {
        for (size_t i = turn % 2; i < COUNT(at); i += 2)
            release(manager, at[i]);
        for (size_t i = turn % 2; i < COUNT(at); i += 2) {
            at[i] = live_reserve(manager, GRANULE - turn * PAGE, HOSTMEM_COMMIT);
            must_be_zero(at[i], GRANULE - turn * PAGE);
            dirty(at[i], GRANULE - turn * PAGE);
        }
    }
    for (size_t i = 0; i < COUNT(at); i++)
        release(manager, at[i]);
}

/* hugetlb can only change the access of whole frames, so that is what is changed. */
static void protected_and_back(struct hostmem *manager)
{
    static const uint32_t protections[] = {HOSTMEM_PROT_READ, HOSTMEM_PROT_NONE};
    for (size_t i = 0; i < COUNT(protections); i++) {
        char *at = live_reserve(manager, 4 * FRAME, HOSTMEM_COMMIT);
        dirty(at, 4 * FRAME);
        must(hostmem_protect(manager, at + FRAME, FRAME, protections[i], NULL) == 0);
        decommit(manager, at + FRAME / 2, 2 * FRAME);
        live_commit(manager, at, 4 * FRAME);
        must_be_zero(at + FRAME / 2, 2 * FRAME);
        must(at[0] == (char)DIRT && at[4 * FRAME - 1] == (char)DIRT);
        must(hostmem_protect(manager, at, 4 * FRAME, protections[i], NULL) == 0);
        release(manager, at);
    }
}

/* Committed with a protection that does not let the library write either. */
static void committed_read_only(struct hostmem *manager)
{
    char *at = live_reserve(manager, 2 * FRAME, HOSTMEM_COMMIT);
    dirty(at, 2 * FRAME);
    decommit(manager, at, 0);
    must(hostmem_commit(manager, at, 2 * FRAME, HOSTMEM_PROT_READ, 0, NULL) == 0);
    must_be_zero(at, 2 * FRAME);
    release(manager, at);
}

/* A touch of memory that is committed by nobody and cold: it takes a page, and that is dropped. */
static void touched_while_cold(struct hostmem *manager)
{
    struct hostmem_receipt receipt = {0};
    if (live_warm(manager) > 0)
        return;
    char *at = live_reserve(manager, 8 * FRAME, 0);
    must(hostmem_commit(manager, at, PAGE, HOSTMEM_PROT_RW, 0, &receipt) == 0);
    if (receipt.backing != HOSTMEM_BACKING_BASE) {
        dirty(at + 3 * FRAME, FRAME + PAGE);
        dirty(at + 6 * FRAME + 5 * PAGE, PAGE);
    }
    must_be_zero(at, PAGE);
    live_commit(manager, at + 3 * FRAME, 5 * FRAME);
    must_be_zero(at + 3 * FRAME, 5 * FRAME);
    release(manager, at);
}

/* The same in a frame that small regions share: the one touches what another will commit first. */
static void touched_in_a_share(struct hostmem *manager)
{
    struct hostmem_receipt receipt = {0};
    if (live_warm(manager) > 0)
        return;
    char *frame = live_reserve(manager, FRAME, HOSTMEM_COMMIT);
    must(hostmem_receipt(manager, frame, FRAME, &receipt) == 0);
    char *a = live_reserve(manager, GRANULE, 0), *b = live_reserve(manager, 3 * GRANULE, 0);
    if (receipt.backing != HOSTMEM_BACKING_BASE) {
        dirty(a, GRANULE);
        dirty(b + GRANULE, GRANULE);
    }
    live_commit(manager, b + PAGE, 2 * GRANULE);
    must_be_zero(b + PAGE, 2 * GRANULE);
    live_commit(manager, a, GRANULE);
    must_be_zero(a, GRANULE);
    release(manager, frame);
    release(manager, a);
    release(manager, b);
}

/* -- each over each backing -- */

struct use {
    void (*body)(struct hostmem *manager);
    const char *backing, *more;
};

static void run(void *argument)
{
    const struct use *use = argument;
    live_limit_windows();
    live_environment(use->backing, use->more, NULL);
    struct hostmem *manager = live_manager();
    use->body(manager);
    use_all(manager);
    must(live_committed(manager) == 0);
    hostmem_destroy(manager);
}

static const char *const backings[] = {"HOSTMEM_BACKING=hugetlb", "HOSTMEM_BACKING=thp",
    "HOSTMEM_BACKING=base", "HOSTMEM_BACKING=hugetlb,thp,base"};

/* With all kept warm, none of it, and a little; and with memory that was there from the start. */
static const char *const settings[] = {
    "HOSTMEM_WARM=auto", "HOSTMEM_WARM=0", "HOSTMEM_WARM=6M", "HOSTMEM_PREFAULT=16M"};

static void over_all(void (*body)(struct hostmem *manager))
{
    for (size_t i = 0; i < COUNT(backings); i++)
        for (size_t j = 0; j < COUNT(settings); j++) {
            struct use use = {body, backings[i], settings[j]};
            if (i == 2 && j == 3)
                continue; /* 4 KiB pages are never kept */
            print_message("%s %s\n", use.backing, use.more);
            assert_int_equal(live_child(run, &use, NULL, 0), 0);
        }
}

#define OVER_ALL(name)                                                                             \
    static void after_##name(void **state)                                                         \
    {                                                                                              \
        over_all(name);                                                                            \
    }

OVER_ALL(written_whole)
OVER_ALL(decommitted_whole)
OVER_ALL(decommitted_in_parts)
OVER_ALL(committed_in_parts)
OVER_ALL(read_into)
OVER_ALL(shared_by_small_regions)
OVER_ALL(protected_and_back)
OVER_ALL(committed_read_only)
OVER_ALL(touched_while_cold)
OVER_ALL(touched_in_a_share)

/* -- loans: a window of huge pages without huge pages -- */

static void lent(struct hostmem *manager)
{
    size_t size = (live_huge_free() + 4) * FRAME;
    char *large = live_reserve(manager, size, 0);
    struct hostmem_receipt receipt = {0};
    for (int round = 0; round < 3; round++) {
        must(hostmem_commit(manager, large, size, HOSTMEM_PROT_RW, 0, &receipt) == 0);
        must(receipt.reason == HOSTMEM_REASON_NO_HUGE);
        must(receipt.backing != HOSTMEM_BACKING_HUGETLB);
        must_be_zero(large, size);
        dirty(large, size);
        decommit(manager, large + 3 * PAGE, size - 5 * PAGE);
        live_commit(manager, large + 3 * PAGE, size - 5 * PAGE);
        must_be_zero(large + 3 * PAGE, size - 5 * PAGE);
        must(large[0] == (char)DIRT && large[size - 1] == (char)DIRT);
        decommit(manager, large, 0);
    }
    release(manager, large);
}

static void after_loans(void **state)
{
    struct use use = {lent, backings[3], settings[0]};
    assert_int_equal(live_child(run, &use, NULL, 0), 0);
    use.more = "HOSTMEM_WARM=0";
    assert_int_equal(live_child(run, &use, NULL, 0), 0);
}

/* -- a pool that is too small for what is warm, so that it is drained again and again -- */

static void drained(struct hostmem *manager)
{
    char *at[6];
    uint64_t random = 11;
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT(at); i++)
            at[i] = live_reserve(manager, 7 * FRAME, 0);
        for (size_t i = 0; i < COUNT(at); i++) {
            size_t first = live_below(&random, 6) * FRAME;
            live_commit(manager, at[i] + first, FRAME);
            must_be_zero(at[i] + first, FRAME);
            dirty(at[i] + first, FRAME);
        }
        for (size_t i = 0; i < COUNT(at); i++)
            release(manager, at[i]);
    }
}

static void after_draining(void **state)
{
    for (size_t i = 0; i < COUNT(backings); i++) {
        struct use use = {drained, backings[i], "HOSTMEM_POOL=36M"};
        assert_int_equal(live_child(run, &use, NULL, 0), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_written_whole),
        cmocka_unit_test(after_decommitted_whole),
        cmocka_unit_test(after_decommitted_in_parts),
        cmocka_unit_test(after_committed_in_parts),
        cmocka_unit_test(after_read_into),
        cmocka_unit_test(after_shared_by_small_regions),
        cmocka_unit_test(after_protected_and_back),
        cmocka_unit_test(after_committed_read_only),
        cmocka_unit_test(after_touched_while_cold),
        cmocka_unit_test(after_touched_in_a_share),
        cmocka_unit_test(after_loans),
        cmocka_unit_test(after_draining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
