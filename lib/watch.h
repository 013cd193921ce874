/* SPDX-License-Identifier: MIT */
/*
 * The watch over a manager's memory: its watchers, its subscribers, and their end. Invariant: every
 * node has a watcher or none has (HOSTMEM_WATCH=0, or no thread was to be had); while a callback
 * that ended the manager runs, the manager stays. Lock: the notifier's.
 */
#ifndef HOSTMEM_WATCH_H
#define HOSTMEM_WATCH_H

#include "lib/news.h"
#include "lib/watcher.h"

struct watch {
    struct notifier notifier;
    struct watcher *watchers;
    size_t count; /* of watchers that run */
    struct watched machine;
    struct news news;
    _Atomic bool ended;
    bool deferred;    /* a callback ended the manager: */
    pthread_t closer; /* this thread takes it apart when the callback returns */
};

/* Begins to watch as the configuration says. Threads that cannot be had are a line in the log.
 * -ENOMEM. */
int watch_open(struct hostmem *manager);

/*
 * Ends all watchers. true: this is one of them, in a callback; its thread will call
 * manager_dismantle() when that returns.
 */
bool watch_stop(struct hostmem *manager);

/* Ends what watch_open() began; no watcher runs. */
void watch_close(struct hostmem *manager);

/* The CPUs from which a node is looked after: its own, or those of the nearest that has some. */
const struct nn_set *watch_cpus(const struct node *node);

/* Memory was short there: its watcher looks at once. From any thread, under any lock. */
void watch_shortage(struct watched *watched);

/* A commit that stood for the node has failed for want of memory, wherever that might have come
 * from. */
void watch_failure(struct node *node);

/* The committed bytes passed a mark: likewise. */
void watch_stir(struct watched *watched);

/* As hostmem_subscribe() and hostmem_unsubscribe(); `node` is NULL for all nodes together. */
int watch_subscribe(struct hostmem *manager, struct node *node, hostmem_pressure_callback *callback,
    void *context, struct hostmem_subscription **ret_subscription);
void watch_unsubscribe(struct hostmem *manager, struct hostmem_subscription *subscription);

#endif
