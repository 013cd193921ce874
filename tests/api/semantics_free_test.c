/* SPDX-License-Identifier: MIT */
/*
 * VirtualFree: rows F1 to F20 of docs/semantics.md. Runs over every backing; that decommitted pages
 * are out of reach is checked where regions are exact.
 */
#include "picture.h"

#include <stdlib.h>

static char *commit(char *address, size_t size)
{
    return face_alloc(address, size, MEM_COMMIT, PAGE_READWRITE);
}

static HRESULT decommit(char *address, size_t size)
{
    return face_free(address, size, MEM_DECOMMIT);
}

static void assert_gone(char *page)
{
    if (!face_made(PAGE_READWRITE).exact)
        return;
    assert_false(face_readable(page));
    assert_false(face_writable(page));
}

/* A trio whose middle region is committed and has contents. */
static struct trio full_trio(size_t size)
{
    struct trio trio = trio_reserve(size, PAGE_READWRITE);
    commit(trio.middle, size);
    face_fill(trio.middle, size, 50);
    return trio;
}

static void f1_decommit(void **state)
{
    struct trio trio = full_trio(2 * FRAME);
    char *base = trio.middle;
    assert_result(decommit(base + 3 * PAGE + 5, 4 * PAGE - 5), S_OK);
    assert_extent(base, 3 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base + 3 * PAGE, 4 * PAGE, MEM_RESERVE, 0);
    assert_extent(base + 7 * PAGE, 2 * FRAME - 7 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_ptr_equal(face_query(base + 3 * PAGE).AllocationBase, base);
    assert_int_equal(face_query(base + 3 * PAGE).AllocationProtect, PAGE_READWRITE);
    assert_gone(base + 3 * PAGE);
    assert_gone(base + 7 * PAGE - 1);
    assert_access(base + 3 * PAGE - 1, PAGE_READWRITE);
    assert_access(base + 7 * PAGE, PAGE_READWRITE);
    assert_filled(base, 3 * PAGE, 50);
}

static void f1_two_bytes_over_a_boundary(void **state)
{
    struct trio trio = full_trio(2 * FRAME);
    assert_result(decommit(trio.middle + FRAME - 1, 2), S_OK);
    assert_extent(trio.middle + FRAME - PAGE, 2 * PAGE, MEM_RESERVE, 0);
    assert_result(decommit(trio.middle + 2 * FRAME - 1, 1), S_OK);
    assert_extent(trio.middle + 2 * FRAME - PAGE, PAGE, MEM_RESERVE, 0);
}

static void f2_decommit_what_is_not_committed(void **state)
{
    char *base = face_alloc(NULL, 2 * FRAME, MEM_RESERVE, PAGE_READWRITE);
    struct area area = {base, 2 * FRAME};
    assert_refused(area, decommit(base, FRAME), S_OK);
    commit(base + 2 * PAGE, PAGE);
    commit(base + FRAME, PAGE);
    assert_result(decommit(base, 2 * FRAME), S_OK);
    assert_extent(base, 2 * FRAME, MEM_RESERVE, 0);
    assert_gone(base + 2 * PAGE);
}

static void f3_decommit_all(void **state)
{
    struct trio trio = full_trio(FRAME + GRANULE);
    assert_result(decommit(trio.middle, 0), S_OK);
    assert_extent(trio.middle, FRAME + GRANULE, MEM_RESERVE, 0);
    assert_gone(trio.middle);
    assert_gone(trio.middle + FRAME + GRANULE - 1);
    assert_refused(trio.area, decommit(trio.middle, 0), S_OK);
}

static void f4_decommit_all_from_the_first_page(void **state)
{
    static const size_t offsets[] = {1, 16, PAGE - 1};
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    for (size_t i = 0; i < 3; i++) {
        commit(trio.middle, GRANULE);
        assert_result(decommit(trio.middle + offsets[i], 0), S_OK);
        assert_extent(trio.middle, GRANULE, MEM_RESERVE, 0);
    }
}

static void f5_decommit_all_from_another_page(void **state)
{
    struct trio trio = full_trio(GRANULE);
    assert_refused(trio.area, decommit(trio.middle + PAGE, 0), BAD_ADDRESS);
    assert_refused(trio.area, decommit(trio.middle + GRANULE - 1, 0), BAD_ADDRESS);
}

static void f6_decommit_beyond_region(void **state)
{
    struct trio trio = full_trio(GRANULE);
    assert_refused(trio.area, decommit(trio.middle, GRANULE + 1), BAD_PARAMETER);
    assert_refused(trio.area, decommit(trio.middle + GRANULE - 1, 2), BAD_PARAMETER);
    assert_refused(trio.area, decommit(trio.middle + PAGE, GRANULE), BAD_PARAMETER);
    assert_refused(trio.area, decommit(trio.middle, SIZE_MAX), BAD_PARAMETER);
    char *small = face_alloc(NULL, PAGE + 1, RESERVE_COMMIT, PAGE_READWRITE);
    struct area area = {small, GRANULE};
    assert_refused(area, decommit(small, 2 * PAGE + 1), BAD_PARAMETER);
    assert_result(decommit(small, 2 * PAGE), S_OK);
}

static void f7_decommit_free_address(void **state)
{
    struct area area = {face_hole(FRAME), FRAME};
    assert_refused(area, decommit(area.base, PAGE), NOT_OURS);
    assert_refused(area, decommit(area.base, 0), NOT_OURS);
    char *small = face_alloc(NULL, PAGE, RESERVE_COMMIT, PAGE_READWRITE);
    struct area tail = {small, GRANULE};
    assert_refused(tail, decommit(small + PAGE, PAGE), NOT_OURS);
}

static void f8_release(void **state)
{
    struct trio trio = full_trio(4 * FRAME);
    assert_result(decommit(trio.middle + FRAME + PAGE, FRAME), S_OK);
    assert_result(face_protect(trio.middle, FRAME, PAGE_NOACCESS), S_OK);
    commit(trio.right, PAGE);
    face_release(trio.middle);
    assert_extent(trio.middle, 4 * FRAME, MEM_FREE, PAGE_NOACCESS);
    assert_int_equal(face_query(trio.left).State, MEM_RESERVE);
    assert_extent(trio.right, PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_gone(trio.middle + 3 * FRAME);
}

static void f9_release_from_the_first_page(void **state)
{
    static const size_t offsets[] = {1, 16, PAGE - 1};
    for (size_t i = 0; i < 3; i++) {
        char *base = face_alloc(NULL, GRANULE, RESERVE_COMMIT, PAGE_READWRITE);
        face_release(base + offsets[i]);
        assert_int_equal(face_query(base).State, MEM_FREE);
    }
}

static void f10_release_from_another_page(void **state)
{
    struct trio trio = full_trio(FRAME);
    static const size_t offsets[] = {PAGE, GRANULE, FRAME - 1};
    for (size_t i = 0; i < 3; i++)
        assert_refused(trio.area, face_free(trio.middle + offsets[i], 0, MEM_RELEASE), BAD_ADDRESS);
}

static void f11_release_with_a_size(void **state)
{
    static const size_t sizes[] = {1, PAGE, FRAME - PAGE, FRAME, FRAME + 1, SIZE_MAX};
    struct trio trio = full_trio(FRAME);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_refused(trio.area, face_free(trio.middle, sizes[i], MEM_RELEASE), BAD_PARAMETER);
}

static void f12_other_types(void **state)
{
    static const DWORD types[] = {0, MEM_FREE, MEM_DECOMMIT | MEM_RELEASE, MEM_COMMIT, MEM_RESERVE,
        MEM_RESET, MEM_DECOMMIT | MEM_FREE, MEM_RELEASE | MEM_COMMIT, MEM_RELEASE | 0x80000000u,
        UINT32_MAX};
    struct trio trio = full_trio(GRANULE);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_refused(trio.area, face_free(trio.middle, 0, types[i]), BAD_PARAMETER);
        assert_refused(trio.area, face_free(trio.middle, PAGE, types[i]), BAD_PARAMETER);
    }
}

static void f13_release_twice(void **state)
{
    struct trio trio = full_trio(FRAME);
    face_release(trio.middle);
    assert_refused(trio.area, face_free(trio.middle, 0, MEM_RELEASE), NOT_OURS);
    assert_refused(trio.area, decommit(trio.middle, PAGE), NOT_OURS);
    assert_refused(trio.area, decommit(trio.middle, 0), NOT_OURS);
    assert_refused(trio.area, face_try(trio.middle, PAGE, MEM_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
    assert_refused(trio.area, face_try(trio.middle, PAGE, MEM_RESET, PAGE_READWRITE), BAD_ADDRESS);
    assert_refused(trio.area, face_protect(trio.middle, PAGE, PAGE_READONLY), BAD_ADDRESS);
}

static void refuse_foreign(void *address)
{
    assert_result(face_free(address, 0, MEM_RELEASE), NOT_OURS);
    assert_result(face_free(address, 0, MEM_DECOMMIT), NOT_OURS);
    assert_result(face_free(address, PAGE, MEM_DECOMMIT), NOT_OURS);
}

static void f14_memory_of_others(void **state)
{
    static char data[2 * PAGE];
    char stack[16] = "as it was";
    char *heap = malloc(64);
    char *own = foreign_map(GRANULE);
    face_fill(own, GRANULE, 14);
    refuse_foreign(NULL);
    /* Without address randomization the stack lies above what Win32 calls user space. */
    if ((uintptr_t)stack < USER_TOP)
        refuse_foreign(stack);
    refuse_foreign(heap);
    refuse_foreign(data);
    refuse_foreign((void *)(uintptr_t)f14_memory_of_others);
    refuse_foreign(own);
    assert_filled(own, GRANULE, 14);
    assert_string_equal(stack, "as it was");
    foreign_unmap(own, GRANULE);
    free(heap);
}

/* A region of one manager is foreign to another. */
static void f14_memory_of_another_manager(void **state)
{
    IHostMemoryManager *first = manager;
    char *base = face_alloc(NULL, GRANULE, RESERVE_COMMIT, PAGE_READWRITE);
    face_fill(base, GRANULE, 14);
    assert_int_equal(face_open(NULL), 0);
    refuse_foreign(base);
    assert_int_equal(face_close(NULL), 0);
    manager = first;
    assert_filled(base, GRANULE, 14);
    face_release(base);
}

/* What is wrong with the arguments is said before what is wrong with the address. */
static void f14_bad_arguments_first(void **state)
{
    char stack = 0;
    assert_result(face_free(&stack, 0, MEM_DECOMMIT | MEM_RELEASE), BAD_PARAMETER);
    assert_result(face_free(&stack, 0, 0), BAD_PARAMETER);
    assert_result(face_free(&stack, PAGE, MEM_RELEASE), BAD_PARAMETER);
    assert_result(face_free((void *)USER_TOP, 0, MEM_RELEASE), BAD_PARAMETER);
    assert_result(face_free((void *)USER_TOP, 0, MEM_DECOMMIT), BAD_PARAMETER);
    assert_result(face_free((void *)(USER_TOP - PAGE), 2 * PAGE, MEM_DECOMMIT), BAD_PARAMETER);
}

static void f15_two_regions(void **state)
{
    struct trio trio = full_trio(GRANULE);
    commit(trio.left, GRANULE);
    assert_refused(trio.area, decommit(trio.left, 2 * GRANULE), BAD_PARAMETER);
    assert_refused(trio.area, decommit(trio.left + GRANULE - 1, 2), BAD_PARAMETER);
    assert_refused(trio.area, decommit(trio.left, 3 * GRANULE), BAD_PARAMETER);
    assert_refused(trio.area, face_free(trio.left, 2 * GRANULE, MEM_RELEASE), BAD_PARAMETER);
}

static void f16_large_pages(void **state)
{
    DWORD large = RESERVE_COMMIT | MEM_LARGE_PAGES;
    if (face_made(PAGE_READWRITE).backing != HOSTMEM_BACKING_HUGETLB) {
        assert_result(face_try(NULL, FRAME, large, PAGE_READWRITE), NO_RESOURCES);
        return;
    }
    char *base = face_alloc(NULL, 2 * FRAME, large, PAGE_READWRITE);
    struct area area = {base, 2 * FRAME};
    face_fill(base, 2 * FRAME, 16);
    assert_refused(area, decommit(base, 0), BAD_ADDRESS);
    assert_refused(area, decommit(base, FRAME), BAD_ADDRESS);
    assert_refused(area, decommit(base, 2 * FRAME), BAD_ADDRESS);
    assert_refused(area, face_free(base, 2 * FRAME, MEM_RELEASE), BAD_PARAMETER);
    face_release(base);
    assert_int_equal(face_query(base).State, MEM_FREE);
}

static void f17_commit_after_decommit(void **state)
{
    struct trio trio = full_trio(2 * FRAME);
    assert_result(decommit(trio.middle + PAGE, FRAME), S_OK);
    commit(trio.middle + PAGE, FRAME);
    assert_filled(trio.middle, PAGE, 50);
    assert_zero(trio.middle + PAGE, FRAME);
    face_fill(trio.middle, 2 * FRAME, 51);
    assert_result(decommit(trio.middle, 0), S_OK);
    commit(trio.middle, 2 * FRAME);
    assert_zero(trio.middle, 2 * FRAME);
}

static void f18_protection_is_forgotten(void **state)
{
    size_t unit = face_made(PAGE_READWRITE).unit;
    struct trio trio = full_trio(4 * FRAME);
    assert_result(face_protect(trio.middle + unit, unit, PAGE_READONLY), S_OK);
    assert_result(decommit(trio.middle + unit, unit), S_OK);
    assert_extent(trio.middle + unit, unit, MEM_RESERVE, 0);
    commit(trio.middle + unit, unit);
    assert_extent(trio.middle, 4 * FRAME, MEM_COMMIT, PAGE_READWRITE);
    assert_access(trio.middle + unit, PAGE_READWRITE);
    assert_zero(trio.middle + unit, unit);
    assert_result(decommit(trio.middle + unit, unit), S_OK);
    face_alloc(trio.middle + unit, unit, MEM_COMMIT, PAGE_READONLY);
    assert_extent(trio.middle + unit, unit, MEM_COMMIT, PAGE_READONLY);
    assert_access(trio.middle + unit, PAGE_READONLY);
}

static void f19_placeholders(void **state)
{
    struct trio trio = full_trio(GRANULE);
    for (DWORD bits = 1; bits <= 3; bits++) {
        assert_refused(trio.area, face_free(trio.middle, 0, MEM_RELEASE | bits), BAD_PARAMETER);
        assert_refused(
            trio.area, face_free(trio.middle, GRANULE, MEM_RELEASE | bits), BAD_PARAMETER);
        assert_refused(trio.area, face_free(trio.middle, PAGE, MEM_DECOMMIT | bits), BAD_PARAMETER);
    }
}

static const struct CMUnitTest semantics_free[] = {
    FACE_TEST(f1_decommit),
    FACE_TEST(f1_two_bytes_over_a_boundary),
    FACE_TEST(f2_decommit_what_is_not_committed),
    FACE_TEST(f3_decommit_all),
    FACE_TEST(f4_decommit_all_from_the_first_page),
    FACE_TEST(f5_decommit_all_from_another_page),
    FACE_TEST(f6_decommit_beyond_region),
    FACE_TEST(f7_decommit_free_address),
    FACE_TEST(f8_release),
    FACE_TEST(f9_release_from_the_first_page),
    FACE_TEST(f10_release_from_another_page),
    FACE_TEST(f11_release_with_a_size),
    FACE_TEST(f12_other_types),
    FACE_TEST(f13_release_twice),
    FACE_TEST(f14_memory_of_others),
    FACE_TEST(f14_memory_of_another_manager),
    FACE_TEST(f14_bad_arguments_first),
    FACE_TEST(f15_two_regions),
    FACE_TEST(f16_large_pages),
    FACE_TEST(f17_commit_after_decommit),
    FACE_TEST(f18_protection_is_forgotten),
    FACE_TEST(f19_placeholders),
};

int main(void)
{
    return face_main(semantics_free);
}
