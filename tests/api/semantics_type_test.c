/* SPDX-License-Identifier: MIT */
/*
 * VirtualAlloc, the bits of its type: unknown ones (row A20 of docs/semantics.md), write watch and
 * physical memory, which this version refuses (A28, A29, A36, A37), and large pages (A30 to A35).
 * Runs over every backing; large pages exist only where hugetlb is.
 */
#include "picture.h"

#define LARGE (RESERVE_COMMIT | MEM_LARGE_PAGES)

static void refuse_types(const DWORD *types, size_t count)
{
    struct trio trio = trio_reserve(FRAME, PAGE_READWRITE);
    face_fill(face_alloc(trio.middle, PAGE, MEM_COMMIT, PAGE_READWRITE), PAGE, 20);
    face_release(trio.right);
    for (size_t i = 0; i < count; i++) {
        DWORD t = types[i], p = PAGE_READWRITE;
        assert_refused(trio.area, face_try(NULL, FRAME, t, p), BAD_PARAMETER);
        assert_refused(trio.area, face_try(trio.middle, FRAME, t, p), BAD_PARAMETER);
        assert_refused(trio.area, face_try(trio.right, FRAME, t, p), BAD_PARAMETER);
    }
}

/* Every bit that VirtualAlloc does not know, alone and with those that it knows. */
static void a20_unknown_bits(void **state)
{
    const DWORD known = RESERVE_COMMIT | MEM_RESET | MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_PHYSICAL |
                        MEM_RESET_UNDO | MEM_LARGE_PAGES;
    for (unsigned bit = 0; bit < 32; bit++) {
        DWORD type = 1u << bit;
        const DWORD types[] = {type, type | MEM_RESERVE, type | MEM_COMMIT, type | RESERVE_COMMIT};
        if (!(type & known))
            refuse_types(types, 4);
    }
    const DWORD all[] = {UINT32_MAX, ~known, 0x80000000u | MEM_RESET};
    refuse_types(all, 3);
}

static void a28_write_watch(void **state)
{
    static const DWORD types[] = {MEM_WRITE_WATCH | MEM_RESERVE, MEM_WRITE_WATCH | RESERVE_COMMIT,
        MEM_WRITE_WATCH | RESERVE_COMMIT | MEM_TOP_DOWN};
    refuse_types(types, 3);
}

static void a29_write_watch_without_reserve(void **state)
{
    static const DWORD types[] = {MEM_WRITE_WATCH, MEM_WRITE_WATCH | MEM_COMMIT};
    refuse_types(types, 2);
}

static void a30_large_pages_reserve_and_commit(void **state)
{
    static const DWORD types[] = {MEM_LARGE_PAGES, MEM_LARGE_PAGES | MEM_COMMIT,
        MEM_LARGE_PAGES | MEM_RESERVE, MEM_LARGE_PAGES | MEM_TOP_DOWN};
    refuse_types(types, 4);
}

static void a31_large_pages_with_others(void **state)
{
    static const DWORD types[] = {
        LARGE | MEM_PHYSICAL, LARGE | MEM_RESET, LARGE | MEM_WRITE_WATCH, LARGE | MEM_RESET_UNDO};
    refuse_types(types, 4);
}

static void a32_large_pages_unaligned(void **state)
{
    struct area area = {face_hole(4 * FRAME), 4 * FRAME};
    static const size_t sizes[] = {1, PAGE, GRANULE, FRAME - 1, FRAME + 1, FRAME + PAGE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_refused(area, face_try(NULL, sizes[i], LARGE, PAGE_READWRITE), BAD_PARAMETER);
        assert_refused(area, face_try(area.base, sizes[i], LARGE, PAGE_READWRITE), BAD_PARAMETER);
        char *odd = area.base + sizes[i] % FRAME;
        assert_refused(area, face_try(odd, FRAME, LARGE, PAGE_READWRITE), BAD_PARAMETER);
    }
}

static void a34_large_pages_are_read_write(void **state)
{
    static const DWORD others[] = {
        PAGE_NOACCESS, PAGE_READONLY, PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_result(face_try(NULL, FRAME, LARGE, others[i]), BAD_PARAMETER);
}

/* A region of large pages, or NULL after a check that there are none to be had. */
static char *large(size_t size)
{
    if (face_made(PAGE_READWRITE).backing == HOSTMEM_BACKING_HUGETLB)
        return face_alloc(NULL, size, LARGE, PAGE_READWRITE);
    assert_result(face_try(NULL, size, LARGE, PAGE_READWRITE), NO_RESOURCES);
    return NULL;
}

static void a34_large_pages(void **state)
{
    struct hostmem_receipt receipt;
    char *base = large(3 * FRAME);
    if (!base)
        return;
    assert_int_equal((uintptr_t)base % FRAME, 0);
    assert_extent(base, 3 * FRAME, MEM_COMMIT, PAGE_READWRITE);
    assert_int_equal(hostmem_receipt(HostMemFromManager(manager), base, 3 * FRAME, &receipt), 0);
    assert_int_equal(receipt.backing, HOSTMEM_BACKING_HUGETLB);
    assert_int_equal(receipt.committed, 3 * FRAME);
    assert_int_equal(receipt.page_size, FRAME);
    assert_zero(base, 3 * FRAME);
    face_fill(base, 3 * FRAME, 34);
    assert_filled(base, 3 * FRAME, 34);
}

/* Not more than there are: an error of its own, and all that was taken is back. */
static void a34_large_pages_used_up(void **state)
{
    struct hostmem_node_stats stats;
    int node;
    assert_result(face_try(NULL, (size_t)1 << 40, LARGE, PAGE_READWRITE), NO_RESOURCES);
    assert_true(hostmem_nodes(HostMemFromManager(manager), 1, &node) >= 1);
    assert_int_equal(hostmem_node_stats(HostMemFromManager(manager), node, &stats), 0);
    assert_int_equal(stats.committed_bytes, 0);
    char *base = large(FRAME);
    if (base)
        assert_zero(base, FRAME);
}

static void a34_large_pages_not_into_a_reservation(void **state)
{
    struct trio trio = trio_reserve(FRAME, PAGE_READWRITE);
    DWORD p = PAGE_READWRITE;
    assert_refused(
        trio.area, face_try(trio.middle, FRAME, MEM_COMMIT | MEM_LARGE_PAGES, p), BAD_PARAMETER);
    if (face_made(p).backing == HOSTMEM_BACKING_HUGETLB)
        assert_refused(trio.area, face_try(trio.middle, FRAME, LARGE, p), BAD_ADDRESS);
}

/* At an address only within the windows, which are where huge pages can be. */
static void a34_large_pages_at_address(void **state)
{
    struct area outside = {face_hole_outside(FRAME), FRAME};
    char *hole = face_hole(2 * FRAME);
    assert_refused(outside, face_try(outside.base, FRAME, LARGE, PAGE_READWRITE), NOT_SUPPORTED);
    if (face_made(PAGE_READWRITE).backing != HOSTMEM_BACKING_HUGETLB) {
        assert_result(face_try(hole, 2 * FRAME, LARGE, PAGE_READWRITE), NOT_SUPPORTED);
        return;
    }
    assert_ptr_equal(face_alloc(hole, 2 * FRAME, LARGE, PAGE_READWRITE), hole);
    assert_extent(hole, 2 * FRAME, MEM_COMMIT, PAGE_READWRITE);
    assert_zero(hole, 2 * FRAME);
}

static void a35_commit_in_large_region(void **state)
{
    char *base = large(2 * FRAME);
    struct area area = {base, 2 * FRAME};
    if (!base)
        return;
    face_fill(base, 2 * FRAME, 35);
    assert_refused(area, face_try(base, PAGE, MEM_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
    assert_refused(area, face_try(base, 2 * FRAME, MEM_COMMIT, PAGE_READONLY), BAD_ADDRESS);
    assert_refused(area, face_try(base, FRAME, MEM_RESET, PAGE_READWRITE), BAD_ADDRESS);
    assert_refused(area, face_try(base, FRAME, RESERVE_COMMIT, PAGE_READWRITE), BAD_ADDRESS);
}

static void a36_physical(void **state)
{
    static const DWORD types[] = {MEM_PHYSICAL, MEM_PHYSICAL | MEM_COMMIT,
        MEM_PHYSICAL | RESERVE_COMMIT, MEM_PHYSICAL | MEM_RESERVE | MEM_WRITE_WATCH,
        MEM_PHYSICAL | MEM_RESET};
    refuse_types(types, 5);
}

static void a37_physical_reservation(void **state)
{
    static const DWORD types[] = {
        MEM_PHYSICAL | MEM_RESERVE, MEM_PHYSICAL | MEM_RESERVE | MEM_TOP_DOWN};
    refuse_types(types, 2);
}

static const struct CMUnitTest semantics_type[] = {
    FACE_TEST(a20_unknown_bits),
    FACE_TEST(a28_write_watch),
    FACE_TEST(a29_write_watch_without_reserve),
    FACE_TEST(a30_large_pages_reserve_and_commit),
    FACE_TEST(a31_large_pages_with_others),
    FACE_TEST(a32_large_pages_unaligned),
    FACE_TEST(a34_large_pages_are_read_write),
    FACE_TEST(a34_large_pages),
    FACE_TEST(a34_large_pages_used_up),
    FACE_TEST(a34_large_pages_not_into_a_reservation),
    FACE_TEST(a34_large_pages_at_address),
    FACE_TEST(a35_commit_in_large_region),
    FACE_TEST(a36_physical),
    FACE_TEST(a37_physical_reservation),
};

int main(void)
{
    return face_main(semantics_type);
}
