/* SPDX-License-Identifier: MIT */
/*
 * Heaps: small blocks from regions of one node (IHostMalloc of the CLR hosting interface). The
 * allocator is oneTBB's memory pools, in libtbbmalloc.so.2, which is loaded when the first heap of
 * the process is made. A heap begins with 64 KiB of the node. It grows by regions of up to 960 KiB
 * for blocks below 8 KiB, and by larger ones for larger blocks; most of what gets empty goes back
 * to the node while the heap lives. A block takes 32 bytes at least.
 *
 * The conventions are those of <hostmem/hostmem.h>. Errors that mean something of their own here:
 *   -ELIBACC  there is no libtbbmalloc.so.2
 *   -EMFILE   there are too many heaps: the process's keys of thread-specific data are used up
 *   -EAGAIN   the calling thread is ending
 *   -ENXIO    what is to be freed is no live block of this heap
 */
#ifndef HOSTMEM_HEAP_H
#define HOSTMEM_HEAP_H

#include <hostmem/hostmem.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hostmem_heap;

/* flags of a heap */
#define HOSTMEM_HEAP_EXECUTABLE 1u /* blocks may be executed: 4 KiB pages, read, write, execute */

/*
 * Makes a heap on a node (or HOSTMEM_NODE_LOCAL). Any number of threads may use it at once. Each
 * heap takes one of the process's keys of thread-specific data (1,024 in all), and leaves 64.
 * -EINVAL: no such node, unknown flags. -ELIBACC: there is no libtbbmalloc. -EMFILE: there are too
 * many heaps, the keys are used up. -EAGAIN: the calling thread is ending. -ENOMEM.
 */
HOSTMEM_API int hostmem_heap_create(
    struct hostmem *manager, int node, uint32_t flags, struct hostmem_heap **ret_heap);

/*
 * Ends a heap: all its blocks go, and all its memory goes back to the node. No other call may use
 * it meanwhile or later. hostmem_destroy() ends those that are left. With HOSTMEM_VERBOSE its
 * report is written to stderr first, if there is any. Waits for threads that have used a heap and
 * are running the destructors of their thread-specific data: the caller holds no lock that such a
 * destructor takes. NULL is ignored.
 */
HOSTMEM_API void hostmem_heap_destroy(struct hostmem_heap *heap);

/*
 * A block of `size` bytes, which may be 0, aligned to 16; each block has an address of its own. Its
 * contents are anything. It belongs to the heap until it is freed, by any thread. -ENOMEM: what
 * `critical` lets it have of the node is used up. -EAGAIN: the calling thread is ending, and its
 * destructors have run once. -EINVAL.
 */
HOSTMEM_API int hostmem_heap_alloc(
    struct hostmem_heap *heap, size_t size, enum hostmem_critical critical, void **ret_block);

/* The same, with where it was asked for: `file` is copied, and may be NULL. */
HOSTMEM_API int hostmem_heap_debug_alloc(struct hostmem_heap *heap, size_t size,
    enum hostmem_critical critical, const char *file, int line, void **ret_block);

/*
 * Frees a block; NULL is none. -ENXIO: it is no live block of this heap, and nothing has changed:
 * memory of others, a block of another heap, an address within a block, a block that was freed and
 * not handed out again. (What was freed and handed out again is a live block; two threads that free
 * the same one at the same moment are not told apart.)
 */
HOSTMEM_API int hostmem_heap_free(struct hostmem_heap *heap, void *block);

/*
 * Writes a line for each live block of hostmem_heap_debug_alloc(), the oldest first:
 * "file":line: size bytes at address. As snprintf(3): at most `size` bytes with the final NUL; the
 * length of the whole text is returned.
 */
HOSTMEM_API size_t hostmem_heap_report(struct hostmem_heap *heap, char *ret_text, size_t size);

struct hostmem_heap_stats {
    int32_t node;          /* that it was made for */
    uint32_t flags;        /* HOSTMEM_HEAP_ */
    uint64_t bytes;        /* of its regions */
    uint64_t regions;      /* how many they are */
    uint64_t debug_blocks; /* what a report has now */
    uint64_t reserved[4];  /* zero */
};
HOSTMEM_API int hostmem_heap_stats(struct hostmem_heap *heap, struct hostmem_heap_stats *ret_stats);

#ifdef __cplusplus
}
#endif

#endif
