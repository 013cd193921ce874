/* SPDX-License-Identifier: MIT */
/*
 * A node of a manager: its budget, its windows, and the order in which requests that it cannot
 * serve go elsewhere. Invariant: `order` begins with the node itself and names each node of the
 * manager once. Locks: `space` guards the address bitmaps and free lists of all the node's windows,
 * `grow` the making of windows; the rest is constant or atomic.
 */
#ifndef HOSTMEM_NODE_H
#define HOSTMEM_NODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hugepage/hp.h"
#include "lib/critical.h"
#include "lib/lock.h"
#include "lib/pool.h"
#include "lib/room.h"
#include "lib/scrubber.h"
#include "lib/watched.h"

struct hostmem;
struct region;
struct window;

struct node {
    struct hostmem *manager;
    int id;                /* the kernel's number */
    unsigned index;        /* in manager->nodes */
    unsigned *order;       /* indices of all nodes, the nearest first */
    uint64_t bytes;        /* memory of the node when the manager was made */
    _Atomic uint64_t huge; /* huge pages of the frame size that the node has, when last looked */
    struct pool pool;
    uint64_t reserve;            /* bytes held back for critical requests */
    _Atomic uint64_t waited_for; /* bytes that requests wait for which it may serve */
    _Atomic uint64_t freed;      /* bytes given back since the first of them began to */
    struct watched watched;
    struct scrubber scrubber;
    struct room_book rooms[ROOM_KINDS];
    struct lock grow;
    struct lock space;
    _Atomic(struct window *) windows[HP_BACKINGS]; /* newest first; they stay until the end */
    struct region *spare GUARDED_BY(space);        /* descriptors without a region */
};

/* Fills the manager's nodes from its topology and configuration. */
int nodes_open(struct hostmem *manager);
void nodes_close(struct hostmem *manager);

/*
 * pool_take() and pool_give(). Its watcher is told when that passes a mark, and who waits for
 * memory when some comes back.
 */
int node_take(struct node *node, size_t bytes, enum priority priority);
void node_give(struct node *node, size_t bytes);

/*
 * Around a node_take() of memory that is not there yet, until it is: a sample that is taken in
 * between cannot know whether the kernel has counted it.
 */
void node_begin_populating(struct node *node, size_t bytes);
void node_end_populating(struct node *node, size_t bytes);

/* Undoes a node_take() of which nothing came: no memory has come back for who waits. */
void node_untake(struct node *node, size_t bytes);

/* Bytes committed from all the pools of a manager. */
uint64_t pools_together(const struct hostmem *manager);

/* Looks again how many huge pages the node has: they may be reserved while the manager runs. */
void node_count_huge(struct node *node);

/* The node with that number, or NULL. */
struct node *node_by_id(struct hostmem *manager, int id);

/*
 * The node that a request stands for: the one named, else what HOSTMEM_POLICY says now. -EINVAL:
 * there is no such node, or the process may not use it.
 */
int node_pick(struct hostmem *manager, int asked, struct node **ret_node);

/* Whether requests for `home` may be served from `other` (HOSTMEM_SPILL, HOSTMEM_POLICY). */
bool node_may_serve(const struct node *home, const struct node *other);

#endif
