/* SPDX-License-Identifier: MIT */
/*
 * The COM face: each method checks what only Win32 knows of, and goes over to the C face. Nothing
 * of the library but this file and words.c knows these words. Invariant: an object lives while its
 * count is not zero, and its manager as long as it. No lock: the count is atomic.
 */
#include <hostmem/mscoree.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/host_malloc.h"
#include "lib/words.h"

/* A callback that the runtime has registered, with one reference of ours. */
struct registration {
    ICLRMemoryNotificationCallback *callback;
    struct hostmem_subscription *subscription;
};

struct host {
    IHostMemoryManager face;
    _Atomic ULONG references;
    struct hostmem *manager; /* owned */
    pthread_mutex_t registering;
    struct registration registration; /* under registering */
};

static struct host *host_of(IHostMemoryManager *face)
{
    return (struct host *)face;
}

static struct hostmem *manager_of(IHostMemoryManager *face)
{
    return host_of(face)->manager;
}

/* -- IUnknown -- */

static ULONG host_add_ref(IHostMemoryManager *face)
{
    return atomic_fetch_add(&host_of(face)->references, 1) + 1;
}

static void drop(struct host *host, struct registration registration)
{
    if (!registration.callback)
        return;
    hostmem_unsubscribe(host->manager, registration.subscription);
    ICLRMemoryNotificationCallback_Release(registration.callback);
}

static ULONG host_release(IHostMemoryManager *face)
{
    struct host *host = host_of(face);
    ULONG left = atomic_fetch_sub(&host->references, 1) - 1;
    if (left > 0)
        return left;
    drop(host, host->registration);
    hostmem_destroy(host->manager);
    pthread_mutex_destroy(&host->registering);
    free(host);
    return 0;
}

static bool is_ours(REFIID iid)
{
    return memcmp(iid, &IID_IUnknown, sizeof(*iid)) == 0 ||
           memcmp(iid, &IID_IHostMemoryManager, sizeof(*iid)) == 0;
}

static HRESULT host_query_interface(IHostMemoryManager *face, REFIID iid, void **object)
{
    if (!object)
        return E_POINTER;
    *object = NULL;
    if (!iid)
        return E_POINTER;
    if (!is_ours(iid))
        return E_NOINTERFACE;
    host_add_ref(face);
    *object = face;
    return S_OK;
}

/* -- VirtualAlloc -- */

/* MEM_WRITE_WATCH and MEM_PHYSICAL are not offered: runtimes probe for them and do without. */
#define ALLOCATION_TYPES (MEM_COMMIT | MEM_RESERVE | MEM_TOP_DOWN | MEM_LARGE_PAGES)

static bool is_reset(DWORD type)
{
    return type == MEM_RESET || type == MEM_RESET_UNDO;
}

static bool type_is_valid(DWORD type)
{
    if (is_reset(type))
        return true;
    if (type & ~ALLOCATION_TYPES || !(type & (MEM_COMMIT | MEM_RESERVE)))
        return false;
    return !(type & MEM_LARGE_PAGES) || (type & MEM_COMMIT && type & MEM_RESERVE);
}

static void *page_of(void *address)
{
    return (void *)((uintptr_t)address & ~(uintptr_t)4095);
}

static uint32_t flags_from(DWORD type)
{
    uint32_t flags = type & MEM_COMMIT ? HOSTMEM_COMMIT : 0;
    if (type & MEM_LARGE_PAGES)
        flags |= HOSTMEM_LARGE;
    if (type & MEM_TOP_DOWN)
        flags |= HOSTMEM_TOP_DOWN;
    return flags;
}

/* What a valid type asks for; request->flags holds no Win32 bits yet. */
static int allocate(
    struct hostmem *manager, struct hostmem_request *request, DWORD type, void **ret_address)
{
    void *address = request->address;
    *ret_address = page_of(address);
    if (type == MEM_RESET)
        return hostmem_reset(manager, address, request->size);
    if (type == MEM_RESET_UNDO)
        return hostmem_reset_undo(manager, address, request->size);
    request->flags = flags_from(type);
    if (type & MEM_RESERVE || !address)
        return hostmem_reserve(manager, request, ret_address, NULL);
    return hostmem_commit(
        manager, address, request->size, request->protection, request->critical, NULL);
}

static HRESULT host_virtual_alloc(IHostMemoryManager *face, void *address, SIZE_T size, DWORD type,
    DWORD protect, EMemoryCriticalLevel level, void **memory)
{
    struct hostmem_request request = {
        .address = address,
        .size = size,
        .node = HOSTMEM_NODE_LOCAL,
        .critical = words_critical(level),
    };
    void *result;
    if (!memory)
        return E_POINTER;
    *memory = NULL;
    int error = type_is_valid(type) && size ? 0 : -EINVAL;
    if (!error)
        error = words_protection_from(protect, &request.protection);
    /* A reset takes any valid protection, and makes no use of it. */
    if (error == -EOPNOTSUPP && is_reset(type))
        error = 0;
    if (!error)
        error = allocate(manager_of(face), &request, type, &result);
    if (!error)
        *memory = result;
    return words_result(error);
}

/* -- VirtualFree, VirtualProtect, VirtualQuery -- */

static HRESULT host_virtual_free(IHostMemoryManager *face, LPVOID address, SIZE_T size, DWORD type)
{
    int error = -EINVAL;
    if (type == MEM_DECOMMIT)
        error = hostmem_decommit(manager_of(face), address, size);
    else if (type == MEM_RELEASE && size == 0)
        error = hostmem_release(manager_of(face), address);
    return words_result(error);
}

static HRESULT host_virtual_protect(
    IHostMemoryManager *face, void *address, SIZE_T size, DWORD protect, DWORD *old)
{
    uint32_t protection = 0, before;
    if (!old)
        return HRESULT_FROM_WIN32(ERROR_NOACCESS);
    int error = size ? words_protection_from(protect, &protection) : -EINVAL;
    if (!error)
        error = hostmem_protect(manager_of(face), address, size, protection, &before);
    if (!error)
        *old = words_protection_to(before);
    return words_result(error);
}

static HRESULT host_virtual_query(
    IHostMemoryManager *face, void *address, void *buffer, SIZE_T length, SIZE_T *result)
{
    struct hostmem_info info;
    MEMORY_BASIC_INFORMATION information;
    if (!result)
        return E_POINTER;
    *result = 0;
    if (length < sizeof(information))
        return HRESULT_FROM_WIN32(ERROR_BAD_LENGTH);
    if (!buffer)
        return HRESULT_FROM_WIN32(ERROR_NOACCESS);
    int error = hostmem_query(manager_of(face), address, &info);
    if (error)
        return words_result(error);
    information = words_information(&info);
    memcpy(buffer, &information, sizeof(information));
    *result = sizeof(information);
    return S_OK;
}

/* -- load and heaps -- */

static HRESULT host_get_memory_load(IHostMemoryManager *face, DWORD *percent, SIZE_T *available)
{
    struct hostmem_load load;
    if (!percent || !available)
        return E_POINTER;
    int error = hostmem_load(manager_of(face), &load);
    if (error)
        return words_result(error);
    *percent = load.percent;
    *available = load.available_bytes;
    return S_OK;
}

static HRESULT host_create_malloc(IHostMemoryManager *face, DWORD type, IHostMalloc **heap)
{
    if (!heap)
        return E_POINTER;
    *heap = NULL;
    return host_malloc_create(face, manager_of(face), type, heap);
}

/* -- notification -- */

/* The CLR's object may be told to go from inside of the call. */
static void notify(void *context, const struct hostmem_pressure *pressure)
{
    ICLRMemoryNotificationCallback *callback = context;
    ICLRMemoryNotificationCallback_AddRef(callback);
    ICLRMemoryNotificationCallback_OnMemoryNotification(
        callback, (EMemoryAvailable)pressure->level);
    ICLRMemoryNotificationCallback_Release(callback);
}

/* Takes what is registered out of the object; the lock keeps two registrations apart. */
static struct registration exchange(struct host *host, struct registration new)
{
    pthread_mutex_lock(&host->registering);
    struct registration old = host->registration;
    host->registration = new;
    pthread_mutex_unlock(&host->registering);
    return old;
}

static HRESULT host_register_callback(
    IHostMemoryManager *face, ICLRMemoryNotificationCallback *callback)
{
    struct host *host = host_of(face);
    struct registration new = {.callback = callback};
    int error = 0;
    /* The callback may be called within this, and may let the last reference of its own go. */
    host_add_ref(face);
    if (callback) {
        ICLRMemoryNotificationCallback_AddRef(callback);
        error =
            hostmem_subscribe(host->manager, HOSTMEM_NODE_ALL, notify, callback, &new.subscription);
    }
    if (error)
        ICLRMemoryNotificationCallback_Release(callback);
    else
        drop(host, exchange(host, new));
    host_release(face);
    return words_result(error);
}

/* -- address space that the runtime maps itself -- */

static HRESULT host_needs_space(IHostMemoryManager *face, LPVOID address, SIZE_T size)
{
    return words_result(hostmem_external_needs(manager_of(face), size));
}

static HRESULT host_acquired_space(IHostMemoryManager *face, LPVOID address, SIZE_T size)
{
    return words_result(hostmem_external_acquired(manager_of(face), address, size));
}

static HRESULT host_released_space(IHostMemoryManager *face, LPVOID address)
{
    return words_result(hostmem_external_released(manager_of(face), address));
}

static const IHostMemoryManagerVtbl host_methods = {
    .QueryInterface = host_query_interface,
    .AddRef = host_add_ref,
    .Release = host_release,
    .CreateMalloc = host_create_malloc,
    .VirtualAlloc = host_virtual_alloc,
    .VirtualFree = host_virtual_free,
    .VirtualQuery = host_virtual_query,
    .VirtualProtect = host_virtual_protect,
    .GetMemoryLoad = host_get_memory_load,
    .RegisterMemoryNotificationCallback = host_register_callback,
    .NeedsVirtualAddressSpace = host_needs_space,
    .AcquiredVirtualAddressSpace = host_acquired_space,
    .ReleasedVirtualAddressSpace = host_released_space,
};

/* -- making one -- */

HRESULT HostMemCreateManager(IHostMemoryManager **ppManager)
{
    if (!ppManager)
        return E_POINTER;
    *ppManager = NULL;
    struct host *host = calloc(1, sizeof(*host));
    if (!host)
        return E_OUTOFMEMORY;
    int error = hostmem_create(&host->manager);
    if (error) {
        free(host);
        return words_result(error);
    }
    host->face.lpVtbl = &host_methods;
    atomic_init(&host->references, 1);
    pthread_mutex_init(&host->registering, NULL);
    *ppManager = &host->face;
    return S_OK;
}

struct hostmem *HostMemFromManager(IHostMemoryManager *pManager)
{
    if (!pManager || pManager->lpVtbl != &host_methods)
        return NULL;
    return manager_of(pManager);
}
