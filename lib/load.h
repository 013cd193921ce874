/* SPDX-License-Identifier: MIT */
/*
 * How full memory is: the last sample of the node (or of all), judged with what was committed
 * since. Where nobody watches, a sample is taken for the question. With watchers: no lock, no
 * system call, no malloc, safe in signal handlers and while other threads are stopped.
 */
#ifndef HOSTMEM_LOAD_H
#define HOSTMEM_LOAD_H

#include <hostmem/hostmem.h>

#include "lib/manager.h"

int load_of_node(struct node *node, struct hostmem_load *ret_load);
int load_of_machine(struct hostmem *manager, struct hostmem_load *ret_load);

/* What a sample is judged with. */
struct sample_now load_now_of_node(struct node *node, const struct sample *sample);
struct sample_now load_now_of_machine(struct hostmem *manager);

/* Sums the last samples of the nodes up into the machine's, for readers; those that there are. */
void load_sum_up(struct hostmem *manager);

/* A node's counters. */
void load_stats(struct node *node, struct hostmem_node_stats *ret_stats);

#endif
