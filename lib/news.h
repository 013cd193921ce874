/* SPDX-License-Identifier: MIT */
/*
 * What tells the first watcher that it has to look: its own timer, allocations that pass a mark,
 * and the kernel's pressure sources as far as the process may have them. Invariant: `states` says
 * of each kind what `sources` has; it is written by the first watcher's thread (before there is
 * one, by who makes the manager) and read by any. No lock.
 */
#ifndef HOSTMEM_NEWS_H
#define HOSTMEM_NEWS_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <hostmem/hostmem.h>

#include "numa/sources.h"

struct hostmem;

struct news {
    struct nn_pressure_env environment; /* as it was when the manager was made */
    struct nn_sources sources;
    _Atomic int states[NN_SOURCE_KINDS]; /* enum nn_refusal */
};

/* Arms, and reads the environment for it, the first time; then news_arm() alone. */
void news_open(struct hostmem *manager);

/* Arms what may be armed, and again for other cgroups; nothing on a recorded machine. */
void news_arm(struct hostmem *manager);
void news_close(struct news *news);

/* The descriptors to sleep on. */
size_t news_files(const struct news *news, struct pollfd ret_files[NN_SOURCES]);

/* What happened, by the bits of nn_waiter_sleep(). true: a cgroup stood at its limit. */
bool news_take(struct hostmem *manager, unsigned happened);

/* As hostmem_sources(). */
size_t news_report(struct hostmem *manager, size_t count, struct hostmem_source *ret_sources);

#endif
