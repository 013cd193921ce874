/* SPDX-License-Identifier: MIT */
/*
 * VirtualAlloc, new regions: rows A1 to A10 and A17 to A19 of docs/semantics.md. Runs over every
 * backing.
 */
#include "picture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const DWORD protections[] = {PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, PAGE_EXECUTE,
    PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE};
#define PROTECTIONS (sizeof(protections) / sizeof(protections[0]))

static size_t whole_pages(size_t size)
{
    return (size + PAGE - 1) & ~(PAGE - 1);
}

static void assert_region(char *base, size_t size, DWORD state, DWORD protect)
{
    MEMORY_BASIC_INFORMATION m = face_query(base);
    assert_int_equal((uintptr_t)base % GRANULE, 0);
    assert_ptr_equal(m.AllocationBase, base);
    assert_int_equal(m.AllocationProtect, protect);
    assert_int_equal(m.Type, MEM_PRIVATE);
    assert_extent(base, size, state, state == MEM_COMMIT ? protect : 0);
}

static void a1_reserve_anywhere(void **state)
{
    static const size_t sizes[] = {1, PAGE - 1, PAGE, PAGE + 1, GRANULE - 1, GRANULE, GRANULE + 1,
        FRAME - 1, FRAME, FRAME + 1, 5 * FRAME + 3 * PAGE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < PROTECTIONS; j++) {
            char *base = face_alloc(NULL, sizes[i], MEM_RESERVE, protections[j]);
            assert_region(base, whole_pages(sizes[i]), MEM_RESERVE, protections[j]);
            face_release(base);
        }
    }
}

static void a1_regions_do_not_overlap(void **state)
{
    char *bases[40];
    for (size_t i = 0; i < 40; i++) {
        bases[i] = face_alloc(NULL, (i + 1) * 3 * PAGE, MEM_RESERVE, PAGE_READWRITE);
        for (size_t j = 0; j < i; j++) {
            bool below = bases[i] + (i + 1) * 3 * PAGE <= bases[j];
            assert_true(below || bases[j] + (j + 1) * 3 * PAGE <= bases[i]);
        }
    }
}

static void a2_reserve_no_access(void **state)
{
    char *base = face_alloc(NULL, 0xfffc, MEM_RESERVE, PAGE_NOACCESS);
    assert_region(base, 0x10000, MEM_RESERVE, PAGE_NOACCESS);
}

static void a3_reserve_and_commit(void **state)
{
    for (size_t i = 0; i < PROTECTIONS; i++) {
        char *base = face_alloc(NULL, FRAME, RESERVE_COMMIT, protections[i]);
        assert_region(base, FRAME, MEM_COMMIT, protections[i]);
        assert_access(base, protections[i]);
        assert_access(base + FRAME - 1, protections[i]);
        assert_result(face_protect(base, FRAME, PAGE_READWRITE), S_OK);
        assert_zero(base, FRAME);
        face_release(base);
    }
}

/* The last page of an odd size is whole, and what follows it is free. */
static void a3_reserve_and_commit_odd_size(void **state)
{
    char *base = face_alloc(NULL, 5 * PAGE + 1, RESERVE_COMMIT, PAGE_READWRITE);
    assert_region(base, 6 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_zero(base, 6 * PAGE);
    face_fill(base, 6 * PAGE, 1);
    assert_filled(base, 6 * PAGE, 1);
    assert_int_equal(face_query(base + 6 * PAGE).State, MEM_FREE);
}

static void a4_commit_alone(void **state)
{
    for (size_t i = 0; i < PROTECTIONS; i++) {
        char *base = face_alloc(NULL, FRAME, MEM_COMMIT, protections[i]);
        assert_region(base, FRAME, MEM_COMMIT, protections[i]);
        assert_access(base, protections[i]);
        face_release(base);
    }
}

static void a5_top_down(void **state)
{
    static const DWORD types[] = {MEM_COMMIT, MEM_RESERVE, RESERVE_COMMIT};
    for (size_t i = 0; i < 3; i++) {
        char *base = face_alloc(NULL, 3 * PAGE, types[i] | MEM_TOP_DOWN, PAGE_READWRITE);
        DWORD expected = types[i] == MEM_RESERVE ? MEM_RESERVE : MEM_COMMIT;
        assert_region(base, 3 * PAGE, expected, PAGE_READWRITE);
    }
}

static void a6_top_down_alone(void **state)
{
    char *hole = face_hole(FRAME);
    assert_result(face_try(NULL, PAGE, MEM_TOP_DOWN, PAGE_READWRITE), BAD_PARAMETER);
    assert_result(face_try(hole, PAGE, MEM_TOP_DOWN, PAGE_READWRITE), BAD_PARAMETER);
    assert_result(face_try(NULL, PAGE, 0, PAGE_READWRITE), BAD_PARAMETER);
    assert_int_equal(face_query(hole).State, MEM_FREE);
}

/* X+0x25000, 200 bytes: the region is [X+0x20000, X+0x26000). */
static void reserve_at_odd_address(char *hole, DWORD type)
{
    char *base = face_alloc(hole + 0x25000, 200, type, PAGE_READWRITE);
    assert_ptr_equal(base, hole + 0x20000);
    DWORD state = type & MEM_COMMIT ? MEM_COMMIT : MEM_RESERVE;
    assert_region(base, 0x6000, state, PAGE_READWRITE);
    assert_int_equal(face_query(base - PAGE).State, MEM_FREE);
    assert_int_equal(face_query(base + 0x6000).State, MEM_FREE);
    if (type & MEM_COMMIT)
        assert_zero(base, 0x6000);
    face_release(base);
}

static void a7_reserve_at_address(void **state)
{
    reserve_at_odd_address(face_hole(FRAME), MEM_RESERVE);
    reserve_at_odd_address(face_hole(FRAME), RESERVE_COMMIT);
}

static void a7_reserve_outside_windows(void **state)
{
    struct hostmem_receipt receipt;
    char *hole = face_hole_outside(FRAME);
    reserve_at_odd_address(hole, MEM_RESERVE);
    reserve_at_odd_address(hole, RESERVE_COMMIT);
    assert_ptr_equal(face_alloc(hole, PAGE, RESERVE_COMMIT, PAGE_READWRITE), hole);
    assert_int_equal(hostmem_receipt(HostMemFromManager(manager), hole, PAGE, &receipt), 0);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_ADDRESS);
}

/* A range that begins and ends in odd places of granules takes both of them. */
static void a7_reserve_across_granules(void **state)
{
    char *hole = face_hole(FRAME);
    char *base = face_alloc(hole + GRANULE - 1, 2, MEM_RESERVE, PAGE_READWRITE);
    assert_ptr_equal(base, hole);
    assert_region(base, GRANULE + PAGE, MEM_RESERVE, PAGE_READWRITE);
}

static void refuse_overlaps(struct trio trio, size_t size)
{
    static const DWORD types[] = {MEM_RESERVE, RESERVE_COMMIT};
    for (size_t i = 0; i < 2; i++) {
        DWORD t = types[i], p = PAGE_READWRITE;
        assert_refused(trio.area, face_try(trio.middle, size, t, p), BAD_ADDRESS);
        assert_refused(trio.area, face_try(trio.middle, 1, t, p), BAD_ADDRESS);
        assert_refused(trio.area, face_try(trio.middle + PAGE, 1, t, p), BAD_ADDRESS);
        assert_refused(trio.area, face_try(trio.middle + size - 1, 1, t, p), BAD_ADDRESS);
        assert_refused(trio.area, face_try(trio.left + size - 1, 2, t, p), BAD_ADDRESS);
        assert_refused(trio.area, face_try(trio.left, 3 * size, t, p), BAD_ADDRESS);
    }
}

static void a8_reserve_over_region(void **state)
{
    struct trio trio = trio_reserve(4 * GRANULE, PAGE_READWRITE);
    refuse_overlaps(trio, 4 * GRANULE);
    face_alloc(trio.middle + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE);
    face_fill(trio.middle + PAGE, PAGE, 8);
    refuse_overlaps(trio, 4 * GRANULE);
}

/* Free space up to a neighbour does not help when the range goes on. */
static void a8_reserve_into_neighbour(void **state)
{
    struct trio trio = trio_reserve(2 * FRAME, PAGE_READWRITE);
    face_release(trio.middle);
    assert_refused(trio.area, face_try(trio.middle, 2 * FRAME + 1, RESERVE_COMMIT, PAGE_READWRITE),
        BAD_ADDRESS);
    assert_refused(
        trio.area, face_try(trio.middle - 1, FRAME, RESERVE_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
    face_alloc(trio.middle, 2 * FRAME, MEM_RESERVE, PAGE_READWRITE);
}

static void a8_reserve_over_small_region(void **state)
{
    char *base = face_alloc(NULL, 2 * PAGE, MEM_RESERVE, PAGE_READWRITE);
    struct area area = {base, GRANULE};
    assert_refused(area, face_try(base + PAGE, PAGE, MEM_RESERVE, PAGE_READWRITE), BAD_ADDRESS);
}

static void a8_reserve_over_foreign_memory(void **state)
{
    char *hole = face_hole_outside(4 * GRANULE);
    void *there = mmap(hole + GRANULE, GRANULE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    struct area area = {hole, 4 * GRANULE};
    assert_ptr_equal(there, hole + GRANULE);
    face_fill(there, GRANULE, 3);
    assert_refused(area, face_try(there, PAGE, RESERVE_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
    assert_refused(area, face_try(hole, 4 * GRANULE, MEM_RESERVE, PAGE_READWRITE), BAD_ADDRESS);
    munmap(there, GRANULE);
}

static void a9_reserve_in_tail(void **state)
{
    char *base = face_alloc(NULL, PAGE, MEM_RESERVE, PAGE_READWRITE);
    struct area area = {base, GRANULE};
    for (size_t page = 1; page < GRANULE / PAGE; page++) {
        char *at = base + page * PAGE;
        assert_int_equal(face_query(at).State, MEM_FREE);
        assert_refused(area, face_try(at, PAGE, MEM_RESERVE, PAGE_READWRITE), BAD_ADDRESS);
        assert_refused(area, face_try(at, PAGE, RESERVE_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
    }
}

static void a10_reserve_again(void **state)
{
    struct trio trio = trio_reserve(FRAME, PAGE_READWRITE);
    face_alloc(trio.middle, FRAME, MEM_COMMIT, PAGE_READWRITE);
    face_release(trio.middle);
    char *base = face_alloc(trio.middle, FRAME / 2, MEM_RESERVE, PAGE_READWRITE);
    assert_ptr_equal(base, trio.middle);
    assert_region(base, FRAME / 2, MEM_RESERVE, PAGE_READWRITE);
    assert_int_equal(face_query(base + FRAME / 2).State, MEM_FREE);
}

static void a17_size_zero(void **state)
{
    static const DWORD types[] = {MEM_RESERVE, MEM_COMMIT, RESERVE_COMMIT, MEM_RESET,
        MEM_RESET_UNDO, MEM_RESERVE | MEM_TOP_DOWN, RESERVE_COMMIT | MEM_LARGE_PAGES, 0};
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    face_alloc(trio.middle, PAGE, MEM_COMMIT, PAGE_READWRITE);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        DWORD t = types[i];
        assert_refused(trio.area, face_try(trio.middle, 0, t, PAGE_READONLY), BAD_PARAMETER);
        assert_refused(trio.area, face_try(NULL, 0, t, PAGE_READWRITE), BAD_PARAMETER);
    }
}

static void a18_beyond_user_space(void **state)
{
    static const DWORD types[] = {MEM_RESERVE, RESERVE_COMMIT, MEM_COMMIT, MEM_RESET};
    char *base = face_alloc(NULL, GRANULE, RESERVE_COMMIT, PAGE_READWRITE);
    struct area area = {base, GRANULE};
    for (size_t i = 0; i < 4; i++) {
        DWORD t = types[i], p = PAGE_READWRITE;
        assert_refused(area, face_try(base, SIZE_MAX, t, p), BAD_PARAMETER);
        assert_refused(area, face_try(base, (size_t)0 - (uintptr_t)base, t, p), BAD_PARAMETER);
        assert_refused(area, face_try(base, USER_TOP, t, p), BAD_PARAMETER);
        assert_result(face_try(NULL, SIZE_MAX, t, p), BAD_PARAMETER);
        assert_result(face_try(NULL, 2147483647000000, t, p), BAD_PARAMETER);
        assert_result(face_try((void *)USER_TOP, PAGE, t, p), BAD_PARAMETER);
        assert_result(face_try((void *)UINTPTR_MAX, 1, t, p), BAD_PARAMETER);
    }
}

/* More than the address space has left, though not more than it is. */
static void a18_more_than_space_is_left(void **state)
{
    size_t size = USER_TOP - GRANULE;
    assert_result(face_try(NULL, size, MEM_RESERVE, PAGE_READWRITE), E_OUTOFMEMORY);
    assert_result(face_try(NULL, size, RESERVE_COMMIT, PAGE_READWRITE), E_OUTOFMEMORY);
}

static void a18_more_than_the_pool(void **state)
{
    setenv("HOSTMEM_SPILL", "0", 1); /* a pool is a node's: others would help */
    face_reopen("HOSTMEM_POOL", "8M");
    unsetenv("HOSTMEM_SPILL");
    char *base = face_alloc(NULL, 16 * FRAME, MEM_RESERVE, PAGE_READWRITE);
    struct area area = {base, 16 * FRAME};
    face_alloc(base, FRAME, MEM_COMMIT, PAGE_READWRITE);
    face_fill(base, FRAME, 4);
    DWORD p = PAGE_READWRITE;
    assert_refused(area, face_try(base, 16 * FRAME, MEM_COMMIT, p), E_OUTOFMEMORY);
    assert_refused(area, face_try(base + FRAME, 4 * FRAME, MEM_COMMIT, p), E_OUTOFMEMORY);
    assert_refused(area, face_try(NULL, 5 * FRAME, RESERVE_COMMIT, p), E_OUTOFMEMORY);
    assert_refused(area, face_try(NULL, 5 * FRAME, MEM_COMMIT, PAGE_READONLY), E_OUTOFMEMORY);
    assert_ptr_equal(face_alloc(base + FRAME, FRAME, MEM_COMMIT, p), base + FRAME);
}

/* Should the library try all the same, the kernel's choice falls on this program. */
static void be_the_first_to_go(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(write(file, "1000", 4), 4);
    close(file);
}

static void a18_more_than_there_is(void **state)
{
    size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (2 * all + FRAME - 1) & ~(FRAME - 1);
    be_the_first_to_go();
    assert_result(face_try(NULL, size, RESERVE_COMMIT, PAGE_READWRITE), E_OUTOFMEMORY);
    assert_result(face_try(NULL, size, RESERVE_COMMIT, PAGE_READONLY), E_OUTOFMEMORY);
    struct area area = {face_alloc(NULL, size, MEM_RESERVE, PAGE_READWRITE), size};
    face_fill(face_alloc(area.base + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE), PAGE, 18);
    assert_refused(area, face_try(area.base, size, MEM_COMMIT, PAGE_READWRITE), E_OUTOFMEMORY);
    assert_ptr_equal(face_alloc(area.base, GRANULE, MEM_COMMIT, PAGE_READWRITE), area.base);
}

static void a19_reserve_below_64k(void **state)
{
    static const uintptr_t addresses[] = {1, PAGE, GRANULE - PAGE, GRANULE - 1};
    for (size_t i = 0; i < 4; i++) {
        void *address = (void *)addresses[i];
        assert_result(face_try(address, PAGE, MEM_RESERVE, PAGE_READWRITE), BAD_PARAMETER);
        assert_result(face_try(address, PAGE, RESERVE_COMMIT, PAGE_READWRITE), BAD_PARAMETER);
        assert_result(face_try(address, FRAME, MEM_RESERVE, PAGE_READWRITE), BAD_PARAMETER);
    }
}

static const struct CMUnitTest semantics_reserve[] = {
    FACE_TEST(a1_reserve_anywhere),
    FACE_TEST(a1_regions_do_not_overlap),
    FACE_TEST(a2_reserve_no_access),
    FACE_TEST(a3_reserve_and_commit),
    FACE_TEST(a3_reserve_and_commit_odd_size),
    FACE_TEST(a4_commit_alone),
    FACE_TEST(a5_top_down),
    FACE_TEST(a6_top_down_alone),
    FACE_TEST(a7_reserve_at_address),
    FACE_TEST(a7_reserve_outside_windows),
    FACE_TEST(a7_reserve_across_granules),
    FACE_TEST(a8_reserve_over_region),
    FACE_TEST(a8_reserve_into_neighbour),
    FACE_TEST(a8_reserve_over_small_region),
    FACE_TEST(a8_reserve_over_foreign_memory),
    FACE_TEST(a9_reserve_in_tail),
    FACE_TEST(a10_reserve_again),
    FACE_TEST(a17_size_zero),
    FACE_TEST(a18_beyond_user_space),
    FACE_TEST(a18_more_than_space_is_left),
    FACE_TEST(a18_more_than_the_pool),
    FACE_TEST(a18_more_than_there_is),
    FACE_TEST(a19_reserve_below_64k),
};

int main(void)
{
    return face_main(semantics_reserve);
}
