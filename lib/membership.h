/* SPDX-License-Identifier: MIT */
/*
 * The cgroups that the process is in now: it may be put into others while a manager runs, by a
 * service manager or a container runtime, and is then judged by their limits. Invariant: what
 * `current` names is open and stays so until the end, so that readers need no lock. One thread (the
 * first watcher, or who makes the manager) follows; any number read.
 */
#ifndef HOSTMEM_MEMBERSHIP_H
#define HOSTMEM_MEMBERSHIP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "numa/cgroup.h"

/* Moves are followed so often, less one: each keeps some file descriptors until the end. */
#define MEMBERSHIPS 8

struct membership {
    struct nn_cgroups at[MEMBERSHIPS];
    unsigned count; /* of those that are open; the follower's */
    _Atomic unsigned current;
    unsigned looks; /* since the process was last looked for; the follower's */
};

/* -ENOMEM: the kernel's files could not be looked at (-EMFILE and the like). */
int membership_open(struct membership *membership, const struct nn_root *root);
void membership_close(struct membership *membership);

/* Looks, every fourth time, whether the process was moved; true: the cgroups are others now. */
bool membership_follow(struct membership *membership, const struct nn_root *root);

static inline const struct nn_cgroups *membership_now(const struct membership *membership)
{
    return &membership->at[atomic_load_explicit(&membership->current, memory_order_acquire)];
}

#endif
