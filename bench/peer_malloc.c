/* SPDX-License-Identifier: MIT */
/*
 * calloc() and free(): of the C library, and of the libraries that take its place where the process
 * was started with them (LD_PRELOAD). Their variables make them keep memory and use huge pages, for
 * that is what is compared; jemalloc is there as it comes as well. No lock.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"

/* Called through a pointer, so that the compiler does not leave a pair of them out. */
static void *(*volatile zeroed)(size_t count, size_t size) = calloc;
static void (*volatile unneeded)(void *base) = free;

/* The file that calloc() is in. */
static const char *provider(void)
{
    Dl_info info;
    void *function = dlsym(RTLD_DEFAULT, "calloc");
    return function && dladdr(function, &info) && info.dli_fname ? info.dli_fname : "";
}

static int open_provider(const char *library, char ret_said[ORDER_SAID])
{
    ret_said[0] = '\0';
    if (strstr(provider(), library))
        return 0;
    snprintf(ret_said, ORDER_SAID, "not installed (%s)", library);
    return -ENOENT;
}

static int open_glibc(const struct order *order, char ret_said[ORDER_SAID])
{
    (void)order;
    return open_provider("libc.so.6", ret_said);
}

static int open_jemalloc(const struct order *order, char ret_said[ORDER_SAID])
{
    (void)order;
    return open_provider("libjemalloc.so.2", ret_said);
}

static int open_mimalloc(const struct order *order, char ret_said[ORDER_SAID])
{
    (void)order;
    return open_provider("libmimalloc.so.2", ret_said);
}

/* It takes files on a mounted hugetlbfs, if it is told of one. */
static int open_tcmalloc(const struct order *order, char ret_said[ORDER_SAID])
{
    (void)order;
    int error = open_provider("libtcmalloc.so.4", ret_said);
    if (!error)
        snprintf(ret_said, ORDER_SAID, "%s",
            getenv("TCMALLOC_MEMFS_MALLOC_PATH") ? "hugetlbfs" : "no hugetlbfs is mounted");
    return error;
}

static void *get(size_t size)
{
    return zeroed(1, size);
}

static void give(void *base, size_t size)
{
    (void)size;
    unneeded(base);
}

static const char *const jemalloc_keeps[] = {
    "MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1,thp:always", NULL};
static const char *const mimalloc_keeps[] = {"MIMALLOC_ALLOW_LARGE_OS_PAGES=1",
    "MIMALLOC_LARGE_OS_PAGES=1", "MIMALLOC_RESERVE_OS_MEMORY=", NULL};
static const char *const tcmalloc_keeps[] = {"TCMALLOC_RELEASE_RATE=0", "@hugetlbfs", NULL};
static const char *const glibc_keeps[] = {
    "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=4294967296:"
    "glibc.malloc.mmap_threshold=4294967296",
    NULL};

const struct peer peers_malloc[] = {
    {.name = "glibc", .title = "glibc calloc", .open = open_glibc, .get = get, .give = give},
    {.name = "glibc-keeps",
        .title = "glibc, keeps, THP",
        .environment = glibc_keeps,
        .open = open_glibc,
        .get = get,
        .give = give},
    {.name = "jemalloc",
        .title = "jemalloc as it comes",
        .preload = "libjemalloc.so.2",
        .open = open_jemalloc,
        .get = get,
        .give = give},
    {.name = "jemalloc-keeps",
        .title = "jemalloc, keeps, THP",
        .preload = "libjemalloc.so.2",
        .environment = jemalloc_keeps,
        .open = open_jemalloc,
        .get = get,
        .give = give},
    {.name = "mimalloc",
        .title = "mimalloc, huge pages",
        .huge = true,
        .preload = "libmimalloc.so.2",
        .environment = mimalloc_keeps,
        .open = open_mimalloc,
        .get = get,
        .give = give},
    {.name = "tcmalloc",
        .title = "tcmalloc, hugetlbfs",
        .huge = true,
        .preload = "libtcmalloc.so.4",
        .environment = tcmalloc_keeps,
        .open = open_tcmalloc,
        .get = get,
        .give = give},
    {0},
};
