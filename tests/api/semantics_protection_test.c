/* SPDX-License-Identifier: MIT */
/*
 * The argument flProtect of VirtualAlloc and VirtualProtect: the protection table of
 * docs/semantics.md (rows T1 to T9). Runs over every backing, with regions of whole huge pages, so
 * that each can carry every protection.
 */
#include "picture.h"

static const DWORD valid[] = {PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, PAGE_EXECUTE,
    PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE};
#define VALID    (sizeof(valid) / sizeof(valid[0]))
#define EXECUTES (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE)

static struct trio committed_trio(void)
{
    struct trio trio = trio_reserve(FRAME, PAGE_READWRITE);
    face_alloc(trio.middle, FRAME, MEM_COMMIT, PAGE_READWRITE);
    face_fill(trio.middle, FRAME, 7);
    return trio;
}

/* Everything that takes a protection refuses this one, and nothing changes. */
static void refuse(struct trio trio, DWORD protect, HRESULT result)
{
    char *at = trio.middle;
    assert_result(face_try(NULL, GRANULE, MEM_RESERVE, protect), result);
    assert_result(face_try(NULL, GRANULE, RESERVE_COMMIT, protect), result);
    assert_refused(trio.area, face_try(at, FRAME, MEM_COMMIT, protect), result);
    /* A reset makes no use of the protection, but it must be one. */
    HRESULT of_reset = result == NOT_SUPPORTED ? S_OK : result;
    assert_result(face_try(at, FRAME, MEM_RESET, protect), of_reset);
    assert_refused(trio.area, face_protect(at, FRAME, protect), result);
}

static bool is_valid(DWORD protect)
{
    for (size_t i = 0; i < VALID; i++)
        if (valid[i] == protect)
            return true;
    return false;
}

/* All that takes a protection takes this one, and a query says it of the pages. */
static void accept(struct trio trio, DWORD protect)
{
    char *base = face_alloc(NULL, FRAME, MEM_RESERVE, protect);
    assert_int_equal(face_query(base).AllocationProtect, protect);
    assert_extent(base, FRAME, MEM_RESERVE, 0);
    face_release(base);
    base = face_alloc(NULL, FRAME, RESERVE_COMMIT, protect);
    assert_extent(base, FRAME, MEM_COMMIT, protect);
    assert_access(base, protect);
    face_release(base);
    face_alloc(trio.middle, FRAME, MEM_COMMIT, protect);
    assert_extent(trio.middle, FRAME, MEM_COMMIT, protect);
    assert_int_equal(face_protect_old(trio.middle, FRAME, PAGE_READWRITE), protect);
    assert_int_equal(face_protect_old(trio.middle, FRAME, protect), PAGE_READWRITE);
    assert_extent(trio.middle, FRAME, MEM_COMMIT, protect);
    assert_access(trio.middle, protect);
    assert_access(trio.middle + FRAME - 1, protect);
    assert_int_equal(face_protect_old(trio.middle, FRAME, PAGE_READWRITE), protect);
    assert_filled(trio.middle, FRAME, 7);
}

static void t1_one_base_protection(void **state)
{
    struct trio trio = committed_trio();
    for (size_t i = 0; i < VALID; i++)
        accept(trio, valid[i]);
}

static void t2_no_protection(void **state)
{
    refuse(committed_trio(), 0, BAD_PARAMETER);
}

static void t3_write_copy(void **state)
{
    struct trio trio = committed_trio();
    refuse(trio, PAGE_WRITECOPY, BAD_PARAMETER);
    refuse(trio, PAGE_EXECUTE_WRITECOPY, BAD_PARAMETER);
    refuse(trio, PAGE_WRITECOPY | PAGE_NOCACHE, BAD_PARAMETER);
    refuse(trio, PAGE_WRITECOPY | PAGE_GUARD, BAD_PARAMETER);
}

/* All values of the low byte: six are protections. */
static void t4_low_byte(void **state)
{
    struct trio trio = committed_trio();
    size_t accepted = 0;
    for (DWORD protect = 0; protect < 256; protect++) {
        if (is_valid(protect)) {
            accept(trio, protect);
            accepted++;
        } else {
            refuse(trio, protect, BAD_PARAMETER);
        }
    }
    assert_int_equal(accepted, 6);
}

/* Bits above PAGE_WRITECOMBINE, each with each protection; and all of them. */
static void t5_unknown_bits(void **state)
{
    struct trio trio = committed_trio();
    for (unsigned bit = 11; bit < 32; bit++) {
        if (1u << bit == PAGE_TARGETS_INVALID)
            continue;
        refuse(trio, 1u << bit, BAD_PARAMETER);
        for (size_t i = 0; i < VALID; i++)
            refuse(trio, valid[i] | 1u << bit, BAD_PARAMETER);
    }
    refuse(trio, UINT32_MAX, BAD_PARAMETER);
}

/* Valid on Windows, and not available in this version. */
static void t6_guard(void **state)
{
    struct trio trio = committed_trio();
    for (size_t i = 0; i < VALID; i++)
        refuse(
            trio, valid[i] | PAGE_GUARD, valid[i] == PAGE_NOACCESS ? BAD_PARAMETER : NOT_SUPPORTED);
    refuse(trio, PAGE_GUARD, BAD_PARAMETER);
}

static void t7_modifiers_exclude_each_other(void **state)
{
    static const DWORD pairs[] = {PAGE_NOCACHE | PAGE_GUARD, PAGE_NOCACHE | PAGE_WRITECOMBINE,
        PAGE_WRITECOMBINE | PAGE_GUARD, PAGE_NOCACHE | PAGE_WRITECOMBINE | PAGE_GUARD};
    struct trio trio = committed_trio();
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        for (size_t j = 0; j < VALID; j++)
            refuse(trio, valid[j] | pairs[i], BAD_PARAMETER);
    refuse(trio, PAGE_NOACCESS | PAGE_NOCACHE, BAD_PARAMETER);
    refuse(trio, PAGE_NOACCESS | PAGE_WRITECOMBINE, BAD_PARAMETER);
    refuse(trio, PAGE_NOCACHE, BAD_PARAMETER);
    refuse(trio, PAGE_WRITECOMBINE, BAD_PARAMETER);
}

static void keep_attribute(DWORD attribute)
{
    for (size_t i = 0; i < VALID; i++) {
        DWORD both = valid[i] | attribute;
        if (valid[i] == PAGE_NOACCESS)
            continue;
        char *base = face_alloc(NULL, FRAME, RESERVE_COMMIT, both);
        assert_int_equal(face_query(base).AllocationProtect, both);
        assert_extent(base, FRAME, MEM_COMMIT, both);
        assert_access(base, valid[i]);
        face_release(base);
    }
}

static void t7_attributes_are_reported(void **state)
{
    keep_attribute(PAGE_NOCACHE);
    keep_attribute(PAGE_WRITECOMBINE);
}

/* How memory is cached is chosen for a region when it is reserved, for good. */
static void t7_attributes_stick(void **state)
{
    DWORD both = PAGE_READWRITE | PAGE_NOCACHE;
    size_t unit = face_made(both).unit;
    char *base = face_alloc(NULL, 3 * unit, RESERVE_COMMIT, both);
    assert_int_equal(face_protect_old(base + unit, unit, PAGE_READWRITE), both);
    assert_extent(base, 3 * unit, MEM_COMMIT, both);
    assert_int_equal(face_protect_old(base + unit, unit, PAGE_READONLY), both);
    assert_extent(base + unit, unit, MEM_COMMIT, PAGE_READONLY | PAGE_NOCACHE);
    assert_int_equal(
        face_protect_old(base + unit, unit, PAGE_NOACCESS), PAGE_READONLY | PAGE_NOCACHE);
    assert_extent(base + unit, unit, MEM_COMMIT, PAGE_NOACCESS);
    face_protect_old(base + unit, unit, PAGE_READWRITE);
    assert_extent(base, 3 * unit, MEM_COMMIT, both);
}

static void t7_attributes_do_not_come_later(void **state)
{
    size_t unit = face_made(PAGE_READWRITE).unit;
    char *base = face_alloc(NULL, 3 * unit, RESERVE_COMMIT, PAGE_READWRITE);
    assert_result(face_protect(base, unit, PAGE_READONLY | PAGE_NOCACHE), S_OK);
    assert_extent(base, unit, MEM_COMMIT, PAGE_READONLY);
    assert_int_equal(
        face_protect_old(base, unit, PAGE_READWRITE | PAGE_WRITECOMBINE), PAGE_READONLY);
    assert_extent(base, 3 * unit, MEM_COMMIT, PAGE_READWRITE);
}

static void t8_targets_invalid(void **state)
{
    struct trio trio = committed_trio();
    for (size_t i = 0; i < VALID; i++) {
        DWORD both = valid[i] | PAGE_TARGETS_INVALID;
        if (!(valid[i] & EXECUTES)) {
            refuse(trio, both, BAD_PARAMETER);
            continue;
        }
        char *base = face_alloc(NULL, FRAME, RESERVE_COMMIT, both);
        assert_extent(base, FRAME, MEM_COMMIT, valid[i]);
        assert_int_equal(face_protect_old(base, FRAME, PAGE_READONLY), valid[i]);
        assert_int_equal(face_protect_old(base, FRAME, both), PAGE_READONLY);
        assert_extent(base, FRAME, MEM_COMMIT, valid[i]);
        face_release(base);
    }
    refuse(trio, PAGE_TARGETS_INVALID, BAD_PARAMETER);
}

static void t9_execute(void **state)
{
    char *base = face_alloc(NULL, FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    if (!face_can_run_code()) {
        print_message("missing: code for this machine\n");
        skip();
    }
    face_write_code(base + 5);
    assert_false(face_runs(base + 5));
    for (size_t i = 0; i < VALID; i++) {
        assert_result(face_protect(base, FRAME, valid[i]), S_OK);
        assert_int_equal(face_runs(base + 5), (valid[i] & EXECUTES) != 0);
    }
}

static const struct CMUnitTest semantics_protection[] = {
    FACE_TEST(t1_one_base_protection),
    FACE_TEST(t2_no_protection),
    FACE_TEST(t3_write_copy),
    FACE_TEST(t4_low_byte),
    FACE_TEST(t5_unknown_bits),
    FACE_TEST(t6_guard),
    FACE_TEST(t7_modifiers_exclude_each_other),
    FACE_TEST(t7_attributes_are_reported),
    FACE_TEST(t7_attributes_stick),
    FACE_TEST(t7_attributes_do_not_come_later),
    FACE_TEST(t8_targets_invalid),
    FACE_TEST(t9_execute),
};

int main(void)
{
    return face_main(semantics_protection);
}
