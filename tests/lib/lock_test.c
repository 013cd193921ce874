/* SPDX-License-Identifier: MIT */
/*
 * What must die: locks taken in the wrong order (in builds with debug checks), and a structure of
 * ours that is found broken. Each in a process of its own, with SIGABRT and a fixed message.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/check.h"
#include "lib/lock.h"
#include "lib/pool.h"

/* Runs it in a child; what that wrote to stderr, and its status. */
static void run(void (*body)(void), char ret_text[256], int *ret_status)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], ret_text + length, 255 - length)) > 0;)
        length += (size_t)got;
    ret_text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, ret_status, 0), child);
}

/* The number of the line is not part of what is fixed. */
static void assert_dies(void (*body)(void), const char *message)
{
    char text[256];
    int status = 0;
    run(body, text, &status);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    text[strlen(message) < strlen(text) ? strlen(message) : strlen(text)] = '\0';
    assert_string_equal(text, message);
}

static void take_in_order(enum lock_rank first, enum lock_rank second) UNCHECKED_LOCKING
{
    struct lock a, b;
    lock_init(&a, first);
    lock_init(&b, second);
    lock_take(&a);
    lock_take(&b);
    lock_drop(&b);
    lock_drop(&a);
    lock_destroy(&a);
    lock_destroy(&b);
}

static void take_all_rising(void)
{
    for (enum lock_rank a = RANK_REGION; a <= RANK_STORE; a++)
        for (enum lock_rank b = a + 1; b <= RANK_STORE; b++)
            take_in_order(a, b);
}

static void take_falling(void)
{
    take_in_order(RANK_STORE, RANK_REGION);
}

static void take_same_rank(void)
{
    take_in_order(RANK_SPACE, RANK_SPACE);
}

static void drop_what_is_not_held(void) UNCHECKED_LOCKING
{
    struct lock lock;
    lock_init(&lock, RANK_GROW);
    pthread_mutex_lock(&lock.mutex); /* so that the mutex itself has nothing to complain of */
    lock_drop(&lock);
}

static void rising_ranks_are_right(void **state)
{
    take_all_rising();
}

static void skip_without_checks(void)
{
#ifndef HM_CHECKS
    printf("missing: debug checks (meson -Dchecks=enabled)\n");
    skip();
#endif
}

static void wrong_order_dies(void **state)
{
    static const char message[] = "hostmem: corrupted: held_ranks >> rank == 0 (lock.c:";
    skip_without_checks();
    assert_dies(take_falling, message);
    assert_dies(take_same_rank, message);
}

static void dropping_what_is_not_held_dies(void **state)
{
    skip_without_checks();
    assert_dies(drop_what_is_not_held, "hostmem: corrupted: held_ranks & 1u << rank (lock.c:");
}

static void fail_a_check(void)
{
    check_failed("the sky is up", "world.c", 7);
}

static void give_too_much(void)
{
    struct pool pool = {.limit = 100};
    if (pool_take(&pool, 10, 0) == 0)
        pool_give(&pool, 11);
}

static void broken_structures_die(void **state)
{
    assert_dies(fail_a_check, "hostmem: corrupted: the sky is up (world.c:7)\n");
    hm_assert(1 + 1 == 2);
}

static void a_budget_below_zero_dies(void **state)
{
    assert_dies(give_too_much, "hostmem: corrupted: before >= bytes (pool.c:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rising_ranks_are_right),
        cmocka_unit_test(wrong_order_dies),
        cmocka_unit_test(dropping_what_is_not_held_dies),
        cmocka_unit_test(broken_structures_die),
        cmocka_unit_test(a_budget_below_zero_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
