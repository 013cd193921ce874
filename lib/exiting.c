/* SPDX-License-Identifier: MIT */
/* Who is leaving, who destroys. Invariant and lock: see exiting.h. */
#include "lib/exiting.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

/*
 * A pool's destructor runs in the round in which a thread got its data, or in the next one: so who
 * gets some before our second call is done with it in the second round, and we let go in the third.
 * In the last one sanitizers end the thread.
 */
#define ROUNDS     3
#define LAST_ENTRY EXITING_ROUND
#define GONE       (EXITING_ROUND + ROUNDS - 1)
_Static_assert(PTHREAD_DESTRUCTOR_ITERATIONS > ROUNDS, "so often is a destructor called again");

#define NS_PER_S 1000000000L
#define SWEEP_NS 10000000L /* how often those who wait look for dead threads */

/*
 * A thread that uses pools. Where its first use was in a destructor, not all the rounds come: that
 * it is dead is then told by the kernel, which unlocks the mutexes of the dead.
 */
struct thread {
    pthread_mutex_t alive; /* robust; held while it is leaving */
    struct thread *next;   /* in the list of those who leave, under lock */
};

_Thread_local int exiting_state;

static pthread_key_t key;
static int key_error;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct thread *leaving; /* under lock */
static unsigned destroying;    /* under lock */

static void discard(struct thread *thread)
{
    pthread_mutex_destroy(&thread->alive);
    free(thread);
}

/* -- leaving -- */

static void unlink_leaver(const struct thread *thread)
{
    struct thread **at = &leaving;
    while (*at != thread)
        at = &(*at)->next;
    *at = thread->next;
}

static void begin_leaving(struct thread *thread)
{
    pthread_mutex_lock(&thread->alive);
    pthread_mutex_lock(&lock);
    while (destroying > 0)
        pthread_cond_wait(&changed, &lock);
    thread->next = leaving;
    leaving = thread;
    pthread_mutex_unlock(&lock);
}

static void end_leaving(struct thread *thread)
{
    pthread_mutex_lock(&lock);
    unlink_leaver(thread);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&thread->alive);
}

static bool is_leaving(void)
{
    return exiting_state >= EXITING_ROUND && exiting_state < GONE;
}

static void next_round(void *value)
{
    struct thread *thread = value;
    if (exiting_state < EXITING_ROUND) {
        begin_leaving(thread);
        exiting_state = EXITING_ROUND;
    } else if (++exiting_state == GONE) {
        end_leaving(thread);
        discard(thread);
        return;
    }
    pthread_setspecific(key, thread);
}

/* -- enlisting -- */

static void make_key(void)
{
    key_error = pthread_key_create(&key, next_round);
}

int exiting_open(void)
{
    pthread_once(&once, make_key);
    return key_error ? -EMFILE : 0;
}

pthread_key_t exiting_key(void)
{
    return key;
}

static struct thread *new_thread(void)
{
    pthread_mutexattr_t attributes;
    struct thread *thread = calloc(1, sizeof(*thread));
    if (!thread)
        return NULL;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&thread->alive, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return thread;
}

int exiting_enlist_slowly(void)
{
    if (exiting_state >= EXITING_ROUND)
        return exiting_state <= LAST_ENTRY ? 0 : -EAGAIN;
    struct thread *thread = new_thread();
    if (!thread)
        return -ENOMEM;
    if (pthread_setspecific(key, thread) != 0) {
        discard(thread);
        return -ENOMEM;
    }
    exiting_state = EXITING_LISTED;
    return 0;
}

/* -- destroying -- */

/* The first of those who leave that is dead, taken out of the list. */
static struct thread *dead_leaver(void)
{
    for (struct thread *thread = leaving; thread; thread = thread->next) {
        int error = pthread_mutex_trylock(&thread->alive);
        if (error == EBUSY)
            continue;
        if (error == EOWNERDEAD)
            pthread_mutex_consistent(&thread->alive);
        pthread_mutex_unlock(&thread->alive);
        unlink_leaver(thread);
        return thread;
    }
    return NULL;
}

static void sweep(void)
{
    for (struct thread *dead = dead_leaver(); dead; dead = dead_leaver())
        discard(dead);
}

static struct timespec soon(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += SWEEP_NS;
    time.tv_sec += time.tv_nsec / NS_PER_S;
    time.tv_nsec %= NS_PER_S;
    return time;
}

static void begin_destroying(void)
{
    pthread_mutex_lock(&lock);
    while (leaving) {
        struct timespec until = soon();
        if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT)
            sweep();
    }
    destroying++;
    pthread_mutex_unlock(&lock);
}

static void end_destroying(void)
{
    pthread_mutex_lock(&lock);
    if (--destroying == 0)
        pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Between its destructors a thread that is leaving reads no pool, so it may stand back. */
void exiting_exclude(void)
{
    if (is_leaving())
        end_leaving(pthread_getspecific(key));
    begin_destroying();
}

void exiting_admit(void)
{
    end_destroying();
    if (is_leaving())
        begin_leaving(pthread_getspecific(key));
}

/* -- forks -- */

void exiting_forked(void)
{
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&changed, NULL);
    leaving = is_leaving() ? pthread_getspecific(key) : NULL;
    if (leaving)
        leaving->next = NULL;
    destroying = 0;
}
