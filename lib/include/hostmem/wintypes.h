/* SPDX-License-Identifier: MIT */
/*
 * The Win32 types and constants that <hostmem/mscoree.h> speaks of, with the widths and values that
 * they have on 64-bit Windows. Left out where HOSTMEM_NO_WIN32_TYPES is defined.
 */
#ifndef HOSTMEM_WINTYPES_H
#define HOSTMEM_WINTYPES_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t DWORD;
typedef DWORD *PDWORD;
typedef uint32_t ULONG;
typedef int32_t HRESULT;
typedef int32_t BOOL;
typedef size_t SIZE_T;
typedef void *LPVOID;
typedef void *PVOID;

typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;
typedef GUID IID;
typedef const IID *REFIID;

typedef struct _MEMORY_BASIC_INFORMATION {
    PVOID BaseAddress;
    PVOID AllocationBase;
    DWORD AllocationProtect;
    DWORD PartitionId; /* 0 */
    SIZE_T RegionSize;
    DWORD State;
    DWORD Protect;
    DWORD Type;
    DWORD Padding; /* 0 */
} MEMORY_BASIC_INFORMATION, *PMEMORY_BASIC_INFORMATION;

/* HRESULTs */
#define S_OK                    ((HRESULT)0)
#define S_FALSE                 ((HRESULT)1)
#define E_NOTIMPL               ((HRESULT)0x80004001u)
#define E_NOINTERFACE           ((HRESULT)0x80004002u)
#define E_POINTER               ((HRESULT)0x80004003u)
#define E_FAIL                  ((HRESULT)0x80004005u)
#define E_UNEXPECTED            ((HRESULT)0x8000FFFFu)
#define E_OUTOFMEMORY           ((HRESULT)0x8007000Eu)
#define E_INVALIDARG            ((HRESULT)0x80070057u)
#define HOST_E_DEADLOCK         ((HRESULT)0x80131020u)
#define HOST_E_INTERRUPTED      ((HRESULT)0x80131021u)
#define HOST_E_INVALIDOPERATION ((HRESULT)0x80131022u)
#define HOST_E_CLRNOTAVAILABLE  ((HRESULT)0x80131023u)
#define HOST_E_TIMEOUT          ((HRESULT)0x80131024u)
#define HOST_E_NOT_OWNER        ((HRESULT)0x80131025u)
#define HOST_E_ABANDONED        ((HRESULT)0x80131026u)
#define SUCCEEDED(hr)           (((HRESULT)(hr)) >= 0)
#define FAILED(hr)              (((HRESULT)(hr)) < 0)

/* Win32 errors, as they come in an HRESULT */
#define ERROR_INVALID_PARAMETER   87u
#define ERROR_INVALID_ADDRESS     487u
#define ERROR_NOACCESS            998u
#define ERROR_BAD_LENGTH          24u
#define ERROR_NOT_SUPPORTED       50u
#define ERROR_NO_SYSTEM_RESOURCES 1450u
#define HRESULT_FROM_WIN32(error)                                                                  \
    ((error) ? (HRESULT)(0x80070000u | ((uint32_t)(error)&0xffffu)) : S_OK)

/* Types of allocation, states and types of pages */
#define MEM_COMMIT      0x1000u
#define MEM_RESERVE     0x2000u
#define MEM_DECOMMIT    0x4000u
#define MEM_RELEASE     0x8000u
#define MEM_FREE        0x10000u
#define MEM_PRIVATE     0x20000u
#define MEM_MAPPED      0x40000u
#define MEM_RESET       0x80000u
#define MEM_TOP_DOWN    0x100000u
#define MEM_WRITE_WATCH 0x200000u
#define MEM_PHYSICAL    0x400000u
#define MEM_RESET_UNDO  0x1000000u
#define MEM_IMAGE       0x1000000u
#define MEM_LARGE_PAGES 0x20000000u

/* Protections of pages */
#define PAGE_NOACCESS          0x1u
#define PAGE_READONLY          0x2u
#define PAGE_READWRITE         0x4u
#define PAGE_WRITECOPY         0x8u
#define PAGE_EXECUTE           0x10u
#define PAGE_EXECUTE_READ      0x20u
#define PAGE_EXECUTE_READWRITE 0x40u
#define PAGE_EXECUTE_WRITECOPY 0x80u
#define PAGE_GUARD             0x100u
#define PAGE_NOCACHE           0x200u
#define PAGE_WRITECOMBINE      0x400u
#define PAGE_TARGETS_INVALID   0x40000000u
#define PAGE_TARGETS_NO_UPDATE 0x40000000u

#endif
