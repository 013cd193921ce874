/* SPDX-License-Identifier: MIT */
/*
 * hugepage/: every system call on a range of memory, one table of operations for each backing.
 *
 * Contract of all operations: addresses and sizes are multiples of the backing's page size
 * (hp_spec.page_size) unless a line says otherwise; sizes are not zero; pointers are never null.
 * The result is 0 or -errno; outputs come last, are called ret_*, and are untouched on failure. A
 * range handed to an operation lies in mappings that the same backing's map() or replace() made. No
 * operation takes a lock, allocates from the heap or prints; all are safe from any number of
 * threads as long as their ranges do not meet. A node is a plain int here.
 *
 * -ENOMEM always means "no memory to be had there": no huge page free on the node, a cgroup or
 * mount limit reached, no address space, or no further mapping allowed (max_map_count).
 */
#ifndef HOSTMEM_HP_H
#define HOSTMEM_HP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HP_BASE_PAGE ((size_t)4096)

/* What frames are made of, from the most to the least wanted. */
enum hp_backing { HP_HUGETLB, HP_THP, HP_BASE, HP_BACKINGS };

/* Access rights; the bits of PROT_READ, PROT_WRITE and PROT_EXEC. */
enum hp_access { HP_NONE = 0, HP_READ = 1, HP_WRITE = 2, HP_EXEC = 4, HP_RW = HP_READ | HP_WRITE };

/* How the mappings of a backing are made; filled once when the manager is created. */
struct hp_spec {
    size_t page_size; /* bytes, the unit of ranges: 2 MiB or 1 GiB (hugetlb), 4 KiB (thp, base) */
    int fd;           /* an unlinked hugetlbfs file to map, or -1 for anonymous memory */
    bool fork;        /* false: children do not inherit the mappings (MADV_DONTFORK) */
    bool dump;        /* false: core dumps leave the mappings out (MADV_DONTDUMP) */
};

/* Whether the kernel lets this process bind memory and ask where it lies; probed once. */
struct hp_caps {
    bool bind;   /* mbind */
    bool locate; /* move_pages with no target nodes */
};

struct hp_ops {
    const char *name; /* "hugetlb", "thp", "base" */

    /*
     * Maps address space with nothing behind it and no memory reserved (MAP_NORESERVE), accessible
     * as at_rest says, its start a multiple of align (a power of two, at least the page size).
     * at != NULL: exactly there, or -EEXIST when any byte of the range is in use (whatever is there
     * stays). fork and dump of the spec are applied. -EOPNOTSUPP: the kernel has no transparent
     * huge pages (thp alone). -EINVAL: it has none of that size (hugetlb).
     */
    int (*map)(const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base);

    int (*unmap)(void *base, size_t size);

    /*
     * Says from which node the range is to be populated from now on; pages that are there stay.
     * hugetlb: from that node or not at all (MPOL_BIND). thp and base: from that node while it has
     * memory (MPOL_PREFERRED), since a bound node that runs out of base pages summons the OOM
     * killer. -EPERM: this process may not (hp_probe said so).
     */
    int (*bind)(void *base, size_t size, int node);

    /*
     * Populates every page of the range, which must be accessible for writing. Pages that had no
     * memory behind them read as zero afterwards; others keep their contents. On failure nothing is
     * known of which pages were populated: the caller discards the range. Restarted after a signal.
     */
    int (*populate)(void *base, size_t size);

    /* Gives the memory of the range back to the kernel; a later populate finds zeros. */
    int (*discard)(void *base, size_t size);

    /*
     * Sets access rights (enum hp_access) of the range. May cut mappings: -ENOMEM near
     * max_map_count, with part of the range changed.
     */
    int (*protect)(void *base, size_t size, unsigned access);

    /*
     * Puts fresh, populated memory of this backing, from that node if bind is permitted (node >=
     * 0), in the place of whatever is mapped at [at, at + size), in one step: it is made elsewhere
     * and moved there, so that on failure the old mapping stands as it was. populate false: the new
     * mapping is empty. The new range has the access rights at_rest of this backing. Where it lies
     * amid larger huge pages, whole ones of those must be replaced (-EINVAL).
     */
    int (*replace)(const struct hp_spec *spec, void *at, size_t size, int node, bool populate);

    unsigned at_rest; /* rights of a fresh mapping: HP_RW for hugetlb and thp, HP_NONE for base */
};

extern const struct hp_ops hp_hugetlb, hp_thp, hp_base;

/* The table of a backing. */
const struct hp_ops *hp_ops_of(enum hp_backing backing);

/* Tries both on a page of its own. Never fails: what cannot be tried is not permitted. */
struct hp_caps hp_probe(int node);

/*
 * The nodes of up to HP_LOCATE_MAX pages, at pages[i]; ret_nodes[i] is a node, or -errno for a page
 * that is not there. -EPERM or -ENOSYS where the kernel does not say.
 */
#define HP_LOCATE_MAX 64
int hp_locate(void *const *pages, size_t count, int *ret_nodes);

/*
 * Whether the 2 MiB at `base` is one transparent huge page. -EOPNOTSUPP where the kernel cannot say
 * cheaply (before 6.7, which brought PAGEMAP_SCAN).
 */
int hp_is_huge(void *base, bool *ret_huge);

/*
 * Page faults that this thread has taken so far, those inside populate() included: one for each
 * page, of whatever size, that it had made. 0 where the kernel does not count.
 */
uint64_t hp_faults(void);

/*
 * Huge-page sizes of this machine, in bytes, ascending, 2 MiB and 1 GiB alone; the count (0..2) is
 * returned. ret_default gets the kernel's default huge-page size, or 0 without huge pages.
 */
size_t hp_hugetlb_sizes(size_t ret_sizes[2], size_t *ret_default);

/*
 * An unlinked file of no size on the hugetlbfs mount that libhugetlbfs finds for that page size;
 * the caller closes it. -ENOENT: there is no such mount, it cannot be written, or libhugetlbfs is
 * not installed. Loads libhugetlbfs, which may print on stderr; so call it only where that is asked
 * for.
 */
int hp_hugetlbfs_open(size_t page_size, int *ret_fd);
void hp_hugetlbfs_close(int fd);

#endif
