/* SPDX-License-Identifier: MIT */
/*
 * A manager: what it was configured with, the nodes that it may use, and what belongs to all of
 * them. Invariant: everything here but the counters is constant from manager_open() to
 * manager_close(); the nodes' own structures have their locks (node.h).
 */
#ifndef HOSTMEM_MANAGER_H
#define HOSTMEM_MANAGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hugepage/hp.h"
#include "lib/config.h"
#include "lib/critical.h"
#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/membership.h"
#include "lib/node.h"
#include "lib/store.h"
#include "lib/table.h"
#include "lib/watch.h"
#include "numa/root.h"
#include "numa/topology.h"

struct window;

/* What a manager stands on, as in hp.h; tests bring their own. */
struct manager_parts {
    const struct hp_ops *ops[HP_BACKINGS];
    struct hp_caps (*probe)(int node);
    size_t (*sizes)(size_t ret_sizes[2], size_t *ret_default);
    int (*locate)(void *const *pages, size_t count, int *ret_nodes);
    int (*is_huge)(void *base, bool *ret_huge);
    uint64_t (*faults)(void); /* NULL: is_huge is asked of every frame */
};

struct hostmem {
    struct config config;
    const struct manager_parts *parts;
    struct log log;
    struct nn_root root;
    struct nn_topology *topology;
    bool here;           /* the topology is this machine's, not a recorded one's */
    struct hp_caps caps; /* as probed when it was made: ask manager_binds() and manager_locates() */
    _Atomic bool bind_refused, locate_refused; /* since then (a sandbox that was entered later) */
    struct hp_spec spec[HP_BACKINGS];
    const struct hp_ops *ops[HP_BACKINGS];
    size_t frame_bytes[HP_BACKINGS]; /* 0: this backing cannot be had on this machine */
    struct store store;
    struct table table;
    struct node *nodes; /* allowed nodes with memory, ascending by number */
    size_t node_count;
    uint64_t pool_limit;              /* of all nodes; UINT64_MAX: without */
    uint16_t *local;                  /* for each node of the topology: the nearest of `nodes` */
    _Atomic unsigned turn;            /* of POLICY_INTERLEAVE */
    _Atomic(struct window *) windows; /* of all nodes, for a walk without a lock */
    struct membership membership;
    struct watch watch;
    struct ledger ledger;
    struct critical critical;
    unsigned fork_count; /* how often this line of processes had forked when it was made */
};

/* The real parts. */
extern const struct manager_parts manager_parts_real;

/*
 * Makes a manager; `config` is copied. -ENOMEM with a line in the log when HOSTMEM_PREFAULT falls
 * short; -EINVAL with a line when the configuration asks for what the machine does not have.
 */
int manager_open(
    const struct config *config, const struct manager_parts *parts, struct hostmem **ret_manager);

/*
 * Unmaps everything, all regions included. From a callback of a watcher: that thread does it when
 * the callback has returned.
 */
void manager_close(struct hostmem *manager);
void manager_dismantle(struct hostmem *manager);

/*
 * Whether memory is bound to nodes, and whether the kernel says where it lies. Of a single node
 * there is nothing to bind to.
 */
static inline bool manager_binds(const struct hostmem *manager)
{
    return manager->caps.bind &&
           !atomic_load_explicit(&manager->bind_refused, memory_order_relaxed);
}

static inline bool manager_locates(const struct hostmem *manager)
{
    return manager->caps.locate &&
           !atomic_load_explicit(&manager->locate_refused, memory_order_relaxed);
}

/* Binds a range to a node where that is done. -ENOMEM: there is nothing to be had from the node. */
int manager_bind(
    struct hostmem *manager, enum hp_backing backing, void *base, size_t size, int node);

/* 0, or -ENODEV in a child of the process that made the manager. */
int manager_usable(const struct hostmem *manager);

#endif
