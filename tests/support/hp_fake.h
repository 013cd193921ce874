/* SPDX-License-Identifier: MIT */
/*
 * A backing for tests: ordinary NORESERVE memory with simulated pools of pages. Populating takes
 * bytes from the pool of the node that the range is bound to (node 0 when it is not bound) and
 * fails with -ENOMEM when it is spent; discarding, unmapping and replacing give them back. Whoever
 * breaks the contract of hp.h (a range that is not whole pages, or not mapped) is told so on stderr
 * and aborted. One instance in a program; its own mutex guards all of it.
 */
#ifndef HOSTMEM_TESTS_HP_FAKE_H
#define HOSTMEM_TESTS_HP_FAKE_H

#include "hugepage/hp.h"

#define HP_FAKE_NODES 8

struct hp_fake_calls {
    unsigned long map, unmap, bind, populate, discard, protect, replace, locate;
};

/* One set of pools behind both: at rest HP_RW as hugetlb and thp, HP_NONE as base. */
extern const struct hp_ops hp_fake, hp_fake_base;

/* Unmaps whatever is mapped, forgets the calls, lets bind be permitted, and fills the pools. */
void hp_fake_reset(const size_t *bytes_of_node, size_t nodes);

/* What a node still has, in bytes; setting it simulates other users of the pool. */
size_t hp_fake_free(int node);
void hp_fake_set_free(int node, size_t bytes);

/* From now on bind gives this error (0: none), as in a container that may not: -EPERM. */
void hp_fake_refuse_bind(int error);

struct hp_fake_calls hp_fake_calls(void);
size_t hp_fake_mapped(void);            /* bytes of address space */
size_t hp_fake_populated(int node);     /* bytes that came from the node; -1: from all */
int hp_fake_node_of(const void *page);  /* -ENOENT: nothing is there */
int hp_fake_bound_to(const void *page); /* -ENOENT: to no node */

/* In the place of hp_locate. */
int hp_fake_locate(void *const *pages, size_t count, int *ret_nodes);

#endif
