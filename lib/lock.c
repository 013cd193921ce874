/* SPDX-License-Identifier: MIT */
/* Locks with ranks. Invariant in builds with HM_CHECKS: held_ranks has a bit for each rank that the
 * thread holds, and a lock is only taken above the highest of them. */
#include "lib/lock.h"

#include "lib/check.h"

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
