/* SPDX-License-Identifier: MIT */
/*
 * A picture of a range: what VirtualQuery says of all of it, whether the pages can be read and
 * written, and a checksum of what can be read. Two of them show that a call changed nothing. No
 * lock.
 */
#ifndef HOSTMEM_TESTS_API_PICTURE_H
#define HOSTMEM_TESTS_API_PICTURE_H

#include "face.h"

#define PICTURE_EXTENTS 64

struct area {
    char *base;
    size_t size;
};

struct picture {
    struct area area;
    size_t count;
    struct {
        MEMORY_BASIC_INFORMATION information; /* cut at the end of the area */
        bool readable, writable;              /* of committed pages, the first and the last */
        uint64_t sum;                         /* of committed pages that can be read */
    } extents[PICTURE_EXTENTS];
};

void picture_take(struct picture *ret_picture, struct area area);

/* Fails the test and shows both, if the area is not as it was. */
void picture_assert_same(const struct picture *before);

/* The call gives that result, and changes nothing in the area. */
#define assert_refused(area, call, expected)                                                       \
    do {                                                                                           \
        struct picture picture;                                                                    \
        picture_take(&picture, area);                                                              \
        assert_result(call, expected);                                                             \
        picture_assert_same(&picture);                                                             \
    } while (0)

/* Three regions of one size side by side, reserved with one protection: a call about the middle one
 * has neighbours to leave alone. */
struct trio {
    char *left, *middle, *right;
    struct area area;
};
struct trio trio_reserve(size_t size, DWORD protect);

/* Memory that no manager knows of, between pages of no access: the mappings beside it may come and
 * go, and a query of it says the same. */
char *foreign_map(size_t size);
void foreign_unmap(char *base, size_t size);

#endif
