/* SPDX-License-Identifier: MIT */
/*
 * What newly committed memory contains: rows Z1 to Z6 of docs/semantics.md. Everything is soiled
 * before it is given back, so that memory which is handed out again unwiped shows. Runs over every
 * backing.
 */
#include "picture.h"

static char *commit(char *address, size_t size)
{
    return face_alloc(address, size, MEM_COMMIT, PAGE_READWRITE);
}

/* Leaves soiled memory behind, kept warm or not, in whole huge pages and in shared ones. */
static void soil(void)
{
    char *large = face_alloc(NULL, 6 * FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    char *small[8];
    face_fill(large, 6 * FRAME, 66);
    for (size_t i = 0; i < 8; i++) {
        small[i] = face_alloc(NULL, 3 * GRANULE + PAGE, RESERVE_COMMIT, PAGE_READWRITE);
        face_fill(small[i], 3 * GRANULE + PAGE, 67);
    }
    for (size_t i = 0; i < 8; i++)
        face_release(small[i]);
    face_release(large);
}

static void z1_first_touch(void **state)
{
    static const size_t sizes[] = {
        PAGE, 5 * PAGE, GRANULE, 9 * GRANULE, FRAME - PAGE, FRAME, 3 * FRAME + GRANULE, 6 * FRAME};
    for (unsigned round = 0; round < 3; round++) {
        soil();
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            char *base = face_alloc(NULL, sizes[i], RESERVE_COMMIT, PAGE_READWRITE);
            assert_zero(base, sizes[i]);
            face_fill(base, sizes[i], 1);
            face_release(base);
        }
    }
}

/* Page by page into a reservation that lies where soiled memory was. */
static void z1_page_by_page(void **state)
{
    soil();
    char *base = face_alloc(NULL, 2 * FRAME, MEM_RESERVE, PAGE_READWRITE);
    for (size_t page = 0; page < 2 * FRAME / PAGE; page += 3) {
        commit(base + page * PAGE, PAGE);
        assert_zero(base + page * PAGE, PAGE);
        face_fill(base + page * PAGE, PAGE, 2);
    }
    commit(base, 2 * FRAME);
    for (size_t page = 0; page < 2 * FRAME / PAGE; page++) {
        if (page % 3 == 0)
            assert_filled(base + page * PAGE, PAGE, 2);
        else
            assert_zero(base + page * PAGE, PAGE);
    }
}

static void z1_read_only(void **state)
{
    soil();
    char *base = face_alloc(NULL, 2 * FRAME, RESERVE_COMMIT, PAGE_READONLY);
    assert_zero(base, 2 * FRAME);
    base = face_alloc(NULL, 2 * FRAME, MEM_RESERVE, PAGE_READWRITE);
    face_alloc(base, 2 * FRAME, MEM_COMMIT, PAGE_EXECUTE_READ);
    assert_zero(base, 2 * FRAME);
}

static void z2_commit_over_committed(void **state)
{
    char *base = face_alloc(NULL, 2 * FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    face_fill(base, 2 * FRAME, 2);
    commit(base, 2 * FRAME);
    commit(base + FRAME - PAGE, 2 * PAGE);
    face_alloc(base, 2 * FRAME, MEM_COMMIT, PAGE_READONLY);
    assert_filled(base, 2 * FRAME, 2);
}

static void z3_decommit_and_commit(void **state)
{
    char *base = face_alloc(NULL, 3 * FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    face_fill(base, 3 * FRAME, 3);
    assert_result(face_free(base + 2 * PAGE, PAGE, MEM_DECOMMIT), S_OK);
    assert_result(face_free(base + FRAME, FRAME, MEM_DECOMMIT), S_OK);
    commit(base, 3 * FRAME);
    assert_filled(base, 2 * PAGE, 3);
    assert_zero(base + 2 * PAGE, PAGE);
    assert_zero(base + FRAME, FRAME);
    assert_result(face_free(base, 0, MEM_DECOMMIT), S_OK);
    commit(base, 3 * FRAME);
    assert_zero(base, 3 * FRAME);
}

/* A page of another protection is given back, and comes again for reading and writing. */
static void z3_protected_pages(void **state)
{
    static const DWORD reserved_with[] = {PAGE_READWRITE, PAGE_NOACCESS};
    for (size_t i = 0; i < 2; i++) {
        char *base = face_alloc(NULL, 2 * FRAME, MEM_RESERVE, reserved_with[i]);
        for (unsigned round = 0; round < 3; round++) {
            commit(base, 2 * FRAME);
            assert_zero(base, 2 * FRAME);
            face_fill(base, FRAME, 3);
            face_fill(base + FRAME, FRAME, 4);
            face_protect_old(base, FRAME, round ? PAGE_NOACCESS : PAGE_READONLY);
            assert_result(face_free(base, FRAME, MEM_DECOMMIT), S_OK);
            assert_filled(base + FRAME, FRAME, 4);
            assert_result(face_free(base, 0, MEM_DECOMMIT), S_OK);
        }
    }
}

static void z4_release_and_reserve(void **state)
{
    for (size_t size = GRANULE; size <= 4 * FRAME; size *= 2) {
        char *base = face_alloc(NULL, size, RESERVE_COMMIT, PAGE_READWRITE);
        face_fill(base, size, 4);
        face_release(base);
        assert_ptr_equal(face_alloc(base, size, MEM_RESERVE, PAGE_READWRITE), base);
        commit(base, size);
        assert_zero(base, size);
        face_fill(base, size, 5);
        face_release(base);
        assert_ptr_equal(face_alloc(base, size, RESERVE_COMMIT, PAGE_READWRITE), base);
        assert_zero(base, size);
        face_release(base);
    }
}

static void z4_outside_windows(void **state)
{
    char *hole = face_hole_outside(FRAME);
    for (unsigned round = 0; round < 2; round++) {
        face_alloc(hole, FRAME, RESERVE_COMMIT, PAGE_READWRITE);
        assert_zero(hole, FRAME);
        face_fill(hole, FRAME, 4);
        assert_result(face_free(hole, FRAME / 2, MEM_DECOMMIT), S_OK);
        commit(hole, FRAME);
        assert_zero(hole, FRAME / 2);
        face_release(hole);
    }
}

/* Windows may discard; hostmem never does. */
static void z5_reset(void **state)
{
    char *base = face_alloc(NULL, FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    face_fill(base, FRAME, 5);
    face_alloc(base, FRAME, MEM_RESET, PAGE_READWRITE);
    assert_filled(base, FRAME, 5);
    face_alloc(base, FRAME, MEM_RESET_UNDO, PAGE_READWRITE);
    assert_filled(base, FRAME, 5);
}

static void z6_large_pages(void **state)
{
    DWORD large = RESERVE_COMMIT | MEM_LARGE_PAGES;
    if (face_made(PAGE_READWRITE).backing != HOSTMEM_BACKING_HUGETLB) {
        assert_result(face_try(NULL, FRAME, large, PAGE_READWRITE), NO_RESOURCES);
        return;
    }
    for (unsigned round = 0; round < 3; round++) {
        soil();
        char *base = face_alloc(NULL, 6 * FRAME, large, PAGE_READWRITE);
        assert_zero(base, 6 * FRAME);
        face_fill(base, 6 * FRAME, 6);
        face_release(base);
    }
}

static const struct CMUnitTest semantics_zero[] = {
    FACE_TEST(z1_first_touch),
    FACE_TEST(z1_page_by_page),
    FACE_TEST(z1_read_only),
    FACE_TEST(z2_commit_over_committed),
    FACE_TEST(z3_decommit_and_commit),
    FACE_TEST(z3_protected_pages),
    FACE_TEST(z4_release_and_reserve),
    FACE_TEST(z4_outside_windows),
    FACE_TEST(z5_reset),
    FACE_TEST(z6_large_pages),
};

int main(void)
{
    return face_main(semantics_zero);
}
