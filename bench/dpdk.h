/* SPDX-License-Identifier: MIT */
/* DPDK's heap on huge pages, as the other sides of peer_library.c. Nothing of it is needed to
 * build. */
#ifndef HOSTMEM_BENCH_DPDK_H
#define HOSTMEM_BENCH_DPDK_H

#include <stddef.h>

#include "bench/order.h"

int dpdk_open(const struct order *order, char ret_said[ORDER_SAID]);
void *dpdk_get(size_t size);
void dpdk_give(void *base, size_t size);

#endif
