/* SPDX-License-Identifier: MIT */
/* Mappings. See raw.h. */
#include "bench/raw.h"

#include <linux/mman.h>
#include <numa.h>
#include <numaif.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

size_t raw_round(size_t size, size_t page)
{
    return (size + page - 1) & ~(page - 1);
}

static bool bind_to(void *base, size_t size, int node)
{
    struct bitmask *mask = numa_allocate_nodemask();
    numa_bitmask_setbit(mask, (unsigned)node);
    long error = mbind(base, size, MPOL_BIND, mask->maskp, mask->size + 1, 0);
    numa_free_nodemask(mask);
    return error == 0;
}

void *raw_map(size_t size, int flags, int node)
{
    void *base =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (node >= 0 && !bind_to(base, size, node)) {
        munmap(base, size);
        return NULL;
    }
    return base;
}

/* Where the kernel does not align by itself, what is too much at both ends is given back. */
void *raw_map_aligned(size_t size, int node)
{
    if (size < RAW_2M)
        return raw_map(size, 0, node);
    size = raw_round(size, RAW_PAGE);
    char *base = raw_map(size, 0, node);
    if (!base || (uintptr_t)base % RAW_2M == 0)
        return base;
    munmap(base, size);
    base = raw_map(size + RAW_2M, 0, node);
    if (!base)
        return NULL;
    size_t head = raw_round((uintptr_t)base, RAW_2M) - (uintptr_t)base;
    if (head)
        munmap(base, head);
    if (head < RAW_2M)
        munmap(base + head + size, RAW_2M - head);
    return base + head;
}

void *raw_keep(size_t size, int node, const char **ret_backing)
{
    size = raw_round(size, RAW_2M);
    void *base = raw_map(size, MAP_HUGETLB | MAP_HUGE_2MB, node);
    if (base && madvise(base, size, MADV_POPULATE_WRITE) == 0) {
        *ret_backing = "hugetlb";
        return base;
    }
    if (base)
        munmap(base, size);
    base = raw_map_aligned(size, node);
    if (!base)
        return NULL;
    madvise(base, size, MADV_HUGEPAGE);
    madvise(base, size, MADV_POPULATE_WRITE);
    *ret_backing = "thp";
    return base;
}

bool raw_has_thp(void)
{
    char text[64] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (!file)
        return false;
    bool read = fgets(text, sizeof(text), file) != NULL;
    fclose(file);
    return read && !strstr(text, "[never]");
}
