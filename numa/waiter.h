/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until something happens: a wake-up from another thread, a file that the kernel marks, or
 * the end of a time. One thread sleeps, any number wake it. No lock.
 */
#ifndef NUMA_WAITER_H
#define NUMA_WAITER_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

struct nn_waiter {
    int event; /* an eventfd; owned */
};

#define NN_WAITER_FILES 16

/* What a sleep ended with: bit i for files[i], NN_WOKEN for a wake-up; 0: the time was over. */
#define NN_WOKEN (1u << NN_WAITER_FILES)

/* -EMFILE and the like. */
int nn_waiter_open(struct nn_waiter *ret_waiter);
void nn_waiter_close(struct nn_waiter *waiter);

/* Async-signal-safe; never blocks. A wake-up before the sleep ends it at once. */
void nn_waiter_wake(struct nn_waiter *waiter);

/*
 * Sleeps. A file's `events` are poll(2)'s; one with fd -1 is passed over. UINT64_MAX: without end.
 */
unsigned nn_waiter_sleep(
    struct nn_waiter *waiter, const struct pollfd *files, size_t count, uint64_t timeout_ns);

#endif
