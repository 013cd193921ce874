/* SPDX-License-Identifier: MIT */
/*
 * How deep a request may reach into a node, by how critical it is (EMemoryCriticalLevel), and the
 * wait of the most critical ones. A part of each node (HOSTMEM_RESERVE) is held back from ordinary
 * requests. What is spent is waited for up to HOSTMEM_CRITICAL_WAIT_MS, and what is given back
 * meanwhile goes to who waits; what was there before is anybody's. Invariant: a node's `waited_for`
 * is the sum of what requests that it may serve wait for. Lock: `lock`, over the generation;
 * nothing is taken within.
 */
#ifndef HOSTMEM_CRITICAL_H
#define HOSTMEM_CRITICAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hostmem/hostmem.h>

#include "lib/lock.h"

struct hostmem;
struct node;

/* What of a node a request may have. */
enum priority {
    PRIORITY_TASK,    /* leaves the reserve */
    PRIORITY_DOMAIN,  /* leaves half of it */
    PRIORITY_PROCESS, /* leaves what was given back and is waited for, as the others do */
    PRIORITY_WAITING  /* leaves nothing: it is this one that waits */
};

struct critical {
    struct lock lock;
    pthread_cond_t freed;
    uint64_t generation GUARDED_BY(lock); /* grows when memory is given back that is waited for */
};

void critical_open(struct critical *critical);
void critical_close(struct critical *critical);

/* Bytes of the node's budget that a request has to leave. */
uint64_t critical_held(const struct node *node, enum priority priority);

/* The same of its huge pages, of which there may be few. */
uint64_t critical_held_huge(const struct node *node, enum priority priority);

/* Somebody waits for memory that the node may give. */
bool critical_waited_for(const struct node *node);

/* Memory was given back to a node that is waited for. From any thread, under any lock above. */
void critical_freed(struct node *node, size_t bytes);

/* A request on its way through its attempts. */
struct attempt {
    /* -ENOMEM: there was not enough; `node` says which node the request stands for. */
    int (*make)(struct attempt *attempt, enum priority priority);
    struct node *node;
    size_t size;
    enum hostmem_critical level;
};

/*
 * Attempts the request: like any other first, then with what its level may have, and a process
 * critical one again whenever memory was given back, until the wait is over. The caller holds no
 * lock.
 */
int critical_attempt(struct attempt *attempt);

#endif
