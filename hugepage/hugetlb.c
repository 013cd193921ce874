/* SPDX-License-Identifier: MIT */
/*
 * Frames made of hugetlb pages: taken whole from the pool that the administrator set aside, from
 * the bound node or not at all, never swapped, split or merged. A range that is not whole huge
 * pages is EINVAL for mprotect and munmap, and MADV_HUGEPAGE is EINVAL from 6.18 on, so it is not
 * given. No state and no lock.
 */
#include "hugepage/range.h"

#include <assert.h>
#include <linux/mman.h>
#include <numaif.h>
#include <sys/mman.h>

static_assert(MAP_HUGE_1GB == 30 << MAP_HUGE_SHIFT && MAP_HUGE_2MB == 21 << MAP_HUGE_SHIFT,
    "the page size is given to mmap as its binary logarithm");

/* Both an anonymous mapping and a private one of a file take their pages straight from the pool. */
static struct hp_kind kind_of(const struct hp_spec *spec)
{
    int log2 = __builtin_ctzl(spec->page_size);
    int anonymous = MAP_ANONYMOUS | MAP_HUGETLB | log2 << MAP_HUGE_SHIFT;
    return (struct hp_kind){
        .page = spec->page_size,
        .flags = spec->fd < 0 ? anonymous : 0,
        .fd = spec->fd,
        .advice = MADV_NORMAL,
        .policy = MPOL_BIND,
        .at_rest = HP_RW,
    };
}

static int hugetlb_map(
    const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    struct hp_kind kind = kind_of(spec);
    return hp_range_map(&kind, spec, at, size, align, ret_base);
}

static int hugetlb_bind(void *base, size_t size, int node)
{
    return hp_range_bind(base, size, MPOL_BIND, node);
}

static int hugetlb_replace(
    const struct hp_spec *spec, void *at, size_t size, int node, bool populate)
{
    struct hp_kind kind = kind_of(spec);
    return hp_range_replace(&kind, spec, at, size, node, populate);
}

const struct hp_ops hp_hugetlb = {
    .name = "hugetlb",
    .map = hugetlb_map,
    .unmap = hp_range_unmap,
    .bind = hugetlb_bind,
    .populate = hp_range_populate,
    .discard = hp_range_discard,
    .protect = hp_range_protect,
    .replace = hugetlb_replace,
    .at_rest = HP_RW,
};
