/* SPDX-License-Identifier: MIT */
/*
 * Who is told of pressure, and what: topics (a node, or all nodes) with their last announcement,
 * and the subscribers of each. A subscriber that is slow finds the latest announcement, not a
 * queue. Invariant: a callback runs on one thread at a time, with no lock held; a subscription that
 * was ended is not called again. Lock: `lock`, over the lists and all that is said of subscribers;
 * never held across a callback.
 */
#ifndef HOSTMEM_NOTIFY_H
#define HOSTMEM_NOTIFY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <hostmem/hostmem.h>

#include "lib/lock.h"

struct topic {
    struct hostmem_subscription *first; /* under the notifier's lock */
    _Atomic unsigned members;           /* how many there are */
    struct hostmem_pressure last;       /* what was announced last, or the level of the beginning */
};

struct notifier {
    struct lock lock;
    pthread_cond_t ended; /* a callback has returned */
};

void notifier_open(struct notifier *notifier);
void notifier_close(struct notifier *notifier);

/* Ends all subscriptions of a topic; none of its callbacks may be running on another thread. */
void topic_close(struct notifier *notifier, struct topic *topic);

/* A new subscription, to which the topic's last announcement is due. -ENOMEM. */
int topic_subscribe(struct notifier *notifier, struct topic *topic,
    hostmem_pressure_callback *callback, void *context,
    struct hostmem_subscription **ret_subscription);

/* Waits for a callback of the subscription that another thread is in. */
void topic_unsubscribe(struct notifier *notifier, struct hostmem_subscription *subscription);

/* Makes an announcement the topic's last; it is due to all subscribers. */
void topic_announce(
    struct notifier *notifier, struct topic *topic, const struct hostmem_pressure *pressure);

/* What subscribers that come later will be told first; nothing is due for it to those that are
 * there. */
void topic_refresh(
    struct notifier *notifier, struct topic *topic, const struct hostmem_pressure *pressure);

/*
 * Calls each subscriber to whom something is due, one after the other, until nothing is due or
 * *ended, which a callback may set, is true.
 */
void topic_deliver(struct notifier *notifier, struct topic *topic, const _Atomic bool *ended);

#endif
