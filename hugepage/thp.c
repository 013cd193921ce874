/* SPDX-License-Identifier: MIT */
/*
 * Frames made of transparent huge pages: ordinary memory for which the kernel is asked to use 2 MiB
 * pages where it finds them, and which it splits by itself. Whether it did is asked with
 * hp_is_huge. The node is a preference: a bound node that runs out of ordinary memory summons the
 * OOM killer. No state and no lock.
 */
#include "hugepage/range.h"

#include <numaif.h>
#include <sys/mman.h>

static const struct hp_kind kind = {
    .page = HP_BASE_PAGE,
    .flags = MAP_ANONYMOUS,
    .fd = -1,
    .advice = MADV_HUGEPAGE,
    .policy = MPOL_PREFERRED,
    .at_rest = HP_RW,
};

static int thp_map(const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    return hp_range_map(&kind, spec, at, size, align, ret_base);
}

static int thp_bind(void *base, size_t size, int node)
{
    return hp_range_bind(base, size, kind.policy, node);
}

static int thp_replace(const struct hp_spec *spec, void *at, size_t size, int node, bool populate)
{
    return hp_range_replace(&kind, spec, at, size, node, populate);
}

const struct hp_ops hp_thp = {
    .name = "thp",
    .map = thp_map,
    .unmap = hp_range_unmap,
    .bind = thp_bind,
    .populate = hp_range_populate,
    .discard = hp_range_discard,
    .protect = hp_range_protect,
    .replace = thp_replace,
    .at_rest = HP_RW,
};
