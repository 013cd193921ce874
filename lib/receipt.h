/* SPDX-License-Identifier: MIT */
/*
 * Receipts: what the committed pages of a range really are. Made from the region's own records,
 * which were checked against the kernel when the memory was taken: no system call. Lock: the
 * region's, taken inside.
 */
#ifndef HOSTMEM_RECEIPT_H
#define HOSTMEM_RECEIPT_H

#include <hostmem/hostmem.h>

#include "lib/change.h"

/* -EADDRNOTAVAIL: the range is not within one region. */
int receipt_for(struct hostmem *manager, struct range range, struct hostmem_receipt *ret_receipt);

#endif
