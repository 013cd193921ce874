/* SPDX-License-Identifier: MIT */
/*
 * What the pressure tests share: ears, which subscribe and remember what they were told, so that a
 * test awaits an announcement instead of sleeping; and the watcher threads as /proc shows them.
 * Whatever has to happen within DEADLINE does not hold when it has not. Lock: each ear's own.
 */
#ifndef LIVE_PRESSURE_H
#define LIVE_PRESSURE_H

#include <pthread.h>

#include "live.h"

#define DEADLINE (30 * UINT64_C(1000000000)) /* ns */
#define MS       UINT64_C(1000000)
#define HEARD    4096 /* announcements that an ear remembers */

struct ear {
    pthread_mutex_t lock;
    pthread_cond_t news;
    size_t count, next; /* heard; the first one that was not awaited yet */
    struct hostmem_pressure heard[HEARD];
    uint64_t at[HEARD]; /* ns, when the callback ran */
    struct hostmem *manager;
    struct hostmem_subscription *subscription;
    void (*then)(struct ear *ear); /* called from inside of the next callback, once; or NULL */
    void *with;                    /* for `then` */
};

struct ear *ear_new(struct hostmem *manager);
/* For a node or HOSTMEM_NODE_ALL. */
struct ear *ear_subscribed(struct hostmem *manager, int node);
void ear_free(struct ear *ear); /* the subscription has ended */
void ear_unsubscribe(struct ear *ear);

/* The callback; its context is the ear. */
void ear_hear(void *ear, const struct hostmem_pressure *pressure);

/* From inside of the next callback, once. */
void ear_then(struct ear *ear, void (*then)(struct ear *ear), void *with);

/* Waits for the next announcement, for one of Low, or of not Low; those before it are passed over.
 */
struct hostmem_pressure ear_any(struct ear *ear);
struct hostmem_pressure ear_low(struct ear *ear);
struct hostmem_pressure ear_relief(struct ear *ear);
/* When the callback of the last awaited announcement ran, and how many were heard so far. */
uint64_t ear_time(struct ear *ear);
size_t ear_count(struct ear *ear);

/* Until true, or the deadline is over, which does not hold. */
void await_true(bool (*is_true)(void *), void *argument);

/* Threads of this process whose names begin with "hm-watch/"; their numbers, `count` at most. */
size_t watcher_threads(size_t count, int *ret_threads);
/* Waits until there are so many. */
void await_watchers(size_t count);

/* A number of hexadecimal digits from /proc/self/task/TID/status; 0 where it is missing. */
uint64_t thread_mask(int thread, const char *field);

/* Descriptors that this process has open. */
size_t open_files(void);

#endif
