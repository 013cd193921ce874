/* SPDX-License-Identifier: MIT */
/*
 * The system calls on a range of memory that all backings share. Every function either does the
 * whole of what hp.h promises or says what went wrong; errno is turned into the codes of hp.h in
 * one place, failure(). No state and no lock: the kernel's own lock on the address space is all
 * there is.
 */
#include "hugepage/range.h"

#include <assert.h>
#include <errno.h>
#include <numaif.h>
#include <sys/mman.h>

#define NODES_MAX 1024
#define WORD_BITS (8 * sizeof(unsigned long))
#define HUGE_2M   ((size_t)2 << 20)

static_assert(
    HP_READ == PROT_READ && HP_WRITE == PROT_WRITE && HP_EXEC == PROT_EXEC && HP_NONE == PROT_NONE,
    "access rights are handed to the kernel as they are");
static_assert(NODES_MAX % WORD_BITS == 0, "a node mask is whole words");
static_assert(HUGE_2M % HP_BASE_PAGE == 0, "2 MiB is whole base pages");

/*
 * The result of a system call that failed. EAGAIN is how madvise spells ENOMEM, that of
 * max_map_count included, and how mmap and mremap refuse to lock more (mlockall).
 */
static int failure(void)
{
    return errno == EAGAIN ? -ENOMEM : -errno;
}

static int result(int outcome)
{
    return outcome == 0 ? 0 : failure();
}

/*
 * Under mlockall(MCL_FUTURE) the kernel populates what is mapped accessible, which of a window of
 * small pages would be all of the machine's memory. So that is mapped without access, unlocked, and
 * opened then. Huge pages are not populated like this, and a file of hugetlbfs grows only for a
 * mapping that is writable from the beginning.
 */
static bool is_opened_later(const struct hp_kind *kind)
{
    return kind->page == HP_BASE_PAGE && kind->at_rest != HP_NONE;
}

static int open_access(const struct hp_kind *kind, void *base, size_t size)
{
    if (!is_opened_later(kind))
        return 0;
    (void)munlock(base, size);
    return result(mprotect(base, size, (int)kind->at_rest));
}

static int map_raw(
    const struct hp_kind *kind, void *at, size_t size, int more_flags, void **ret_base)
{
    int flags = MAP_PRIVATE | MAP_NORESERVE | kind->flags | more_flags;
    int access = is_opened_later(kind) ? PROT_NONE : (int)kind->at_rest;
    void *base = mmap(at, size, access, flags, kind->fd, 0);
    if (base == MAP_FAILED)
        return failure();
    int r = open_access(kind, base, size);
    if (r < 0) {
        munmap(base, size);
        return r;
    }
    *ret_base = base;
    return 0;
}

/* A kernel before 4.17 takes the address for a hint and maps elsewhere when it is in use. */
static int map_exactly(const struct hp_kind *kind, void *at, size_t size, void **ret_base)
{
    void *base = NULL;
    int r = map_raw(kind, at, size, MAP_FIXED_NOREPLACE, &base);
    if (r < 0)
        return r;
    if (base != at) {
        munmap(base, size);
        return -EEXIST;
    }
    *ret_base = base;
    return 0;
}

/* Unmaps what [start, end) has around [keep, keep + size). */
static int trim(char *start, char *end, char *keep, size_t size)
{
    if (keep > start && munmap(start, (size_t)(keep - start)) != 0)
        return failure();
    if (end > keep + size && munmap(keep + size, (size_t)(end - keep) - size) != 0)
        return failure();
    return 0;
}

/* mmap aligns to the page of the backing for nothing; more than that is mapped too large and cut.
 */
static int map_aligned(const struct hp_kind *kind, size_t size, size_t align, void **ret_base)
{
    size_t slack = align > kind->page ? align - kind->page : 0;
    if (size > SIZE_MAX - slack)
        return -ENOMEM;
    void *start = NULL;
    int r = map_raw(kind, NULL, size + slack, 0, &start);
    if (r < 0)
        return r;
    char *base = start;
    base += -(uintptr_t)start & (align - 1);
    r = trim(start, (char *)start + size + slack, base, size);
    if (r < 0) {
        munmap(start, size + slack);
        return r;
    }
    *ret_base = base;
    return 0;
}

/*
 * EINVAL is the answer of a kernel without transparent huge pages: it cannot give any (thp), and
 * need not be told to give none (base).
 */
static int advise(const struct hp_kind *kind, void *base, size_t size)
{
    if (kind->advice == MADV_NORMAL || madvise(base, size, kind->advice) == 0)
        return 0;
    if (errno == EINVAL)
        return kind->advice == MADV_NOHUGEPAGE ? 0 : -EOPNOTSUPP;
    return failure();
}

static int mark(const struct hp_kind *kind, const struct hp_spec *spec, void *base, size_t size)
{
    int r = advise(kind, base, size);
    if (r == 0 && !spec->fork)
        r = result(madvise(base, size, MADV_DONTFORK));
    if (r == 0 && !spec->dump)
        r = result(madvise(base, size, MADV_DONTDUMP));
    return r;
}

int hp_range_map(const struct hp_kind *kind, const struct hp_spec *spec, void *at, size_t size,
    size_t align, void **ret_base)
{
    void *base = NULL;
    int r = at != NULL ? map_exactly(kind, at, size, &base) : map_aligned(kind, size, align, &base);
    if (r < 0)
        return r;
    r = mark(kind, spec, base, size);
    if (r < 0) {
        munmap(base, size);
        return r;
    }
    *ret_base = base;
    return 0;
}

int hp_range_unmap(void *base, size_t size)
{
    return result(munmap(base, size));
}

/* The kernel takes one off the number of mask bits that it is told: node n needs n + 2. */
int hp_range_bind(void *base, size_t size, int policy, int node)
{
    unsigned long mask[NODES_MAX / WORD_BITS] = {0};
    if (node < 0 || node >= NODES_MAX)
        return -EINVAL;
    mask[(size_t)node / WORD_BITS] = 1UL << ((size_t)node % WORD_BITS);
    if (mbind(base, size, policy, mask, (unsigned long)node + 2, 0) == 0)
        return 0;
    return errno == ENOSYS ? -EPERM : failure();
}

/*
 * EFAULT is what the kernel says where a touch would be SIGBUS: for huge pages, that none is free
 * on the bound node or that a cgroup or the mount has reached its limit.
 */
int hp_range_populate(void *base, size_t size)
{
    while (madvise(base, size, MADV_POPULATE_WRITE) != 0) {
        if (errno == EFAULT)
            return -ENOMEM;
        if (errno == EHWPOISON)
            return -EIO;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
    return 0;
}

/* In a process that called mlockall the plain advice is EINVAL, and before 5.18 there is no other.
 */
int hp_range_discard(void *base, size_t size)
{
    if (madvise(base, size, MADV_DONTNEED) == 0)
        return 0;
    if (errno != EINVAL)
        return failure();
    return result(madvise(base, size, MADV_DONTNEED_LOCKED));
}

int hp_range_protect(void *base, size_t size, unsigned access)
{
    return result(mprotect(base, size, (int)access));
}

/* Pages of a backing that is inaccessible at rest are populated while nobody knows the address. */
static int populate_at_rest(const struct hp_kind *kind, void *base, size_t size)
{
    if (kind->at_rest == HP_RW)
        return hp_range_populate(base, size);
    int r = hp_range_protect(base, size, HP_RW);
    if (r == 0)
        r = hp_range_populate(base, size);
    if (r == 0)
        r = hp_range_protect(base, size, kind->at_rest);
    return r;
}

static int bind_if_permitted(const struct hp_kind *kind, void *base, size_t size, int node)
{
    int r = node < 0 ? 0 : hp_range_bind(base, size, kind->policy, node);
    return r == -EPERM ? 0 : r;
}

/* Whole page tables are moved, and transparent huge pages stay whole, where both ends are 2 MiB
 * aligned. */
static size_t scratch_align(const struct hp_kind *kind, const void *at, size_t size)
{
    bool huge = (uintptr_t)at % HUGE_2M == 0 && size >= HUGE_2M;
    return huge && kind->page < HUGE_2M ? HUGE_2M : kind->page;
}

/*
 * mremap counts the mappings that it may need against max_map_count, and checks sizes and
 * alignment, before it unmaps the destination: up to there a refusal leaves everything in its
 * place.
 */
int hp_range_replace(const struct hp_kind *kind, const struct hp_spec *spec, void *at, size_t size,
    int node, bool populate)
{
    void *scratch = NULL;
    int r = hp_range_map(kind, spec, NULL, size, scratch_align(kind, at, size), &scratch);
    if (r < 0)
        return r;
    r = bind_if_permitted(kind, scratch, size, node);
    if (r < 0)
        goto undo;
    r = populate ? populate_at_rest(kind, scratch, size) : 0;
    if (r < 0)
        goto undo;
    if (mremap(scratch, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at) != MAP_FAILED)
        return 0;
    r = failure();
undo:
    munmap(scratch, size);
    return r;
}
