/* SPDX-License-Identifier: MIT */
/*
 * Making and ending regions: where the address comes from, which node and backing serve it. No
 * state; the locks are taken inside.
 */
#ifndef HOSTMEM_RESERVE_H
#define HOSTMEM_RESERVE_H

#include <hostmem/hostmem.h>

#include "lib/region.h"

/* A flag of a request that the faces do not have: a commit need not zero what it hands out. */
#define RESERVE_AS_IS 0x80000000u

/*
 * A region as requested, for the node that the request stands for; the request has been checked
 * (hostmem.c), its address and size are not aligned yet. The region is shown when this returns 0.
 */
int reserve_region(struct node *node, const struct hostmem_request *request, enum priority priority,
    struct region **ret_region);

/* Ends a region whose lock is held; the lock is dropped unless it fails. */
int reserve_end(struct hostmem *manager, struct region *region) UNCHECKED_LOCKING;

#endif
