/* SPDX-License-Identifier: MIT */
/* The scenarios and the picture of regions. Marks in the first and last word of a page stand for
 * its contents; zero is checked in a few words more. No lock: one thread. */
#include "scenario.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/region.h"

#define KIB  ((size_t)1 << 10)
#define MIB  ((size_t)1 << 20)
#define PAGE ((size_t)4096)
#define RW   HOSTMEM_PROT_RW
#define RO   HOSTMEM_PROT_READ

/* -- making and changing regions -- */

static int reserve_as(struct stage *stage, int at, struct hostmem_request request)
{
    void *base;
    int error = hostmem_reserve(stage->manager, &request, &base, NULL);
    if (!error)
        stage->places[at] = (struct place){base, request.size};
    return error;
}

static int reserve(struct stage *stage, int at, size_t size, uint32_t flags, uint32_t protection)
{
    struct hostmem_request request = {
        .size = size, .flags = flags, .node = HOSTMEM_NODE_LOCAL, .protection = protection};
    return reserve_as(stage, at, request);
}

static int commit(struct stage *stage, size_t offset, size_t size, uint32_t protection)
{
    return hostmem_commit(stage->manager, stage->places[0].base + offset, size, protection,
        HOSTMEM_TASK_CRITICAL, NULL);
}

static int decommit(struct stage *stage, size_t offset, size_t size)
{
    return hostmem_decommit(stage->manager, stage->places[0].base + offset, size);
}

static int protect(struct stage *stage, size_t offset, size_t size, uint32_t protection)
{
    return hostmem_protect(stage->manager, stage->places[0].base + offset, size, protection, NULL);
}

/* Marks each page of a committed, writable range of a place. */
static void mark(struct stage *stage, int at, size_t offset, size_t size)
{
    for (size_t byte = offset; byte < offset + size; byte += PAGE) {
        volatile uint64_t *page = (volatile uint64_t *)(stage->places[at].base + byte);
        page[0] = byte + 1;
        page[PAGE / 8 - 1] = ~byte;
    }
}

static int commit_marked(struct stage *stage, size_t offset, size_t size)
{
    int error = commit(stage, offset, size, RW);
    if (!error)
        mark(stage, 0, offset, size);
    return error;
}

/* -- before: what is there -- */

static int reserved_8m(struct stage *stage)
{
    return reserve(stage, 0, 8 * MIB, 0, RW);
}

static int reserved_small(struct stage *stage)
{
    return reserve(stage, 0, 256 * KIB, 0, RW);
}

static int reserved_exact(struct stage *stage)
{
    return reserve(stage, 0, 1 * MIB, 0, RO);
}

static int committed_8m(struct stage *stage)
{
    int error = reserve(stage, 0, 8 * MIB, HOSTMEM_COMMIT, RW);
    if (!error)
        mark(stage, 0, 0, 8 * MIB);
    return error;
}

static int committed_small(struct stage *stage)
{
    int error = reserve(stage, 0, 256 * KIB, HOSTMEM_COMMIT, RW);
    if (!error)
        mark(stage, 0, 0, 256 * KIB);
    return error;
}

/* Committed pieces with reserved ones between them, in frames that are dirty and warm. */
static int mixed_from(struct stage *stage, int error)
{
    size_t size = stage->places[0].size;
    if (!error)
        error = commit_marked(stage, 0, size);
    if (!error)
        error = decommit(stage, 0, size);
    if (!error)
        error = commit_marked(stage, size / 16, size / 8);
    if (!error)
        error = commit_marked(stage, size / 2, size / 4);
    return error;
}

static int mixed_8m(struct stage *stage)
{
    return mixed_from(stage, reserved_8m(stage));
}

static int mixed_small(struct stage *stage)
{
    return mixed_from(stage, reserved_small(stage));
}

static int mixed_exact(struct stage *stage)
{
    int error = mixed_from(stage, reserved_exact(stage));
    return error ? error : protect(stage, 512 * KIB, 64 * KIB, RO);
}

/* A region beside another one in the same frame. */
static int shared_frame(struct stage *stage)
{
    int error = reserve(stage, 1, 64 * KIB, HOSTMEM_COMMIT, RW);
    if (!error)
        mark(stage, 1, 0, 64 * KIB);
    return error ? error : reserved_small(stage);
}

static int protected_8m(struct stage *stage)
{
    int error = committed_8m(stage);
    return error ? error : protect(stage, 4 * MIB, 4 * MIB, RO);
}

/*
 * Addresses that nothing is mapped at and no window has: the low end of a hole that is large enough
 * for what is mapped until they are used, since the kernel fills holes from the top.
 */
static int free_address(struct stage *stage)
{
    size_t hole = 256 * MIB;
    char *base = mmap(NULL, hole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED || munmap(base, hole))
        return -errno;
    base += -(uintptr_t)base & (64 * KIB - 1);
    stage->places[0] = (struct place){base, 1 * MIB};
    return 0;
}

static int own_mapping(struct stage *stage)
{
    int error = free_address(stage);
    struct hostmem_request request = {.address = stage->places[0].base,
        .size = stage->places[0].size,
        .node = HOSTMEM_NODE_LOCAL,
        .protection = RW};
    if (!error)
        error = reserve_as(stage, 0, request);
    return error ? error : commit_marked(stage, 64 * KIB, 768 * KIB);
}

/* A window, and the addresses of a region that was in it. */
static int free_in_window(struct stage *stage)
{
    int error = reserved_8m(stage);
    if (!error)
        error = reserve(stage, 1, 64 * KIB, 0, RW);
    return error ? error : hostmem_release(stage->manager, stage->places[0].base);
}

static int nothing_left(struct stage *stage)
{
    int error = reserved_8m(stage);
    stage->leave(stage, 0);
    return error;
}

static int half_left(struct stage *stage)
{
    int error = reserved_8m(stage);
    stage->leave(stage, 4 * MIB);
    return error;
}

static int lent_8m(struct stage *stage)
{
    int error = nothing_left(stage);
    return error ? error : commit_marked(stage, 0, 8 * MIB);
}

/* Idle frames hold all that is left; they are not those that will be asked for. */
static int warm_elsewhere(struct stage *stage)
{
    int error = reserve(stage, 1, 8 * MIB, HOSTMEM_COMMIT, RW);
    if (!error)
        error = reserved_8m(stage);
    if (!error)
        error = hostmem_release(stage->manager, stage->places[1].base);
    stage->places[1] = (struct place){0};
    stage->leave(stage, 0);
    return error;
}

/* -- the calls that are swept -- */

static int make_small(struct stage *stage)
{
    return reserve(stage, 0, 64 * KIB, HOSTMEM_COMMIT, RW);
}

static int make_frame(struct stage *stage)
{
    return reserve(stage, 0, 2 * MIB, HOSTMEM_COMMIT, RW);
}

static int make_frames_and_tail(struct stage *stage)
{
    return reserve(stage, 0, 6 * MIB + 192 * KIB, HOSTMEM_COMMIT, RW);
}

static int make_large(struct stage *stage)
{
    return reserve(stage, 0, 4 * MIB, HOSTMEM_COMMIT | HOSTMEM_LARGE, RW);
}

static int make_exact(struct stage *stage)
{
    return reserve(stage, 0, 256 * KIB, HOSTMEM_COMMIT, RO);
}

static int commit_all(struct stage *stage)
{
    return commit(stage, 0, stage->places[0].size, RW);
}

static int commit_part(struct stage *stage)
{
    size_t size = stage->places[0].size;
    return commit(stage, size / 8 + PAGE, size / 2, RW);
}

static int commit_read_only(struct stage *stage)
{
    return commit(stage, 0, stage->places[0].size, RO);
}

static int decommit_all(struct stage *stage)
{
    return decommit(stage, 0, 0);
}

static int decommit_part(struct stage *stage)
{
    size_t size = stage->places[0].size;
    return decommit(stage, size / 8 + PAGE, size / 2);
}

static int protect_all(struct stage *stage)
{
    return protect(stage, 0, stage->places[0].size, RO);
}

static int protect_part(struct stage *stage)
{
    size_t size = stage->places[0].size;
    return protect(stage, size / 2 + PAGE, size / 8, RO);
}

static int release(struct stage *stage)
{
    return hostmem_release(stage->manager, stage->places[0].base);
}

static int make_at_address(struct stage *stage)
{
    struct hostmem_request request = {.address = stage->places[0].base,
        .size = stage->places[0].size,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = RW};
    return reserve_as(stage, 0, request);
}

const struct scenario scenarios[] = {
    {"reserve only", FOR_ALL, NULL, reserved_8m, NULL, NULL},
    {"make 64 KiB", FOR_ALL, NULL, make_small, NULL, NULL},
    {"make a frame", FOR_ALL, NULL, make_frame, NULL, NULL},
    {"make frames and a tail", FOR_ALL, NULL, make_frames_and_tail, NULL, NULL},
    {"make large pages", FOR_HUGETLB, NULL, make_large, NULL, NULL},
    {"make read-only pages", FOR_BASE, NULL, make_exact, NULL, NULL},
    {"make at an address", FOR_ALL, free_address, make_at_address, NULL, NULL},
    {"make at an address of a window", FOR_ALL, free_in_window, make_at_address, NULL, NULL},
    {"make beside another in its frame", FOR_ALL, shared_frame, commit_all, NULL, NULL},
    {"commit 256 KiB", FOR_ALL, reserved_small, commit_all, NULL, NULL},
    {"commit 8 MiB", FOR_ALL, reserved_8m, commit_all, NULL, NULL},
    {"commit part of 8 MiB", FOR_ALL, reserved_8m, commit_part, NULL, NULL},
    {"commit all of mixed pages", FOR_ALL, mixed_8m, commit_all, NULL, NULL},
    {"commit part of mixed pages", FOR_ALL, mixed_8m, commit_part, NULL, NULL},
    {"commit mixed pages, nothing warm", FOR_ALL, mixed_8m, commit_all, NULL, "0"},
    {"commit mixed pages of 256 KiB", FOR_ALL, mixed_small, commit_all, NULL, NULL},
    {"commit mixed exact pages", FOR_BASE, mixed_exact, commit_all, NULL, NULL},
    {"commit exact pages read-only", FOR_BASE, mixed_exact, commit_read_only, NULL, NULL},
    {"commit 8 MiB read-only", FOR_ALL, mixed_8m, commit_read_only, NULL, NULL},
    {"commit protected pages", FOR_ALL, protected_8m, commit_all, NULL, NULL},
    {"decommit 8 MiB", FOR_ALL, committed_8m, decommit_all, NULL, NULL},
    {"decommit 8 MiB, nothing warm", FOR_ALL, committed_8m, decommit_all, NULL, "0"},
    {"decommit 8 MiB, little warm", FOR_ALL, committed_8m, decommit_all, NULL, "4M"},
    {"decommit part of 8 MiB", FOR_ALL, committed_8m, decommit_part, NULL, "0"},
    {"decommit 256 KiB", FOR_ALL, committed_small, decommit_all, NULL, "0"},
    {"decommit protected pages", FOR_ALL, protected_8m, decommit_all, NULL, "0"},
    {"decommit part of protected pages", FOR_ALL, protected_8m, decommit_part, NULL, "0"},
    {"decommit part of exact pages", FOR_BASE, mixed_exact, decommit_part, NULL, NULL},
    {"protect 8 MiB", FOR_ALL, committed_8m, protect_all, NULL, NULL},
    {"protect part of 8 MiB", FOR_THP | FOR_BASE, committed_8m, protect_part, NULL, NULL},
    {"protect part of exact pages", FOR_BASE, mixed_exact, protect_part, NULL, NULL},
    {"release 8 MiB", FOR_ALL, committed_8m, release, NULL, NULL},
    {"release mixed pages, nothing warm", FOR_ALL, mixed_8m, release, NULL, "0"},
    {"release 256 KiB", FOR_ALL, committed_small, release, NULL, "0"},
    {"release protected pages", FOR_ALL, protected_8m, release, NULL, "0"},
    {"release exact pages", FOR_BASE, mixed_exact, release, NULL, NULL},
    {"release a mapping of its own", FOR_ALL, own_mapping, release, NULL, NULL},
    {"commit all of a mapping of its own", FOR_ALL, own_mapping, commit_all, NULL, NULL},
    {"protect a mapping of its own", FOR_ALL, own_mapping, protect_part, NULL, NULL},
    {"borrow 8 MiB", FOR_ALL, nothing_left, commit_all, NULL, NULL},
    {"borrow part of 8 MiB", FOR_ALL, half_left, commit_all, NULL, NULL},
    {"borrow beyond the pool", FOR_ALL, reserved_8m, commit_all, "0=4M", NULL},
    {"return what was borrowed", FOR_ALL, lent_8m, decommit_all, NULL, NULL},
    {"release what was borrowed", FOR_ALL, lent_8m, release, NULL, NULL},
    {"drain what is warm", FOR_FRAMES, warm_elsewhere, commit_all, NULL, NULL},
};
const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

/* -- looking -- */

static uint64_t contents_of(const char *page)
{
    static const size_t at[] = {0, 1, 100, 255, 256, 300, 510, 511};
    const uint64_t *words = (const uint64_t *)page;
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
        sum = sum * UINT64_C(0x100000001b3) + words[at[i]];
    return sum;
}

static struct page_sight look_at(const struct hostmem_info *info, const char *page)
{
    struct page_sight sight = {(uint8_t)info->state, (uint8_t)info->protection, 0};
    if (info->state == HOSTMEM_COMMITTED && (info->protection & HOSTMEM_PROT_READ))
        sight.contents = contents_of(page);
    return sight;
}

static void look_at_place(struct stage *stage, int at, struct page_sight *ret_pages)
{
    struct place place = stage->places[at];
    struct hostmem_info info;
    for (size_t byte = 0; place.base && byte < place.size;) {
        if (hostmem_query(stage->manager, place.base + byte, &info))
            info = (struct hostmem_info){.size = PAGE, .state = 77};
        for (size_t end = byte + info.size; byte < end && byte < place.size; byte += PAGE)
            ret_pages[byte / PAGE] = look_at(&info, place.base + byte);
    }
}

void stage_look(struct stage *stage, struct sight *ret_sight)
{
    memset(ret_sight, 0, sizeof(*ret_sight));
    for (int at = 0; at < STAGE_REGIONS; at++)
        look_at_place(stage, at, ret_sight->pages[at]);
}

const char *sight_difference(const struct sight *a, const struct sight *b)
{
    static char text[160];
    for (int at = 0; at < STAGE_REGIONS; at++)
        for (size_t page = 0; page < STAGE_PAGES; page++) {
            struct page_sight x = a->pages[at][page], y = b->pages[at][page];
            if (x.state == y.state && x.protection == y.protection && x.contents == y.contents)
                continue;
            snprintf(text, sizeof(text),
                "place %d page %zu: state %u protection %u contents %llx, not %u %u %llx", at, page,
                y.state, y.protection, (unsigned long long)y.contents, x.state, x.protection,
                (unsigned long long)x.contents);
            return text;
        }
    return NULL;
}

int stage_clear(struct stage *stage)
{
    struct hostmem_info info;
    int left = 0;
    for (int at = 0; at < STAGE_REGIONS; at++) {
        char *base = stage->places[at].base;
        if (!base || table_get(&stage->manager->table, (uintptr_t)base) == NULL)
            continue;
        if (hostmem_query(stage->manager, base, &info) == 0 && info.state != HOSTMEM_FREE)
            left += hostmem_release(stage->manager, base) != 0;
    }
    return left;
}

int stage_unsound(struct stage *stage) UNCHECKED_LOCKING
{
    int unsound = 0;
    for (int at = 0; at < STAGE_REGIONS; at++) {
        char *base = stage->places[at].base;
        struct region *region = base ? region_lock_at(stage->manager, (uintptr_t)base) : NULL;
        if (!region)
            continue;
        unsound += !region_check(region);
        region_unlock(region);
    }
    return unsound;
}
