/* SPDX-License-Identifier: MIT */
/*
 * Marks that a watcher leaves at a node's pool: the committed bytes at which a level would change.
 * So a crossing that our own allocations cause is told at once, and costs the warm path two
 * comparisons. Called by the node's watcher alone; the pool's marks are atomic. No lock.
 */
#ifndef HOSTMEM_MARKS_H
#define HOSTMEM_MARKS_H

#include <stdint.h>

#include "lib/node.h"

/* In ns. Until the hold is over no crossing is of interest: it would be told then in any case. */
uint64_t marks_hold_left(const struct watched *watched, const struct pressure_rules *rules);

/* Leaves the committed bytes between which neither the node's level changes nor that of all. */
void marks_leave(
    struct node *node, const struct sample *sample, const struct pressure_rules *rules);

#endif
