/* SPDX-License-Identifier: MIT */
/* The methods of IHostMalloc, each in terms of the C face. Invariant and lock: see host_malloc.h.
 */
#include "lib/host_malloc.h"

#include <hostmem/heap.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/words.h"

#define TYPES (MALLOC_THREADSAFE | MALLOC_EXECUTABLE)

struct host_malloc {
    IHostMalloc face;
    _Atomic ULONG references;
    IHostMemoryManager *owner; /* one reference */
    struct hostmem_heap *heap; /* owned */
};

static struct host_malloc *object_of(IHostMalloc *face)
{
    return (struct host_malloc *)face;
}

/* -- IUnknown -- */

static ULONG malloc_add_ref(IHostMalloc *face)
{
    return atomic_fetch_add(&object_of(face)->references, 1) + 1;
}

static ULONG malloc_release(IHostMalloc *face)
{
    struct host_malloc *object = object_of(face);
    ULONG left = atomic_fetch_sub(&object->references, 1) - 1;
    if (left > 0)
        return left;
    hostmem_heap_destroy(object->heap);
    IHostMemoryManager_Release(object->owner);
    free(object);
    return 0;
}

static bool is_ours(REFIID iid)
{
    return memcmp(iid, &IID_IUnknown, sizeof(*iid)) == 0 ||
           memcmp(iid, &IID_IHostMalloc, sizeof(*iid)) == 0;
}

static HRESULT malloc_query_interface(IHostMalloc *face, REFIID iid, void **object)
{
    if (!object)
        return E_POINTER;
    *object = NULL;
    if (!iid)
        return E_POINTER;
    if (!is_ours(iid))
        return E_NOINTERFACE;
    malloc_add_ref(face);
    *object = face;
    return S_OK;
}

/* -- blocks -- */

static HRESULT malloc_alloc(
    IHostMalloc *face, SIZE_T size, EMemoryCriticalLevel level, void **memory)
{
    if (!memory)
        return E_POINTER;
    *memory = NULL;
    return words_result(
        hostmem_heap_alloc(object_of(face)->heap, size, words_critical(level), memory));
}

static HRESULT malloc_debug_alloc(
    IHostMalloc *face, SIZE_T size, EMemoryCriticalLevel level, char *file, int line, void **memory)
{
    if (!memory)
        return E_POINTER;
    *memory = NULL;
    return words_result(hostmem_heap_debug_alloc(
        object_of(face)->heap, size, words_critical(level), file, line, memory));
}

static HRESULT malloc_free(IHostMalloc *face, void *memory)
{
    return words_result(hostmem_heap_free(object_of(face)->heap, memory));
}

static const IHostMallocVtbl malloc_methods = {
    .QueryInterface = malloc_query_interface,
    .AddRef = malloc_add_ref,
    .Release = malloc_release,
    .Alloc = malloc_alloc,
    .DebugAlloc = malloc_debug_alloc,
    .Free = malloc_free,
};

/* -- making one -- */

HRESULT host_malloc_create(
    IHostMemoryManager *owner, struct hostmem *manager, DWORD type, IHostMalloc **ret_heap)
{
    uint32_t flags = type & MALLOC_EXECUTABLE ? HOSTMEM_HEAP_EXECUTABLE : 0;
    if (type & ~(DWORD)TYPES)
        return E_INVALIDARG;
    struct host_malloc *object = calloc(1, sizeof(*object));
    if (!object)
        return E_OUTOFMEMORY;
    int error = hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, flags, &object->heap);
    if (error) {
        free(object);
        return words_result(error);
    }
    object->face.lpVtbl = &malloc_methods;
    atomic_init(&object->references, 1);
    IHostMemoryManager_AddRef(owner);
    object->owner = owner;
    *ret_heap = &object->face;
    return S_OK;
}
