/* SPDX-License-Identifier: MIT */
/*
 * One misuse of a heap in a process of its own; the argument names it. Exit status 0: the result
 * was the promised one, and two heaps are as they were.
 */
#include "heaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCKS 1000

static struct hostmem_heap *heap, *other;
static char *kept[2][BLOCKS];

static size_t size_of(size_t i)
{
    return i * 37 % 2000;
}

static void fill_heaps(void)
{
    struct hostmem_heap *const both[] = {heap, other};
    for (size_t i = 0; i < 2 * BLOCKS; i++) {
        kept[i % 2][i / 2] = heaps_get(both[i % 2], size_of(i / 2));
        heaps_fill(kept[i % 2][i / 2], size_of(i / 2), (unsigned)i);
    }
}

static void check_heaps(void)
{
    struct hostmem_heap *const both[] = {heap, other};
    for (size_t i = 0; i < 2 * BLOCKS; i++) {
        must(heaps_filled(kept[i % 2][i / 2], size_of(i / 2), (unsigned)i));
        heaps_put(both[i % 2], kept[i % 2][i / 2]);
    }
    for (size_t i = 0; i < 2 * BLOCKS; i++)
        heaps_fill(heaps_get(both[i % 2], size_of(i)), size_of(i), 1);
}

static void refused(void *block)
{
    must(hostmem_heap_free(heap, block) == -ENXIO);
}

static void twice(size_t size)
{
    void *block = heaps_get(heap, size);
    heaps_put(heap, block);
    refused(block);
    refused(block);
}

static void double_free(void)
{
    for (size_t size = 0; size < 9000; size += 61)
        twice(size);
}

static void double_free_of_large(void)
{
    twice(100 * KIB);
    twice(MIB);
    twice(30 * MIB);
}

/* Many were freed in between, so that it is in no list's head. */
static void late_double_free(void)
{
    void *blocks[100];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = heaps_get(heap, 48);
    for (size_t i = 0; i < COUNT(blocks); i++)
        heaps_put(heap, blocks[i]);
    for (size_t i = 0; i < COUNT(blocks); i++)
        refused(blocks[i]);
}

static void foreign_memory(void)
{
    char stack[100];
    static char global[100];
    char *mapped = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *malloced = malloc(100);
    char *region = live_reserve(manager, MIB, HOSTMEM_COMMIT);
    char *const all[] = {stack, global, mapped, malloced, region, region + 64, (char *)16,
        (char *)~UINT64_C(15), (char *)0x7fffffff0000, (char *)0x800000000000, (char *)1};
    must(mapped != MAP_FAILED && malloced != NULL);
    for (size_t i = 0; i < COUNT(all); i++)
        refused(all[i]);
    free(malloced);
}

/* Every other address of the heap's memory: heads, slabs, the insides of blocks. */
static void inner_addresses(void)
{
    char *small = heaps_get(heap, 100), *large = heaps_get(heap, 5 * MIB);
    for (size_t i = 1; i < 100; i++)
        refused(small + i);
    for (size_t i = 1; i < 5 * MIB; i += i < 10000 ? 1 : 4001)
        refused(large + i);
    heaps_put(heap, small);
    heaps_put(heap, large);
    char *first = (char *)((uintptr_t)small & ~(GRANULE - 1));
    char *known[BLOCKS];
    memcpy(known, kept[0], sizeof(known));
    for (char *at = first; at < first + GRANULE; at++) {
        bool is_kept = false;
        for (size_t i = 0; i < BLOCKS; i++)
            is_kept |= known[i] == at;
        if (!is_kept)
            refused(at);
    }
}

static void other_heap(void)
{
    char *block = heaps_get(other, 100), *large = heaps_get(other, 2 * MIB);
    refused(block);
    refused(large);
    heaps_put(other, block);
    heaps_put(other, large);
}

/* The heap of the block is gone, and its addresses may belong to another one by now. */
static void after_release(void)
{
    char *blocks[BLOCKS];
    struct hostmem_heap *gone = heaps_new();
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = heaps_get(gone, 100);
    hostmem_heap_destroy(gone);
    for (size_t i = 0; i < BLOCKS; i++)
        refused(blocks[i]);
}

/* Into a live neighbour: its contents are lost, but what is alive is known apart from the blocks.
 */
static void overrun(void)
{
    char *blocks[100];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = heaps_get(heap, 128);
    for (size_t i = 0; i < COUNT(blocks); i++)
        for (size_t j = 0; j < COUNT(blocks); j++)
            if (blocks[j] == blocks[i] + 128)
                memset(blocks[i], 0xff, 200);
    for (size_t i = 0; i < COUNT(blocks); i++)
        heaps_put(heap, blocks[i]);
}

static void debug_blocks(void)
{
    void *block;
    must(hostmem_heap_debug_alloc(heap, 10, HOSTMEM_TASK_CRITICAL, "f", 1, &block) == 0);
    must(hostmem_heap_free(other, block) == -ENXIO);
    must(hostmem_heap_report(heap, NULL, 0) > 0);
    heaps_put(heap, block);
    refused(block);
    must(hostmem_heap_report(heap, NULL, 0) == 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} misuses[] = {
    {"double-free", double_free},
    {"double-free-of-large", double_free_of_large},
    {"late-double-free", late_double_free},
    {"foreign-memory", foreign_memory},
    {"inner-addresses", inner_addresses},
    {"other-heap", other_heap},
    {"after-release", after_release},
    {"overrun", overrun},
    {"debug-blocks", debug_blocks},
};

int main(int argc, char **argv)
{
    live_limit_windows();
    live_catch_faults();
    heaps_setup(NULL);
    heap = heaps_new();
    other = heaps_new();
    fill_heaps();
    for (size_t i = 0; i < COUNT(misuses); i++) {
        if (argc < 2 || strcmp(argv[1], misuses[i].name))
            continue;
        misuses[i].run();
        check_heaps();
        heaps_teardown(NULL);
        return 0;
    }
    return 2;
}
