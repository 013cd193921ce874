/* SPDX-License-Identifier: MIT */
/*
 * Watchers: a thread for each socket that samples the nodes of the socket, decides with pressure.h
 * what is to be announced, and calls the subscribers; the first one also watches all nodes together
 * and the pressure sources of the process. Invariant: a node belongs to one watcher, and what is
 * said below to be its watcher's is touched by that thread alone. Locks: none but the notifier's.
 */
#ifndef HOSTMEM_WATCHER_H
#define HOSTMEM_WATCHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/watched.h"
#include "numa/cpulist.h"
#include "numa/sources.h"
#include "numa/waiter.h"

struct config;
struct hostmem;

struct watcher {
    struct hostmem *manager;
    int socket; /* -1: of nodes without one */
    struct nn_set cpus;
    struct nn_waiter waiter;
    pthread_t thread;
    _Atomic bool stirred; /* woken by an allocation, and not looked yet */
};

/* What HOSTMEM_LOW_ENTER and its like ask for. */
struct pressure_rules watcher_rules(const struct config *config);

/* CLOCK_MONOTONIC in ns. */
uint64_t watcher_clock(void);

/* What the thread of a watcher runs, with the watcher as its argument. */
void *watcher_run(void *watcher);

#endif
