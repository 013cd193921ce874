/* SPDX-License-Identifier: MIT */
/*
 * IHostMalloc: a heap as a COM object. Invariant: an object lives while its count is not zero, and
 * holds a reference of the manager that made it. No lock: the count is atomic.
 */
#ifndef HOSTMEM_HOST_MALLOC_H
#define HOSTMEM_HOST_MALLOC_H

#include <hostmem/mscoree.h>

/* A heap of `owner`, whose C face is `manager`, on the caller's node. */
HRESULT host_malloc_create(
    IHostMemoryManager *owner, struct hostmem *manager, DWORD type, IHostMalloc **ret_heap);

#endif
