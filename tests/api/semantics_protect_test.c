/* SPDX-License-Identifier: MIT */
/*
 * VirtualProtect: rows P1 to P17 of docs/semantics.md. Runs over every backing, in the smallest
 * pieces that can have a protection of their own there; that smaller ones are refused is checked as
 * well.
 */
#include "picture.h"

#include <stdlib.h>

#define BOTH 2 /* kinds of regions: reserved for reading and writing, and for something else */
static const DWORD reserved_with[BOTH] = {PAGE_READWRITE, PAGE_NOACCESS};

/* A trio whose middle region has `units` pieces, is committed and has contents. */
static struct trio full_trio(DWORD protect, size_t units)
{
    size_t size = units * face_made(protect).unit;
    struct trio trio = trio_reserve((size + GRANULE - 1) & ~(GRANULE - 1), protect);
    size = trio.area.size / 3;
    face_alloc(trio.middle, size, MEM_COMMIT, PAGE_READWRITE);
    face_fill(trio.middle, size, 80);
    return trio;
}

static void protect_middle_unit(DWORD reserved)
{
    size_t unit = face_made(reserved).unit;
    struct trio trio = full_trio(reserved, 16);
    char *base = trio.middle, *at = base + 3 * unit;
    assert_int_equal(face_protect_old(at, unit, PAGE_READONLY), PAGE_READWRITE);
    assert_extent(base, 3 * unit, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(at, unit, MEM_COMMIT, PAGE_READONLY);
    assert_extent(at + unit, trio.area.size / 3 - 4 * unit, MEM_COMMIT, PAGE_READWRITE);
    assert_access(at - 1, PAGE_READWRITE);
    assert_access(at, PAGE_READONLY);
    assert_access(at + unit - 1, PAGE_READONLY);
    assert_access(at + unit, PAGE_READWRITE);
    assert_filled(base, trio.area.size / 3, 80);
    assert_int_equal(face_query(trio.left).State, MEM_RESERVE);
    assert_int_equal(face_query(trio.right).State, MEM_RESERVE);
}

static void p1_protect(void **state)
{
    for (size_t i = 0; i < BOTH; i++)
        protect_middle_unit(reserved_with[i]);
}

static void p1_part_of_a_huge_page(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 2);
    char *base = trio.middle;
    if (face_made(PAGE_READWRITE).unit == PAGE) {
        assert_int_equal(face_protect_old(base + PAGE, 1, PAGE_NOACCESS), PAGE_READWRITE);
        assert_extent(base + PAGE, PAGE, MEM_COMMIT, PAGE_NOACCESS);
        assert_access(base + PAGE, PAGE_NOACCESS);
        return;
    }
    assert_refused(trio.area, face_protect(base + PAGE, PAGE, PAGE_NOACCESS), NOT_SUPPORTED);
    assert_refused(trio.area, face_protect(base, FRAME - 1 - PAGE, PAGE_READONLY), NOT_SUPPORTED);
    assert_refused(
        trio.area, face_protect(base + PAGE, 2 * FRAME - PAGE, PAGE_READONLY), NOT_SUPPORTED);
    assert_int_equal(face_protect_old(base, 2 * FRAME - 1, PAGE_READONLY), PAGE_READWRITE);
    assert_extent(base, 2 * FRAME, MEM_COMMIT, PAGE_READONLY);
}

/* What is asked for where it is already so needs no huge page of its own. */
static void p1_same_protection_in_part_of_a_huge_page(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    assert_refused(trio.area, face_protect(trio.middle + PAGE, PAGE, PAGE_READWRITE), S_OK);
}

static void p2_different_protections(void **state)
{
    for (size_t i = 0; i < BOTH; i++) {
        size_t unit = face_made(reserved_with[i]).unit;
        char *base = full_trio(reserved_with[i], 4).middle;
        face_protect_old(base, unit, PAGE_EXECUTE_READ);
        face_protect_old(base + unit, unit, PAGE_NOACCESS);
        assert_int_equal(face_protect_old(base, 4 * unit, PAGE_READONLY), PAGE_EXECUTE_READ);
        assert_extent(base, 4 * unit, MEM_COMMIT, PAGE_READONLY);
        assert_access(base + unit, PAGE_READONLY);
        face_protect_old(base, unit, PAGE_READWRITE);
        assert_int_equal(face_protect_old(base + unit, 2 * unit, PAGE_NOACCESS), PAGE_READONLY);
    }
}

static void refuse_uncommitted(DWORD reserved)
{
    size_t unit = face_made(reserved).unit;
    struct trio trio = full_trio(reserved, 8);
    assert_result(face_free(trio.middle + 2 * unit, unit, MEM_DECOMMIT), S_OK);
    char *at = trio.middle;
    assert_refused(trio.area, face_protect(at, 8 * unit, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(at + unit, unit + 1, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(at + 2 * unit, 1, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(at + 3 * unit - 1, 2, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(trio.left, unit, PAGE_READWRITE), BAD_ADDRESS);
}

static void p3_uncommitted_pages(void **state)
{
    for (size_t i = 0; i < BOTH; i++)
        refuse_uncommitted(reserved_with[i]);
}

static void p4_two_regions(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    size_t size = trio.area.size / 3;
    face_alloc(trio.left, size, MEM_COMMIT, PAGE_READWRITE);
    face_alloc(trio.right, size, MEM_COMMIT, PAGE_READWRITE);
    assert_refused(trio.area, face_protect(trio.left, 3 * size, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(trio.middle + size - 1, 2, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(trio.middle, size + 1, PAGE_READONLY), BAD_ADDRESS);
    face_release(trio.left);
    assert_refused(trio.area, face_protect(trio.left, PAGE, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(trio.left, 2 * size, PAGE_READONLY), BAD_ADDRESS);
    face_release(trio.right);
    assert_refused(trio.area, face_protect(trio.middle, size + 1, PAGE_READONLY), BAD_ADDRESS);
}

static HRESULT protect_without_old(void *address, size_t size, DWORD protect)
{
    return IHostMemoryManager_VirtualProtect(manager, address, size, protect, NULL);
}

static void p5_no_place_for_the_old_value(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    size_t size = trio.area.size / 3;
    assert_refused(trio.area, protect_without_old(trio.middle, size, PAGE_READONLY), NO_ACCESS);
    assert_refused(trio.area, protect_without_old(trio.middle, 0, 0), NO_ACCESS);
}

static void p6_size_zero(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    assert_refused(trio.area, face_protect(trio.middle, 0, PAGE_READONLY), BAD_PARAMETER);
    assert_refused(trio.area, face_protect(trio.middle + PAGE, 0, PAGE_READONLY), BAD_PARAMETER);
}

static void p6_beyond_user_space(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    DWORD p = PAGE_READONLY;
    assert_refused(trio.area, face_protect(trio.middle, SIZE_MAX, p), BAD_PARAMETER);
    assert_refused(trio.area, face_protect(trio.middle, USER_TOP, p), BAD_PARAMETER);
    assert_result(face_protect((void *)USER_TOP, PAGE, p), BAD_PARAMETER);
    assert_result(face_protect((void *)UINTPTR_MAX, PAGE, p), BAD_PARAMETER);
}

static void p7_invalid_protection(void **state)
{
    static const DWORD invalid[] = {0, PAGE_WRITECOPY, PAGE_READONLY | PAGE_EXECUTE, 0x800,
        PAGE_NOACCESS | PAGE_GUARD, UINT32_MAX};
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    size_t size = trio.area.size / 3;
    face_protect_old(trio.middle, size, PAGE_EXECUTE_READ);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_refused(trio.area, face_protect(trio.middle, size, invalid[i]), BAD_PARAMETER);
    assert_int_equal(face_protect_old(trio.middle, size, PAGE_READONLY), PAGE_EXECUTE_READ);
}

static void p8_same_protection(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    size_t size = trio.area.size / 3;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(face_protect_old(trio.middle, size, PAGE_READWRITE), PAGE_READWRITE);
    face_protect_old(trio.middle, size, PAGE_NOACCESS);
    assert_int_equal(face_protect_old(trio.middle, size, PAGE_NOACCESS), PAGE_NOACCESS);
    assert_access(trio.middle, PAGE_NOACCESS);
}

static void p9_contents(void **state)
{
    static const DWORD steps[] = {PAGE_NOACCESS, PAGE_READONLY, PAGE_EXECUTE, PAGE_NOACCESS,
        PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_READ, PAGE_READWRITE};
    for (size_t i = 0; i < BOTH; i++) {
        struct trio trio = full_trio(reserved_with[i], 2);
        size_t size = trio.area.size / 3;
        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++)
            face_protect_old(trio.middle, size, steps[j]);
        assert_filled(trio.middle, size, 80);
    }
}

static void p10_protection_of_the_reservation(void **state)
{
    for (size_t i = 0; i < BOTH; i++) {
        size_t unit = face_made(reserved_with[i]).unit;
        char *base = full_trio(reserved_with[i], 2).middle;
        face_protect_old(base, unit, PAGE_EXECUTE_READ);
        assert_int_equal(face_query(base).AllocationProtect, reserved_with[i]);
        assert_int_equal(face_query(base + unit).AllocationProtect, reserved_with[i]);
    }
}

/* Two bytes reach two pieces; where the pieces are huge pages, that is a part of each. */
static void p11_two_bytes_over_a_boundary(void **state)
{
    for (size_t i = 0; i < BOTH; i++) {
        size_t unit = face_made(reserved_with[i]).unit;
        struct trio trio = full_trio(reserved_with[i], 4);
        char *at = trio.middle + 2 * unit - 1;
        if (unit == FRAME) {
            assert_refused(trio.area, face_protect(at, 2, PAGE_READONLY), NOT_SUPPORTED);
            continue;
        }
        face_protect_old(at, 2, PAGE_READONLY);
        assert_extent(trio.middle + PAGE, 2 * PAGE, MEM_COMMIT, PAGE_READONLY);
        assert_access(trio.middle + PAGE - 1, PAGE_READWRITE);
        assert_access(trio.middle + PAGE, PAGE_READONLY);
        assert_access(trio.middle + 3 * PAGE - 1, PAGE_READONLY);
        assert_access(trio.middle + 3 * PAGE, PAGE_READWRITE);
    }
}

static void p12_guard(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    size_t size = trio.area.size / 3;
    assert_refused(
        trio.area, face_protect(trio.middle, size, PAGE_READWRITE | PAGE_GUARD), NOT_SUPPORTED);
    assert_refused(trio.area, face_try(trio.middle, size, MEM_COMMIT, PAGE_READONLY | PAGE_GUARD),
        NOT_SUPPORTED);
}

/* Windows promises nothing here; hostmem leaves the variable alone. */
static void p13_old_value_on_failure(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    DWORD old = 12345;
    assert_result(
        IHostMemoryManager_VirtualProtect(manager, trio.middle, PAGE, 0, &old), BAD_PARAMETER);
    assert_result(IHostMemoryManager_VirtualProtect(manager, trio.left, PAGE, PAGE_READONLY, &old),
        BAD_ADDRESS);
    assert_int_equal(old, 12345);
}

static void p14_old_value_over_the_new(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    size_t size = trio.area.size / 3;
    DWORD value = PAGE_READONLY;
    HRESULT(*protect)
    (IHostMemoryManager *, void *, SIZE_T, DWORD, DWORD *) = manager->lpVtbl->VirtualProtect;
    assert_result(protect(manager, trio.middle, size, value, &value), S_OK);
    assert_int_equal(value, PAGE_READWRITE);
    assert_extent(trio.middle, size, MEM_COMMIT, PAGE_READONLY);
    assert_result(protect(manager, trio.middle, size, value, &value), S_OK);
    assert_int_equal(value, PAGE_READONLY);
    assert_extent(trio.middle, size, MEM_COMMIT, PAGE_READWRITE);
}

static void p15_memory_of_others(void **state)
{
    char stack = 0;
    void *heap = malloc(64);
    char *own = foreign_map(GRANULE);
    struct area area = {own, GRANULE};
    assert_refused(area, face_protect(own, PAGE, PAGE_READONLY), BAD_ADDRESS);
    /* Without address randomization the stack lies above what Win32 calls user space. */
    if ((uintptr_t)&stack < USER_TOP)
        assert_result(face_protect(&stack, 1, PAGE_READWRITE), BAD_ADDRESS);
    assert_result(face_protect(heap, 1, PAGE_READWRITE), BAD_ADDRESS);
    assert_result(face_protect(NULL, 1, PAGE_READWRITE), BAD_ADDRESS);
    assert_result(
        face_protect((void *)(uintptr_t)p15_memory_of_others, 1, PAGE_EXECUTE_READ), BAD_ADDRESS);
    foreign_unmap(own, GRANULE);
    free(heap);
}

static void p16_no_protection(void **state)
{
    struct trio trio = full_trio(PAGE_READWRITE, 1);
    assert_refused(trio.area, face_protect(trio.middle, PAGE, 0), BAD_PARAMETER);
}

static void p17_large_pages(void **state)
{
    DWORD large = RESERVE_COMMIT | MEM_LARGE_PAGES;
    if (face_made(PAGE_READWRITE).backing != HOSTMEM_BACKING_HUGETLB) {
        assert_result(face_try(NULL, FRAME, large, PAGE_READWRITE), NO_RESOURCES);
        return;
    }
    struct area area = {face_alloc(NULL, 2 * FRAME, large, PAGE_READWRITE), 2 * FRAME};
    face_fill(area.base, area.size, 17);
    assert_refused(area, face_protect(area.base, area.size, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(area, face_protect(area.base, FRAME, PAGE_NOACCESS), BAD_ADDRESS);
    assert_refused(area, face_protect(area.base, PAGE, PAGE_READWRITE), BAD_ADDRESS);
}

static const struct CMUnitTest semantics_protect[] = {
    FACE_TEST(p1_protect),
    FACE_TEST(p1_part_of_a_huge_page),
    FACE_TEST(p1_same_protection_in_part_of_a_huge_page),
    FACE_TEST(p2_different_protections),
    FACE_TEST(p3_uncommitted_pages),
    FACE_TEST(p4_two_regions),
    FACE_TEST(p5_no_place_for_the_old_value),
    FACE_TEST(p6_size_zero),
    FACE_TEST(p6_beyond_user_space),
    FACE_TEST(p7_invalid_protection),
    FACE_TEST(p8_same_protection),
    FACE_TEST(p9_contents),
    FACE_TEST(p10_protection_of_the_reservation),
    FACE_TEST(p11_two_bytes_over_a_boundary),
    FACE_TEST(p12_guard),
    FACE_TEST(p13_old_value_on_failure),
    FACE_TEST(p14_old_value_over_the_new),
    FACE_TEST(p15_memory_of_others),
    FACE_TEST(p16_no_protection),
    FACE_TEST(p17_large_pages),
};

int main(void)
{
    return face_main(semantics_protect);
}
