/* SPDX-License-Identifier: MIT */
/*
 * Receipts: what the committed pages of a range really are. A commit's receipt is made from the
 * library's own records, which were held against the kernel when the memory was taken; asked for
 * later, the kernel is asked again where a sample of the pages lies now. Lock: the region's, taken
 * inside.
 */
#ifndef HOSTMEM_RECEIPT_H
#define HOSTMEM_RECEIPT_H

#include <hostmem/hostmem.h>

#include "lib/change.h"

/* -EADDRNOTAVAIL: the range is not within one region. The first makes no system call. */
int receipt_recorded(
    struct hostmem *manager, struct range range, struct hostmem_receipt *ret_receipt);
int receipt_asked(struct hostmem *manager, struct range range, struct hostmem_receipt *ret_receipt);

#endif
