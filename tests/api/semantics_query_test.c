/* SPDX-License-Identifier: MIT */
/*
 * VirtualQuery: rows Q1 to Q19 of docs/semantics.md. Runs over every backing. The test of Q18 stops
 * a thread of its own with a signal, in the middle of whatever it is doing.
 */
#include "picture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static HRESULT query(const void *address, void *buffer, SIZE_T length, SIZE_T *result)
{
    return IHostMemoryManager_VirtualQuery(manager, (void *)address, buffer, length, result);
}

static void q1_base_address(void **state)
{
    char *base = face_alloc(NULL, GRANULE, RESERVE_COMMIT, PAGE_READWRITE);
    for (size_t offset = 0; offset < GRANULE; offset += 1021) {
        MEMORY_BASIC_INFORMATION m = face_query(base + offset);
        size_t page = offset & ~(PAGE - 1);
        assert_ptr_equal(m.BaseAddress, base + page);
        assert_ptr_equal(m.AllocationBase, base);
        assert_int_equal(m.RegionSize, GRANULE - page);
    }
}

/* Sizes end where state or protection change, and at the end of the allocation. */
static void q2_region_size(void **state)
{
    size_t unit = face_made(PAGE_READWRITE).unit;
    char *base = face_alloc(NULL, 16 * unit, MEM_RESERVE, PAGE_READWRITE);
    face_alloc(base + 2 * unit, 6 * unit, MEM_COMMIT, PAGE_READWRITE);
    face_alloc(base + 4 * unit, unit, MEM_COMMIT, PAGE_READONLY);
    face_alloc(base + 8 * unit, unit, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base, 2 * unit, MEM_RESERVE, 0);
    assert_extent(base + 2 * unit, 2 * unit, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base + 3 * unit, unit, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base + 4 * unit, unit, MEM_COMMIT, PAGE_READONLY);
    assert_extent(base + 5 * unit, 4 * unit, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base + 9 * unit, 7 * unit, MEM_RESERVE, 0);
    assert_extent(base + 16 * unit - 1, PAGE, MEM_RESERVE, 0);
}

static void q3_committed(void **state)
{
    char *base = face_alloc(NULL, FRAME, MEM_RESERVE, PAGE_EXECUTE_READ);
    face_alloc(base, FRAME, MEM_COMMIT, PAGE_READONLY);
    MEMORY_BASIC_INFORMATION m = face_query(base + 2 * PAGE);
    assert_ptr_equal(m.AllocationBase, base);
    assert_int_equal(m.AllocationProtect, PAGE_EXECUTE_READ);
    assert_int_equal(m.State, MEM_COMMIT);
    assert_int_equal(m.Protect, PAGE_READONLY);
    assert_int_equal(m.Type, MEM_PRIVATE);
}

static void q4_reserved(void **state)
{
    char *base = face_alloc(NULL, GRANULE, MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    MEMORY_BASIC_INFORMATION m = face_query(base + PAGE);
    assert_ptr_equal(m.AllocationBase, base);
    assert_int_equal(m.AllocationProtect, PAGE_EXECUTE_READWRITE);
    assert_int_equal(m.State, MEM_RESERVE);
    assert_int_equal(m.Protect, 0);
    assert_int_equal(m.Type, MEM_PRIVATE);
}

static void assert_free(const void *address, size_t size)
{
    MEMORY_BASIC_INFORMATION m = face_query(address);
    assert_null(m.AllocationBase);
    assert_int_equal(m.AllocationProtect, 0);
    assert_int_equal(m.RegionSize, size);
    assert_int_equal(m.State, MEM_FREE);
    assert_int_equal(m.Protect, PAGE_NOACCESS);
    assert_int_equal(m.Type, 0);
}

static void q5_free(void **state)
{
    struct trio trio = trio_reserve(FRAME, PAGE_READWRITE);
    face_alloc(trio.middle, FRAME, MEM_COMMIT, PAGE_READWRITE);
    face_release(trio.middle);
    assert_free(trio.middle, FRAME);
    assert_free(trio.middle + FRAME / 2 + 5, FRAME / 2);
    assert_free(trio.right - 1, PAGE);
    char *hole = face_hole_outside(3 * GRANULE);
    face_alloc(hole + GRANULE, PAGE, MEM_RESERVE, PAGE_READWRITE);
    assert_free(hole, GRANULE);
    face_alloc(hole + 2 * GRANULE, PAGE, MEM_RESERVE, PAGE_READWRITE);
    assert_free(hole + GRANULE + PAGE, GRANULE - PAGE);
}

/*
 * Space that a region may have ends at USER_TOP; between that and the end of all there may be a
 * stack, which is told of like any other.
 */
static void q5_free_to_the_end(void **state)
{
    MEMORY_BASIC_INFORMATION m = face_query((void *)(USER_TOP - 1));
    if (m.State == MEM_FREE)
        assert_int_equal((uintptr_t)m.BaseAddress + m.RegionSize, USER_TOP);
    for (uintptr_t at = USER_TOP; at < SPACE_TOP; at += m.RegionSize) {
        m = face_query((void *)at);
        assert_true(m.State == MEM_FREE || m.State == MEM_COMMIT);
        assert_true(m.RegionSize > 0 && m.RegionSize <= SPACE_TOP - at);
    }
}

static void q6_adjacent_regions(void **state)
{
    struct trio trio = trio_reserve(GRANULE, PAGE_READWRITE);
    assert_extent(trio.left, GRANULE, MEM_RESERVE, 0);
    assert_extent(trio.middle, GRANULE, MEM_RESERVE, 0);
    assert_ptr_equal(face_query(trio.middle).AllocationBase, trio.middle);
    face_alloc(trio.left, GRANULE, MEM_COMMIT, PAGE_READWRITE);
    face_alloc(trio.middle, GRANULE, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(trio.left, GRANULE, MEM_COMMIT, PAGE_READWRITE);
}

static void q7_decommitted_and_never_committed(void **state)
{
    char *base = face_alloc(NULL, GRANULE, MEM_RESERVE, PAGE_READWRITE);
    face_alloc(base + PAGE, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base, PAGE, MEM_RESERVE, 0);
    assert_result(face_free(base + PAGE, PAGE, MEM_DECOMMIT), S_OK);
    assert_extent(base, 2 * PAGE, MEM_RESERVE, 0);
    assert_result(face_free(base + 2 * PAGE, PAGE, MEM_DECOMMIT), S_OK);
    assert_extent(base, GRANULE, MEM_RESERVE, 0);
}

static void q8_first_page(void **state)
{
    char *base = face_alloc(NULL, GRANULE, MEM_RESERVE, PAGE_READWRITE);
    face_alloc(base, PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base, 0x1000, MEM_COMMIT, PAGE_READWRITE);
    assert_extent(base + 0x1000, 0xf000, MEM_RESERVE, 0);
}

static void q9_protect_and_restore(void **state)
{
    size_t unit = face_made(PAGE_READWRITE).unit;
    char *base = face_alloc(NULL, 2 * unit, RESERVE_COMMIT, PAGE_READWRITE);
    face_protect_old(base, unit, PAGE_READONLY);
    assert_extent(base, unit, MEM_COMMIT, PAGE_READONLY);
    assert_extent(base + unit, unit, MEM_COMMIT, PAGE_READWRITE);
    face_protect_old(base, unit, PAGE_READWRITE);
    assert_extent(base, 2 * unit, MEM_COMMIT, PAGE_READWRITE);
}

static void q10_within_free_space(void **state)
{
    struct trio trio = trio_reserve(40 * MIB, PAGE_READWRITE);
    face_release(trio.middle);
    assert_free(trio.middle + 10 * MIB, 30 * MIB);
}

static void q11_short_buffer(void **state)
{
    char buffer[48], before[48];
    char *base = face_alloc(NULL, PAGE, MEM_RESERVE, PAGE_READWRITE);
    memset(before, 0x5a, sizeof(before));
    for (SIZE_T length = 0; length < sizeof(buffer); length++) {
        SIZE_T written = 99;
        memcpy(buffer, before, sizeof(buffer));
        assert_result(query(base, buffer, length, &written), BAD_LENGTH);
        assert_int_equal(written, 0);
        assert_memory_equal(buffer, before, sizeof(buffer));
    }
}

static void q12_long_buffer(void **state)
{
    static const SIZE_T lengths[] = {48, 49, 64, 4096, SIZE_MAX};
    char buffer[64], behind[16];
    char *base = face_alloc(NULL, PAGE, MEM_RESERVE, PAGE_READWRITE);
    memset(behind, 0x5a, sizeof(behind));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        SIZE_T written = 0;
        memset(buffer, 0x5a, sizeof(buffer));
        assert_result(query(base, buffer, lengths[i], &written), S_OK);
        assert_int_equal(written, 48);
        assert_memory_equal(buffer + 48, behind, sizeof(behind));
    }
}

static void q13_no_buffer(void **state)
{
    MEMORY_BASIC_INFORMATION m, before;
    SIZE_T written = 99;
    memset(&before, 0x5a, sizeof(before));
    memcpy(&m, &before, sizeof(m));
    assert_result(query(&m, NULL, sizeof(m), &written), NO_ACCESS);
    assert_int_equal(written, 0);
    assert_result(query(&m, &m, sizeof(m), NULL), E_POINTER);
    assert_memory_equal(&m, &before, sizeof(m));
}

static void q14_above_user_space(void **state)
{
    static const uintptr_t addresses[] = {
        SPACE_TOP, SPACE_TOP + PAGE, (uintptr_t)1 << 47, (uintptr_t)1 << 63, UINTPTR_MAX};
    MEMORY_BASIC_INFORMATION m, before;
    memset(&before, 0x5a, sizeof(before));
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        SIZE_T written = 99;
        memcpy(&m, &before, sizeof(m));
        assert_result(query((void *)addresses[i], &m, sizeof(m), &written), BAD_PARAMETER);
        assert_int_equal(written, 0);
        assert_memory_equal(&m, &before, sizeof(m));
    }
}

static void q15_address_zero(void **state)
{
    MEMORY_BASIC_INFORMATION m = face_query(NULL);
    assert_int_equal(m.State, MEM_FREE);
    assert_true(m.RegionSize >= GRANULE);
}

static void assert_taken(const void *address, DWORD protect)
{
    MEMORY_BASIC_INFORMATION m = face_query(address);
    assert_int_equal(m.State, MEM_COMMIT);
    assert_int_equal(m.Protect, protect);
    assert_non_null(m.AllocationBase);
    assert_true(m.Type == MEM_PRIVATE || m.Type == MEM_MAPPED || m.Type == MEM_IMAGE);
}

static void q16_memory_of_others(void **state)
{
    static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
        PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC};
    static const DWORD protects[] = {
        PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE};
    char stack = 0;
    void *heap = malloc(64);
    assert_taken(&stack, PAGE_READWRITE);
    assert_taken(heap, PAGE_READWRITE);
    assert_taken((void *)(uintptr_t)q16_memory_of_others, PAGE_EXECUTE_READ);
    char *hole = face_hole_outside(4 * PAGE);
    for (size_t i = 0; i < 5; i++) {
        char *own = mmap(hole + PAGE, 2 * PAGE, rights[i],
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        assert_ptr_equal(own, hole + PAGE);
        assert_taken(own, protects[i]);
        assert_extent(own + PAGE, PAGE, MEM_COMMIT, protects[i]);
        assert_ptr_equal(face_query(own + PAGE).AllocationBase, own);
        assert_free(hole, PAGE);
        munmap(own, 2 * PAGE);
    }
    free(heap);
}

/*
 * Walks up from an address as a runtime does that wants memory near its code: where free space is
 * large enough, reserving there succeeds.
 */
static char *reserve_from(char *at, size_t size)
{
    for (unsigned steps = 0; steps < 100000; steps++) {
        MEMORY_BASIC_INFORMATION m = face_query(at);
        assert_true(m.RegionSize > 0);
        if (m.State == MEM_FREE && m.RegionSize >= size)
            return face_alloc(at, size, MEM_RESERVE, PAGE_NOACCESS);
        size_t step = (size_t)((char *)m.BaseAddress + m.RegionSize - at);
        at += step > GRANULE ? step : GRANULE;
        at = (char *)(((uintptr_t)at + GRANULE - 1) & ~(GRANULE - 1));
    }
    fail_msg("no free space was found");
    return NULL;
}

static void q17_search_for_free_space(void **state)
{
    struct trio trio = trio_reserve(FRAME, PAGE_READWRITE);
    char *code = (char *)((uintptr_t)q17_search_for_free_space & ~(GRANULE - 1));
    face_release(trio.middle);
    assert_ptr_equal(reserve_from(trio.left, GRANULE), trio.middle);
    assert_ptr_equal(reserve_from(trio.left, GRANULE), trio.middle + GRANULE);
    char *beyond = reserve_from(trio.left, FRAME);
    assert_true(beyond >= trio.right + FRAME);
    for (size_t i = 0; i < 100; i++) {
        char *near = reserve_from(code, GRANULE + i * PAGE);
        assert_true(near > code && (uintptr_t)(near - code) < (uintptr_t)1 << 32);
    }
}

/* -- Q18: a thread that is stopped anywhere -- */

static int stopped[2], resumed[2]; /* pipes */
static atomic_bool over;

static void stop_here(int number)
{
    char byte = 0;
    while (write(stopped[1], &byte, 1) != 1)
        ;
    while (read(resumed[0], &byte, 1) != 1)
        ;
}

static void *keep_changing(void *argument)
{
    char *region = argument;
    while (!atomic_load(&over)) {
        void *memory;
        DWORD old;
        IHostMemoryManager_VirtualAlloc(
            manager, region, 2 * FRAME, MEM_COMMIT, PAGE_READWRITE, eTaskCritical, &memory);
        IHostMemoryManager_VirtualProtect(manager, region, FRAME, PAGE_READONLY, &old);
        IHostMemoryManager_VirtualFree(manager, region + PAGE, FRAME, MEM_DECOMMIT);
        IHostMemoryManager_VirtualFree(manager, region, 0, MEM_DECOMMIT);
        if (IHostMemoryManager_VirtualAlloc(manager, NULL, GRANULE, MEM_RESERVE, PAGE_READWRITE,
                eTaskCritical, &memory) == S_OK)
            IHostMemoryManager_VirtualFree(manager, memory, 0, MEM_RELEASE);
    }
    return NULL;
}

/* All that the promise covers, of the region that is being changed and of what is around it. */
static void ask_everything(char *region)
{
    DWORD load;
    SIZE_T available;
    char *at = region;
    while (at < region + 2 * FRAME) {
        MEMORY_BASIC_INFORMATION m = face_query(at);
        assert_ptr_equal(m.AllocationBase, region);
        assert_true(m.State == MEM_COMMIT || m.State == MEM_RESERVE);
        assert_true(m.RegionSize > 0 && at + m.RegionSize <= region + 2 * FRAME);
        at += m.RegionSize;
    }
    face_query(region + 2 * FRAME);
    face_query((void *)(uintptr_t)ask_everything);
    assert_result(IHostMemoryManager_GetMemoryLoad(manager, &load, &available), S_OK);
}

static unsigned rounds(void)
{
    const char *scale = getenv("HM_TEST_SCALE");
    unsigned percent = scale ? (unsigned)strtoul(scale, NULL, 10) : 100;
    return 5 + 5 * percent;
}

static void q18_while_a_thread_is_stopped(void **state)
{
    struct sigaction action = {.sa_handler = stop_here}, before;
    char *region = face_alloc(NULL, 2 * FRAME, MEM_RESERVE, PAGE_READWRITE);
    pthread_t thread;
    char byte = 0;
    atomic_store(&over, false);
    assert_int_equal(pipe(stopped) | pipe(resumed), 0);
    sigaction(SIGUSR1, &action, &before);
    assert_int_equal(pthread_create(&thread, NULL, keep_changing, region), 0);
    for (unsigned i = 0; i < rounds(); i++) {
        assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
        assert_int_equal(read(stopped[0], &byte, 1), 1);
        ask_everything(region);
        assert_int_equal(write(resumed[1], &byte, 1), 1);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    sigaction(SIGUSR1, &before, NULL);
    for (int i = 0; i < 2; i++)
        close(stopped[i]), close(resumed[i]);
}

static void q19_mapped_and_image(void **state)
{
    int file = memfd_create("q19", MFD_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, GRANULE), 0);
    char *view = mmap(NULL, GRANULE, PROT_READ, MAP_SHARED, file, 0);
    assert_true(view != MAP_FAILED);
    MEMORY_BASIC_INFORMATION m = face_query(view + PAGE);
    assert_int_equal(m.Type, MEM_MAPPED);
    assert_int_equal(m.State, MEM_COMMIT);
    assert_int_equal(m.Protect, PAGE_READONLY);
    m = face_query((void *)(uintptr_t)q19_mapped_and_image);
    assert_int_equal(m.Type, MEM_IMAGE);
    assert_int_equal(m.Protect, PAGE_EXECUTE_READ);
    munmap(view, GRANULE);
    close(file);
}

static const struct CMUnitTest semantics_query[] = {
    FACE_TEST(q1_base_address),
    FACE_TEST(q2_region_size),
    FACE_TEST(q3_committed),
    FACE_TEST(q4_reserved),
    FACE_TEST(q5_free),
    FACE_TEST(q5_free_to_the_end),
    FACE_TEST(q6_adjacent_regions),
    FACE_TEST(q7_decommitted_and_never_committed),
    FACE_TEST(q8_first_page),
    FACE_TEST(q9_protect_and_restore),
    FACE_TEST(q10_within_free_space),
    FACE_TEST(q11_short_buffer),
    FACE_TEST(q12_long_buffer),
    FACE_TEST(q13_no_buffer),
    FACE_TEST(q14_above_user_space),
    FACE_TEST(q15_address_zero),
    FACE_TEST(q16_memory_of_others),
    FACE_TEST(q17_search_for_free_space),
    FACE_TEST(q18_while_a_thread_is_stopped),
    FACE_TEST(q19_mapped_and_image),
};

int main(void)
{
    return face_main(semantics_query);
}
