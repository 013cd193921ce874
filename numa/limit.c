/* SPDX-License-Identifier: MIT */
/*
 * Walks the levels of each hierarchy and keeps the fullest and the nearest limit. The kernel takes
 * each figure at another moment: every difference stops at zero. No lock.
 */
#include "numa/limit.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "numa/keyed.h"
#include "numa/number.h"

/*
 * From here on a figure means "no limit": v1 says LONG_MAX rounded down to a page, which is a huge
 * one for hugetlb.
 */
#define UNLIMITED (UINT64_C(1) << 62)

#define STAT_TEXT 8192 /* bytes: memory.stat has 2 to 3 KiB */
#define NAME_SIZE 64   /* bytes of "hugetlb.1048576KB.rsvd.limit_in_bytes", and more */

static_assert(sizeof("hugetlb.GB.rsvd.limit_in_bytes") + NN_NUMBER_SIZE <= NAME_SIZE,
    "the longest name of a file");

struct limit_files {
    enum nn_limit_kind kind;
    const char *limit, *used;
};

static const struct limit_files memory_v2[] = {
    {NN_LIMIT_MAX, "memory.max", "memory.current"},
    {NN_LIMIT_HIGH, "memory.high", "memory.current"},
};
static const struct limit_files memory_v1[] = {
    {NN_LIMIT_V1, "memory.limit_in_bytes", "memory.usage_in_bytes"},
    {NN_LIMIT_V1_SWAP, "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes"},
};
static const struct limit_files huge_v2[] = {
    {NN_LIMIT_HUGE, ".max", ".current"},
    {NN_LIMIT_HUGE_RSVD, ".rsvd.max", ".rsvd.current"},
};
static const struct limit_files huge_v1[] = {
    {NN_LIMIT_HUGE, ".limit_in_bytes", ".usage_in_bytes"},
    {NN_LIMIT_HUGE_RSVD, ".rsvd.limit_in_bytes", ".rsvd.usage_in_bytes"},
};

#define PAIRS 2
static_assert(sizeof(memory_v2) == PAIRS * sizeof(memory_v2[0]), "all tables are of one length");
static_assert(sizeof(memory_v1) == sizeof(memory_v2) && sizeof(huge_v2) == sizeof(memory_v2) &&
                  sizeof(huge_v1) == sizeof(memory_v2),
    "all tables are of one length");

/* What is looked for on every level of a hierarchy. */
struct search {
    const struct limit_files *files; /* PAIRS of them */
    const char *prefix;              /* of their names */
    const char *cache;               /* key in memory.stat of what is easily given back, or NULL */
};

const char *nn_limit_name(enum nn_limit_kind kind)
{
    static const char *const names[] = {
        [NN_LIMIT_MAX] = "memory.max",
        [NN_LIMIT_HIGH] = "memory.high",
        [NN_LIMIT_V1] = "memory.limit_in_bytes",
        [NN_LIMIT_V1_SWAP] = "memory.memsw.limit_in_bytes",
        [NN_LIMIT_HUGE] = "hugetlb.max",
        [NN_LIMIT_HUGE_RSVD] = "hugetlb.rsvd.max",
    };

    return names[kind];
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static unsigned percent_of(uint64_t used, uint64_t limit)
{
    if (used >= limit)
        return 100;
    return (unsigned)(used <= UINT64_MAX / 100 ? used * 100 / limit : used / (limit / 100));
}

struct tally {
    struct nn_limit limit;
    bool found;
};

static void add(struct tally *tally, struct nn_limit_place place, uint64_t limit, uint64_t used)
{
    struct nn_limit *sum = &tally->limit;
    unsigned percent = percent_of(used, limit);
    uint64_t available = minus(limit, used);

    if (!tally->found || percent > sum->percent) {
        sum->limit_bytes = limit;
        sum->used_bytes = used;
        sum->percent = percent;
        sum->fullest = place;
    }
    if (!tally->found || available < sum->available_bytes) {
        sum->available_bytes = available;
        sum->nearest = place;
    }
    tally->found = true;
}

static int read_figure(
    const struct nn_root *directory, const char *prefix, const char *suffix, uint64_t *ret_bytes)
{
    char name[NAME_SIZE];
    size_t head = strlen(prefix);

    memcpy(name, prefix, head + 1);
    memcpy(name + head, suffix, strlen(suffix) + 1);
    return nn_keyed_read(directory, name, ret_bytes);
}

static uint64_t read_cache(const struct nn_root *directory, const char *key)
{
    char text[STAT_TEXT];
    uint64_t bytes = 0;

    if (key != NULL && nn_root_read(directory, "memory.stat", text, sizeof(text)) == 0)
        (void)nn_keyed_find(text, key, &bytes);
    return bytes;
}

/* memory.stat makes the kernel add up its counters: it is read only where there is a limit. */
static void search_level(const struct nn_root *directory, unsigned level,
    const struct search *search, struct tally *tally)
{
    uint64_t cache = 0;
    bool cache_known = false;

    for (unsigned i = 0; i < PAIRS; i++) {
        const struct limit_files *files = &search->files[i];
        struct nn_limit_place place = {.kind = files->kind, .level = level};
        uint64_t limit, used;

        if (read_figure(directory, search->prefix, files->limit, &limit) < 0 ||
            limit >= UNLIMITED || read_figure(directory, search->prefix, files->used, &used) < 0)
            continue;
        if (!cache_known)
            cache = read_cache(directory, search->cache);
        cache_known = true;
        add(tally, place, limit, minus(used, cache));
    }
}

/* A shortage of file descriptors must not pass for the absence of limits. */
static int search_levels(
    const struct nn_cgroup *cgroup, const struct search *search, struct tally *tally)
{
    for (unsigned level = 0; cgroup->own.fd >= 0 && level <= cgroup->depth; level++) {
        struct nn_root directory;
        int r = nn_cgroup_level(cgroup, level, &directory);

        if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        search_level(&directory, level, search, tally);
        nn_root_close(&directory);
    }
    return 0;
}

static int search_both(const struct nn_cgroup *v2, const struct search *search_v2,
    const struct nn_cgroup *v1, const struct search *search_v1, struct nn_limit *ret_limit)
{
    struct tally tally = {.found = false};
    int r = search_levels(v2, search_v2, &tally);

    if (r == 0)
        r = search_levels(v1, search_v1, &tally);
    if (r < 0)
        return r;
    if (!tally.found)
        return -ENOENT;
    *ret_limit = tally.limit;
    return 0;
}

int nn_cgroup_memory(const struct nn_cgroups *cgroups, struct nn_limit *ret_limit)
{
    static const struct search v2 = {memory_v2, "", "inactive_file"};
    static const struct search v1 = {memory_v1, "", "total_inactive_file"};

    return search_both(&cgroups->unified, &v2, &cgroups->memory, &v1, ret_limit);
}

/* "hugetlb.2MB": whole GiB, MiB or KiB, the largest that reaches 1, as the kernel names them. */
static void print_prefix(uint64_t page_size, char *buffer)
{
    unsigned shift = page_size >= UINT64_C(1) << 30 ? 30 : page_size >= UINT64_C(1) << 20 ? 20 : 10;
    size_t length = sizeof("hugetlb.") - 1;

    memcpy(buffer, "hugetlb.", length);
    length += nn_number_print(page_size >> shift, buffer + length);
    memcpy(buffer + length, shift == 30 ? "GB" : shift == 20 ? "MB" : "KB", sizeof("GB"));
}

int nn_cgroup_hugetlb(
    const struct nn_cgroups *cgroups, uint64_t page_size, struct nn_limit *ret_limit)
{
    char prefix[NAME_SIZE];
    const struct search v2 = {huge_v2, prefix, NULL};
    const struct search v1 = {huge_v1, prefix, NULL};

    if (page_size == 0 || page_size % 1024 != 0)
        return -EINVAL;
    print_prefix(page_size, prefix);
    return search_both(&cgroups->unified, &v2, &cgroups->hugetlb, &v1, ret_limit);
}
