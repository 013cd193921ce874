/* SPDX-License-Identifier: MIT */
/*
 * The locks of the library and the one order in which a thread may take them. Builds with HM_CHECKS
 * die when a thread takes a lock whose rank is not above all that it holds; clang checks the rest
 * (-Wthread-safety).
 */
#ifndef HOSTMEM_LOCK_H
#define HOSTMEM_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#define LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LOCK_ATTRIBUTE(x)
#endif
/* For readers alone: clang 14 does not take a sibling's name in the members of a C structure. */
#define GUARDED_BY(lock)
#define REQUIRES(...)     LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRES(...)     LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASES(...)     LOCK_ATTRIBUTE(release_capability(__VA_ARGS__))
#define UNCHECKED_LOCKING LOCK_ATTRIBUTE(no_thread_safety_analysis)

/*
 * In the order of taking:
 * - a region's lock is held over every change of the region, with its system calls;
 * - a share's lock is held while the frame that small regions share is taken or put back, which may
 *   populate it: one region after the other enters the share, so it comes below the region;
 * - a node's grow lock is held while a window is mapped, so that two threads do not map two;
 * - a node's space lock guards its address bitmaps and free lists: no system call, no waiting;
 * - a ledger's lock guards its ranges: nothing is held before it, nothing is taken within;
 * - a node's room lock guards what was promised of its base pages, for some additions;
 * - the lock of critical requests counts what was given back: taken wherever memory may be;
 * - the notifier's lock guards lists of subscribers: never held across a callback;
 * - the store hands out metadata at the bottom of everything.
 */
enum lock_rank {
    RANK_REGION = 1,
    RANK_SHARE,
    RANK_GROW,
    RANK_SPACE,
    RANK_LEDGER,
    RANK_ROOM,
    RANK_CRITICAL,
    RANK_NOTIFY,
    RANK_STORE
};

struct LOCK_ATTRIBUTE(capability("mutex")) lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_destroy(struct lock *lock);
void lock_take(struct lock *lock) ACQUIRES(*lock);
void lock_drop(struct lock *lock) RELEASES(*lock);

/* A condition, for waits under a lock, that counts time as CLOCK_MONOTONIC does. */
void lock_condition(pthread_cond_t *ret_condition);

/*
 * Waits with the lock dropped, until the condition is signalled, the time has come (in ns;
 * UINT64_MAX: never), or for no reason. false: the time has come.
 */
bool lock_await(struct lock *lock, pthread_cond_t *condition, uint64_t until_ns) REQUIRES(*lock);

#endif
