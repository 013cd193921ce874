/* SPDX-License-Identifier: MIT */
/*
 * Win32's words and those of the C face, each in terms of the other: errors, protections, what a
 * query tells. Pure functions; no lock.
 */
#ifndef HOSTMEM_WORDS_H
#define HOSTMEM_WORDS_H

#include <hostmem/mscoree.h>

/* The HRESULT of an error of the C face; never E_FAIL, which the CLR takes for its own death. */
HRESULT words_result(int error);

/*
 * A PAGE_ protection for VirtualAlloc or VirtualProtect of private memory. -EINVAL: it is none;
 * -EOPNOTSUPP: one that this version does not have.
 */
int words_protection_from(DWORD protect, uint32_t *ret_protection);

/* HOSTMEM_PROT_ as PAGE_. */
DWORD words_protection_to(uint32_t protection);

/* A level that is none counts as the most critical one. */
enum hostmem_critical words_critical(EMemoryCriticalLevel level);

MEMORY_BASIC_INFORMATION words_information(const struct hostmem_info *info);

#endif
