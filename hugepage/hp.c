/* SPDX-License-Identifier: MIT */
/*
 * The table of backings, and what this process may do about nodes: bind memory, and ask where a
 * page lies. In containers without CAP_SYS_NICE either may be refused, which is why it is tried
 * once. No state and no lock.
 */
#include "hugepage/hp.h"

#include <errno.h>
#include <numaif.h>
#include <string.h>

const struct hp_ops *hp_ops_of(enum hp_backing backing)
{
    static const struct hp_ops *const table[HP_BACKINGS] = {
        [HP_HUGETLB] = &hp_hugetlb,
        [HP_THP] = &hp_thp,
        [HP_BASE] = &hp_base,
    };
    return table[backing];
}

int hp_locate(void *const *pages, size_t count, int *ret_nodes)
{
    void *asked[HP_LOCATE_MAX];
    int nodes[HP_LOCATE_MAX];
    if (count > HP_LOCATE_MAX)
        return -EINVAL;
    memcpy(asked, pages, count * sizeof(asked[0]));
    if (move_pages(0, count, asked, NULL, nodes, 0) < 0)
        return -errno;
    memcpy(ret_nodes, nodes, count * sizeof(nodes[0]));
    return 0;
}

/* A page that is there, since the kernel need not say anything of one that is not. */
static struct hp_caps try_on(void *page, int node)
{
    struct hp_caps caps = {0};
    int found = -1;
    caps.bind = hp_base.bind(page, HP_BASE_PAGE, node) == 0;
    if (hp_base.protect(page, HP_BASE_PAGE, HP_RW) == 0 &&
        hp_base.populate(page, HP_BASE_PAGE) == 0)
        caps.locate = hp_locate(&page, 1, &found) == 0 && found >= 0;
    return caps;
}

struct hp_caps hp_probe(int node)
{
    const struct hp_spec spec = {.page_size = HP_BASE_PAGE, .fd = -1};
    void *page;
    if (hp_base.map(&spec, NULL, HP_BASE_PAGE, HP_BASE_PAGE, &page) < 0)
        return (struct hp_caps){0};
    struct hp_caps caps = try_on(page, node);
    hp_base.unmap(page, HP_BASE_PAGE);
    return caps;
}
