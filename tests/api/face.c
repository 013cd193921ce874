/* SPDX-License-Identifier: MIT */
/* Managers, methods and touches for the tests of the Win32 semantics; see face.h. No lock. */
#include "face.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIPPED 77
#define POISON  0xdeadbeefu

IHostMemoryManager *manager;

static struct made made_read_write, made_other;

/* -- managers -- */

int face_open(void **state)
{
    return HostMemCreateManager(&manager) == S_OK ? 0 : -1;
}

int face_close(void **state)
{
    ULONG left = manager ? IHostMemoryManager_Release(manager) : 0;
    manager = NULL;
    return left == 0 ? 0 : -1;
}

static void put_back(const char *variable, const char *value)
{
    if (value)
        setenv(variable, value, 1);
    else
        unsetenv(variable);
}

void face_reopen(const char *variable, const char *value)
{
    const char *now = getenv(variable);
    char *before = now ? strdup(now) : NULL;
    assert_int_equal(face_close(NULL), 0);
    setenv(variable, value, 1);
    int failed = face_open(NULL);
    put_back(variable, before);
    free(before);
    assert_int_equal(failed, 0);
}

/* -- what regions are made of -- */

static int look_at(DWORD protect, struct made *made)
{
    struct hostmem_receipt receipt;
    void *base, *same;
    HRESULT result = IHostMemoryManager_VirtualAlloc(
        manager, NULL, FRAME, MEM_RESERVE, protect, eTaskCritical, &base);
    if (result == S_OK)
        result = IHostMemoryManager_VirtualAlloc(
            manager, base, FRAME, MEM_COMMIT, PAGE_READWRITE, eTaskCritical, &same);
    if (result != S_OK || hostmem_receipt(HostMemFromManager(manager), base, FRAME, &receipt))
        return -1;
    made->backing = receipt.backing;
    made->unit = receipt.backing == HOSTMEM_BACKING_HUGETLB ? FRAME : PAGE;
    made->exact = receipt.backing == HOSTMEM_BACKING_BASE;
    return 0;
}

struct made face_made(DWORD protect)
{
    return (protect & 0xff) == PAGE_READWRITE ? made_read_write : made_other;
}

int face_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    const char *backings = getenv("HOSTMEM_BACKING");
    if (face_open(NULL)) {
        fprintf(stderr, "no manager can be made\n");
        return 1;
    }
    int failed = look_at(PAGE_READWRITE, &made_read_write) || look_at(PAGE_NOACCESS, &made_other);
    face_close(NULL);
    if (failed) {
        fprintf(stderr, "missing: memory of HOSTMEM_BACKING=%s\n", backings ? backings : "(unset)");
        return SKIPPED;
    }
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

/* -- methods -- */

HRESULT face_try(void *address, size_t size, DWORD type, DWORD protect)
{
    void *memory = (void *)(uintptr_t)POISON;
    HRESULT result = IHostMemoryManager_VirtualAlloc(
        manager, address, size, type, protect, eTaskCritical, &memory);
    if (result == S_OK)
        assert_true(memory != NULL && memory != (void *)(uintptr_t)POISON);
    else
        assert_null(memory);
    return result;
}

char *face_alloc(void *address, size_t size, DWORD type, DWORD protect)
{
    void *memory = NULL;
    HRESULT result = IHostMemoryManager_VirtualAlloc(
        manager, address, size, type, protect, eTaskCritical, &memory);
    assert_result(result, S_OK);
    assert_non_null(memory);
    return memory;
}

HRESULT face_free(void *address, size_t size, DWORD type)
{
    return IHostMemoryManager_VirtualFree(manager, address, size, type);
}

void face_release(void *base)
{
    assert_result(face_free(base, 0, MEM_RELEASE), S_OK);
}

static HRESULT protect(void *address, size_t size, DWORD protect, DWORD *ret_old)
{
    *ret_old = POISON;
    HRESULT result = IHostMemoryManager_VirtualProtect(manager, address, size, protect, ret_old);
    assert_true((result == S_OK) == (*ret_old != POISON));
    return result;
}

HRESULT face_protect(void *address, size_t size, DWORD protection)
{
    DWORD old;
    return protect(address, size, protection, &old);
}

DWORD face_protect_old(void *address, size_t size, DWORD protection)
{
    DWORD old;
    assert_result(protect(address, size, protection, &old), S_OK);
    return old;
}

MEMORY_BASIC_INFORMATION face_query(const void *address)
{
    MEMORY_BASIC_INFORMATION information;
    SIZE_T written = 0;
    memset(&information, 0xa5, sizeof(information));
    assert_result(IHostMemoryManager_VirtualQuery(
                      manager, (void *)address, &information, sizeof(information), &written),
        S_OK);
    assert_int_equal(written, sizeof(information));
    assert_ptr_equal(information.BaseAddress, (uintptr_t)address & ~(PAGE - 1));
    return information;
}

void assert_extent(const void *address, size_t size, DWORD state, DWORD protection)
{
    MEMORY_BASIC_INFORMATION information = face_query(address);
    assert_int_equal(information.RegionSize, size);
    assert_int_equal(information.State, state);
    assert_int_equal(information.Protect, protection);
}

/* -- addresses -- */

static char *frame_in(const char *from)
{
    return (char *)(((uintptr_t)from + FRAME - 1) & ~(FRAME - 1));
}

char *face_hole(size_t size)
{
    char *base = face_alloc(NULL, size + FRAME, MEM_RESERVE, PAGE_READWRITE);
    face_release(base);
    return frame_in(base);
}

/*
 * A gap of the address space above the program, where neither mmap(2) nor the heap comes in the
 * course of a test.
 */
char *face_hole_outside(size_t size)
{
    const size_t away = (size_t)1 << 30;
    const char *at = (const char *)(uintptr_t)face_hole_outside;
    MEMORY_BASIC_INFORMATION information = face_query(at);
    while (information.State != MEM_FREE || information.RegionSize < 2 * away + size) {
        at = (const char *)information.BaseAddress + information.RegionSize;
        information = face_query(at);
    }
    return frame_in(at + away);
}

/* -- contents -- */

static uint64_t pattern(size_t word, unsigned seed)
{
    return (word + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ seed;
}

void face_fill(char *base, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        ((uint64_t *)base)[i] = pattern(i, seed);
}

void assert_filled(const char *base, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        if (((const uint64_t *)base)[i] != pattern(i, seed))
            fail_msg("contents differ at %p, offset %zu", (const void *)base, i * sizeof(uint64_t));
}

void assert_zero(const char *base, size_t size)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        if (((const uint64_t *)base)[i] != 0)
            fail_msg("not zero: %p, offset %zu", (const void *)base, i * sizeof(uint64_t));
}

/* -- touches -- */

/* A byte from one descriptor's or page's side to the other; the kernel says EFAULT for us. */
static bool moved(ssize_t bytes)
{
    assert_true(bytes == 1 || errno == EFAULT);
    return bytes == 1;
}

bool face_readable(const void *address)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    bool readable = moved(write(ends[1], address, 1));
    close(ends[0]);
    close(ends[1]);
    return readable;
}

bool face_writable(void *address)
{
    int ends[2];
    char byte = face_readable(address) ? *(volatile char *)address : 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], &byte, 1), 1);
    bool writable = moved(read(ends[0], address, 1));
    close(ends[0]);
    close(ends[1]);
    return writable;
}

#if defined(__x86_64__)
static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */

bool face_can_run_code(void)
{
    return true;
}
#else
static const unsigned char code[] = {0};

bool face_can_run_code(void)
{
    return false;
}
#endif

void face_write_code(char *address)
{
    memcpy(address, code, sizeof(code));
}

static sigjmp_buf faulted;

static void leave(int number)
{
    siglongjmp(faulted, number);
}

bool face_runs(const char *address)
{
    struct sigaction now = {.sa_handler = leave}, before;
    volatile int result = 0;
    sigaction(SIGSEGV, &now, &before);
    if (sigsetjmp(faulted, 1) == 0)
        result = ((int (*)(void))(uintptr_t)address)();
    sigaction(SIGSEGV, &before, NULL);
    return result == 42;
}

#define READABLE (PAGE_READONLY | PAGE_READWRITE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE)
#define WRITABLE (PAGE_READWRITE | PAGE_EXECUTE_READWRITE)

void assert_access(char *address, DWORD protection)
{
    DWORD base = protection & 0xff;
    if (base != PAGE_EXECUTE)
        assert_int_equal(face_readable(address), (base & READABLE) != 0);
    assert_int_equal(face_writable(address), (base & WRITABLE) != 0);
}
