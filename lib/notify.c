/* SPDX-License-Identifier: MIT */
/* Subscribers and what is due to them. A callback is made on a copy of the announcement, after the
 * lock was dropped; the subscription stays in memory until it returns. Invariant and lock: see
 * notify.h. */
#include "lib/notify.h"

#include <errno.h>
#include <stdlib.h>

struct hostmem_subscription {
    hostmem_pressure_callback *callback;
    void *context;
    struct topic *topic;
    struct hostmem_subscription *next;
    bool due;         /* the topic's last announcement was not delivered yet */
    bool running;     /* a thread is in the callback */
    bool gone;        /* ended from inside of its callback: freed when that returns */
    pthread_t runner; /* while running */
};

void notifier_open(struct notifier *notifier)
{
    lock_init(&notifier->lock, RANK_NOTIFY);
    lock_condition(&notifier->ended);
}

void notifier_close(struct notifier *notifier)
{
    pthread_cond_destroy(&notifier->ended);
    lock_destroy(&notifier->lock);
}

/* -- coming and going -- */

int topic_subscribe(struct notifier *notifier, struct topic *topic,
    hostmem_pressure_callback *callback, void *context,
    struct hostmem_subscription **ret_subscription)
{
    struct hostmem_subscription *new = calloc(1, sizeof(*new));
    if (!new)
        return -ENOMEM;
    new->callback = callback;
    new->context = context;
    new->topic = topic;
    new->due = true;
    /* The caller has its handle before the callback can run and use it. */
    *ret_subscription = new;
    lock_take(&notifier->lock);
    new->next = topic->first;
    topic->first = new;
    atomic_fetch_add(&topic->members, 1);
    lock_drop(&notifier->lock);
    return 0;
}

static void unlink_subscription(struct hostmem_subscription *subscription)
{
    struct hostmem_subscription **place = &subscription->topic->first;
    while (*place != subscription)
        place = &(*place)->next;
    *place = subscription->next;
    atomic_fetch_sub(&subscription->topic->members, 1);
}

static bool runs_here(const struct hostmem_subscription *subscription)
{
    return subscription->running && pthread_equal(subscription->runner, pthread_self());
}

void topic_unsubscribe(struct notifier *notifier, struct hostmem_subscription *subscription)
{
    lock_take(&notifier->lock);
    unlink_subscription(subscription);
    subscription->gone = runs_here(subscription);
    while (subscription->running && !subscription->gone)
        lock_await(&notifier->lock, &notifier->ended, UINT64_MAX);
    bool mine = !subscription->gone;
    lock_drop(&notifier->lock);
    if (mine)
        free(subscription);
}

void topic_close(struct notifier *notifier, struct topic *topic)
{
    /* The analyzer does not see that what is freed was taken out of the list. */
    while (topic->first)
        topic_unsubscribe(notifier, topic->first); /* NOLINT(clang-analyzer-unix.Malloc) */
}

/* -- announcing -- */

void topic_announce(
    struct notifier *notifier, struct topic *topic, const struct hostmem_pressure *pressure)
{
    lock_take(&notifier->lock);
    topic->last = *pressure;
    for (struct hostmem_subscription *s = topic->first; s; s = s->next)
        s->due = true;
    lock_drop(&notifier->lock);
}

void topic_refresh(
    struct notifier *notifier, struct topic *topic, const struct hostmem_pressure *pressure)
{
    lock_take(&notifier->lock);
    topic->last = *pressure;
    lock_drop(&notifier->lock);
}

/* The next one to be called, claimed for this thread, with what it is to be told. */
static struct hostmem_subscription *claim(
    struct notifier *notifier, struct topic *topic, struct hostmem_pressure *ret_pressure)
{
    lock_take(&notifier->lock);
    struct hostmem_subscription *s = topic->first;
    while (s && (!s->due || s->running)) /* NOLINT(clang-analyzer-unix.Malloc): as above */
        s = s->next;
    if (s) {
        s->due = false;
        s->running = true;
        s->runner = pthread_self();
        *ret_pressure = topic->last;
    }
    lock_drop(&notifier->lock);
    return s;
}

static void let_go(struct notifier *notifier, struct hostmem_subscription *subscription)
{
    lock_take(&notifier->lock);
    subscription->running = false;
    bool gone = subscription->gone;
    pthread_cond_broadcast(&notifier->ended);
    lock_drop(&notifier->lock);
    if (gone)
        free(subscription);
}

void topic_deliver(struct notifier *notifier, struct topic *topic, const _Atomic bool *ended)
{
    struct hostmem_pressure pressure;
    struct hostmem_subscription *subscription;
    while (!atomic_load(ended) && (subscription = claim(notifier, topic, &pressure))) {
        subscription->callback(subscription->context, &pressure);
        let_go(notifier, subscription);
    }
}
