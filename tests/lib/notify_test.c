/* SPDX-License-Identifier: MIT */
/*
 * Announcements and those who are told: order, what is due, and coming and going from inside of a
 * callback, from beside it, and from many threads at once. No test waits without a deadline. Needs
 * nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "dice.h"
#include "lib/notify.h"

#define HEARD   64
#define SECONDS 20 /* until something that has to happen has not */

static struct notifier notifier;
static struct topic topic;
static _Atomic bool ended;

/* A subscriber: what it was told, and what it does about it the next time. */
struct ear {
    struct hostmem_subscription *subscription;
    size_t count;
    uint64_t heard[HEARD]; /* sequence numbers */
    void (*then)(struct ear *ear);
    struct ear *other;
};

static void hear(void *context, const struct hostmem_pressure *pressure)
{
    struct ear *ear = context;
    void (*then)(struct ear *) = ear->then;
    if (ear->count < HEARD)
        ear->heard[ear->count] = pressure->sequence;
    ear->count++;
    ear->then = NULL;
    if (then)
        then(ear);
}

static void subscribe_to(struct topic *to, struct ear *ear)
{
    assert_int_equal(topic_subscribe(&notifier, to, hear, ear, &ear->subscription), 0);
}

static void subscribe(struct ear *ear)
{
    subscribe_to(&topic, ear);
}

static void unsubscribe(struct ear *ear)
{
    topic_unsubscribe(&notifier, ear->subscription);
}

static void announce(uint64_t sequence)
{
    struct hostmem_pressure pressure = {.level = HOSTMEM_LOW, .sequence = sequence};
    topic_announce(&notifier, &topic, &pressure);
}

static void refresh(uint64_t sequence)
{
    struct hostmem_pressure pressure = {.level = HOSTMEM_LOW, .sequence = sequence};
    topic_refresh(&notifier, &topic, &pressure);
}

static void deliver(void)
{
    topic_deliver(&notifier, &topic, &ended);
}

static int open_topic(void **state)
{
    notifier_open(&notifier);
    topic = (struct topic){.last = {.sequence = 100}};
    atomic_store(&ended, false);
    return 0;
}

/* Whoever is left is ended by it. */
static int close_topic(void **state)
{
    topic_close(&notifier, &topic);
    notifier_close(&notifier);
    return topic.first ? 1 : 0;
}

/* What the ear heard, since it was asked last. */
static void assert_heard(struct ear *ear, size_t count, const uint64_t *sequences)
{
    assert_int_equal(ear->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ear->heard[i], sequences[i]);
    ear->count = 0;
}

#define HEARS(ear, ...)                                                                            \
    assert_heard(                                                                                  \
        ear, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), (uint64_t[]){__VA_ARGS__})
#define HEARS_NOTHING(ear) assert_heard(ear, 0, NULL)

/* -- what is due -- */

static void the_last_one_is_due_at_first(void **state)
{
    struct ear ear = {0};
    subscribe(&ear);
    HEARS_NOTHING(&ear);
    deliver();
    HEARS(&ear, 100);
    deliver();
    HEARS_NOTHING(&ear);
}

static void announcements_come_in_order(void **state)
{
    struct ear a = {0}, b = {0};
    subscribe(&a);
    subscribe(&b);
    for (uint64_t n = 1; n < 5; n++) {
        announce(n);
        deliver();
    }
    HEARS(&a, 1, 2, 3, 4);
    HEARS(&b, 1, 2, 3, 4);
}

static void the_slow_hear_the_latest(void **state)
{
    struct ear ear = {0};
    subscribe(&ear);
    for (uint64_t n = 1; n < 50; n++)
        announce(n);
    deliver();
    HEARS(&ear, 49);
}

static void a_refresh_is_for_those_to_come(void **state)
{
    struct ear early = {0}, late = {0};
    subscribe(&early);
    deliver();
    refresh(7);
    deliver();
    HEARS(&early, 100);
    subscribe(&late);
    deliver();
    HEARS_NOTHING(&early);
    HEARS(&late, 7);
}

static void topics_are_apart(void **state)
{
    struct topic other = {.last = {.sequence = 5}};
    struct ear here = {0}, there = {0};
    subscribe(&here);
    subscribe_to(&other, &there);
    announce(1);
    deliver();
    HEARS(&here, 1);
    HEARS_NOTHING(&there);
    topic_deliver(&notifier, &other, &ended);
    HEARS(&there, 5);
    topic_close(&notifier, &other);
}

static void nobody_is_told_at_the_end(void **state)
{
    struct ear ear = {0};
    subscribe(&ear);
    atomic_store(&ended, true);
    deliver();
    HEARS_NOTHING(&ear);
}

/* -- from inside -- */

static void go(struct ear *ear)
{
    unsubscribe(ear);
}

static void ended_from_inside(void **state)
{
    struct ear a = {0}, leaving = {.then = go}, b = {0};
    subscribe(&a);
    subscribe(&leaving);
    subscribe(&b);
    deliver();
    announce(1);
    deliver();
    HEARS(&a, 100, 1);
    HEARS(&leaving, 100);
    HEARS(&b, 100, 1);
}

static void end_other(struct ear *ear)
{
    unsubscribe(ear->other);
}

static void another_is_ended_from_inside(void **state)
{
    struct ear other = {0}, ear = {.then = end_other, .other = &other};
    subscribe(&other);
    subscribe(&ear); /* is called first */
    deliver();
    announce(1);
    deliver();
    HEARS(&ear, 100, 1);
    HEARS_NOTHING(&other);
}

static void invite_other(struct ear *ear)
{
    subscribe(ear->other);
}

static void subscribed_from_inside(void **state)
{
    struct ear other = {0}, ear = {.then = invite_other, .other = &other};
    subscribe(&ear);
    deliver();
    HEARS(&ear, 100);
    HEARS(&other, 100);
}

static void replace(struct ear *ear)
{
    unsubscribe(ear);
    subscribe(ear);
}

static void replaced_from_inside(void **state)
{
    struct ear ear = {.then = replace};
    subscribe(&ear);
    deliver();
    HEARS(&ear, 100, 100);
    announce(1);
    deliver();
    HEARS(&ear, 1);
}

static void announce_more(struct ear *ear)
{
    announce(8);
    announce(9);
}

static void announced_from_inside(void **state)
{
    struct ear ear = {.then = announce_more};
    subscribe(&ear);
    deliver();
    HEARS(&ear, 100, 9);
}

static void end_all(struct ear *ear)
{
    atomic_store(&ended, true);
}

static void ended_while_delivering(void **state)
{
    struct ear second = {0}, first = {.then = end_all};
    subscribe(&second);
    subscribe(&first);
    deliver();
    HEARS(&first, 100);
    HEARS_NOTHING(&second);
}

/* -- from beside -- */

static bool await(sem_t *event, long ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int result;
    do {
        result = sem_clockwait(event, CLOCK_MONOTONIC, &until);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

static struct {
    sem_t entered, may_leave, unsubscribed;
    _Atomic bool left;
} scene;

static void stay(struct ear *ear)
{
    sem_post(&scene.entered);
    await(&scene.may_leave, SECONDS * 1000);
    atomic_store(&scene.left, true);
}

static void *deliver_beside(void *argument)
{
    deliver();
    return NULL;
}

static void *unsubscribe_beside(void *argument)
{
    unsubscribe(argument);
    sem_post(&scene.unsubscribed);
    return NULL;
}

static void open_scene(void)
{
    sem_init(&scene.entered, 0, 0);
    sem_init(&scene.may_leave, 0, 0);
    sem_init(&scene.unsubscribed, 0, 0);
    atomic_store(&scene.left, false);
}

static void unsubscribing_waits_for_the_callback(void **state)
{
    struct ear ear = {.then = stay};
    pthread_t caller, leaver;
    open_scene();
    subscribe(&ear);
    assert_int_equal(pthread_create(&caller, NULL, deliver_beside, NULL), 0);
    assert_true(await(&scene.entered, SECONDS * 1000));
    announce(1);
    assert_int_equal(pthread_create(&leaver, NULL, unsubscribe_beside, &ear), 0);
    assert_false(await(&scene.unsubscribed, 100)); /* not while it runs */
    sem_post(&scene.may_leave);
    assert_true(await(&scene.unsubscribed, SECONDS * 1000));
    assert_true(atomic_load(&scene.left));
    pthread_join(caller, NULL);
    pthread_join(leaver, NULL);
    deliver();
    HEARS(&ear, 100); /* what was announced meanwhile was for nobody */
}

/* While one callback runs, others come, go, and are told by another thread. */
static void a_long_callback_stops_nobody_else(void **state)
{
    struct ear other = {0}, third = {0}, ear = {.then = stay};
    pthread_t caller;
    open_scene();
    subscribe(&other);
    subscribe(&ear);
    assert_int_equal(pthread_create(&caller, NULL, deliver_beside, NULL), 0);
    assert_true(await(&scene.entered, SECONDS * 1000));
    announce(1);
    announce(2);
    deliver();
    HEARS(&other, 2);
    subscribe(&third);
    deliver();
    HEARS(&third, 2);
    unsubscribe(&other);
    sem_post(&scene.may_leave);
    pthread_join(caller, NULL);
    HEARS(&ear, 100, 2);
}

/* -- many threads -- */

struct guest {
    _Atomic int inside;
    uint64_t last;
};

/* Never on two threads at once, never backwards, never after the end. */
static _Atomic unsigned mistakes;

static void visit(void *context, const struct hostmem_pressure *pressure)
{
    struct guest *guest = context;
    if (atomic_fetch_add(&guest->inside, 1) != 0 || pressure->sequence < guest->last)
        atomic_fetch_add(&mistakes, 1);
    guest->last = pressure->sequence;
    atomic_fetch_sub(&guest->inside, 1);
}

/* A guest's memory goes as soon as its subscription is ended. */
static void *come_and_go(void *argument)
{
    size_t *rounds = argument;
    for (size_t n = *rounds; n; n--) {
        struct guest *guest = calloc(1, sizeof(*guest));
        struct hostmem_subscription *subscription;
        if (!guest || topic_subscribe(&notifier, &topic, visit, guest, &subscription))
            return argument;
        if (n % 3)
            deliver();
        topic_unsubscribe(&notifier, subscription);
        guest->last = UINT64_MAX;
        free(guest);
    }
    return NULL;
}

static void *announce_on(void *argument)
{
    size_t *rounds = argument;
    for (uint64_t n = 1; n <= *rounds; n++) {
        announce(100 + n);
        deliver();
    }
    return NULL;
}

static void threads_come_and_go(void **state)
{
    size_t rounds = dice_scaled(20000);
    pthread_t threads[5];
    void *failed[5];
    struct guest guest = {0};
    struct hostmem_subscription *stays;
    assert_int_equal(topic_subscribe(&notifier, &topic, visit, &guest, &stays), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i ? come_and_go : announce_on, &rounds), 0);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], &failed[i]);
    for (int i = 0; i < 5; i++)
        assert_null(failed[i]);
    deliver();
    assert_int_equal(atomic_load(&mistakes), 0);
    assert_int_equal(guest.last, 100 + rounds);
    assert_ptr_equal(topic.first, stays);
}

#define TOPIC_TEST(name) cmocka_unit_test_setup_teardown(name, open_topic, close_topic)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOPIC_TEST(the_last_one_is_due_at_first),
        TOPIC_TEST(announcements_come_in_order),
        TOPIC_TEST(the_slow_hear_the_latest),
        TOPIC_TEST(a_refresh_is_for_those_to_come),
        TOPIC_TEST(topics_are_apart),
        TOPIC_TEST(nobody_is_told_at_the_end),
        TOPIC_TEST(ended_from_inside),
        TOPIC_TEST(another_is_ended_from_inside),
        TOPIC_TEST(subscribed_from_inside),
        TOPIC_TEST(replaced_from_inside),
        TOPIC_TEST(announced_from_inside),
        TOPIC_TEST(ended_while_delivering),
        TOPIC_TEST(unsubscribing_waits_for_the_callback),
        TOPIC_TEST(a_long_callback_stops_nobody_else),
        TOPIC_TEST(threads_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
