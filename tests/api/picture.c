/* SPDX-License-Identifier: MIT */
/* Pictures of ranges, and regions with neighbours; see picture.h. No lock. */
#include "picture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t sum_of(const char *base, size_t size)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        sum = (sum ^ ((const uint64_t *)base)[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static void take_extent(struct picture *picture, char *at, const char *end)
{
    MEMORY_BASIC_INFORMATION information = face_query(at);
    size_t left = (size_t)(end - at), n = picture->count++;
    assert_true(information.RegionSize >= PAGE && information.RegionSize % PAGE == 0);
    if (information.RegionSize > left)
        information.RegionSize = left;
    picture->extents[n].information = information;
    if (information.State != MEM_COMMIT)
        return;
    char *last = at + information.RegionSize - 1;
    picture->extents[n].readable = face_readable(at) && face_readable(last);
    picture->extents[n].writable = face_writable(at) && face_writable(last);
    if (picture->extents[n].readable)
        picture->extents[n].sum = sum_of(at, information.RegionSize);
}

void picture_take(struct picture *ret_picture, struct area area)
{
    memset(ret_picture, 0, sizeof(*ret_picture));
    ret_picture->area = area;
    char *at = area.base, *end = area.base + area.size;
    while (at < end) {
        assert_true(ret_picture->count < PICTURE_EXTENTS);
        take_extent(ret_picture, at, end);
        at += ret_picture->extents[ret_picture->count - 1].information.RegionSize;
    }
}

static void show(const char *title, const struct picture *picture)
{
    fprintf(stderr, "%s:\n", title);
    for (size_t i = 0; i < picture->count; i++) {
        const MEMORY_BASIC_INFORMATION *m = &picture->extents[i].information;
        fprintf(stderr, "  %p +%#zx of %p state %#x protect %#x (%#x) %c%c sum %016llx\n",
            m->BaseAddress, m->RegionSize, m->AllocationBase, m->State, m->Protect,
            m->AllocationProtect, picture->extents[i].readable ? 'r' : '-',
            picture->extents[i].writable ? 'w' : '-', (unsigned long long)picture->extents[i].sum);
    }
}

void picture_assert_same(const struct picture *before)
{
    struct picture now;
    picture_take(&now, before->area);
    if (memcmp(before, &now, sizeof(now)) == 0)
        return;
    show("before", before);
    show("after", &now);
    fail_msg("the call changed what it had to leave alone");
}

struct trio trio_reserve(size_t size, DWORD protect)
{
    char *base = face_alloc(NULL, 3 * size, MEM_RESERVE, protect);
    face_release(base);
    struct trio trio = {base, base + size, base + 2 * size, {base, 3 * size}};
    assert_int_equal(size % GRANULE, 0);
    assert_ptr_equal(face_alloc(trio.left, size, MEM_RESERVE, protect), trio.left);
    assert_ptr_equal(face_alloc(trio.middle, size, MEM_RESERVE, protect), trio.middle);
    assert_ptr_equal(face_alloc(trio.right, size, MEM_RESERVE, protect), trio.right);
    return trio;
}

char *foreign_map(size_t size)
{
    char *fence = mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(fence != MAP_FAILED);
    assert_int_equal(mprotect(fence + PAGE, size, PROT_READ | PROT_WRITE), 0);
    return fence + PAGE;
}

void foreign_unmap(char *base, size_t size)
{
    assert_int_equal(munmap(base - PAGE, size + 2 * PAGE), 0);
}
