/* SPDX-License-Identifier: MIT */
/*
 * What the tests of hugepage/ ask about memory: what the kernel has noted of a mapping, how many
 * huge pages are free, and what a touch does. The signal handlers of touch() are process-wide while
 * it runs: one thread at a time.
 */
#ifndef HOSTMEM_TESTS_HUGEPAGE_MEMORY_H
#define HOSTMEM_TESTS_HUGEPAGE_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define TIB ((size_t)1 << 40)

/* Whether the mapping at the address has that two-letter flag in the VmFlags of /proc/self/smaps.
 */
bool vm_flag(const void *address, const char *flag);

/* Mappings of this process. */
size_t map_count(void);

/* Pages of that size that are free, or 0 where there are none of that size. */
size_t huge_free(size_t page_size);

/* Whether /sys says that transparent huge pages may be had by madvise. */
bool thp_enabled(void);

/* Writes (or reads) a byte; 0, or the signal that it raised. */
int touch_write(void *address, char value);
int touch_read(const void *address, char *ret_value);

/* Whether all bytes have that value. */
bool all_bytes(const void *base, size_t size, char value);

#endif
