/* SPDX-License-Identifier: MIT */
/*
 * The units of the library and the arithmetic between them. A page is what Win32 keeps state for, a
 * granule where regions begin, a frame what huge pages are handed out in (design.md, "Words").
 */
#ifndef HOSTMEM_UNITS_H
#define HOSTMEM_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT    12
#define GRANULE_SHIFT 16
#define SPAN_SHIFT    21 /* the smallest frame; the middle step of the address table */
#define GIB_SHIFT     30 /* the first step of the address table */
#define PAGE_BYTES    ((size_t)1 << PAGE_SHIFT)
#define GRANULE_BYTES ((size_t)1 << GRANULE_SHIFT)
#define SPAN_BYTES    ((size_t)1 << SPAN_SHIFT)
#define GIB_BYTES     ((size_t)1 << GIB_SHIFT)
#define GRANULE_PAGES (GRANULE_BYTES / PAGE_BYTES)

/* Addresses that a region may have: Win32's lowest and highest, within x86-64's 47 bits. */
#define USER_LOWEST ((uintptr_t)0x10000)
#define USER_END    ((uintptr_t)0x7fffffff0000)
/* Where user space really ends on x86-64; a stack may lie above USER_END. */
#define ADDRESS_END ((uintptr_t)0x7ffffffff000)

_Static_assert(GRANULE_PAGES == 16, "the dirty map keeps one 16-bit word for each granule");
_Static_assert(USER_END % GRANULE_BYTES == 0, "the last granule is whole");
_Static_assert(sizeof(size_t) == 8, "64-bit address space");

/* unit: a power of two */
static inline uintptr_t align_down(uintptr_t value, size_t unit)
{
    return value & ~((uintptr_t)unit - 1);
}

/* The caller has seen that value + unit does not wrap. */
static inline uintptr_t align_up(uintptr_t value, size_t unit)
{
    return align_down(value + unit - 1, unit);
}

static inline bool is_aligned(uintptr_t value, size_t unit)
{
    return (value & (unit - 1)) == 0;
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Sums and differences of bytes that stop at the ends instead of wrapping. */
static inline uint64_t add_clamped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t subtract_clamped(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

#endif
