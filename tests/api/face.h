/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the Win32 semantics share: one manager for each test, its methods with the
 * checks that hold for every call, and what a touch of a page does. What a region is made of is
 * asked for, never assumed, so that the same tests run over every backing. No lock: the tests have
 * one thread unless they say otherwise.
 */
#ifndef HOSTMEM_TESTS_API_FACE_H
#define HOSTMEM_TESTS_API_FACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COBJMACROS
#include <hostmem/mscoree.h>

#define PAGE      ((size_t)4096)
#define GRANULE   ((size_t)65536)
#define FRAME     ((size_t)2 << 20)
#define USER_TOP  ((uintptr_t)0x7fffffff0000) /* the first address that no region may have */
#define SPACE_TOP ((uintptr_t)0x7ffffffff000) /* the first that no mapping may have */

#define RESERVE_COMMIT (MEM_RESERVE | MEM_COMMIT)

/* Results that this version gives, by the names of their Win32 errors. */
#define BAD_PARAMETER E_INVALIDARG
#define BAD_ADDRESS   HRESULT_FROM_WIN32(ERROR_INVALID_ADDRESS)
#define NO_ACCESS     HRESULT_FROM_WIN32(ERROR_NOACCESS)
#define NOT_SUPPORTED HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED)
#define NOT_OURS      HOST_E_INVALIDOPERATION
#define NO_RESOURCES  HRESULT_FROM_WIN32(ERROR_NO_SYSTEM_RESOURCES)
#define BAD_LENGTH    HRESULT_FROM_WIN32(ERROR_BAD_LENGTH)

/* The manager of the running test. */
extern IHostMemoryManager *manager;

#define FACE_TEST(name)                                                                            \
    {                                                                                              \
#name, name, face_open, face_close, NULL                                                   \
    }
int face_open(void **state);
int face_close(void **state);

/* Ends the manager and makes one with that variable in the environment, which is put back. */
void face_reopen(const char *variable, const char *value);

/* Runs the tests, or returns 77 where the backings of HOSTMEM_BACKING have no memory. */
#define face_main(tests) face_run(#tests, tests, sizeof(tests) / sizeof((tests)[0]))
int face_run(const char *name, const struct CMUnitTest *tests, size_t count);

/* What regions are made of that are reserved with a protection. */
struct made {
    enum hostmem_backing backing;
    size_t unit; /* the smallest piece that can have a protection of its own, and be checked */
    bool exact;  /* uncommitted pages are out of reach */
};
struct made face_made(DWORD protect);

#define assert_result(result, expected) assert_int_equal((uint32_t)(result), (uint32_t)(expected))

/* VirtualAlloc: *ppMem is NULL on failure and only then. */
HRESULT face_try(void *address, size_t size, DWORD type, DWORD protect);
char *face_alloc(void *address, size_t size, DWORD type, DWORD protect);

HRESULT face_free(void *address, size_t size, DWORD type);
void face_release(void *base);

/* VirtualProtect; the old value is poisoned before, and must be so after a failure. */
HRESULT face_protect(void *address, size_t size, DWORD protect);
DWORD face_protect_old(void *address, size_t size, DWORD protect);

MEMORY_BASIC_INFORMATION face_query(const void *address);

/* The query at the address: what begins in its page, in bytes, state and protection. */
void assert_extent(const void *address, size_t size, DWORD state, DWORD protect);

/* Free addresses, aligned to a frame: within a window, and outside of all. */
char *face_hole(size_t size);
char *face_hole_outside(size_t size);

/* -- contents -- */

void face_fill(char *base, size_t size, unsigned seed);
void assert_filled(const char *base, size_t size, unsigned seed);
void assert_zero(const char *base, size_t size);

/* -- what a touch does, asked of the kernel and thus without a signal -- */

bool face_readable(const void *address);
bool face_writable(void *address); /* contents are kept */

/* Whether the code that face_write_code() put there runs; calls it. */
void face_write_code(char *address);
bool face_runs(const char *address);
bool face_can_run_code(void); /* whether the two know the machine */

/* The page behaves as the protection says; PAGE_EXECUTE may or may not be readable. */
void assert_access(char *address, DWORD protect);

#endif
