/* SPDX-License-Identifier: MIT */
/*
 * Reads hugepages-*kB/{nr,free}_hugepages. The kernel changes the two counts of a pool between two
 * reads, so nothing here relies on free <= total. No lock.
 */
#include "numa/hugepages.h"

#include <errno.h>

#include "numa/number.h"

static uint64_t read_count(const struct nn_root *root, struct nn_path path)
{
    char text[NN_NUMBER_SIZE + 1];
    uint64_t count = 0;

    if (nn_root_read(root, path.text, text, sizeof(text)) == 0)
        (void)nn_number_parse(text, UINT64_MAX, &count);
    return count;
}

static struct nn_huge read_pool(const struct nn_root *pools, unsigned kib)
{
    return (struct nn_huge){
        .size = (uint64_t)kib * 1024,
        .total = read_count(pools, nn_path("hugepages-#kB/nr_hugepages", kib)),
        .free = read_count(pools, nn_path("hugepages-#kB/free_hugepages", kib)),
    };
}

static size_t read_pools(const struct nn_root *pools, struct nn_huge *ret_huge)
{
    unsigned kib[NN_HUGE_SIZES];
    size_t count;

    if (nn_root_list(pools, ".", "hugepages-#kB", NN_HUGE_SIZES, kib, &count) < 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        ret_huge[i] = read_pool(pools, kib[i]);
    return count;
}

static size_t read_below(const struct nn_root *root, const char *path, struct nn_huge *ret_huge)
{
    struct nn_root pools;
    size_t count;

    if (nn_root_enter(root, path, &pools) < 0)
        return 0;
    count = read_pools(&pools, ret_huge);
    nn_root_close(&pools);
    return count;
}

size_t nn_huge_of_node(const struct nn_root *root, int node, struct nn_huge ret_huge[NN_HUGE_SIZES])
{
    struct nn_path path = nn_path("sys/devices/system/node/node#/hugepages", (unsigned)node);

    return read_below(root, path.text, ret_huge);
}

int nn_huge_of_size(const struct nn_root *root, int node, uint64_t size, struct nn_huge *ret_huge)
{
    struct nn_huge pools[NN_HUGE_SIZES];
    size_t count = nn_huge_of_node(root, node, pools);

    if (count == 0)
        count = nn_huge_of_machine(root, pools);
    for (size_t i = 0; i < count; i++)
        if (pools[i].size == size) {
            *ret_huge = pools[i];
            return 0;
        }
    return -ENOENT;
}

uint64_t nn_huge_overcommit(const struct nn_root *root, uint64_t size)
{
    return read_count(root, nn_path("sys/kernel/mm/hugepages/hugepages-#kB/nr_overcommit_hugepages",
                                (unsigned)(size / 1024)));
}

size_t nn_huge_of_machine(const struct nn_root *root, struct nn_huge ret_huge[NN_HUGE_SIZES])
{
    return read_below(root, "sys/kernel/mm/hugepages", ret_huge);
}

uint64_t nn_huge_free_bytes(const struct nn_huge *huge, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t bytes;

        if (__builtin_mul_overflow(huge[i].size, huge[i].free, &bytes) ||
            __builtin_add_overflow(sum, bytes, &sum))
            return UINT64_MAX;
    }
    return sum;
}
