/* SPDX-License-Identifier: MIT */
/*
 * GetMemoryLoad: rows L1 to L6 of docs/semantics.md. What the machine does meanwhile does not show
 * where the pool is the nearest limit, so the figures are checked against small pools. Runs over
 * every backing. Q18 covers that it never waits for another thread.
 */
#include "picture.h"

#define MIB ((size_t)1 << 20)

struct load {
    DWORD percent;
    SIZE_T available;
};

static struct load load_now(void)
{
    struct load load = {12345, 12345};
    assert_result(IHostMemoryManager_GetMemoryLoad(manager, &load.percent, &load.available), S_OK);
    assert_true(load.percent <= 100);
    return load;
}

static size_t nodes(void)
{
    return hostmem_nodes(HostMemFromManager(manager), 0, NULL);
}

static void l1_percent(void **state)
{
    struct load load = load_now();
    assert_true(load.available > 0);
}

static void l2_no_outputs(void **state)
{
    DWORD percent = 4711;
    SIZE_T available = 4711;
    assert_result(IHostMemoryManager_GetMemoryLoad(manager, NULL, &available), E_POINTER);
    assert_result(IHostMemoryManager_GetMemoryLoad(manager, &percent, NULL), E_POINTER);
    assert_result(IHostMemoryManager_GetMemoryLoad(manager, NULL, NULL), E_POINTER);
    assert_int_equal(percent, 4711);
    assert_int_equal(available, 4711);
}

static void l3_pool_limit(void **state)
{
    face_reopen("HOSTMEM_POOL", "32M");
    struct load load = load_now();
    assert_true(load.available <= nodes() * 32 * MIB);
}

/* With each frame there is less to be had, by just that much, and the load rises. */
static void l4_commits_show(void **state)
{
    face_reopen("HOSTMEM_POOL", "32M");
    char *base = face_alloc(NULL, 16 * FRAME, MEM_RESERVE, PAGE_READWRITE);
    struct load first = load_now(), before = first;
    assert_int_equal(first.available, nodes() * 32 * MIB);
    for (size_t i = 0; i < 16; i++) {
        face_alloc(base + i * FRAME, FRAME, MEM_COMMIT, PAGE_READWRITE);
        struct load now = load_now();
        assert_int_equal(before.available - now.available, FRAME);
        assert_true(now.percent >= before.percent);
        before = now;
    }
    assert_true(nodes() > 1 || before.percent == 100);
    assert_true(before.percent > first.percent);
    assert_result(face_free(base, 0, MEM_DECOMMIT), S_OK);
    assert_int_equal(load_now().available, first.available);
}

static void l4_reservations_do_not_show(void **state)
{
    face_reopen("HOSTMEM_POOL", "32M");
    struct load before = load_now();
    face_alloc(NULL, 64 * FRAME, MEM_RESERVE, PAGE_READWRITE);
    assert_int_equal(load_now().available, before.available);
}

/* What was released and is kept warm can be had again. */
static void l5_warm_memory_is_available(void **state)
{
    face_reopen("HOSTMEM_POOL", "32M");
    struct load before = load_now();
    face_release(face_alloc(NULL, 8 * FRAME, RESERVE_COMMIT, PAGE_READWRITE));
    assert_int_equal(load_now().available, before.available);
}

/* How much less is available once memory was populated and released into the warm part. */
static size_t loss_by_warming(size_t size)
{
    assert_int_equal(face_close(NULL), 0);
    assert_int_equal(face_open(NULL), 0);
    struct load before = load_now();
    face_release(face_alloc(NULL, size, RESERVE_COMMIT, PAGE_READWRITE));
    struct load now = load_now();
    return now.available < before.available ? before.available - now.available : 0;
}

/*
 * The same without a pool, by figures that the rest of the machine moves as well, but not every
 * time by half of what is kept warm. Only huge pages are counted exactly: of others the kernel may
 * keep more than that on its lists for each CPU, where they are neither used nor free.
 */
static void l5_warm_memory_counts_as_free(void **state)
{
    size_t size = 48 * FRAME, least = SIZE_MAX;
    if (face_made(PAGE_READWRITE).backing != HOSTMEM_BACKING_HUGETLB)
        return;
    for (unsigned attempt = 0; attempt < 10 && least >= size / 2; attempt++) {
        size_t loss = loss_by_warming(size);
        least = loss < least ? loss : least;
    }
    assert_true(least < size / 2);
}

/* The figures are those of all nodes together. */
static void l6_all_nodes(void **state)
{
    struct hostmem_load one;
    int ids[64];
    face_reopen("HOSTMEM_POOL", "32M");
    size_t count = hostmem_nodes(HostMemFromManager(manager), 64, ids), sum = 0;
    face_alloc(NULL, 2 * FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    for (size_t i = 0; i < count && i < 64; i++) {
        assert_int_equal(hostmem_node_load(HostMemFromManager(manager), ids[i], &one), 0);
        sum += one.available_bytes;
    }
    assert_int_equal(load_now().available, sum);
}

static const struct CMUnitTest semantics_load[] = {
    FACE_TEST(l1_percent),
    FACE_TEST(l2_no_outputs),
    FACE_TEST(l3_pool_limit),
    FACE_TEST(l4_commits_show),
    FACE_TEST(l4_reservations_do_not_show),
    FACE_TEST(l5_warm_memory_is_available),
    FACE_TEST(l5_warm_memory_counts_as_free),
    FACE_TEST(l6_all_nodes),
};

int main(void)
{
    return face_main(semantics_load);
}
