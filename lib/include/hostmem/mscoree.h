/* SPDX-License-Identifier: MIT */
/*
 * The memory part of the CLR hosting interface: IHostMemoryManager, IHostMalloc and
 * ICLRMemoryNotificationCallback with the slot order, IIDs and values of the public MSCOREE.IDL,
 * and the Win32 types and constants that they speak of.
 *
 * - Functions use the platform's own C calling convention (System V on x86-64).
 * - Widths are those of 64-bit Windows: DWORD, ULONG, HRESULT and enumerations have 32 bits.
 * - In C, `p->lpVtbl->Method(p, ...)` or the macro Interface_Method(p, ...); C++ has p->Method(...)
 *   besides.
 * - A program with its own Windows-like headers includes them first and defines
 *   HOSTMEM_NO_WIN32_TYPES: then nothing but the interfaces and the two functions is declared here.
 * - All methods may be called from any number of threads. VirtualQuery is async-signal-safe.
 *
 * What each method does, argument by argument, is in docs/semantics.md.
 */
#ifndef HOSTMEM_MSCOREE_H
#define HOSTMEM_MSCOREE_H

#include <stddef.h>
#include <stdint.h>

#include <hostmem/hostmem.h>
#ifndef HOSTMEM_NO_WIN32_TYPES
#include <hostmem/wintypes.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum EMemoryAvailable {
    eMemoryAvailableLow = 1,
    eMemoryAvailableNeutral = 2,
    eMemoryAvailableHigh = 3
} EMemoryAvailable;

typedef enum EMemoryCriticalLevel {
    eTaskCritical = 0,
    eAppDomainCritical = 1,
    eProcessCritical = 2
} EMemoryCriticalLevel;

typedef enum MALLOC_TYPE { MALLOC_THREADSAFE = 0x1, MALLOC_EXECUTABLE = 0x2 } MALLOC_TYPE;

#if defined(__GNUC__)
#define HOSTMEM_UNUSED __attribute__((unused))
#else
#define HOSTMEM_UNUSED
#endif

#ifndef HOSTMEM_NO_WIN32_TYPES
static const GUID IID_IUnknown HOSTMEM_UNUSED = {
    0x00000000, 0x0000, 0x0000, {0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46}};
#endif
static const GUID IID_IHostMemoryManager HOSTMEM_UNUSED = {
    0x7bc698d1, 0xf9e3, 0x4460, {0x9c, 0xde, 0xd0, 0x42, 0x48, 0xe9, 0xfa, 0x25}};
static const GUID IID_IHostMalloc HOSTMEM_UNUSED = {
    0x1831991c, 0xcc53, 0x4a31, {0xb2, 0x18, 0x04, 0xe9, 0x10, 0x44, 0x64, 0x79}};
static const GUID IID_ICLRMemoryNotificationCallback HOSTMEM_UNUSED = {
    0x47eb8e57, 0x0846, 0x4546, {0xaf, 0x76, 0x6f, 0x42, 0xfc, 0xfc, 0x26, 0x49}};

#ifndef HOSTMEM_NO_WIN32_TYPES
typedef struct IUnknown IUnknown;
typedef struct IUnknownVtbl {
    HRESULT (*QueryInterface)(IUnknown *This, REFIID riid, void **ppvObject);
    ULONG (*AddRef)(IUnknown *This);
    ULONG (*Release)(IUnknown *This);
} IUnknownVtbl;
struct IUnknown {
    const IUnknownVtbl *lpVtbl;
#ifdef __cplusplus
    HRESULT QueryInterface(REFIID riid, void **ppvObject)
    {
        return lpVtbl->QueryInterface(this, riid, ppvObject);
    }
    ULONG AddRef()
    {
        return lpVtbl->AddRef(this);
    }
    ULONG Release()
    {
        return lpVtbl->Release(this);
    }
#endif
};
#define IUnknown_QueryInterface(This, riid, ppvObject)                                             \
    ((This)->lpVtbl->QueryInterface(This, riid, ppvObject))
#define IUnknown_AddRef(This)  ((This)->lpVtbl->AddRef(This))
#define IUnknown_Release(This) ((This)->lpVtbl->Release(This))
#endif

typedef struct IHostMalloc IHostMalloc;
typedef struct IHostMallocVtbl {
    HRESULT (*QueryInterface)(IHostMalloc *This, REFIID riid, void **ppvObject);
    ULONG (*AddRef)(IHostMalloc *This);
    ULONG (*Release)(IHostMalloc *This);
    HRESULT(*Alloc)
    (IHostMalloc *This, SIZE_T cbSize, EMemoryCriticalLevel eCriticalLevel, void **ppMem);
    HRESULT(*DebugAlloc)
    (IHostMalloc *This, SIZE_T cbSize, EMemoryCriticalLevel eCriticalLevel, char *pszFileName,
        int iLineNo, void **ppMem);
    HRESULT (*Free)(IHostMalloc *This, void *pMem);
} IHostMallocVtbl;
struct IHostMalloc {
    const IHostMallocVtbl *lpVtbl;
#ifdef __cplusplus
    HRESULT QueryInterface(REFIID riid, void **ppvObject)
    {
        return lpVtbl->QueryInterface(this, riid, ppvObject);
    }
    ULONG AddRef()
    {
        return lpVtbl->AddRef(this);
    }
    ULONG Release()
    {
        return lpVtbl->Release(this);
    }
    HRESULT Alloc(SIZE_T cbSize, EMemoryCriticalLevel eCriticalLevel, void **ppMem)
    {
        return lpVtbl->Alloc(this, cbSize, eCriticalLevel, ppMem);
    }
    HRESULT DebugAlloc(SIZE_T cbSize, EMemoryCriticalLevel eCriticalLevel, char *pszFileName,
        int iLineNo, void **ppMem)
    {
        return lpVtbl->DebugAlloc(this, cbSize, eCriticalLevel, pszFileName, iLineNo, ppMem);
    }
    HRESULT Free(void *pMem)
    {
        return lpVtbl->Free(this, pMem);
    }
#endif
};
#define IHostMalloc_QueryInterface(This, riid, ppvObject)                                          \
    ((This)->lpVtbl->QueryInterface(This, riid, ppvObject))
#define IHostMalloc_AddRef(This)  ((This)->lpVtbl->AddRef(This))
#define IHostMalloc_Release(This) ((This)->lpVtbl->Release(This))
#define IHostMalloc_Alloc(This, cbSize, eCriticalLevel, ppMem)                                     \
    ((This)->lpVtbl->Alloc(This, cbSize, eCriticalLevel, ppMem))
#define IHostMalloc_DebugAlloc(This, cbSize, eCriticalLevel, pszFileName, iLineNo, ppMem)          \
    ((This)->lpVtbl->DebugAlloc(This, cbSize, eCriticalLevel, pszFileName, iLineNo, ppMem))
#define IHostMalloc_Free(This, pMem) ((This)->lpVtbl->Free(This, pMem))

typedef struct ICLRMemoryNotificationCallback ICLRMemoryNotificationCallback;
typedef struct ICLRMemoryNotificationCallbackVtbl {
    HRESULT (*QueryInterface)(ICLRMemoryNotificationCallback *This, REFIID riid, void **ppvObject);
    ULONG (*AddRef)(ICLRMemoryNotificationCallback *This);
    ULONG (*Release)(ICLRMemoryNotificationCallback *This);
    HRESULT(*OnMemoryNotification)
    (ICLRMemoryNotificationCallback *This, EMemoryAvailable eMemoryAvailable);
} ICLRMemoryNotificationCallbackVtbl;
struct ICLRMemoryNotificationCallback {
    const ICLRMemoryNotificationCallbackVtbl *lpVtbl;
#ifdef __cplusplus
    HRESULT QueryInterface(REFIID riid, void **ppvObject)
    {
        return lpVtbl->QueryInterface(this, riid, ppvObject);
    }
    ULONG AddRef()
    {
        return lpVtbl->AddRef(this);
    }
    ULONG Release()
    {
        return lpVtbl->Release(this);
    }
    HRESULT OnMemoryNotification(EMemoryAvailable eMemoryAvailable)
    {
        return lpVtbl->OnMemoryNotification(this, eMemoryAvailable);
    }
#endif
};
#define ICLRMemoryNotificationCallback_QueryInterface(This, riid, ppvObject)                       \
    ((This)->lpVtbl->QueryInterface(This, riid, ppvObject))
#define ICLRMemoryNotificationCallback_AddRef(This)  ((This)->lpVtbl->AddRef(This))
#define ICLRMemoryNotificationCallback_Release(This) ((This)->lpVtbl->Release(This))
#define ICLRMemoryNotificationCallback_OnMemoryNotification(This, eMemoryAvailable)                \
    ((This)->lpVtbl->OnMemoryNotification(This, eMemoryAvailable))

typedef struct IHostMemoryManager IHostMemoryManager;
typedef struct IHostMemoryManagerVtbl {
    HRESULT (*QueryInterface)(IHostMemoryManager *This, REFIID riid, void **ppvObject);
    ULONG (*AddRef)(IHostMemoryManager *This);
    ULONG (*Release)(IHostMemoryManager *This);
    HRESULT (*CreateMalloc)(IHostMemoryManager *This, DWORD dwMallocType, IHostMalloc **ppMalloc);
    HRESULT(*VirtualAlloc)
    (IHostMemoryManager *This, void *pAddress, SIZE_T dwSize, DWORD flAllocationType,
        DWORD flProtect, EMemoryCriticalLevel eCriticalLevel, void **ppMem);
    HRESULT(*VirtualFree)
    (IHostMemoryManager *This, LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType);
    HRESULT(*VirtualQuery)
    (IHostMemoryManager *This, void *lpAddress, void *lpBuffer, SIZE_T dwLength, SIZE_T *pResult);
    HRESULT(*VirtualProtect)
    (IHostMemoryManager *This, void *lpAddress, SIZE_T dwSize, DWORD flNewProtect,
        DWORD *pflOldProtect);
    HRESULT (*GetMemoryLoad)(IHostMemoryManager *This, DWORD *pMemoryLoad, SIZE_T *pAvailableBytes);
    HRESULT(*RegisterMemoryNotificationCallback)
    (IHostMemoryManager *This, ICLRMemoryNotificationCallback *pCallback);
    HRESULT (*NeedsVirtualAddressSpace)(IHostMemoryManager *This, LPVOID startAddress, SIZE_T size);
    HRESULT(*AcquiredVirtualAddressSpace)
    (IHostMemoryManager *This, LPVOID startAddress, SIZE_T size);
    HRESULT (*ReleasedVirtualAddressSpace)(IHostMemoryManager *This, LPVOID startAddress);
} IHostMemoryManagerVtbl;
struct IHostMemoryManager {
    const IHostMemoryManagerVtbl *lpVtbl;
#ifdef __cplusplus
    HRESULT QueryInterface(REFIID riid, void **ppvObject)
    {
        return lpVtbl->QueryInterface(this, riid, ppvObject);
    }
    ULONG AddRef()
    {
        return lpVtbl->AddRef(this);
    }
    ULONG Release()
    {
        return lpVtbl->Release(this);
    }
    HRESULT CreateMalloc(DWORD dwMallocType, IHostMalloc **ppMalloc)
    {
        return lpVtbl->CreateMalloc(this, dwMallocType, ppMalloc);
    }
    HRESULT VirtualAlloc(void *pAddress, SIZE_T dwSize, DWORD flAllocationType, DWORD flProtect,
        EMemoryCriticalLevel eCriticalLevel, void **ppMem)
    {
        return lpVtbl->VirtualAlloc(
            this, pAddress, dwSize, flAllocationType, flProtect, eCriticalLevel, ppMem);
    }
    HRESULT VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType)
    {
        return lpVtbl->VirtualFree(this, lpAddress, dwSize, dwFreeType);
    }
    HRESULT VirtualQuery(void *lpAddress, void *lpBuffer, SIZE_T dwLength, SIZE_T *pResult)
    {
        return lpVtbl->VirtualQuery(this, lpAddress, lpBuffer, dwLength, pResult);
    }
    HRESULT VirtualProtect(void *lpAddress, SIZE_T dwSize, DWORD flNewProtect, DWORD *pflOldProtect)
    {
        return lpVtbl->VirtualProtect(this, lpAddress, dwSize, flNewProtect, pflOldProtect);
    }
    HRESULT GetMemoryLoad(DWORD *pMemoryLoad, SIZE_T *pAvailableBytes)
    {
        return lpVtbl->GetMemoryLoad(this, pMemoryLoad, pAvailableBytes);
    }
    HRESULT RegisterMemoryNotificationCallback(ICLRMemoryNotificationCallback *pCallback)
    {
        return lpVtbl->RegisterMemoryNotificationCallback(this, pCallback);
    }
    HRESULT NeedsVirtualAddressSpace(LPVOID startAddress, SIZE_T size)
    {
        return lpVtbl->NeedsVirtualAddressSpace(this, startAddress, size);
    }
    HRESULT AcquiredVirtualAddressSpace(LPVOID startAddress, SIZE_T size)
    {
        return lpVtbl->AcquiredVirtualAddressSpace(this, startAddress, size);
    }
    HRESULT ReleasedVirtualAddressSpace(LPVOID startAddress)
    {
        return lpVtbl->ReleasedVirtualAddressSpace(this, startAddress);
    }
#endif
};
#define IHostMemoryManager_QueryInterface(This, riid, ppvObject)                                   \
    ((This)->lpVtbl->QueryInterface(This, riid, ppvObject))
#define IHostMemoryManager_AddRef(This)  ((This)->lpVtbl->AddRef(This))
#define IHostMemoryManager_Release(This) ((This)->lpVtbl->Release(This))
#define IHostMemoryManager_CreateMalloc(This, dwMallocType, ppMalloc)                              \
    ((This)->lpVtbl->CreateMalloc(This, dwMallocType, ppMalloc))
#define IHostMemoryManager_VirtualAlloc(                                                           \
    This, pAddress, dwSize, flAllocationType, flProtect, eCriticalLevel, ppMem)                    \
    ((This)->lpVtbl->VirtualAlloc(                                                                 \
        This, pAddress, dwSize, flAllocationType, flProtect, eCriticalLevel, ppMem))
#define IHostMemoryManager_VirtualFree(This, lpAddress, dwSize, dwFreeType)                        \
    ((This)->lpVtbl->VirtualFree(This, lpAddress, dwSize, dwFreeType))
#define IHostMemoryManager_VirtualQuery(This, lpAddress, lpBuffer, dwLength, pResult)              \
    ((This)->lpVtbl->VirtualQuery(This, lpAddress, lpBuffer, dwLength, pResult))
#define IHostMemoryManager_VirtualProtect(This, lpAddress, dwSize, flNewProtect, pflOldProtect)    \
    ((This)->lpVtbl->VirtualProtect(This, lpAddress, dwSize, flNewProtect, pflOldProtect))
#define IHostMemoryManager_GetMemoryLoad(This, pMemoryLoad, pAvailableBytes)                       \
    ((This)->lpVtbl->GetMemoryLoad(This, pMemoryLoad, pAvailableBytes))
#define IHostMemoryManager_RegisterMemoryNotificationCallback(This, pCallback)                     \
    ((This)->lpVtbl->RegisterMemoryNotificationCallback(This, pCallback))
#define IHostMemoryManager_NeedsVirtualAddressSpace(This, startAddress, size)                      \
    ((This)->lpVtbl->NeedsVirtualAddressSpace(This, startAddress, size))
#define IHostMemoryManager_AcquiredVirtualAddressSpace(This, startAddress, size)                   \
    ((This)->lpVtbl->AcquiredVirtualAddressSpace(This, startAddress, size))
#define IHostMemoryManager_ReleasedVirtualAddressSpace(This, startAddress)                         \
    ((This)->lpVtbl->ReleasedVirtualAddressSpace(This, startAddress))

/*
 * Makes a manager, configured from the environment, with one reference for the caller.
 * E_INVALIDARG: a HOSTMEM_ variable is wrong, one line on stderr names it; E_OUTOFMEMORY;
 * E_POINTER. *ppManager is NULL on failure.
 */
HOSTMEM_API HRESULT HostMemCreateManager(IHostMemoryManager **ppManager);

/* The C face of a manager that HostMemCreateManager() made; it lives as long as the manager does.
 * NULL for any other. */
HOSTMEM_API struct hostmem *HostMemFromManager(IHostMemoryManager *pManager);

#ifdef __cplusplus
}
#endif

#endif
