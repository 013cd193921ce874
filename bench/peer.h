/* SPDX-License-Identifier: MIT */
/*
 * The sides that are compared: ways to get zeroed memory and to give it back. Each runs in a
 * process of its own (bench/child.h), where peer->open() comes first and once. Invariant: a side
 * whose open() failed is asked for nothing. After open() all functions may be called from several
 * threads.
 */
#ifndef HOSTMEM_BENCH_PEER_H
#define HOSTMEM_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include <hostmem/hostmem.h>

#include "bench/order.h"

struct peer {
    const char *name;    /* in JSON and on the command line */
    const char *title;   /* in tables */
    bool huge;           /* takes reserved huge pages */
    const char *library; /* that must be there, or NULL */
    const char *preload; /* the library that takes the place of malloc, or NULL */
    const char *const
        *environment; /* NAME=value, up to NULL; "NAME=" gets the MiB that are needed */
    /* Gets ready for such orders. 0 and what the memory is made of, or -errno and why not. */
    int (*open)(const struct order *order, char ret_said[ORDER_SAID]);
    /* Zeroed memory, or NULL. */
    void *(*get)(size_t size);
    void (*give)(void *base, size_t size);
    /* Address space, and memory in it; NULL where a side has no such thing. */
    void *(*reserve)(size_t size);
    int (*commit)(void *at, size_t size);
    void (*decommit)(void *at, size_t size);
    void (*release)(void *base, size_t size);
    /* Waits until what was given back is as clean as it gets; NULL: nothing is done meanwhile. */
    void (*settle)(void);
};

/* The side of that name, or NULL. */
const struct peer *peer_find(const char *name);

/* The manager of the side "hostmem", for what only it can do; NULL in other processes. */
struct hostmem *peer_manager(void);

/* Bytes that a side holds at most while it does such an order. */
size_t peer_bytes(const struct order *order);

/* The same where each region is made of whole pages of that size. */
size_t peer_bytes_in(const struct order *order, size_t page);

/* By kind, each up to a NULL: all of the sides come from these. */
extern const struct peer peers_hostmem[], peers_kernel[], peers_floor[], peers_library[],
    peers_malloc[], peers_commit[];

#endif
