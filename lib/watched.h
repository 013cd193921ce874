/* SPDX-License-Identifier: MIT */
/*
 * What is watched: a node, or all nodes together. Invariant: `state` is touched by its watcher's
 * thread alone; the rest says itself who may.
 */
#ifndef HOSTMEM_WATCHED_H
#define HOSTMEM_WATCHED_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/notify.h"
#include "lib/pressure.h"
#include "lib/sample.h"

struct watcher;

struct watched {
    struct watcher *watcher; /* NULL: nobody watches; constant while the manager is in use */
    struct topic topic;
    struct pressure state;
    _Atomic uint64_t held_until; /* ns: no change of level is told before */
    bool stale;                  /* of all nodes together: their marks are those of another level */
    _Atomic int said;            /* the level of `state`, for others */
    unsigned blurred; /* looks in a row while memory was being populated; its watcher's */
    struct sample_book book;
    _Atomic bool
        shortage; /* an allocation failed, or was served from elsewhere, since the last look */
};

#endif
