/* SPDX-License-Identifier: MIT */
/*
 * VirtualAlloc within a region: committing (rows A11 to A16 of docs/semantics.md) and MEM_RESET
 * (A21 to A27). Runs over every backing; where a huge page has one protection as a whole, the rows
 * about protections are tried with whole huge pages, and less is checked to be refused.
 */
#include "picture.h"

static char *reserve(size_t size)
{
    return face_alloc(NULL, size, MEM_RESERVE, PAGE_READWRITE);
}

static char *commit(char *address, size_t size, DWORD protect)
{
    return face_alloc(address, size, MEM_COMMIT, protect);
}

static bool whole_frames_only(void)
{
    return face_made(PAGE_READWRITE).unit == FRAME;
}

/* -- A11 to A16: committing -- */

static void a11_commit_in_region(void **state)
{
    char *base = reserve(GRANULE);
    assert_ptr_equal(commit(base + 5 * PAGE + 77, 2 * PAGE, PAGE_READWRITE), base + 5 * PAGE);
    assert_extent(base, 5 * PAGE, MEM_RESERVE, 0);
    assert_extent(base + 5 * PAGE, 3 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base + 8 * PAGE, 8 * PAGE, MEM_RESERVE, 0);
    assert_ptr_equal(face_query(base + 5 * PAGE).AllocationBase, base);
    assert_zero(base + 5 * PAGE, 3 * PAGE);
    assert_access(base + 5 * PAGE, PAGE_READWRITE);
    assert_access(base + 8 * PAGE - 1, PAGE_READWRITE);
}

static void a11_two_bytes_over_a_boundary(void **state)
{
    char *base = reserve(FRAME + GRANULE);
    assert_ptr_equal(commit(base + 4 * PAGE - 1, 2, PAGE_READWRITE), base + 3 * PAGE);
    assert_extent(base + 3 * PAGE, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_ptr_equal(commit(base + FRAME - 1, 2, PAGE_READWRITE), base + FRAME - PAGE);
    assert_extent(base + FRAME - PAGE, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_zero(base + FRAME - PAGE, 2 * PAGE);
}

static void a11_last_page(void **state)
{
    char *base = reserve(5 * PAGE + 1);
    assert_ptr_equal(commit(base + 6 * PAGE - 1, 1, PAGE_READWRITE), base + 5 * PAGE);
    assert_extent(base + 5 * PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE);
}

static void a12_commit_on_free_space(void **state)
{
    struct area area = {face_hole(FRAME), FRAME};
    assert_refused(area, face_try(area.base, PAGE, MEM_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
    struct area outside = {face_hole_outside(FRAME), FRAME};
    assert_refused(outside, face_try(outside.base, PAGE, MEM_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
}

static void a12_commit_beyond_region(void **state)
{
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    DWORD p = PAGE_READWRITE;
    commit(trio.middle, PAGE, p);
    face_fill(trio.middle, PAGE, 12);
    assert_refused(trio.area, face_try(trio.middle, GRANULE + 1, MEM_COMMIT, p), BAD_ADDRESS);
    assert_refused(trio.area, face_try(trio.middle + GRANULE - 1, 2, MEM_COMMIT, p), BAD_ADDRESS);
    assert_refused(trio.area, face_try(trio.left, 3 * GRANULE, MEM_COMMIT, p), BAD_ADDRESS);
    face_release(trio.right);
    assert_refused(trio.area, face_try(trio.middle, GRANULE + 1, MEM_COMMIT, p), BAD_ADDRESS);
}

/* Behind a region that ends within its granule: free to a query, no place to commit. */
static void a12_commit_in_tail(void **state)
{
    char *base = reserve(PAGE);
    struct area area = {base, GRANULE};
    assert_refused(area, face_try(base + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
    assert_refused(area, face_try(base, PAGE + 1, MEM_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
}

static void a13_commit_again(void **state)
{
    char *base = reserve(GRANULE);
    commit(base, 4 * PAGE, PAGE_READWRITE);
    face_fill(base, 4 * PAGE, 13);
    assert_ptr_equal(commit(base + PAGE + 1, PAGE, PAGE_READWRITE), base + PAGE);
    assert_extent(base, 4 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_filled(base, 4 * PAGE, 13);
}

static void a14_commit_with_another_protection(void **state)
{
    size_t unit = face_made(PAGE_READWRITE).unit;
    char *base = face_alloc(NULL, 3 * unit, RESERVE_COMMIT, PAGE_READWRITE);
    face_fill(base, 3 * unit, 14);
    commit(base + unit, unit, PAGE_NOACCESS);
    assert_extent(base, unit, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base + unit, unit, MEM_COMMIT, PAGE_NOACCESS);
    assert_access(base + unit - 1, PAGE_READWRITE);
    assert_access(base + unit, PAGE_NOACCESS);
    assert_access(base + 2 * unit - 1, PAGE_NOACCESS);
    assert_access(base + 2 * unit, PAGE_READWRITE);
    assert_int_equal(face_query(base + unit).AllocationProtect, PAGE_READWRITE);
    commit(base, 3 * unit, PAGE_READONLY);
    assert_extent(base, 3 * unit, MEM_COMMIT, PAGE_READONLY);
    assert_access(base + unit, PAGE_READONLY);
    assert_filled(base, 3 * unit, 14);
}

static void a14_part_of_a_huge_page(void **state)
{
    char *base = face_alloc(NULL, FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    struct area area = {base, FRAME};
    face_fill(base, FRAME, 14);
    if (whole_frames_only()) {
        assert_refused(area, face_try(base + PAGE, PAGE, MEM_COMMIT, PAGE_READONLY), NOT_SUPPORTED);
        return;
    }
    commit(base + PAGE, PAGE, PAGE_READONLY);
    assert_extent(base + PAGE, PAGE, MEM_COMMIT, PAGE_READONLY);
    assert_access(base + PAGE, PAGE_READONLY);
    assert_access(base, PAGE_READWRITE);
    assert_filled(base, FRAME, 14);
}

/* Of a fresh huge page: what would share it with pages of another protection. */
static void a14_second_protection_in_a_huge_page(void **state)
{
    char *base = reserve(FRAME);
    struct area area = {base, FRAME};
    commit(base, PAGE, PAGE_READONLY);
    if (whole_frames_only()) {
        assert_refused(
            area, face_try(base + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE), NOT_SUPPORTED);
        commit(base + PAGE, PAGE, PAGE_READONLY);
        assert_extent(base, 2 * PAGE, MEM_COMMIT, PAGE_READONLY);
    } else {
        commit(base + PAGE, PAGE, PAGE_READWRITE);
        assert_extent(base, PAGE, MEM_COMMIT, PAGE_READONLY);
        assert_extent(base + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE);
        assert_access(base + PAGE, PAGE_READWRITE);
    }
    assert_access(base, PAGE_READONLY);
}

/* Small regions share huge pages, so they can have no protection of their own there. */
static void a14_small_region(void **state)
{
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    commit(trio.left, GRANULE, PAGE_READWRITE);
    commit(trio.right, GRANULE, PAGE_READWRITE);
    if (whole_frames_only()) {
        assert_refused(
            trio.area, face_try(trio.middle, GRANULE, MEM_COMMIT, PAGE_READONLY), NOT_SUPPORTED);
        return;
    }
    commit(trio.middle, GRANULE, PAGE_READONLY);
    assert_access(trio.middle, PAGE_READONLY);
    assert_access(trio.middle + GRANULE - 1, PAGE_READONLY);
    assert_access(trio.middle - 1, PAGE_READWRITE);
    assert_access(trio.right, PAGE_READWRITE);
}

static void a15_commit_over_a_mix(void **state)
{
    char *base = reserve(2 * FRAME);
    face_fill(commit(base + 3 * PAGE, 2 * PAGE, PAGE_READWRITE), 2 * PAGE, 15);
    face_fill(commit(base + FRAME, PAGE, PAGE_READWRITE), PAGE, 16);
    commit(base, 2 * FRAME, PAGE_READWRITE);
    assert_extent(base, 2 * FRAME, MEM_COMMIT, PAGE_READWRITE);
    assert_zero(base, 3 * PAGE);
    assert_filled(base + 3 * PAGE, 2 * PAGE, 15);
    assert_zero(base + 5 * PAGE, FRAME - 5 * PAGE);
    assert_filled(base + FRAME, PAGE, 16);
    assert_zero(base + FRAME + PAGE, FRAME - PAGE);
}

static void a15_mix_gets_one_protection(void **state)
{
    char *base = reserve(2 * FRAME);
    face_fill(commit(base + 3 * PAGE, 2 * PAGE, PAGE_READWRITE), 2 * PAGE, 15);
    commit(base, 2 * FRAME, PAGE_READONLY);
    assert_extent(base, 2 * FRAME, MEM_COMMIT, PAGE_READONLY);
    assert_access(base, PAGE_READONLY);
    assert_access(base + 3 * PAGE, PAGE_READONLY);
    assert_access(base + 2 * FRAME - 1, PAGE_READONLY);
    assert_zero(base, 3 * PAGE);
    assert_filled(base + 3 * PAGE, 2 * PAGE, 15);
    assert_zero(base + 5 * PAGE, 2 * FRAME - 5 * PAGE);
}

static void a16_commit_with_invalid_protection(void **state)
{
    static const DWORD invalid[] = {0, PAGE_WRITECOPY, PAGE_READONLY | PAGE_READWRITE, 0x800,
        PAGE_GUARD | PAGE_NOACCESS, UINT32_MAX};
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    face_fill(commit(trio.middle, PAGE, PAGE_READWRITE), PAGE, 16);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_refused(
            trio.area, face_try(trio.middle, 2 * PAGE, MEM_COMMIT, invalid[i]), BAD_PARAMETER);
}

/* -- A21 to A27: MEM_RESET and MEM_RESET_UNDO -- */

static void a21_reset(void **state)
{
    char *base = face_alloc(NULL, GRANULE, RESERVE_COMMIT, PAGE_READWRITE);
    struct area area = {base, GRANULE};
    face_fill(base, GRANULE, 21);
    assert_refused(area, face_try(base, GRANULE, MEM_RESET, PAGE_NOACCESS), S_OK);
    assert_refused(area, face_try(base, PAGE, MEM_RESET, PAGE_EXECUTE_READ), S_OK);
    assert_ptr_equal(face_alloc(base + 2 * PAGE + 9, 2, MEM_RESET, PAGE_READONLY), base + 2 * PAGE);
    assert_extent(base, GRANULE, MEM_COMMIT, PAGE_READWRITE);
    assert_filled(base, GRANULE, 21);
    assert_access(base, PAGE_READWRITE);
}

static void a22_reset_reserved(void **state)
{
    char *base = reserve(GRANULE);
    struct area area = {base, GRANULE};
    assert_refused(area, face_try(base, GRANULE, MEM_RESET, PAGE_READWRITE), S_OK);
    assert_extent(base, GRANULE, MEM_RESERVE, 0);
    face_fill(commit(base, PAGE, PAGE_READWRITE), PAGE, 22);
    assert_refused(area, face_try(base, GRANULE, MEM_RESET, PAGE_READWRITE), S_OK);
}

static void a23_reset_beyond_region(void **state)
{
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    DWORD p = PAGE_READWRITE;
    commit(trio.middle, GRANULE, p);
    assert_refused(trio.area, face_try(trio.middle, GRANULE + 1, MEM_RESET, p), BAD_ADDRESS);
    assert_refused(trio.area, face_try(trio.left, 2 * GRANULE, MEM_RESET, p), BAD_ADDRESS);
    face_release(trio.right);
    assert_refused(trio.area, face_try(trio.right, PAGE, MEM_RESET, p), BAD_ADDRESS);
}

static void a24_reset_with_other_bits(void **state)
{
    static const DWORD others[] = {MEM_COMMIT, MEM_RESERVE, MEM_TOP_DOWN, MEM_LARGE_PAGES,
        MEM_RESET_UNDO, MEM_WRITE_WATCH, MEM_PHYSICAL, MEM_DECOMMIT, MEM_RELEASE};
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    DWORD p = PAGE_READWRITE;
    commit(trio.middle, GRANULE, p);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        DWORD undo = others[i] == MEM_RESET_UNDO ? MEM_RESET : MEM_RESET_UNDO;
        assert_refused(
            trio.area, face_try(trio.middle, PAGE, MEM_RESET | others[i], p), BAD_PARAMETER);
        assert_refused(trio.area, face_try(trio.middle, PAGE, undo | others[i], p), BAD_PARAMETER);
    }
}

static void a25_reset_with_invalid_protection(void **state)
{
    char *base = face_alloc(NULL, PAGE, RESERVE_COMMIT, PAGE_READWRITE);
    struct area area = {base, PAGE};
    assert_refused(area, face_try(base, PAGE, MEM_RESET, 0), BAD_PARAMETER);
    assert_refused(area, face_try(base, PAGE, MEM_RESET, PAGE_WRITECOPY), BAD_PARAMETER);
    assert_refused(area, face_try(base, PAGE, MEM_RESET_UNDO, 0), BAD_PARAMETER);
}

static void a26_reset_nowhere(void **state)
{
    assert_result(face_try(NULL, PAGE, MEM_RESET, PAGE_READWRITE), BAD_PARAMETER);
    assert_result(face_try(NULL, PAGE, MEM_RESET_UNDO, PAGE_READWRITE), BAD_PARAMETER);
}

static void a27_reset_undo(void **state)
{
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    char *base = trio.middle;
    DWORD p = PAGE_READWRITE;
    face_fill(commit(base, 4 * PAGE, p), 4 * PAGE, 27);
    assert_refused(trio.area, face_try(base, 4 * PAGE, MEM_RESET, p), S_OK);
    assert_refused(trio.area, face_try(base, 4 * PAGE, MEM_RESET_UNDO, PAGE_NOACCESS), S_OK);
    assert_refused(trio.area, face_try(base, 4 * PAGE + 1, MEM_RESET_UNDO, p), BAD_ADDRESS);
    assert_refused(trio.area, face_try(base + 4 * PAGE, 1, MEM_RESET_UNDO, p), BAD_ADDRESS);
    assert_refused(trio.area, face_try(base, GRANULE + 1, MEM_RESET_UNDO, p), BAD_ADDRESS);
    assert_ptr_equal(face_alloc(base + PAGE + 1, 1, MEM_RESET_UNDO, p), base + PAGE);
    assert_filled(base, 4 * PAGE, 27);
}

static const struct CMUnitTest semantics_commit[] = {
    FACE_TEST(a11_commit_in_region),
    FACE_TEST(a11_two_bytes_over_a_boundary),
    FACE_TEST(a11_last_page),
    FACE_TEST(a12_commit_on_free_space),
    FACE_TEST(a12_commit_beyond_region),
    FACE_TEST(a12_commit_in_tail),
    FACE_TEST(a13_commit_again),
    FACE_TEST(a14_commit_with_another_protection),
    FACE_TEST(a14_part_of_a_huge_page),
    FACE_TEST(a14_second_protection_in_a_huge_page),
    FACE_TEST(a14_small_region),
    FACE_TEST(a15_commit_over_a_mix),
    FACE_TEST(a15_mix_gets_one_protection),
    FACE_TEST(a16_commit_with_invalid_protection),
    FACE_TEST(a21_reset),
    FACE_TEST(a22_reset_reserved),
    FACE_TEST(a23_reset_beyond_region),
    FACE_TEST(a24_reset_with_other_bits),
    FACE_TEST(a25_reset_with_invalid_protection),
    FACE_TEST(a26_reset_nowhere),
    FACE_TEST(a27_reset_undo),
};

int main(void)
{
    return face_main(semantics_commit);
}
