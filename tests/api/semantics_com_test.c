/* SPDX-License-Identifier: MIT */
/*
 * The COM face itself: rows C1 to C14 of docs/semantics.md. Numbers are written out here once more,
 * so that a header that changes them is noticed. Runs over every backing.
 */
#include "picture.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* -- C1 to C6: what a program is compiled against -- */

static const char *text_of(const GUID *guid)
{
    static char text[40];
    const uint8_t *d = guid->Data4;
    snprintf(text, sizeof(text), "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", guid->Data1,
        guid->Data2, guid->Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
    return text;
}

static void c1_interface_ids(void **state)
{
    assert_int_equal(sizeof(GUID), 16);
    assert_string_equal(text_of(&IID_IUnknown), "00000000-0000-0000-C000-000000000046");
    assert_string_equal(text_of(&IID_IHostMemoryManager), "7BC698D1-F9E3-4460-9CDE-D04248E9FA25");
    assert_string_equal(text_of(&IID_IHostMalloc), "1831991C-CC53-4A31-B218-04E910446479");
    assert_string_equal(
        text_of(&IID_ICLRMemoryNotificationCallback), "47EB8E57-0846-4546-AF76-6F42FCFC2649");
}

#define assert_slot(table, method, slot)                                                           \
    assert_int_equal(offsetof(table, method), (slot) * sizeof(void *))

static void c2_slots(void **state)
{
    assert_int_equal(sizeof(IUnknownVtbl), 3 * sizeof(void *));
    assert_int_equal(sizeof(IHostMemoryManagerVtbl), 13 * sizeof(void *));
    assert_slot(IHostMemoryManagerVtbl, QueryInterface, 0);
    assert_slot(IHostMemoryManagerVtbl, AddRef, 1);
    assert_slot(IHostMemoryManagerVtbl, Release, 2);
    assert_slot(IHostMemoryManagerVtbl, CreateMalloc, 3);
    assert_slot(IHostMemoryManagerVtbl, VirtualAlloc, 4);
    assert_slot(IHostMemoryManagerVtbl, VirtualFree, 5);
    assert_slot(IHostMemoryManagerVtbl, VirtualQuery, 6);
    assert_slot(IHostMemoryManagerVtbl, VirtualProtect, 7);
    assert_slot(IHostMemoryManagerVtbl, GetMemoryLoad, 8);
    assert_slot(IHostMemoryManagerVtbl, RegisterMemoryNotificationCallback, 9);
    assert_slot(IHostMemoryManagerVtbl, NeedsVirtualAddressSpace, 10);
    assert_slot(IHostMemoryManagerVtbl, AcquiredVirtualAddressSpace, 11);
    assert_slot(IHostMemoryManagerVtbl, ReleasedVirtualAddressSpace, 12);
    for (size_t slot = 0; slot < 13; slot++)
        assert_non_null(((void *const *)manager->lpVtbl)[slot]);
}

static void c2_slots_of_the_others(void **state)
{
    assert_int_equal(sizeof(IHostMallocVtbl), 6 * sizeof(void *));
    assert_slot(IHostMallocVtbl, Alloc, 3);
    assert_slot(IHostMallocVtbl, DebugAlloc, 4);
    assert_slot(IHostMallocVtbl, Free, 5);
    assert_int_equal(sizeof(ICLRMemoryNotificationCallbackVtbl), 4 * sizeof(void *));
    assert_slot(ICLRMemoryNotificationCallbackVtbl, OnMemoryNotification, 3);
}

static void c3_widths(void **state)
{
    assert_int_equal(sizeof(DWORD), 4);
    assert_int_equal(sizeof(ULONG), 4);
    assert_int_equal(sizeof(HRESULT), 4);
    assert_int_equal(sizeof(BOOL), 4);
    assert_int_equal(sizeof(SIZE_T), sizeof(void *));
    assert_int_equal(sizeof(EMemoryCriticalLevel), 4);
    assert_int_equal(sizeof(EMemoryAvailable), 4);
    assert_true((HRESULT)-1 < 0 && (DWORD)-1 > 0 && (ULONG)-1 > 0);
}

#define assert_offset(member, at) assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, member), at)

static void c4_memory_basic_information(void **state)
{
    assert_int_equal(sizeof(MEMORY_BASIC_INFORMATION), 48);
    assert_offset(BaseAddress, 0);
    assert_offset(AllocationBase, 8);
    assert_offset(AllocationProtect, 16);
    assert_offset(RegionSize, 24);
    assert_offset(State, 32);
    assert_offset(Protect, 36);
    assert_offset(Type, 40);
    char *base = face_alloc(NULL, PAGE, RESERVE_COMMIT, PAGE_READWRITE);
    uint32_t words[12];
    MEMORY_BASIC_INFORMATION m = face_query(base);
    memcpy(words, &m, sizeof(words));
    assert_int_equal(words[5], 0);
    assert_int_equal(words[11], 0);
}

static void c5_constants(void **state)
{
    static const struct {
        uint32_t value, expected;
    } rows[] = {
        {MEM_COMMIT, 0x1000},
        {MEM_RESERVE, 0x2000},
        {MEM_DECOMMIT, 0x4000},
        {MEM_RELEASE, 0x8000},
        {MEM_FREE, 0x10000},
        {MEM_PRIVATE, 0x20000},
        {MEM_MAPPED, 0x40000},
        {MEM_RESET, 0x80000},
        {MEM_TOP_DOWN, 0x100000},
        {MEM_WRITE_WATCH, 0x200000},
        {MEM_PHYSICAL, 0x400000},
        {MEM_RESET_UNDO, 0x1000000},
        {MEM_IMAGE, 0x1000000},
        {MEM_LARGE_PAGES, 0x20000000},
        {PAGE_NOACCESS, 1},
        {PAGE_READONLY, 2},
        {PAGE_READWRITE, 4},
        {PAGE_WRITECOPY, 8},
        {PAGE_EXECUTE, 0x10},
        {PAGE_EXECUTE_READ, 0x20},
        {PAGE_EXECUTE_READWRITE, 0x40},
        {PAGE_EXECUTE_WRITECOPY, 0x80},
        {PAGE_GUARD, 0x100},
        {PAGE_NOCACHE, 0x200},
        {PAGE_WRITECOMBINE, 0x400},
        {PAGE_TARGETS_INVALID, 0x40000000},
        {PAGE_TARGETS_NO_UPDATE, 0x40000000},
        {eMemoryAvailableLow, 1},
        {eMemoryAvailableNeutral, 2},
        {eMemoryAvailableHigh, 3},
        {eTaskCritical, 0},
        {eAppDomainCritical, 1},
        {eProcessCritical, 2},
        {MALLOC_THREADSAFE, 1},
        {MALLOC_EXECUTABLE, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(rows[i].value, rows[i].expected);
}

static void c6_results(void **state)
{
    static const struct {
        HRESULT value;
        uint32_t expected;
    } rows[] = {
        {S_OK, 0},
        {S_FALSE, 1},
        {E_NOTIMPL, 0x80004001},
        {E_NOINTERFACE, 0x80004002},
        {E_POINTER, 0x80004003},
        {E_FAIL, 0x80004005},
        {E_UNEXPECTED, 0x8000ffff},
        {E_OUTOFMEMORY, 0x8007000e},
        {E_INVALIDARG, 0x80070057},
        {HOST_E_DEADLOCK, 0x80131020},
        {HOST_E_INTERRUPTED, 0x80131021},
        {HOST_E_INVALIDOPERATION, 0x80131022},
        {HOST_E_CLRNOTAVAILABLE, 0x80131023},
        {HOST_E_TIMEOUT, 0x80131024},
        {HOST_E_NOT_OWNER, 0x80131025},
        {HOST_E_ABANDONED, 0x80131026},
        {HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), 0x80070057},
        {HRESULT_FROM_WIN32(ERROR_INVALID_ADDRESS), 0x800701e7},
        {HRESULT_FROM_WIN32(ERROR_NO_SYSTEM_RESOURCES), 0x800705aa},
        {HRESULT_FROM_WIN32(ERROR_NOACCESS), 0x800703e6},
        {HRESULT_FROM_WIN32(ERROR_BAD_LENGTH), 0x80070018},
        {HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED), 0x80070032},
        {HRESULT_FROM_WIN32(0), 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_result(rows[i].value, rows[i].expected);
    assert_true(SUCCEEDED(S_OK) && SUCCEEDED(S_FALSE) && FAILED(E_INVALIDARG));
}

/* -- C7 to C14: the object -- */

static void c7_query_interface(void **state)
{
    void *object = (void *)state;
    assert_result(
        IHostMemoryManager_QueryInterface(manager, &IID_IHostMemoryManager, &object), S_OK);
    assert_ptr_equal(object, manager);
    assert_result(IHostMemoryManager_QueryInterface(manager, &IID_IUnknown, &object), S_OK);
    assert_ptr_equal(object, manager);
    assert_int_equal(IHostMemoryManager_Release(manager), 2);
    assert_int_equal(IHostMemoryManager_Release(manager), 1);
}

static void c7_other_interfaces(void **state)
{
    IID other = IID_IHostMemoryManager;
    other.Data4[7] ^= 1;
    const IID *const none[] = {&other, &IID_IHostMalloc, &IID_ICLRMemoryNotificationCallback};
    for (size_t i = 0; i < 3; i++) {
        void *object = (void *)state;
        assert_result(IHostMemoryManager_QueryInterface(manager, none[i], &object), E_NOINTERFACE);
        assert_null(object);
    }
    void *object = (void *)state;
    assert_result(IHostMemoryManager_QueryInterface(manager, NULL, &object), E_POINTER);
    assert_null(object);
    assert_result(IHostMemoryManager_QueryInterface(manager, &IID_IUnknown, NULL), E_POINTER);
    assert_int_equal(IHostMemoryManager_AddRef(manager), 2);
    assert_int_equal(IHostMemoryManager_Release(manager), 1);
}

static void c8_references(void **state)
{
    char *base = face_alloc(NULL, PAGE, RESERVE_COMMIT, PAGE_READWRITE);
    for (ULONG count = 2; count < 10; count++)
        assert_int_equal(IHostMemoryManager_AddRef(manager), count);
    for (ULONG count = 9; count > 1; count--)
        assert_int_equal(IHostMemoryManager_Release(manager), count - 1);
    face_fill(base, PAGE, 8);
    assert_int_equal(face_query(base).State, MEM_COMMIT);
}

/* The last reference takes the regions along. */
static void c8_last_release(void **state)
{
    char *base = face_alloc(NULL, FRAME, RESERVE_COMMIT, PAGE_READWRITE);
    char *outside = face_hole_outside(GRANULE);
    face_alloc(outside, GRANULE, RESERVE_COMMIT, PAGE_READWRITE);
    assert_int_equal(IHostMemoryManager_Release(manager), 0);
    manager = NULL;
    assert_false(face_readable(base));
    assert_false(face_readable(outside));
}

static HRESULT alloc_to(size_t size, DWORD type, void **memory)
{
    return IHostMemoryManager_VirtualAlloc(
        manager, NULL, size, type, PAGE_READWRITE, eTaskCritical, memory);
}

/* VirtualAlloc's output is NULL on each failure: face_try() holds that for the other rows. */
static void c9_outputs(void **state)
{
    struct hostmem_node_stats before, now;
    int node;
    assert_true(hostmem_nodes(HostMemFromManager(manager), 1, &node) >= 1);
    hostmem_node_stats(HostMemFromManager(manager), node, &before);
    assert_result(alloc_to(PAGE, RESERVE_COMMIT, NULL), E_POINTER);
    assert_result(alloc_to(0, 0, NULL), E_POINTER);
    hostmem_node_stats(HostMemFromManager(manager), node, &now);
    assert_memory_equal(&before, &now, sizeof(now));
    void *memory = (void *)state;
    assert_result(alloc_to(0, RESERVE_COMMIT, &memory), BAD_PARAMETER);
    assert_null(memory);
}

static bool is_promised(HRESULT result)
{
    static const HRESULT promised[] = {S_OK, E_INVALIDARG, E_OUTOFMEMORY, HOST_E_INVALIDOPERATION};
    for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++)
        if (promised[i] == result)
            return true;
    return result == BAD_ADDRESS || result == NOT_SUPPORTED || result == NO_RESOURCES;
}

static void call_all(char *base, void *address, size_t size, DWORD type)
{
    static const DWORD protects[] = {0, PAGE_READWRITE, PAGE_READONLY, PAGE_GUARD | PAGE_READWRITE};
    for (size_t i = 0; i < sizeof(protects) / sizeof(protects[0]); i++) {
        void *memory;
        HRESULT result = IHostMemoryManager_VirtualAlloc(
            manager, address, size, type, protects[i], eTaskCritical, &memory);
        assert_true(is_promised(result));
        if (result == S_OK && face_query(memory).AllocationBase != base)
            face_release(memory);
        assert_true(is_promised(face_protect(address, size, protects[i])));
    }
    if (type != MEM_RELEASE)
        assert_true(is_promised(face_free(address, size, type)));
}

/* Whatever the arguments: one of the promised results, never S_FALSE, never E_FAIL. */
static void c10_results_of_all_kinds_of_calls(void **state)
{
    static const DWORD bits[] = {MEM_COMMIT, MEM_RESERVE, MEM_TOP_DOWN, MEM_RESET, MEM_RESET_UNDO,
        MEM_LARGE_PAGES, MEM_WRITE_WATCH, MEM_DECOMMIT, MEM_RELEASE};
    static const size_t sizes[] = {0, 1, GRANULE, FRAME + 1, SIZE_MAX};
    char *base = face_alloc(NULL, FRAME, MEM_RESERVE, PAGE_READWRITE), stack = 0;
    char *const addresses[] = {
        NULL, base, base + PAGE + 1, base + FRAME - 1, &stack, (char *)USER_TOP, (char *)1};
    for (unsigned set = 0; set < 1u << 9; set++) {
        DWORD type = 0;
        for (unsigned bit = 0; bit < 9; bit++)
            type |= set >> bit & 1 ? bits[bit] : 0;
        for (size_t i = 0; i < 7 * 5; i++)
            call_all(base, addresses[i % 7], sizes[i / 7], type);
    }
}

/* Small pieces of hugetlb cannot be made executable. */
static HRESULT creation_of(DWORD type)
{
    if (type >= 4)
        return BAD_PARAMETER;
    bool small = face_made(PAGE_EXECUTE_READWRITE).backing != HOSTMEM_BACKING_HUGETLB;
    return small || !(type & MALLOC_EXECUTABLE) ? S_OK : NOT_SUPPORTED;
}

static void c11_create_malloc(void **state)
{
    for (DWORD type = 0; type < 8; type++) {
        IHostMalloc *heap = (IHostMalloc *)state;
        HRESULT expected = creation_of(type);
        assert_result(IHostMemoryManager_CreateMalloc(manager, type, &heap), expected);
        assert_int_equal(heap != NULL, expected == S_OK);
        if (heap)
            assert_int_equal(IHostMalloc_Release(heap), 0);
    }
    assert_result(IHostMemoryManager_CreateMalloc(manager, MALLOC_THREADSAFE, NULL), E_POINTER);
}

/* A callback object as the CLR would bring it; its count of references is kept here. */
static struct {
    ICLRMemoryNotificationCallback face;
    _Atomic int references;
    _Atomic int level; /* the last one */
    sem_t called;
} callback;

static ULONG callback_add_ref(ICLRMemoryNotificationCallback *This)
{
    return (ULONG)atomic_fetch_add(&callback.references, 1) + 1;
}

static ULONG callback_release(ICLRMemoryNotificationCallback *This)
{
    return (ULONG)atomic_fetch_sub(&callback.references, 1) - 1;
}

static HRESULT callback_notify(ICLRMemoryNotificationCallback *This, EMemoryAvailable available)
{
    callback.level = (int)available;
    sem_post(&callback.called);
    return S_OK;
}

static bool is_called(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    return sem_timedwait(&callback.called, &until) == 0;
}

static void c12_notification_callback(void **state)
{
    static const ICLRMemoryNotificationCallbackVtbl methods = {.AddRef = callback_add_ref,
        .Release = callback_release,
        .OnMemoryNotification = callback_notify};
    callback.face.lpVtbl = &methods;
    callback.references = 1;
    assert_int_equal(sem_init(&callback.called, 0, 0), 0);
    for (int i = 0; i < 2; i++) {
        /* The second registration takes the place of the first; each is told the level at once. */
        assert_result(
            IHostMemoryManager_RegisterMemoryNotificationCallback(manager, &callback.face), S_OK);
        assert_true(is_called());
        assert_in_range(callback.level, eMemoryAvailableLow, eMemoryAvailableHigh);
    }
    assert_result(IHostMemoryManager_RegisterMemoryNotificationCallback(manager, NULL), S_OK);
    assert_int_equal(callback.references, 1);
    sem_destroy(&callback.called);
}

static void c13_address_space(void **state)
{
    char *own = foreign_map(GRANULE);
    assert_result(IHostMemoryManager_NeedsVirtualAddressSpace(manager, NULL, 0), S_OK);
    assert_result(IHostMemoryManager_NeedsVirtualAddressSpace(manager, own, GRANULE), S_OK);
    assert_result(IHostMemoryManager_AcquiredVirtualAddressSpace(manager, own, GRANULE), S_OK);
    face_fill(own, GRANULE, 13);
    assert_result(face_free(own, 0, MEM_RELEASE), NOT_OURS);
    assert_result(face_free(own, PAGE, MEM_DECOMMIT), NOT_OURS);
    assert_filled(own, GRANULE, 13);
    assert_result(IHostMemoryManager_ReleasedVirtualAddressSpace(manager, own), S_OK);
    assert_result(IHostMemoryManager_ReleasedVirtualAddressSpace(manager, own), S_OK);
    assert_result(IHostMemoryManager_ReleasedVirtualAddressSpace(manager, NULL), S_OK);
    foreign_unmap(own, GRANULE);
}

/* Levels that are none count as the most critical one. */
static void c14_critical_levels(void **state)
{
    static const int levels[] = {
        eTaskCritical, eAppDomainCritical, eProcessCritical, 3, 77, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        void *memory = NULL;
        assert_result(IHostMemoryManager_VirtualAlloc(manager, NULL, PAGE, RESERVE_COMMIT,
                          PAGE_READWRITE, (EMemoryCriticalLevel)levels[i], &memory),
            S_OK);
        assert_zero(memory, PAGE);
        assert_extent(memory, PAGE, MEM_COMMIT, PAGE_READWRITE);
    }
}

static void c15_creation(void **state)
{
    IHostMemoryManager *made = (IHostMemoryManager *)state;
    assert_result(HostMemCreateManager(NULL), E_POINTER);
    setenv("HOSTMEM_POLICY", "nonsense", 1);
    HRESULT result = HostMemCreateManager(&made);
    unsetenv("HOSTMEM_POLICY");
    assert_result(result, E_INVALIDARG);
    assert_null(made);
}

static void c15_c_face(void **state)
{
    static const IHostMemoryManagerVtbl methods;
    IHostMemoryManager other = {.lpVtbl = &methods};
    assert_non_null(HostMemFromManager(manager));
    assert_ptr_equal(HostMemFromManager(manager), HostMemFromManager(manager));
    assert_null(HostMemFromManager(NULL));
    assert_null(HostMemFromManager(&other));
}

/* Whether every method says that the manager is of no use here. */
static int all_unavailable(void *region)
{
    MEMORY_BASIC_INFORMATION m;
    SIZE_T size;
    DWORD value;
    void *memory;
    HRESULT gone = HOST_E_CLRNOTAVAILABLE;
    return alloc_to(PAGE, RESERVE_COMMIT, &memory) == gone && memory == NULL &&
           IHostMemoryManager_VirtualAlloc(
               manager, region, PAGE, MEM_COMMIT, PAGE_READWRITE, eTaskCritical, &memory) == gone &&
           face_free(region, 0, MEM_RELEASE) == gone &&
           face_free(region, 0, MEM_DECOMMIT) == gone &&
           IHostMemoryManager_VirtualProtect(manager, region, PAGE, PAGE_READONLY, &value) ==
               gone &&
           IHostMemoryManager_VirtualQuery(manager, region, &m, sizeof(m), &size) == gone &&
           size == 0 && IHostMemoryManager_GetMemoryLoad(manager, &value, &size) == gone &&
           IHostMemoryManager_Release(manager) == 0;
}

static void c16_after_fork(void **state)
{
    char *region = face_alloc(NULL, GRANULE, RESERVE_COMMIT, PAGE_READWRITE);
    int status;
    face_fill(region, GRANULE, 16);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(all_unavailable(region) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_filled(region, GRANULE, 16);
    face_release(region);
}

static const struct CMUnitTest semantics_com[] = {
    FACE_TEST(c1_interface_ids),
    FACE_TEST(c2_slots),
    FACE_TEST(c2_slots_of_the_others),
    FACE_TEST(c3_widths),
    FACE_TEST(c4_memory_basic_information),
    FACE_TEST(c5_constants),
    FACE_TEST(c6_results),
    FACE_TEST(c7_query_interface),
    FACE_TEST(c7_other_interfaces),
    FACE_TEST(c8_references),
    FACE_TEST(c8_last_release),
    FACE_TEST(c9_outputs),
    FACE_TEST(c10_results_of_all_kinds_of_calls),
    FACE_TEST(c11_create_malloc),
    FACE_TEST(c12_notification_callback),
    FACE_TEST(c13_address_space),
    FACE_TEST(c14_critical_levels),
    FACE_TEST(c15_creation),
    FACE_TEST(c15_c_face),
    FACE_TEST(c16_after_fork),
};

int main(void)
{
    return face_main(semantics_com);
}
