/* SPDX-License-Identifier: MIT */
/* Locks with ranks. Invariant in builds with HM_CHECKS: held_ranks has a bit for each rank that the
 * thread holds, and a lock is only taken above the highest of them. */
#include "lib/lock.h"

#include <errno.h>
#include <time.h>

#include "lib/check.h"

#define NS_PER_S UINT64_C(1000000000)

#ifdef HM_CHECKS
static _Thread_local unsigned held_ranks;

static void rank_enter(enum lock_rank rank)
{
    hm_assert(held_ranks >> rank == 0);
    held_ranks |= 1u << rank;
}

static void rank_leave(enum lock_rank rank)
{
    hm_assert(held_ranks & 1u << rank);
    held_ranks &= ~(1u << rank);
}
#else
static void rank_enter(enum lock_rank rank)
{
}

static void rank_leave(enum lock_rank rank)
{
}
#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
    /* A mutex without attributes cannot fail to be made or taken on Linux. */
    pthread_mutex_init(&lock->mutex, NULL);
    lock->rank = rank;
}

void lock_destroy(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

void lock_take(struct lock *lock) UNCHECKED_LOCKING
{
    rank_enter(lock->rank);
    pthread_mutex_lock(&lock->mutex);
}

void lock_drop(struct lock *lock) UNCHECKED_LOCKING
{
    pthread_mutex_unlock(&lock->mutex);
    rank_leave(lock->rank);
}

void lock_condition(pthread_cond_t *ret_condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(ret_condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The rank stays held: nothing else is taken by a thread that waits. */
bool lock_await(struct lock *lock, pthread_cond_t *condition, uint64_t until_ns)
{
    if (until_ns == UINT64_MAX)
        return pthread_cond_wait(condition, &lock->mutex) == 0;
    struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    return pthread_cond_timedwait(condition, &lock->mutex, &until) != ETIMEDOUT;
}
