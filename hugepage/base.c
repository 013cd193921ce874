/* SPDX-License-Identifier: MIT */
/*
 * Memory of 4 KiB pages, each with the rights that it was given: inaccessible at rest, so that what
 * is not committed faults. Transparent huge pages are declined, since one of them would bring 511
 * pages that nobody committed and nobody accounts for. The node is a preference, as with thp. No
 * state and no lock.
 */
#include "hugepage/range.h"

#include <numaif.h>
#include <sys/mman.h>

static const struct hp_kind kind = {
    .page = HP_BASE_PAGE,
    .flags = MAP_ANONYMOUS,
    .fd = -1,
    .advice = MADV_NOHUGEPAGE,
    .policy = MPOL_PREFERRED,
    .at_rest = HP_NONE,
};

static int base_map(
    const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    return hp_range_map(&kind, spec, at, size, align, ret_base);
}

static int base_bind(void *base, size_t size, int node)
{
    return hp_range_bind(base, size, kind.policy, node);
}

static int base_replace(const struct hp_spec *spec, void *at, size_t size, int node, bool populate)
{
    return hp_range_replace(&kind, spec, at, size, node, populate);
}

const struct hp_ops hp_base = {
    .name = "base",
    .map = base_map,
    .unmap = hp_range_unmap,
    .bind = base_bind,
    .populate = hp_range_populate,
    .discard = hp_range_discard,
    .protect = hp_range_protect,
    .replace = base_replace,
    .at_rest = HP_NONE,
};
