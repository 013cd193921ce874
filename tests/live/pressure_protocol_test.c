/* SPDX-License-Identifier: MIT */
/*
 * Pressure that our own commits make: a pool of 32 frames, of which so many are committed. Who is
 * told what, in which order, how soon, and how often. Each crossing is an event: the period of the
 * samples is a minute where a timer must not help.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "pressure.h"

#define POOL    "HOSTMEM_POOL=64M"
#define FRAMES  32
#define BELOW   26 /* 81 % of the pool: less than Low is left at */
#define ABOVE   29 /* 91 % */
#define MINUTE  "HOSTMEM_SAMPLE_MS=60000"
#define NO_HOLD "HOSTMEM_HOLD_MS=0"

/* A manager with a region of FRAMES, of which the first `committed` are. */
struct scene {
    struct hostmem *manager;
    char *base;
    size_t committed;
    int node;
};

static void level(struct scene *scene, size_t committed)
{
    size_t now = scene->committed;
    if (committed > now)
        live_commit(scene->manager, scene->base + now * FRAME, (committed - now) * FRAME);
    else if (committed < now)
        must(hostmem_decommit(
                 scene->manager, scene->base + committed * FRAME, (now - committed) * FRAME) == 0);
    scene->committed = committed;
}

static struct scene begin(void)
{
    struct scene scene = {.manager = live_manager()};
    struct hostmem_receipt receipt = {0};
    scene.base = live_reserve(scene.manager, FRAMES * FRAME, 0);
    level(&scene, BELOW);
    must(hostmem_receipt(scene.manager, scene.base, FRAME, &receipt) == 0);
    scene.node = receipt.node_given;
    return scene;
}

/* The machine is short of memory where it has one node, and that is. */
static bool is_one_node(const struct scene *scene)
{
    return hostmem_nodes(scene->manager, 0, NULL) == 1;
}

/* -- crossings -- */

static void a_crossing_is_told(void **state)
{
    live_environment(POOL, MINUTE, NO_HOLD, NULL);
    struct scene scene = begin();
    struct ear *node = ear_subscribed(scene.manager, scene.node);
    struct ear *machine = ear_subscribed(scene.manager, HOSTMEM_NODE_ALL);
    struct hostmem_pressure first = ear_any(node);
    assert_int_not_equal(first.level, HOSTMEM_LOW);
    level(&scene, ABOVE);
    struct hostmem_pressure low = ear_low(node);
    assert_int_equal(low.node, scene.node);
    assert_int_equal(low.load.limit, HOSTMEM_LIMIT_POOL);
    assert_int_equal(low.load.percent, 91);
    assert_int_equal(low.load.available_bytes, (FRAMES - ABOVE) * FRAME);
    assert_true(low.sequence > first.sequence && low.time_ns >= first.time_ns);
    if (is_one_node(&scene)) {
        struct hostmem_pressure all = ear_low(machine);
        assert_int_equal(all.node, HOSTMEM_NODE_ALL);
        assert_int_equal(all.load.limit, HOSTMEM_LIMIT_POOL);
    }
    level(&scene, 4);
    struct hostmem_pressure relief = ear_relief(node);
    assert_true(relief.sequence > low.sequence && relief.time_ns >= low.time_ns);
    assert_true(relief.load.percent < 85);
    if (is_one_node(&scene))
        ear_relief(machine);
    ear_unsubscribe(node);
    ear_unsubscribe(machine);
    hostmem_destroy(scene.manager);
}

/* Just where the load becomes 90, and just where it is less than 85 again. */
static void the_least_crossing_is_an_event(void **state)
{
    size_t low = 0, relief = FRAMES;
    while ((low * 100 + FRAMES - 1) / FRAMES < 90)
        low++;
    while ((relief * 100 + FRAMES - 1) / FRAMES >= 85)
        relief--;
    live_environment(POOL, MINUTE, NO_HOLD, NULL);
    struct scene scene = begin();
    struct ear *ear = ear_subscribed(scene.manager, scene.node);
    ear_any(ear);
    for (size_t n = live_scaled(50); n; n--) {
        for (size_t frames = relief; frames <= low; frames++)
            level(&scene, frames);
        ear_low(ear);
        for (size_t frames = low; frames >= relief; frames--)
            level(&scene, frames);
        ear_relief(ear);
    }
    ear_unsubscribe(ear);
    hostmem_destroy(scene.manager);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t print_spread(const char *what, uint64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), ascending);
    print_message(
        "%s, %zu times: least %.3f ms, half %.3f, nine in ten %.3f, 99 %% %.3f, most %.3f\n", what,
        count, (double)times[0] / 1e6, (double)times[count / 2] / 1e6,
        (double)times[count * 9 / 10] / 1e6, (double)times[count * 99 / 100] / 1e6,
        (double)times[count - 1] / 1e6);
    return times[count / 2];
}

#define CROSSINGS 400

/* From before the commit of the frame that crosses, and the decommit, to the callback. */
static void how_soon(void **state)
{
    static uint64_t up[CROSSINGS], down[CROSSINGS];
    size_t count = live_scaled(CROSSINGS);
    live_environment(POOL, MINUTE, NO_HOLD, NULL);
    struct scene scene = begin();
    struct ear *ear = ear_subscribed(scene.manager, scene.node);
    ear_any(ear);
    for (size_t i = 0; i < count && i < CROSSINGS; i++) {
        level(&scene, ABOVE - 1);
        uint64_t before = live_now();
        level(&scene, ABOVE);
        ear_low(ear);
        up[i] = ear_time(ear) - before;
        before = live_now();
        level(&scene, BELOW);
        ear_relief(ear);
        down[i] = ear_time(ear) - before;
    }
    assert_true(print_spread("from the crossing to Low", up, count) <= 20 * MS);
    assert_true(print_spread("from the crossing to the end of Low", down, count) <= 20 * MS);
    ear_unsubscribe(ear);
    hostmem_destroy(scene.manager);
}

/* -- holds and repeats -- */

static void pause_until(uint64_t time)
{
    struct timespec until = {(time_t)(time / (1000 * MS)), (long)(time % (1000 * MS))};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

#define STORM 2000 /* crossings, one each ms */
#define HOLD  200  /* ms */

/* The changes that were told, none closer to the one before it than the hold. */
static size_t changes(const struct ear *ear)
{
    size_t count = 0, last = 0;
    for (size_t i = 1; i < ear->count; i++) {
        if (ear->heard[i].level == ear->heard[last].level)
            continue;
        assert_true(count == 0 || ear->heard[i].time_ns - ear->heard[last].time_ns >= HOLD * MS);
        last = i;
        count++;
    }
    return count;
}

static void storm(size_t end)
{
    live_environment(POOL, "HOSTMEM_HOLD_MS=200", "HOSTMEM_LOW_REPEAT_MS=0", MINUTE, NULL);
    struct scene scene = begin();
    struct ear *ear = ear_subscribed(scene.manager, scene.node);
    ear_any(ear);
    uint64_t start = live_now();
    for (size_t i = 0; i < STORM; i++) {
        level(&scene, i % 2 ? BELOW : ABOVE);
        pause_until(start + (i + 1) * MS);
    }
    level(&scene, end);
    uint64_t time = live_now() - start;
    /* The true level is told in the end, and nothing after it. */
    pause_until(live_now() + 3 * HOLD * MS);
    pthread_mutex_lock(&ear->lock);
    size_t told = changes(ear);
    bool low = ear->heard[ear->count - 1].level == HOSTMEM_LOW;
    pthread_mutex_unlock(&ear->lock);
    print_message("%d crossings in %.2f s: %zu changes told\n", STORM, (double)time / 1e9, told);
    assert_true(told >= 1 && told <= time / (HOLD * MS) + 2);
    assert_int_equal(low, end == ABOVE);
    ear_unsubscribe(ear);
    hostmem_destroy(scene.manager);
}

static void a_storm_that_ends_low(void **state)
{
    storm(ABOVE);
}

static void a_storm_that_ends_in_relief(void **state)
{
    storm(BELOW);
}

/* A crossing within the hold is told when that is over, and one after it at once. */
static void crossings_around_a_hold(void **state)
{
    live_environment(POOL, "HOSTMEM_HOLD_MS=100", MINUTE, NULL);
    struct scene scene = begin();
    struct ear *ear = ear_subscribed(scene.manager, scene.node);
    ear_any(ear);
    for (size_t n = live_scaled(10); n; n--) {
        level(&scene, ABOVE);
        uint64_t low = ear_low(ear).time_ns;
        if (n % 2)
            pause_until(low + 150 * MS);
        level(&scene, BELOW);
        assert_true(ear_relief(ear).time_ns - low >= 100 * MS);
    }
    ear_unsubscribe(ear);
    hostmem_destroy(scene.manager);
}

static void a_lasting_low_is_repeated(void **state)
{
    live_environment(POOL, NO_HOLD, MINUTE, "HOSTMEM_LOW_REPEAT_MS=50", NULL);
    struct scene scene = begin();
    struct ear *ear = ear_subscribed(scene.manager, scene.node);
    ear_any(ear);
    level(&scene, ABOVE);
    struct hostmem_pressure last = ear_low(ear);
    for (int i = 0; i < 5; i++) {
        struct hostmem_pressure next = ear_any(ear);
        assert_int_equal(next.level, HOSTMEM_LOW);
        assert_true(next.time_ns - last.time_ns >= 50 * MS);
        assert_int_equal(next.sequence, last.sequence + 1);
        last = next;
    }
    level(&scene, BELOW);
    ear_relief(ear);
    size_t count = ear_count(ear);
    pause_until(live_now() + 120 * MS);
    assert_int_equal(ear_count(ear), count);
    ear_unsubscribe(ear);
    hostmem_destroy(scene.manager);
}

/* A request that fails is a shortage, whatever the load is. */
static void a_refusal_makes_it_low(void **state)
{
    struct hostmem_request request = {
        .size = 2 * FRAMES * FRAME, .node = -1, .flags = HOSTMEM_COMMIT, .protection = 3};
    void *base = NULL;
    live_environment(POOL, "HOSTMEM_HOLD_MS=50", MINUTE, "HOSTMEM_SPILL=0", NULL);
    struct hostmem *manager = live_manager();
    struct ear *ear = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    assert_int_not_equal(ear_any(ear).level, HOSTMEM_LOW);
    assert_int_equal(hostmem_reserve(manager, &request, &base, NULL), -ENOMEM);
    assert_true(ear_low(ear).load.percent < 90);
    ear_relief(ear);
    ear_unsubscribe(ear);
    hostmem_destroy(manager);
}

/* -- relief -- */

static void look_at_warm(struct ear *ear)
{
    *(uint64_t *)ear->with = live_warm(ear->manager);
}

static void warm_memory_goes_before_low_is_told(void **state)
{
    uint64_t warm = UINT64_MAX;
    live_environment(
        POOL, NO_HOLD, MINUTE, "HOSTMEM_BACKING=hugetlb", "HOSTMEM_PREFAULT=64M", NULL);
    struct scene scene = begin();
    struct ear *ear = ear_subscribed(scene.manager, scene.node);
    ear_any(ear);
    assert_true(live_warm(scene.manager) >= (FRAMES - BELOW) * FRAME);
    ear_then(ear, look_at_warm, &warm);
    level(&scene, ABOVE);
    ear_low(ear);
    ear_unsubscribe(ear); /* after the callback */
    if (hostmem_nodes(scene.manager, 0, NULL) == 1)
        assert_int_equal(warm, 0);
    hostmem_destroy(scene.manager);
}

/* -- subscribers -- */

static void the_late_are_told_the_level(void **state)
{
    live_environment(POOL, NO_HOLD, MINUTE, NULL);
    struct scene scene = begin();
    struct ear *early = ear_subscribed(scene.manager, scene.node);
    ear_any(early);
    level(&scene, ABOVE);
    struct hostmem_pressure low = ear_low(early);
    struct ear *late = ear_subscribed(scene.manager, scene.node);
    struct hostmem_pressure first = ear_any(late);
    assert_int_equal(first.level, HOSTMEM_LOW);
    assert_int_equal(first.sequence, low.sequence);
    assert_int_equal(first.load.percent, 91);
    size_t before = ear_count(early);
    level(&scene, BELOW);
    assert_int_equal(ear_relief(early).sequence, ear_relief(late).sequence);
    assert_int_equal(ear_count(early), before + 1); /* the late one's first was not theirs */
    ear_unsubscribe(early);
    ear_unsubscribe(late);
    hostmem_destroy(scene.manager);
}

static sem_t may_leave;

static void stay(struct ear *ear)
{
    while (sem_wait(&may_leave) != 0)
        continue;
}

/* Others allocate while a callback blocks; then it hears the latest, not all that it missed. */
static void a_callback_that_blocks(void **state)
{
    live_environment(POOL, NO_HOLD, "HOSTMEM_SAMPLE_MS=10", NULL);
    sem_init(&may_leave, 0, 0);
    struct scene scene = begin();
    struct ear *ear = ear_subscribed(scene.manager, scene.node);
    ear_any(ear);
    ear_then(ear, stay, NULL);
    level(&scene, ABOVE);
    ear_low(ear);
    size_t before = ear_count(ear);
    for (size_t n = live_scaled(1000); n; n--) {
        level(&scene, BELOW);
        level(&scene, ABOVE);
        must(hostmem_release(scene.manager, live_reserve(scene.manager, FRAME, 1)) == 0);
    }
    level(&scene, BELOW);
    assert_int_equal(ear_count(ear), before);
    sem_post(&may_leave);
    struct hostmem_pressure next = ear_any(ear);
    assert_int_not_equal(next.level, HOSTMEM_LOW);
    assert_int_equal(next.load.percent, 82);
    ear_unsubscribe(ear);
    hostmem_destroy(scene.manager);
}

static void leave(struct ear *ear)
{
    hostmem_unsubscribe(ear->manager, ear->subscription);
}

static void unsubscribed_inside_and_outside(void **state)
{
    live_environment(POOL, NO_HOLD, MINUTE, NULL);
    struct scene scene = begin();
    struct ear *witness = ear_subscribed(scene.manager, scene.node);
    struct ear *outside = ear_subscribed(scene.manager, scene.node);
    struct ear *inside = ear_new(scene.manager);
    ear_then(inside, leave, NULL);
    must(
        hostmem_subscribe(scene.manager, scene.node, ear_hear, inside, &inside->subscription) == 0);
    ear_any(inside);
    ear_any(outside);
    ear_any(witness);
    hostmem_unsubscribe(scene.manager, outside->subscription);
    level(&scene, ABOVE);
    ear_low(witness);
    level(&scene, BELOW);
    ear_relief(witness);
    assert_int_equal(ear_count(outside), 1);
    assert_int_equal(ear_count(inside), 1);
    ear_unsubscribe(witness);
    hostmem_destroy(scene.manager);
    ear_free(outside);
    ear_free(inside);
}

/* All that may be called is called, from inside. */
static void use_everything(struct ear *ear)
{
    struct hostmem *manager = ear->manager;
    struct hostmem_subscription *subscription = NULL;
    struct ear *more = ear->with;
    struct hostmem_load load = {0};
    char *at = live_reserve(manager, 2 * FRAME, HOSTMEM_COMMIT);
    at[0] = at[2 * FRAME - 1] = 1;
    must(hostmem_decommit(manager, at, FRAME) == 0);
    must(hostmem_release(manager, at) == 0);
    must(hostmem_load(manager, &load) == 0 && load.percent <= 100);
    must(hostmem_external_acquired(manager, at, FRAME) == 0);
    must(hostmem_external_released(manager, at) == 0);
    must(hostmem_subscribe(manager, HOSTMEM_NODE_ALL, ear_hear, more, &subscription) == 0);
    more->subscription = subscription;
}

static void everything_from_inside(void **state)
{
    live_environment(POOL, NO_HOLD, MINUTE, NULL);
    struct hostmem *manager = live_manager();
    struct ear *more = ear_new(manager), *ear = ear_new(manager);
    ear_then(ear, use_everything, more);
    must(hostmem_subscribe(manager, HOSTMEM_NODE_ALL, ear_hear, ear, &ear->subscription) == 0);
    ear_any(more);
    ear_unsubscribe(ear);
    ear_unsubscribe(more);
    hostmem_destroy(manager);
}

static void wrong_arguments(void **state)
{
    struct hostmem_subscription *none = (void *)&may_leave, *before = none;
    live_environment(NULL);
    struct hostmem *manager = live_manager();
    assert_int_equal(hostmem_subscribe(NULL, 0, ear_hear, NULL, &none), -EINVAL);
    assert_int_equal(hostmem_subscribe(manager, -3, NULL, NULL, &none), -EINVAL);
    assert_int_equal(hostmem_subscribe(manager, -3, ear_hear, NULL, NULL), -EINVAL);
    assert_int_equal(hostmem_subscribe(manager, 1023, ear_hear, NULL, &none), -EINVAL);
    assert_int_equal(hostmem_subscribe(manager, -2, ear_hear, NULL, &none), -EINVAL);
    assert_ptr_equal(none, before);
    hostmem_unsubscribe(manager, NULL);
    hostmem_unsubscribe(NULL, NULL);
    hostmem_destroy(manager);
}

/* -- nobody watches -- */

/* Told once, within the call, by what is true then. */
static void without_watchers(void)
{
    struct scene scene = begin();
    assert_int_equal(watcher_threads(0, NULL), 0);
    struct ear *first = ear_subscribed(scene.manager, scene.node);
    assert_int_equal(ear_count(first), 1);
    assert_int_not_equal(first->heard[0].level, HOSTMEM_LOW);
    level(&scene, ABOVE);
    struct ear *second = ear_subscribed(scene.manager, scene.node);
    assert_int_equal(ear_count(first), 1);
    assert_int_equal(ear_count(second), 1);
    assert_int_equal(second->heard[0].level, HOSTMEM_LOW);
    assert_int_equal(second->heard[0].load.percent, 91);
    assert_true(second->heard[0].time_ns >= first->heard[0].time_ns);
    level(&scene, 4);
    struct ear *third = ear_subscribed(scene.manager, scene.node);
    assert_int_not_equal(third->heard[0].level, HOSTMEM_LOW);
    ear_unsubscribe(first);
    ear_unsubscribe(second);
    ear_unsubscribe(third);
    hostmem_destroy(scene.manager);
}

static void watching_is_off(void **state)
{
    live_environment(POOL, "HOSTMEM_WATCH=0", NULL);
    without_watchers();
}

static void with_threads_refused(void *argument)
{
    live_refuse(EAGAIN, (int[]){SYS_clone, SYS_clone3, -1});
    live_environment(POOL, NULL);
    without_watchers();
}

static void threads_are_refused(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer does not live without threads");
    live_in_child(with_threads_refused, NULL);
}

static void *subscribe_often(void *manager)
{
    for (size_t n = live_scaled(500); n; n--)
        ear_unsubscribe(ear_subscribed(manager, n % 2 ? HOSTMEM_NODE_ALL : HOSTMEM_NODE_LOCAL));
    return NULL;
}

static void many_subscribe(const char *watch)
{
    pthread_t threads[4];
    live_environment(POOL, "HOSTMEM_SAMPLE_MS=10", watch, NULL);
    struct hostmem *manager = live_manager();
    for (size_t i = 0; i < COUNT(threads); i++)
        must(pthread_create(&threads[i], NULL, subscribe_often, manager) == 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    hostmem_destroy(manager);
}

static void many_threads_subscribe(void **state)
{
    many_subscribe("HOSTMEM_WATCH=0");
    many_subscribe("HOSTMEM_WATCH=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crossing_is_told),
        cmocka_unit_test(the_least_crossing_is_an_event),
        cmocka_unit_test(how_soon),
        cmocka_unit_test(a_storm_that_ends_low),
        cmocka_unit_test(a_storm_that_ends_in_relief),
        cmocka_unit_test(crossings_around_a_hold),
        cmocka_unit_test(a_lasting_low_is_repeated),
        cmocka_unit_test(a_refusal_makes_it_low),
        cmocka_unit_test(warm_memory_goes_before_low_is_told),
        cmocka_unit_test(the_late_are_told_the_level),
        cmocka_unit_test(a_callback_that_blocks),
        cmocka_unit_test(unsubscribed_inside_and_outside),
        cmocka_unit_test(everything_from_inside),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(watching_is_off),
        cmocka_unit_test(threads_are_refused),
        cmocka_unit_test(many_threads_subscribe),
    };
    live_limit_windows();
    live_catch_faults();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
