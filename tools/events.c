/* SPDX-License-Identifier: MIT */
/* Announcements of pressure as a file descriptor. Invariant and lock: see events.h. */
#include "tools/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUEUE 256 /* announcements */

struct events {
    struct hostmem *manager; /* not owned */
    int fd;
    pthread_mutex_t lock;
    struct hostmem_pressure queue[QUEUE]; /* under the lock: a ring of `count` from `first` */
    size_t first, count;
    size_t subscribed; /* how many of `subscriptions` there are */
    struct hostmem_subscription *subscriptions[];
};

static void push(struct events *events, const struct hostmem_pressure *pressure)
{
    if (events->count == QUEUE) {
        events->first = (events->first + 1) % QUEUE;
        events->count--;
    }
    events->queue[(events->first + events->count++) % QUEUE] = *pressure;
}

/* On a watcher's thread. The descriptor does not block: its counter is full long after 2^63. */
static void hear(void *context, const struct hostmem_pressure *pressure)
{
    struct events *events = context;

    pthread_mutex_lock(&events->lock);
    push(events, pressure);
    pthread_mutex_unlock(&events->lock);
    (void)eventfd_write(events->fd, 1);
}

static bool pop(struct events *events, struct hostmem_pressure *ret_pressure)
{
    bool some;

    pthread_mutex_lock(&events->lock);
    some = events->count > 0;
    if (some) {
        *ret_pressure = events->queue[events->first];
        events->first = (events->first + 1) % QUEUE;
        events->count--;
    }
    pthread_mutex_unlock(&events->lock);
    return some;
}

/* What comes after the descriptor was made quiet makes it readable again. */
bool events_take(struct events *events, struct hostmem_pressure *ret_pressure)
{
    eventfd_t wakes;

    if (pop(events, ret_pressure))
        return true;
    (void)eventfd_read(events->fd, &wakes);
    return pop(events, ret_pressure);
}

int events_fd(const struct events *events)
{
    return events->fd;
}

static int subscribe(struct events *events, int node)
{
    struct hostmem_subscription *subscription = NULL;
    int error = hostmem_subscribe(events->manager, node, hear, events, &subscription);

    if (error == 0)
        events->subscriptions[events->subscribed++] = subscription;
    return error;
}

int events_open(
    struct hostmem *manager, const int *nodes, size_t node_count, struct events **ret_events)
{
    struct events *events = calloc(1, sizeof(*events) + node_count * sizeof(void *));
    int error = 0;

    if (events == NULL)
        return -ENOMEM;
    events->manager = manager;
    events->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (events->fd < 0) {
        error = -errno;
        goto free_events;
    }
    pthread_mutex_init(&events->lock, NULL);
    for (size_t i = 0; i < node_count && error == 0; i++)
        error = subscribe(events, nodes[i]);
    if (error < 0)
        goto close_events;
    *ret_events = events;
    return 0;
close_events:
    events_close(events);
    return error;
free_events:
    free(events);
    return error;
}

void events_close(struct events *events)
{
    if (events == NULL)
        return;
    for (size_t i = 0; i < events->subscribed; i++)
        hostmem_unsubscribe(events->manager, events->subscriptions[i]);
    pthread_mutex_destroy(&events->lock);
    close(events->fd);
    free(events);
}
