/* SPDX-License-Identifier: MIT */
/*
 * The huge-page sizes of this machine. The kernel is asked to make an empty file of each size,
 * which takes no page, needs no mount, and succeeds exactly where a mapping of that size would. No
 * state and no lock.
 */
#include "hugepage/hp.h"

#include <assert.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SIZE_2M ((size_t)2 << 20)
#define SIZE_1G ((size_t)1 << 30)

static_assert(SIZE_2M < SIZE_1G, "sizes are reported in ascending order");

/* The page size, in bytes, of an anonymous hugetlb file made with these flags; 0: there is none. */
static size_t page_size_of(unsigned flags)
{
    struct statfs fs;
    int fd = memfd_create("hostmem", MFD_CLOEXEC | MFD_HUGETLB | flags);
    if (fd < 0)
        return 0;
    size_t size = fstatfs(fd, &fs) == 0 ? (size_t)fs.f_bsize : 0;
    close(fd);
    return size;
}

size_t hp_hugetlb_sizes(size_t ret_sizes[2], size_t *ret_default)
{
    size_t count = 0;
    if (page_size_of(MFD_HUGE_2MB) == SIZE_2M)
        ret_sizes[count++] = SIZE_2M;
    if (page_size_of(MFD_HUGE_1GB) == SIZE_1G)
        ret_sizes[count++] = SIZE_1G;
    *ret_default = page_size_of(0);
    return count;
}
