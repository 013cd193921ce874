/* SPDX-License-Identifier: MIT */
/*
 * The processes of the sides, one for each: this program once more, under the variables and with
 * the library that the side needs, which carries out orders that come through a pipe. Invariant: at
 * most one of them works at a time, for the parent waits for each answer. Whatever a side does to
 * its process (a signal, an exit, silence) ends as a reason in words. One thread; no lock.
 */
#ifndef HOSTMEM_BENCH_CHILD_H
#define HOSTMEM_BENCH_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "bench/measure.h"
#include "bench/peer.h"

#define CHILD_OPTION                                                                               \
    "--as-side" /* the first argument of the process of a side; the name follows                   \
                 */

/* The file descriptors of such a process. */
enum { CHILD_ORDERS = 3, CHILD_ANSWERS = 4 };

struct child {
    const struct peer *peer;
    pid_t pid; /* 0: there is no process (any more) */
    int orders, answers;
    char said[ORDER_SAID]; /* the backing; or why there is no process */
};

/* Starts a side and lets it get ready for such orders. False: said why not. */
bool child_open(struct child *child, const struct peer *peer, const struct order *order);
void child_close(struct child *child);

/* An order carried out: its samples are added, and order->ops set. False: said why not. */
bool child_ask(struct child *child, struct order *order, struct series *samples);

/* The two halves of that, between which the process can be traced. */
bool child_send(struct child *child, const struct order *order);
bool child_receive(struct child *child, struct answer *ret_answer, struct series *samples);

/* The process is gone, or is to go: notes why. */
void child_fail(struct child *child, const char *reason);

#endif
