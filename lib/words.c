/* SPDX-License-Identifier: MIT */
/* Win32's words and those of the C face, each in terms of the other. Pure functions; no lock. */
#include "lib/words.h"

#include <errno.h>
#include <stdbool.h>

_Static_assert(sizeof(MEMORY_BASIC_INFORMATION) == 48, "as on 64-bit Windows");
_Static_assert(offsetof(MEMORY_BASIC_INFORMATION, RegionSize) == 24, "as on 64-bit Windows");
_Static_assert(sizeof(HRESULT) == 4 && sizeof(DWORD) == 4 && sizeof(ULONG) == 4, "Win32 widths");

/* -- errors -- */

HRESULT words_result(int error)
{
    static const struct {
        int error;
        HRESULT result;
    } table[] = {
        {0, S_OK},
        {-EINVAL, E_INVALIDARG},
        {-ENOMEM, E_OUTOFMEMORY},
        {-EMFILE, E_OUTOFMEMORY},
        {-ENFILE, E_OUTOFMEMORY},
        {-EADDRNOTAVAIL, HRESULT_FROM_WIN32(ERROR_INVALID_ADDRESS)},
        {-ENXIO, HOST_E_INVALIDOPERATION},
        {-ENODEV, HOST_E_CLRNOTAVAILABLE},
        {-EOPNOTSUPP, HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED)},
        {-ENOBUFS, HRESULT_FROM_WIN32(ERROR_NO_SYSTEM_RESOURCES)},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].error == error)
            return table[i].result;
    /* E_FAIL would tell the CLR that it is dead. */
    return HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED);
}

/* -- levels -- */

_Static_assert((int)eProcessCritical == HOSTMEM_PROCESS_CRITICAL, "levels are passed down");

enum hostmem_critical words_critical(EMemoryCriticalLevel level)
{
    return (unsigned)level > eProcessCritical ? HOSTMEM_PROCESS_CRITICAL
                                              : (enum hostmem_critical)level;
}

/* -- protections -- */

static const struct {
    DWORD win32;
    uint32_t access;
} protections[] = {
    {PAGE_NOACCESS, HOSTMEM_PROT_NONE},
    {PAGE_READONLY, HOSTMEM_PROT_READ},
    {PAGE_READWRITE, HOSTMEM_PROT_RW},
    {PAGE_EXECUTE, HOSTMEM_PROT_EXEC},
    {PAGE_EXECUTE_READ, HOSTMEM_PROT_EXEC | HOSTMEM_PROT_READ},
    {PAGE_EXECUTE_READWRITE, HOSTMEM_PROT_EXEC | HOSTMEM_PROT_RW},
};
#define PROTECTIONS    (sizeof(protections) / sizeof(protections[0]))
#define PAGE_BASES     0xffu
#define PAGE_MODIFIERS (PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE)
#define PAGE_EXECUTES  (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE)

/* Modifiers exclude each other, and none goes with PAGE_NOACCESS. */
static bool modifiers_are_valid(DWORD protect)
{
    DWORD modifiers = protect & PAGE_MODIFIERS;
    if (modifiers & (modifiers - 1))
        return false;
    return !modifiers || !(protect & PAGE_NOACCESS);
}

static bool bits_are_known(DWORD protect)
{
    if (protect & ~(PAGE_BASES | PAGE_MODIFIERS | PAGE_TARGETS_INVALID))
        return false;
    return !(protect & PAGE_TARGETS_INVALID) || (protect & PAGE_EXECUTES);
}

int words_protection_from(DWORD protect, uint32_t *ret_protection)
{
    uint32_t attributes = 0;
    if (!bits_are_known(protect) || !modifiers_are_valid(protect))
        return -EINVAL;
    if (protect & PAGE_NOCACHE)
        attributes |= HOSTMEM_PROT_NOCACHE;
    if (protect & PAGE_WRITECOMBINE)
        attributes |= HOSTMEM_PROT_WRITECOMBINE;
    for (size_t i = 0; i < PROTECTIONS; i++) {
        if (protections[i].win32 != (protect & PAGE_BASES))
            continue;
        *ret_protection = protections[i].access | attributes;
        return protect & PAGE_GUARD ? -EOPNOTSUPP : 0;
    }
    return -EINVAL;
}

DWORD words_protection_to(uint32_t protection)
{
    uint32_t access = protection & (HOSTMEM_PROT_RW | HOSTMEM_PROT_EXEC);
    DWORD protect = protection & HOSTMEM_PROT_NOCACHE ? PAGE_NOCACHE : 0;
    if (protection & HOSTMEM_PROT_WRITECOMBINE)
        protect |= PAGE_WRITECOMBINE;
    /* Foreign memory may be writable alone; Windows has no such page. */
    if (access & HOSTMEM_PROT_WRITE)
        access |= HOSTMEM_PROT_READ;
    for (size_t i = 0; i < PROTECTIONS; i++)
        if (protections[i].access == access)
            protect |= protections[i].win32;
    return protect;
}

/* -- queries -- */

MEMORY_BASIC_INFORMATION words_information(const struct hostmem_info *info)
{
    static const DWORD states[] = {MEM_FREE, MEM_RESERVE, MEM_COMMIT};
    static const DWORD types[] = {0, MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE};
    bool is_free = info->state == HOSTMEM_FREE;
    MEMORY_BASIC_INFORMATION information = {
        .BaseAddress = (void *)info->base,
        .AllocationBase = (void *)info->allocation_base,
        .AllocationProtect = is_free ? 0 : words_protection_to(info->allocation_protection),
        .RegionSize = info->size,
        .State = states[info->state],
        .Protect = is_free ? PAGE_NOACCESS : 0,
        .Type = types[info->type],
    };
    if (info->state == HOSTMEM_COMMITTED)
        information.Protect = words_protection_to(info->protection);
    return information;
}
