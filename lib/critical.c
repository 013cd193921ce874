/* SPDX-License-Identifier: MIT */
/* The reserve, and waiting for memory. A wait counts a request's whole size as waited for, on every
 * node that may serve it, and of what is given back there so much is held: too much for a moment
 * rather than too little. Locks: see critical.h. */
#include "lib/critical.h"

#include <errno.h>

#include "lib/manager.h"
#include "lib/offer.h"
#include "lib/units.h"

#define NS_PER_MS UINT64_C(1000000)

_Static_assert((int)PRIORITY_TASK == HOSTMEM_TASK_CRITICAL &&
                   (int)PRIORITY_DOMAIN == HOSTMEM_DOMAIN_CRITICAL &&
                   (int)PRIORITY_PROCESS == HOSTMEM_PROCESS_CRITICAL,
    "a level says what it may have");

void critical_open(struct critical *critical)
{
    lock_init(&critical->lock, RANK_CRITICAL);
    lock_condition(&critical->freed);
}

void critical_close(struct critical *critical)
{
    pthread_cond_destroy(&critical->freed);
    lock_destroy(&critical->lock);
}

/* -- what is held back -- */

static uint64_t share_of(uint64_t reserve, enum priority priority)
{
    if (priority == PRIORITY_TASK)
        return reserve;
    return priority == PRIORITY_DOMAIN ? reserve - reserve / 2 : 0;
}

static uint64_t held(const struct node *node, uint64_t reserve, enum priority priority)
{
    uint64_t waited_for = atomic_load_explicit(&node->waited_for, memory_order_relaxed);
    uint64_t freed = atomic_load_explicit(&node->freed, memory_order_relaxed);
    if (priority == PRIORITY_WAITING)
        waited_for = 0;
    return share_of(reserve, priority) + min_size(min_size(waited_for, freed), UINT64_MAX / 2);
}

uint64_t critical_held(const struct node *node, enum priority priority)
{
    return held(node, node->reserve, priority);
}

uint64_t critical_held_huge(const struct node *node, enum priority priority)
{
    const struct hostmem *manager = node->manager;
    uint64_t frame = manager->frame_bytes[HP_HUGETLB], pages = atomic_load(&node->huge);
    uint64_t reserve = config_reserve(&manager->config, node->id, pages * frame, frame);
    return held(node, min_size(reserve, node->reserve), priority);
}

bool critical_waited_for(const struct node *node)
{
    return atomic_load(&node->waited_for) > 0;
}

/* -- waiting -- */

/* In one order with what budgets do: either who gives back sees the wait, or the attempt that
 * follows sees the memory. */
static void announce(const struct attempt *attempt, bool begins)
{
    struct hostmem *manager = attempt->node->manager;
    for (size_t i = 0; i < manager->node_count; i++) {
        struct node *node = &manager->nodes[i];
        if (!node_may_serve(attempt->node, node))
            continue;
        if (begins)
            atomic_fetch_add(&node->waited_for, attempt->size);
        else if (atomic_fetch_sub(&node->waited_for, attempt->size) == attempt->size)
            atomic_store(&node->freed, 0);
    }
}

void critical_freed(struct node *node, size_t bytes)
{
    struct critical *critical = &node->manager->critical;
    atomic_fetch_add(&node->freed, bytes);
    lock_take(&critical->lock);
    critical->generation++;
    pthread_cond_broadcast(&critical->freed);
    lock_drop(&critical->lock);
}

static uint64_t generation(struct critical *critical)
{
    lock_take(&critical->lock);
    uint64_t now = critical->generation;
    lock_drop(&critical->lock);
    return now;
}

/* Waits for the generation to change, or for the time. */
static void await_change(struct critical *critical, uint64_t seen, uint64_t until)
{
    lock_take(&critical->lock);
    while (critical->generation == seen && lock_await(&critical->lock, &critical->freed, until))
        ;
    lock_drop(&critical->lock);
}

/*
 * Memory that others give back, another process or an operator, is no event: it is looked for once
 * a sample period.
 */
static int wait_and_try(struct attempt *attempt)
{
    struct hostmem *manager = attempt->node->manager;
    struct critical *critical = &manager->critical;
    uint64_t period = manager->config.sample_ms * NS_PER_MS, now = watcher_clock();
    uint64_t deadline = now + manager->config.critical_wait_ms * NS_PER_MS;
    announce(attempt, true);
    int error;
    for (;;) {
        uint64_t seen = generation(critical);
        error = attempt->make(attempt, PRIORITY_WAITING);
        now = watcher_clock();
        if (error != -ENOMEM || now >= deadline)
            break;
        await_change(critical, seen, min_size(now + period, deadline));
    }
    announce(attempt, false);
    return error;
}

/* What is larger than all that may ever be had is not worth a wait. */
static bool is_possible(const struct attempt *attempt)
{
    struct hostmem *manager = attempt->node->manager;
    uint64_t most = 0;
    for (size_t i = 0; i < manager->node_count; i++)
        if (node_may_serve(attempt->node, &manager->nodes[i]))
            most += min_size(manager->nodes[i].pool.limit, manager->nodes[i].bytes);
    return attempt->size <= most;
}

int critical_attempt(struct attempt *attempt)
{
    int error = attempt->make(attempt, PRIORITY_TASK);
    if (error == -ENOMEM && attempt->level > HOSTMEM_TASK_CRITICAL)
        error = attempt->make(attempt, (enum priority)attempt->level);
    if (error != -ENOMEM || attempt->level != HOSTMEM_PROCESS_CRITICAL)
        return error;
    if (attempt->node->manager->config.critical_wait_ms == 0 || !is_possible(attempt))
        return error;
    return wait_and_try(attempt);
}
