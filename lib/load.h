/* SPDX-License-Identifier: MIT */
/* How full memory is: a node's, judged by its meminfo and its pool, whichever is nearer its end.
 * Read anew at each call; no state, no lock. */
#ifndef HOSTMEM_LOAD_H
#define HOSTMEM_LOAD_H

#include <hostmem/hostmem.h>

#include "lib/manager.h"

int load_of_node(struct node *node, struct hostmem_load *ret_load);

/* Over the sums of all nodes of the manager. */
int load_of_machine(struct hostmem *manager, struct hostmem_load *ret_load);

/* A node's counters. */
void load_stats(struct node *node, struct hostmem_node_stats *ret_stats);

#endif
