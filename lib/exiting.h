/* SPDX-License-Identifier: MIT */
/*
 * Threads that end, and pools that are destroyed: never at the same time. A pool has a destructor
 * of thread-specific data that reads the pool, and nothing that keeps the pool until it has run. So
 * a thread that has used a pool counts as leaving from before the first of these destructors until
 * after the last, and who destroys a pool waits until nobody is leaving. Invariant: `leaving` and
 * `destroying` are not both above zero. Lock: its own mutex, never held across a call.
 *
 * It rests on the order of destructors: those of a round run by ascending key (keys.h). Our key is
 * below all keys of pools (heap.c sees to that), and asks to be called in each round there is. Who
 * uses a pool for the first time while its destructors run may be seen as leaving a little late.
 */
#ifndef HOSTMEM_EXITING_H
#define HOSTMEM_EXITING_H

#include <pthread.h>
#include <stdbool.h>

/* Once, before the first pool. -EMFILE: there is no key for it. */
int exiting_open(void);

/* Keys of pools have to be higher. */
pthread_key_t exiting_key(void);

enum exiting_state {
    EXITING_UNKNOWN, /* has used no pool */
    EXITING_LISTED,
    EXITING_ROUND /* in its first round of destructors, and so on */
};
extern _Thread_local int exiting_state __attribute__((tls_model("initial-exec")));
int exiting_enlist_slowly(void);

/*
 * The calling thread may get thread-specific data of pools from now on. -EAGAIN: it is too late,
 * because what it gets now might not be destroyed while it counts as leaving; -ENOMEM.
 */
static inline int exiting_enlist(void)
{
    return exiting_state == EXITING_LISTED ? 0 : exiting_enlist_slowly();
}

/*
 * Around the destruction of a pool: waits until no thread is leaving, and holds up those that are
 * about to. A thread that is leaving itself may call it.
 */
void exiting_exclude(void);
void exiting_admit(void);

/* In a child, which has one thread. */
void exiting_forked(void);

#endif
