/* SPDX-License-Identifier: MIT */
/*
 * What is at an address: VirtualQuery. Invariant: no lock, no malloc, no stdio, nothing that waits
 * for another thread, so that it finishes while any other thread is stopped anywhere.
 */
#ifndef HOSTMEM_QUERY_H
#define HOSTMEM_QUERY_H

#include <hostmem/hostmem.h>

#include "lib/manager.h"

/* The address is below ADDRESS_END. */
int query_at(struct hostmem *manager, uintptr_t address, struct hostmem_info *ret_info);

#endif
