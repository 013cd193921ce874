/* SPDX-License-Identifier: MIT */
/*
 * Promises of memory that the kernel promises to nobody. A process that populates more base pages
 * than there are gets killed, be it by the machine or by its cgroup, and huge pages that are to
 * stay for critical requests are free for all to take. So what a node has is looked at before it is
 * populated, and then again after an eighth of it is used up. Invariant: what is being populated at
 * the moment is started - finished. Lock: the book's, never held across a file.
 */
#ifndef HOSTMEM_ROOM_H
#define HOSTMEM_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "hugepage/hp.h"
#include "lib/critical.h"
#include "lib/lock.h"

struct node;

/* Of one kind of a node's pages, in bytes. */
struct room_book {
    struct lock lock;
    uint64_t started GUARDED_BY(lock);  /* ever */
    uint64_t finished GUARDED_BY(lock); /* ever */
    uint64_t credit GUARDED_BY(lock);   /* may be promised without another look at the figures */
};

/* Pages that others could use, and those of the kernel's hugetlb pool. */
enum room_kind { ROOM_SMALL, ROOM_HUGE, ROOM_KINDS };

/* What room_end() ends. */
struct promise {
    struct room_book *book; /* NULL: nothing was promised, because nothing has to be */
    uint64_t bytes;
};

void room_open(struct room_book books[ROOM_KINDS]);
void room_close(struct room_book books[ROOM_KINDS]);

/*
 * Before populating. -ENOMEM: the node has not as much, or it is held back from requests of that
 * priority; nothing is promised then.
 */
int room_begin(struct node *node, enum hp_backing backing, uint64_t bytes, enum priority priority,
    struct promise *ret_promise);

/* The promised bytes are populated, or not wanted any more. */
void room_end(const struct promise *promise);

#endif
