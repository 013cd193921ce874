/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: what ends it, and that a wake-up is never lost, blocked or counted twice. Files are
 * pipes. Needs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "dice.h"
#include "numa/waiter.h"

#define MS      UINT64_C(1000000)
#define MINUTE  (60000 * MS)
#define FOREVER UINT64_MAX

static struct nn_waiter waiter;

static int open_waiter(void **state)
{
    return nn_waiter_open(&waiter);
}

static int close_waiter(void **state)
{
    nn_waiter_close(&waiter);
    return 0;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static void a_wake_up_before_the_sleep_ends_it(void **state)
{
    nn_waiter_wake(&waiter);
    assert_int_equal(nn_waiter_sleep(&waiter, NULL, 0, FOREVER), NN_WOKEN);
}

static void many_wake_ups_end_one_sleep(void **state)
{
    for (int i = 0; i < 1000; i++)
        nn_waiter_wake(&waiter);
    assert_int_equal(nn_waiter_sleep(&waiter, NULL, 0, FOREVER), NN_WOKEN);
    assert_int_equal(nn_waiter_sleep(&waiter, NULL, 0, 0), 0);
}

static void time_passes(void **state)
{
    const uint64_t times[] = {0, 1, 1000, MS, 20 * MS, 1001 * MS};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        uint64_t before = now();
        assert_int_equal(nn_waiter_sleep(&waiter, NULL, 0, times[i]), 0);
        assert_true(now() - before >= times[i]);
    }
}

static void *wake(void *argument)
{
    nn_waiter_wake(argument);
    return NULL;
}

static void another_thread_wakes(void **state)
{
    for (size_t n = dice_scaled(500); n; n--) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake, &waiter), 0);
        assert_int_equal(nn_waiter_sleep(&waiter, NULL, 0, n % 2 ? FOREVER : MINUTE), NN_WOKEN);
        pthread_join(thread, NULL);
    }
}

/* Each wake-up is answered before the next one: none may be lost. */
static struct nn_waiter answer;

static void *play(void *argument)
{
    size_t *rounds = argument;
    for (size_t n = *rounds; n; n--) {
        if (nn_waiter_sleep(&waiter, NULL, 0, MINUTE) != NN_WOKEN)
            return argument;
        nn_waiter_wake(&answer);
    }
    return NULL;
}

static void no_wake_up_is_lost(void **state)
{
    size_t rounds = dice_scaled(20000);
    pthread_t thread;
    void *broken;
    assert_int_equal(nn_waiter_open(&answer), 0);
    assert_int_equal(pthread_create(&thread, NULL, play, &rounds), 0);
    for (size_t n = rounds; n; n--) {
        nn_waiter_wake(&waiter);
        assert_int_equal(nn_waiter_sleep(&answer, NULL, 0, MINUTE), NN_WOKEN);
    }
    pthread_join(thread, &broken);
    nn_waiter_close(&answer);
    assert_null(broken);
}

/* A counter that is full blocks nobody and loses nothing. */
static void a_full_counter(void **state)
{
    uint64_t most = UINT64_MAX - 1;
    assert_int_equal(write(waiter.event, &most, sizeof(most)), sizeof(most));
    errno = 4711;
    nn_waiter_wake(&waiter);
    assert_int_equal(errno, 4711);
    assert_int_equal(nn_waiter_sleep(&waiter, NULL, 0, FOREVER), NN_WOKEN);
    assert_int_equal(nn_waiter_sleep(&waiter, NULL, 0, 0), 0);
}

/* -- files -- */

struct pipes {
    int ends[NN_WAITER_FILES][2];
    struct pollfd files[NN_WAITER_FILES];
};

static void open_pipes(struct pipes *pipes)
{
    for (int i = 0; i < NN_WAITER_FILES; i++) {
        assert_int_equal(pipe2(pipes->ends[i], O_CLOEXEC), 0);
        pipes->files[i] = (struct pollfd){pipes->ends[i][0], POLLIN, 0};
    }
}

static void close_pipes(struct pipes *pipes)
{
    for (int i = 0; i < NN_WAITER_FILES; i++) {
        close(pipes->ends[i][0]);
        close(pipes->ends[i][1]);
    }
}

static unsigned sleep_on(struct pipes *pipes, size_t count, uint64_t time)
{
    return nn_waiter_sleep(&waiter, pipes->files, count, time);
}

static void each_file_has_its_bit(void **state)
{
    struct pipes pipes;
    char byte = 0;
    open_pipes(&pipes);
    for (int i = 0; i < NN_WAITER_FILES; i++) {
        assert_int_equal(write(pipes.ends[i][1], &byte, 1), 1);
        assert_int_equal(sleep_on(&pipes, NN_WAITER_FILES, FOREVER), 1u << i);
        assert_int_equal(read(pipes.ends[i][0], &byte, 1), 1);
    }
    assert_int_equal(sleep_on(&pipes, NN_WAITER_FILES, 0), 0);
    close_pipes(&pipes);
}

static void files_and_a_wake_up_at_once(void **state)
{
    struct pipes pipes;
    char byte = 0;
    open_pipes(&pipes);
    assert_int_equal(write(pipes.ends[0][1], &byte, 1), 1);
    assert_int_equal(write(pipes.ends[2][1], &byte, 1), 1);
    nn_waiter_wake(&waiter);
    assert_int_equal(sleep_on(&pipes, 3, FOREVER), 5 | NN_WOKEN);
    assert_int_equal(sleep_on(&pipes, 3, FOREVER), 5); /* the files are still marked */
    assert_int_equal(sleep_on(&pipes, 2, FOREVER), 1); /* those that are asked for */
    close_pipes(&pipes);
}

static void closed_files_are_passed_over(void **state)
{
    struct pipes pipes;
    char byte = 0;
    open_pipes(&pipes);
    pipes.files[0].fd = -1;
    assert_int_equal(sleep_on(&pipes, 2, MS), 0);
    assert_int_equal(write(pipes.ends[1][1], &byte, 1), 1);
    assert_int_equal(sleep_on(&pipes, 2, FOREVER), 2);
    close_pipes(&pipes);
}

/* Else a source that fails would never be noticed. */
static void a_hang_up_is_an_event(void **state)
{
    struct pipes pipes;
    open_pipes(&pipes);
    close(pipes.ends[1][1]);
    assert_int_equal(sleep_on(&pipes, 2, FOREVER), 2);
    pipes.ends[1][1] = -1;
    close_pipes(&pipes);
}

static void without_descriptors(void **state)
{
    struct nn_waiter other = {.event = 4711};
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int error = nn_waiter_open(&other);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(error, -EMFILE);
    assert_int_equal(other.event, 4711);
}

#define WAITER_TEST(name) cmocka_unit_test_setup_teardown(name, open_waiter, close_waiter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITER_TEST(a_wake_up_before_the_sleep_ends_it),
        WAITER_TEST(many_wake_ups_end_one_sleep),
        WAITER_TEST(time_passes),
        WAITER_TEST(another_thread_wakes),
        WAITER_TEST(no_wake_up_is_lost),
        WAITER_TEST(a_full_counter),
        WAITER_TEST(each_file_has_its_bit),
        WAITER_TEST(files_and_a_wake_up_at_once),
        WAITER_TEST(closed_files_are_passed_over),
        WAITER_TEST(a_hang_up_is_an_event),
        WAITER_TEST(without_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
