/* SPDX-License-Identifier: MIT */
/* The three sides: hostmem, mmap with MAP_HUGETLB, mmap of 4 KiB pages. See side.h. */
#include "bench/side.h"

#include <linux/mman.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/show.h"

#define HUGE_2M ((size_t)2 << 20)

static size_t whole_pages(size_t size)
{
    return (size + HUGE_2M - 1) & ~(HUGE_2M - 1);
}

static void *map(size_t size, int flags)
{
    void *base =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

static void *get_hostmem(const struct side *side, size_t size)
{
    void *base;
    HRESULT result = IHostMemoryManager_VirtualAlloc(
        side->manager, NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, eTaskCritical, &base);
    return SUCCEEDED(result) ? base : NULL;
}

static void *get_plain(const struct side *side, size_t size)
{
    void *base = map(size, 0);
    if (base && side->decline)
        madvise(base, size, MADV_NOHUGEPAGE);
    return base;
}

void *side_get(const struct side *side, size_t size)
{
    if (side->kind == SIDE_HOSTMEM)
        return get_hostmem(side, size);
    if (side->kind == SIDE_HUGE)
        return map(whole_pages(size), MAP_HUGETLB | MAP_HUGE_2MB);
    return get_plain(side, size);
}

void side_give(const struct side *side, void *base, size_t size)
{
    if (side->kind == SIDE_HOSTMEM)
        IHostMemoryManager_VirtualFree(side->manager, base, 0, MEM_RELEASE);
    else
        munmap(base, side->kind == SIDE_HUGE ? whole_pages(size) : size);
}

bool side_use(void *base, size_t size, size_t step)
{
    uint64_t found = 0;
    for (size_t at = 0; at < size; at += step) {
        volatile uint64_t *word = (volatile uint64_t *)((char *)base + at);
        word[0] = 1;
        found |= word[1];
    }
    return found == 0;
}

/* The mapping alone proves little: a limit of the cgroup would only show when it is touched. */
static bool has_huge_pages(void)
{
    void *base = map(SIDE_LARGEST, MAP_HUGETLB | MAP_HUGE_2MB);
    if (!base)
        return false;
    bool populated = madvise(base, SIDE_LARGEST, MADV_POPULATE_WRITE) == 0;
    munmap(base, SIDE_LARGEST);
    return populated;
}

static bool kernel_prefers_huge(void)
{
    char text[64] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (!file)
        return false;
    bool read = fgets(text, sizeof(text), file) != NULL;
    fclose(file);
    return read && strstr(text, "[always]");
}

static void open_hostmem(IHostMemoryManager *manager, struct side *ret_side)
{
    struct hostmem_receipt receipt = {0};
    *ret_side = (struct side){.kind = SIDE_HOSTMEM, .manager = manager};
    void *base = get_hostmem(ret_side, SIDE_LARGEST);
    if (base) {
        hostmem_receipt(HostMemFromManager(manager), base, SIDE_LARGEST, &receipt);
        ret_side->backing = receipt.backing;
        side_give(ret_side, base, SIDE_LARGEST);
    } else {
        ret_side->missing = "no memory";
    }
    snprintf(ret_side->title, sizeof(ret_side->title), base ? "hostmem (%s)" : "hostmem",
        show_backing(receipt.backing));
}

void sides_open(IHostMemoryManager *manager, struct side ret_sides[SIDES])
{
    open_hostmem(manager, &ret_sides[SIDE_HOSTMEM]);
    ret_sides[SIDE_HUGE] = (struct side){.kind = SIDE_HUGE,
        .title = "mmap MAP_HUGETLB",
        .missing = has_huge_pages() ? NULL : "no huge pages"};
    ret_sides[SIDE_PLAIN] = (struct side){
        .kind = SIDE_PLAIN, .title = "mmap, 4 KiB pages", .decline = kernel_prefers_huge()};
}
