/* SPDX-License-Identifier: MIT */
/*
 * Memory from a certain node: populating a range that is bound to it, and seeing that the memory
 * lies there. Where the kernel refuses to bind (a container without CAP_SYS_NICE), a thread that
 * runs on the node's CPUs does the populating. No state; no lock of its own.
 */
#ifndef HOSTMEM_POPULATE_H
#define HOSTMEM_POPULATE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/critical.h"
#include "lib/manager.h"

/* A range of one backing and the node that it is to lie on. */
struct site {
    struct node *node;
    enum hp_backing backing;
    char *base;
    size_t size;
    enum priority priority;
};

/*
 * An error of binding or populating, in our words: a poisoned page, a right that was taken away
 * since it was probed, a node that left the cpuset, all mean that there is no memory to be had
 * there.
 */
int populate_error(int error);

/*
 * Populates the range; ret_faults gets the number of pages that this took, or UINT64_MAX where
 * nobody counts. -ENOMEM: the node has not enough, or the kernel took another node's memory; the
 * range is empty then.
 */
int populate_site(struct site site, uint64_t *ret_faults);

/* The same for a range that is mapped otherwise: it is replaced by a mapping of the site's backing.
 */
int populate_in_place_of(struct site site);

#endif
