/* SPDX-License-Identifier: MIT */
/* HOSTMEM_PREFAULT: memory that is populated before the first request. No lock held across it. */
#ifndef HOSTMEM_PREFAULT_H
#define HOSTMEM_PREFAULT_H

#include "lib/manager.h"

/*
 * Populates on every node what the configuration says and keeps it idle. -ENOMEM: a node falls
 * short; a line in the log gives the figures.
 */
int prefault_all(struct hostmem *manager);

#endif
