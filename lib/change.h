/* SPDX-License-Identifier: MIT */
/*
 * Changes to a region's pages, as Win32 defines them: which pages a range means, what is refused,
 * and in which order the errors come. Arguments have been checked by the face (hostmem.c): sizes
 * are not zero where zero has no meaning, and address + size does not leave user space. Each
 * function locks the region that the address lies in.
 */
#ifndef HOSTMEM_CHANGE_H
#define HOSTMEM_CHANGE_H

#include "lib/region.h"

/* A range of addresses as the caller gave it. */
struct range {
    uintptr_t address;
    size_t size;
};

/* On -ENOMEM ret_node gets the node that the region was asked for. */
int change_commit(struct hostmem *manager, struct range range, uint32_t protection,
    enum priority priority, struct node **ret_node);
int change_decommit(struct hostmem *manager, struct range range);
int change_protect(
    struct hostmem *manager, struct range range, uint32_t protection, uint32_t *ret_old);
int change_release(struct hostmem *manager, uintptr_t address);

/* MEM_RESET and MEM_RESET_UNDO, which needs every page committed. Contents are kept. */
int change_reset(struct hostmem *manager, struct range range);
int change_reset_undo(struct hostmem *manager, struct range range);

/* The protection of committed pages as it is reported: their access and the region's attributes. */
uint32_t change_reported(uint32_t region_protection, page_state state);

#endif
