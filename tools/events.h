/* SPDX-License-Identifier: MIT */
/*
 * Announcements of pressure as a file descriptor: subscriptions whose callbacks, on the watchers'
 * threads, put what they are told into a queue. Invariant: the descriptor is readable while there
 * is something in the queue. Of more than a full queue the oldest go; the numbers of the others
 * show that. Lock: one mutex over the queue, never held across a system call that can block.
 */
#ifndef TOOLS_EVENTS_H
#define TOOLS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <hostmem/hostmem.h>

struct events;

/* Subscribes to the nodes, of which each may be HOSTMEM_NODE_ALL. 0 or -errno. */
int events_open(
    struct hostmem *manager, const int *nodes, size_t node_count, struct events **ret_events);

/* Before the manager ends. NULL is ignored. */
void events_close(struct events *events);

/* To be polled for POLLIN. */
int events_fd(const struct events *events);

/* The oldest that waits. false: none does, and the descriptor is quiet. */
bool events_take(struct events *events, struct hostmem_pressure *ret_pressure);

#endif
