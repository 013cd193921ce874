/* SPDX-License-Identifier: MIT */
/* The two faces of one manager behind one set of calls; see face.h. The tables here are the test's
 * own, not the library's. No lock. */
#include "face.h"

#include <errno.h>
#include <string.h>

void face_open(struct face *face)
{
    must(HostMemCreateManager(&face->com) == S_OK);
    face->c = HostMemFromManager(face->com);
    must(face->c);
}

void face_close(struct face *face)
{
    must(IHostMemoryManager_Release(face->com) == 0);
}

/* -- words -- */

static int error_from(HRESULT result)
{
    switch ((uint32_t)result) {
    case 0:
        return 0;
    case 0x80070057u:
        return -EINVAL;
    case 0x8007000Eu:
        return -ENOMEM;
    case 0x800701E7u:
        return -EADDRNOTAVAIL;
    case 0x80131022u:
        return -ENXIO;
    case 0x80131023u:
        return -ENODEV;
    case 0x80070032u:
        return -EOPNOTSUPP;
    case 0x800705AAu:
        return -ENOBUFS;
    default:
        return -EPROTO;
    }
}

static const struct {
    uint32_t access;
    DWORD win32;
} words[] = {
    {0, PAGE_NOACCESS},
    {1, PAGE_READONLY},
    {3, PAGE_READWRITE},
    {4, PAGE_EXECUTE},
    {5, PAGE_EXECUTE_READ},
    {7, PAGE_EXECUTE_READWRITE},
};

/* 0, which is no protection on Windows, for what it has no word for. */
static DWORD protect_to(uint32_t protection)
{
    DWORD attributes = 0;
    if (protection & HOSTMEM_PROT_NOCACHE)
        attributes |= PAGE_NOCACHE;
    if (protection & HOSTMEM_PROT_WRITECOMBINE)
        attributes |= PAGE_WRITECOMBINE;
    if (protection & ~0x37u)
        return 0;
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].access == (protection & 7))
            return words[i].win32 | attributes;
    return 0;
}

static uint32_t protect_from(DWORD protect)
{
    uint32_t protection = 0;
    if (protect & PAGE_NOCACHE)
        protection |= HOSTMEM_PROT_NOCACHE;
    if (protect & PAGE_WRITECOMBINE)
        protection |= HOSTMEM_PROT_WRITECOMBINE;
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].win32 == (protect & 0xff))
            return protection | words[i].access;
    return ~0u;
}

/* -- calls -- */

static int com_alloc(const struct face *face, uintptr_t address, size_t size, DWORD type,
    DWORD protect, void **ret_base)
{
    void *base = (void *)-1;
    HRESULT result = IHostMemoryManager_VirtualAlloc(
        face->com, (void *)address, size, type, protect, eTaskCritical, &base);
    must(result == S_OK || base == NULL);
    if (result == S_OK)
        *ret_base = base;
    return error_from(result);
}

static DWORD type_of(const struct hostmem_request *request)
{
    DWORD type = MEM_RESERVE;
    if (request->flags & HOSTMEM_COMMIT)
        type |= MEM_COMMIT;
    if (request->flags & HOSTMEM_LARGE)
        type |= MEM_LARGE_PAGES;
    if (request->flags & HOSTMEM_TOP_DOWN)
        type |= MEM_TOP_DOWN;
    return type;
}

int face_reserve(const struct face *face, bool com, const struct hostmem_request *request,
    void **ret_base, struct hostmem_receipt *ret_receipt)
{
    if (!com || request->node != HOSTMEM_NODE_LOCAL || request->critical || request->flags & ~7u)
        return hostmem_reserve(face->c, request, ret_base, ret_receipt);
    return com_alloc(face, (uintptr_t)request->address, request->size, type_of(request),
        protect_to(request->protection), ret_base);
}

int face_commit(const struct face *face, bool com, uintptr_t address, size_t size,
    uint32_t protection, struct hostmem_receipt *ret_receipt)
{
    void *page = NULL;
    if (!com || !address)
        return hostmem_commit(face->c, (void *)address, size, protection, 0, ret_receipt);
    int error = com_alloc(face, address, size, MEM_COMMIT, protect_to(protection), &page);
    must(error || (uintptr_t)page == (address & ~(uintptr_t)(PAGE - 1)));
    return error;
}

int face_decommit(const struct face *face, bool com, uintptr_t address, size_t size)
{
    if (!com)
        return hostmem_decommit(face->c, (void *)address, size);
    return error_from(
        IHostMemoryManager_VirtualFree(face->com, (void *)address, size, MEM_DECOMMIT));
}

int face_release(const struct face *face, bool com, uintptr_t address)
{
    if (!com)
        return hostmem_release(face->c, (void *)address);
    return error_from(IHostMemoryManager_VirtualFree(face->com, (void *)address, 0, MEM_RELEASE));
}

int face_protect(const struct face *face, bool com, uintptr_t address, size_t size,
    uint32_t protection, uint32_t *ret_old)
{
    DWORD old = 0;
    if (!com)
        return hostmem_protect(face->c, (void *)address, size, protection, ret_old);
    int error = error_from(IHostMemoryManager_VirtualProtect(
        face->com, (void *)address, size, protect_to(protection), &old));
    if (!error)
        *ret_old = protect_from(old);
    return error;
}

static int com_reset(const struct face *face, uintptr_t address, size_t size, DWORD type)
{
    void *page = NULL;
    return com_alloc(face, address, size, type, PAGE_READONLY, &page);
}

int face_reset(const struct face *face, bool com, uintptr_t address, size_t size)
{
    if (!com)
        return hostmem_reset(face->c, (void *)address, size);
    return com_reset(face, address, size, MEM_RESET);
}

int face_reset_undo(const struct face *face, bool com, uintptr_t address, size_t size)
{
    if (!com)
        return hostmem_reset_undo(face->c, (void *)address, size);
    return com_reset(face, address, size, MEM_RESET_UNDO);
}

static struct hostmem_info info_from(const MEMORY_BASIC_INFORMATION *mbi)
{
    struct hostmem_info info = {
        .base = (uintptr_t)mbi->BaseAddress,
        .size = mbi->RegionSize,
        .allocation_base = (uintptr_t)mbi->AllocationBase,
        .allocation_protection = mbi->AllocationProtect ? protect_from(mbi->AllocationProtect) : 0,
        .protection = mbi->Protect ? protect_from(mbi->Protect) : 0,
        .state = mbi->State == MEM_COMMIT    ? HOSTMEM_COMMITTED
                 : mbi->State == MEM_RESERVE ? HOSTMEM_RESERVED
                                             : HOSTMEM_FREE,
        .type = mbi->Type == MEM_PRIVATE ? HOSTMEM_PRIVATE
                : mbi->Type == 0         ? HOSTMEM_NOTHING
                                         : HOSTMEM_MAPPED,
    };
    must(mbi->State == MEM_COMMIT || mbi->State == MEM_RESERVE || mbi->State == MEM_FREE);
    return info;
}

int face_query(const struct face *face, bool com, uintptr_t address, struct hostmem_info *ret_info)
{
    MEMORY_BASIC_INFORMATION mbi;
    SIZE_T filled = 99;
    if (!com)
        return hostmem_query(face->c, (void *)address, ret_info);
    HRESULT result =
        IHostMemoryManager_VirtualQuery(face->com, (void *)address, &mbi, sizeof(mbi), &filled);
    must(filled == (result == S_OK ? sizeof(mbi) : 0));
    if (result == S_OK)
        *ret_info = info_from(&mbi);
    return error_from(result);
}
