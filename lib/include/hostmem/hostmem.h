/* SPDX-License-Identifier: MIT */
/*
 * hostmem: regions with the semantics of Win32 VirtualAlloc over node-local pools of huge pages.
 *
 * Conventions of this header:
 * - Functions return 0 or a negative error of errno.h; outputs come last, are called ret_* and are
 *   untouched on failure. hostmem_strerror() puts an error in words.
 * - A page is 4 KiB, a granule 64 KiB. Sizes are in bytes.
 * - All functions may be called from any number of threads at once. None is async-signal-safe
 * unless its comment says so. None prints unless HOSTMEM_VERBOSE asks.
 * - Regions and heaps belong to the manager that made them; nothing is to be freed but by
 *   hostmem_release(), hostmem_destroy() and the functions of <hostmem/heap.h>.
 * - In a child after fork() every function that takes a manager and returns an error fails with
 *   -ENODEV; hostmem_destroy() frees what the child inherited.
 *
 * Errors that mean the same everywhere:
 *   -EINVAL         an argument is out of its range, or a size is zero
 *   -EADDRNOTAVAIL  the address is not (wholly) in one region, in the state that the call needs, or
 *                   what is to be reserved is in use
 *   -ENXIO          no region of this manager is at that address (decommit and release)
 *   -ENOMEM         the nodes that may be used have no memory left, or a limit is reached
 *   -EOPNOTSUPP     the backing cannot do it, e.g. protect 4 KiB of a huge page
 *   -ENODEV         the manager was made in another process (fork)
 * On every failure no page has changed its state, its protection or its contents.
 */
#ifndef HOSTMEM_HOSTMEM_H
#define HOSTMEM_HOSTMEM_H

#include <stddef.h>
#include <stdint.h>

#include <hostmem/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HOSTMEM_API __attribute__((visibility("default")))
#else
#define HOSTMEM_API
#endif

/* One manager: pools, windows and regions. Several may live in one process. */
struct hostmem;

/* The node of a request. Others are the kernel's node numbers, 0 and up. */
#define HOSTMEM_NODE_LOCAL (-1) /* as HOSTMEM_POLICY says; by default the calling thread's node */
#define HOSTMEM_NODE_MIXED (-2) /* in a receipt: the pages lie on more than one node */
#define HOSTMEM_NODE_ALL   (-3) /* in a subscription: the nodes together */

/* Protection of a page: 0 or a sum; write includes read. */
#define HOSTMEM_PROT_NONE  0u
#define HOSTMEM_PROT_READ  1u
#define HOSTMEM_PROT_WRITE 2u
#define HOSTMEM_PROT_EXEC  4u
#define HOSTMEM_PROT_RW    (HOSTMEM_PROT_READ | HOSTMEM_PROT_WRITE)
/* Attributes of a region, kept and reported, without effect on how the memory is cached. */
#define HOSTMEM_PROT_NOCACHE      0x10u
#define HOSTMEM_PROT_WRITECOMBINE 0x20u

/*
 * How bad it is for the caller to be refused (EMemoryCriticalLevel of the CLR). What is held back
 * on each node (HOSTMEM_RESERVE) is left alone by the first, the second may have half of it, and
 * the third all. When nothing is left the third waits up to HOSTMEM_CRITICAL_WAIT_MS, with no lock
 * held: then the call may block for so long.
 */
enum hostmem_critical {
    HOSTMEM_TASK_CRITICAL = 0,
    HOSTMEM_DOMAIN_CRITICAL = 1,
    HOSTMEM_PROCESS_CRITICAL = 2
};

/* What memory is made of. */
enum hostmem_backing {
    HOSTMEM_BACKING_NONE = 0,    /* nothing is committed there */
    HOSTMEM_BACKING_HUGETLB = 1, /* reserved huge pages, 2 MiB or 1 GiB */
    HOSTMEM_BACKING_THP = 2,     /* transparent huge pages */
    HOSTMEM_BACKING_BASE = 3,    /* 4 KiB pages */
    HOSTMEM_BACKING_MIXED = 4    /* in a receipt: more than one of them */
};

/* Why a commit did not get the first backing of HOSTMEM_BACKING from the node that was asked. */
enum hostmem_reason {
    HOSTMEM_REASON_NONE = 0,       /* it did */
    HOSTMEM_REASON_NO_HUGE = 1,    /* the node has no huge pages, or none left */
    HOSTMEM_REASON_POOL = 2,       /* HOSTMEM_POOL of the node is reached */
    HOSTMEM_REASON_NODE_SPENT = 3, /* the node's memory is spent */
    HOSTMEM_REASON_PROTECTION = 4, /* a protection that huge pages cannot carry was asked for */
    HOSTMEM_REASON_ADDRESS = 5,    /* the caller named an address outside the windows */
    HOSTMEM_REASON_NO_SPACE = 6    /* no address space for a window of that backing (RLIMIT_AS) */
};

/* What a range really got. */
struct hostmem_receipt {
    size_t committed;   /* bytes of the range that are committed */
    size_t page_size;   /* bytes: the smallest page behind them; 0 if nothing is committed */
    int32_t node_asked; /* the node that the request stood for when it was made */
    int32_t node_given; /* a node, or HOSTMEM_NODE_MIXED; -1 if nothing is committed */
    enum hostmem_backing backing; /* of the committed pages */
    enum hostmem_reason reason;   /* of the last commit into the region that fell back */
    int32_t verified;             /* 1: the kernel said where the pages are; 0: assumed */
    uint32_t reserved[5];         /* zero */
};

/* flags of struct hostmem_request */
#define HOSTMEM_COMMIT   1u /* commit the whole region at once */
#define HOSTMEM_LARGE    2u /* hugetlb or an error, for good: no commit, decommit or protect later */
#define HOSTMEM_TOP_DOWN 4u /* prefer high addresses: accepted, without effect */

/* A reservation. Zero what is not used; node 0 is a node, so set it. */
struct hostmem_request {
    void *address;       /* NULL: anywhere; else rounded down to a granule, and honoured */
    size_t size;         /* rounded up to a page (with an address: from there to its end) */
    int32_t node;        /* a node number or HOSTMEM_NODE_LOCAL */
    uint32_t flags;      /* HOSTMEM_COMMIT ... */
    uint32_t protection; /* HOSTMEM_PROT_*: of the pages if committed, else kept for query */
    enum hostmem_critical critical; /* of the commit */
};

/* States and types of pages in struct hostmem_info. */
enum hostmem_state { HOSTMEM_FREE = 0, HOSTMEM_RESERVED = 1, HOSTMEM_COMMITTED = 2 };
enum hostmem_type {
    HOSTMEM_NOTHING = 0,
    HOSTMEM_PRIVATE = 1,
    HOSTMEM_MAPPED = 2,
    HOSTMEM_IMAGE = 3
};

/* Pages from `base` on that share everything below (VirtualQuery). */
struct hostmem_info {
    uintptr_t base;                 /* the address asked for, rounded down to its page */
    size_t size;                    /* bytes up to the first page that differs */
    uintptr_t allocation_base;      /* first byte of the region; 0 if free */
    uint32_t allocation_protection; /* as given when it was reserved */
    uint32_t protection;            /* of committed pages; 0 else */
    enum hostmem_state state;
    enum hostmem_type type;
};

/* What can stop a commit. */
enum hostmem_limit {
    HOSTMEM_LIMIT_MEMORY = 1,         /* the memory of the node, or of all nodes */
    HOSTMEM_LIMIT_POOL = 2,           /* HOSTMEM_POOL */
    HOSTMEM_LIMIT_CGROUP = 3,         /* memory.max or .high of a cgroup, the own or an ancestor */
    HOSTMEM_LIMIT_HUGETLB_CGROUP = 4, /* hugetlb.<size>.max of a cgroup */
    HOSTMEM_LIMIT_HUGE_PAGES = 5      /* the kernel's, where HOSTMEM_BACKING has nothing else */
};

/* How full memory is, judged by the limit that is nearest. */
struct hostmem_load {
    uint32_t percent;         /* 0..100: of the fullest limit */
    enum hostmem_limit limit; /* which one that is */
    uint64_t available_bytes; /* the smallest that any limit leaves */
};

/* How much memory is available (EMemoryAvailable of the CLR). */
enum hostmem_level { HOSTMEM_LOW = 1, HOSTMEM_NEUTRAL = 2, HOSTMEM_HIGH = 3 };

/* What a subscriber is told. */
struct hostmem_pressure {
    int32_t node; /* a node, or HOSTMEM_NODE_ALL */
    enum hostmem_level level;
    struct hostmem_load load; /* with the cause: load.limit */
    uint64_t sequence;        /* counts what was announced of this node; gaps: it was superseded */
    uint64_t time_ns;         /* CLOCK_MONOTONIC */
    uint64_t reserved[2];     /* zero */
};
typedef void hostmem_pressure_callback(void *context, const struct hostmem_pressure *pressure);
struct hostmem_subscription;

/* Figures of a node since the manager was made. */
struct hostmem_node_stats {
    int32_t node;
    uint32_t reserved0;
    uint64_t committed_bytes; /* in frames and pages that are taken; whole frames for huge pages */
    uint64_t warm_bytes;      /* populated, kept for the next commit */
    uint64_t limit_bytes;     /* HOSTMEM_POOL; UINT64_MAX without */
    uint64_t populated_bytes; /* ever populated by a commit: the cold path */
    uint64_t zeroed_bytes;    /* ever zeroed inline by a commit */
    uint64_t returned_bytes;  /* ever given back to the kernel */
    uint64_t spilled_bytes;   /* ever taken here for requests that stood for another node */
    uint64_t reserve_bytes;   /* HOSTMEM_RESERVE: held back for critical requests */
    uint64_t waited_bytes;    /* what process critical requests wait for at this moment */
    uint64_t clean_bytes;     /* of what is warm: need not be zeroed by a commit */
    uint64_t cleaned_bytes;   /* ever zeroed in the background */
    uint64_t reserved1[4];    /* zero */
};

/*
 * Makes a manager, configured by the environment (hostmem(7); docs/configuration.md).
 * -EINVAL: a HOSTMEM_ variable is wrong; one line on stderr names it. -ENOMEM: no memory or file
 * descriptors for the manager itself, or HOSTMEM_PREFAULT could not be had.
 */
HOSTMEM_API int hostmem_create(struct hostmem **ret_manager);

/* Ends a manager: all its regions and heaps go. No other call may run or follow. NULL is ignored.
 */
HOSTMEM_API void hostmem_destroy(struct hostmem *manager);

/*
 * Reserves address space, and with HOSTMEM_COMMIT commits all of it (VirtualAlloc with
 * MEM_RESERVE). Memory that is committed reads as zero, lies where the receipt says, and cannot
 * raise SIGBUS. ret_receipt may be NULL.
 */
HOSTMEM_API int hostmem_reserve(struct hostmem *manager, const struct hostmem_request *request,
    void **ret_base, struct hostmem_receipt *ret_receipt);

/*
 * Commits every page that has a byte in [address, address + size), within one region (MEM_COMMIT).
 * Pages that were reserved read as zero; pages that were committed keep their contents; all get
 * `protection`. ret_receipt may be NULL. (Huge pages that have memory stay accessible as a whole:
 * what the program itself wrote to a page while it was not committed is not noticed, and is read
 * again.)
 */
HOSTMEM_API int hostmem_commit(struct hostmem *manager, void *address, size_t size,
    uint32_t protection, enum hostmem_critical critical, struct hostmem_receipt *ret_receipt);

/*
 * Decommits every page that has a byte in the range, within one region; size 0 with an address in
 * the region's first page: all of it (MEM_DECOMMIT). Contents are lost. -EINVAL: the range runs
 * past the end of the region.
 */
HOSTMEM_API int hostmem_decommit(struct hostmem *manager, void *address, size_t size);

/* Ends the region whose first page holds `address` (MEM_RELEASE). -EADDRNOTAVAIL: another page. */
HOSTMEM_API int hostmem_release(struct hostmem *manager, void *address);

/*
 * Sets the protection of every page that has a byte in the range, all committed, within one region
 * (VirtualProtect). ret_old gets the former protection of the first page and may be NULL.
 * -EOPNOTSUPP: part of a huge page would get another protection than the rest of it.
 */
HOSTMEM_API int hostmem_protect(
    struct hostmem *manager, void *address, size_t size, uint32_t protection, uint32_t *ret_old);

/*
 * Says that the contents of the range are of no more interest (MEM_RESET), within one region, and
 * takes that back (MEM_RESET_UNDO). In this version reset never discards, so undo always succeeds
 * on committed pages.
 */
HOSTMEM_API int hostmem_reset(struct hostmem *manager, void *address, size_t size);
HOSTMEM_API int hostmem_reset_undo(struct hostmem *manager, void *address, size_t size);

/*
 * Tells about the pages at any address of this process (VirtualQuery). Async-signal-safe; takes no
 * lock and never waits for another thread. Makes no system call for regions of this manager.
 * -EINVAL: above the highest user address.
 */
HOSTMEM_API int hostmem_query(
    struct hostmem *manager, const void *address, struct hostmem_info *ret_info);

/*
 * What a range within one region has now. Asks the kernel where a sample of the pages lies, so that
 * memory which the kernel has moved (a node that went offline) is told of truly: not for a hot
 * path. The receipt of a commit says where its pages were when they were populated.
 */
HOSTMEM_API int hostmem_receipt(
    struct hostmem *manager, void *address, size_t size, struct hostmem_receipt *ret_receipt);

/*
 * The load of a node (or HOSTMEM_NODE_LOCAL) and of all the nodes that the process may use, judged
 * by every limit that can stop a commit: the nodes' memory, HOSTMEM_POOL, and the memory and
 * hugetlb limits of the process's cgroups and all their ancestors. Async-signal-safe, takes no lock
 * and makes no system call while watchers run; with HOSTMEM_WATCH=0 it reads the kernel's files.
 * -EINVAL: no such node.
 */
HOSTMEM_API int hostmem_node_load(struct hostmem *manager, int node, struct hostmem_load *ret_load);
HOSTMEM_API int hostmem_load(struct hostmem *manager, struct hostmem_load *ret_load);

/*
 * Asks to be told of changes of the pressure on a node, or on all nodes together: first the level
 * as it is, then every change, and a lasting Low again after HOSTMEM_LOW_REPEAT_MS. The callback
 * runs on the watcher thread of the node's socket (with HOSTMEM_WATCH=0: once, within this call),
 * with no lock held: it may call everything, hostmem_unsubscribe() and, once this call has
 * returned, hostmem_destroy() included. While it runs too long it misses levels, never the last
 * one. -EINVAL: no such node. -ENOMEM.
 */
HOSTMEM_API int hostmem_subscribe(struct hostmem *manager, int node,
    hostmem_pressure_callback *callback, void *context,
    struct hostmem_subscription **ret_subscription);

/*
 * Ends it; when this returns, the callback neither runs nor will run again, unless it is called
 * from inside of the callback, which then is the last. NULL is ignored.
 */
HOSTMEM_API void hostmem_unsubscribe(
    struct hostmem *manager, struct hostmem_subscription *subscription);

/* What makes a watcher look at once, and whether this process has it. */
struct hostmem_source {
    const char *name;  /* "timer", "allocations", "psi-cgroup", "memory.events"...; constant */
    const char *state; /* "live", or why it is not; constant */
    int32_t live;
};

/* The sources of news about pressure as they are now: their number; *ret_sources gets the first
 * `count`. 0 without a manager. */
HOSTMEM_API size_t hostmem_sources(
    struct hostmem *manager, size_t count, struct hostmem_source *ret_sources);

/*
 * Memory that the program takes elsewhere, file mappings for instance, is counted into the load of
 * the machine when it is reported, and limited by HOSTMEM_EXTERNAL_MAX (-ENOMEM from needs). A size
 * of 0 is one that nobody knows yet. The same base again: its size is another one now. A base that
 * was never reported is no mistake.
 */
HOSTMEM_API int hostmem_external_needs(struct hostmem *manager, size_t size);
HOSTMEM_API int hostmem_external_acquired(struct hostmem *manager, const void *base, size_t size);
HOSTMEM_API int hostmem_external_released(struct hostmem *manager, const void *base);

/* Nodes that the process may use: their number; *ret_nodes gets the first `count` of them,
 * ascending. */
HOSTMEM_API size_t hostmem_nodes(struct hostmem *manager, size_t count, int *ret_nodes);

/* -EINVAL: no such node. */
HOSTMEM_API int hostmem_node_stats(
    struct hostmem *manager, int node, struct hostmem_node_stats *ret_stats);

/*
 * Writes the effective configuration, one "NAME=value  # origin" a line, as snprintf(3) does: at
 * most `size` bytes with the final NUL; the length of the whole text is returned.
 */
HOSTMEM_API size_t hostmem_config_print(struct hostmem *manager, char *ret_text, size_t size);

/* An error of this library in words: a constant string. Async-signal-safe. */
HOSTMEM_API const char *hostmem_strerror(int error);

/* HOSTMEM_VERSION_STRING of the library in use. Async-signal-safe. */
HOSTMEM_API const char *hostmem_version(void);

#ifdef __cplusplus
}
#endif

#endif
