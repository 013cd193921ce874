/* SPDX-License-Identifier: MIT */
/* A node's budget: its limits, one thread against arithmetic, and several threads whose sums must
 * come out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "dice.h"
#include "lib/pool.h"

#define THREADS 4
#define LIMIT   ((size_t)100 << 20)
#define FRAME   ((size_t)2 << 20)

static struct pool pool;

static void begin(uint64_t limit, uint64_t warm_limit)
{
    memset((void *)&pool, 0, sizeof(pool));
    pool.limit = limit;
    for (int b = 0; b < HP_BACKINGS; b++)
        pool.warm_limit[b] = warm_limit;
}

static void the_limit_holds_to_the_byte(void **state)
{
    begin(LIMIT, 0);
    assert_int_equal(pool_take(&pool, LIMIT + 1, 0), -ENOMEM);
    assert_int_equal(pool_take(&pool, LIMIT, 0), 0);
    assert_int_equal(pool_take(&pool, 1, 0), -ENOMEM);
    assert_int_equal(pool_take(&pool, SIZE_MAX, 0), -ENOMEM);
    pool_give(&pool, 1);
    assert_int_equal(pool_take(&pool, 2, 0), -ENOMEM);
    assert_int_equal(pool_take(&pool, 1, 0), 0);
    assert_int_equal(pool_figure(&pool.committed), LIMIT);
}

static void no_limit_does_not_wrap(void **state)
{
    begin(UINT64_MAX, UINT64_MAX);
    assert_int_equal(pool_take(&pool, SIZE_MAX / 2, 0), 0);
    assert_int_equal(pool_take(&pool, SIZE_MAX / 2, 0), 0);
    assert_int_equal(pool_take(&pool, SIZE_MAX / 2, 0), -ENOMEM);
    assert_int_equal(pool_keep(&pool, HP_HUGETLB, FRAME, 1000), 1000);
    assert_int_equal(pool_figure(&pool.warm[HP_HUGETLB]), 1000 * FRAME);
}

static void whole_frames_are_kept(void **state)
{
    begin(LIMIT, 5 * FRAME + FRAME / 2);
    assert_int_equal(pool_keep(&pool, HP_THP, FRAME, 3), 3);
    assert_int_equal(pool_keep(&pool, HP_THP, FRAME, 3), 2);
    assert_int_equal(pool_keep(&pool, HP_THP, FRAME, 3), 0);
    assert_int_equal(pool_keep(&pool, HP_HUGETLB, FRAME, 9), 5);
    pool_unkeep(&pool, HP_THP, 2 * FRAME);
    assert_int_equal(pool_keep(&pool, HP_THP, FRAME, 1), 1);
    assert_int_equal(pool_figure(&pool.warm[HP_THP]), 4 * FRAME);
    assert_int_equal(pool_figure(&pool.committed), 0);
}

/* Warm beyond the limit, where memory could not be given back, is no reason to wrap. */
static void beyond_the_limit_nothing_is_kept(void **state)
{
    begin(LIMIT, 2 * FRAME);
    pool_count(&pool.warm[HP_THP], 3 * FRAME);
    assert_int_equal(pool_keep(&pool, HP_THP, FRAME, 4), 0);
    pool_unkeep(&pool, HP_THP, 3 * FRAME);
    assert_int_equal(pool_keep(&pool, HP_THP, FRAME, 4), 2);
}

/* Takes and keeps at random; the result is what it holds in the end, with the limits seen on the
 * way. */
struct worker {
    uint64_t seed;
    size_t taken, kept; /* bytes */
    bool beyond;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct dice dice = {worker->seed};
    for (size_t left = dice_scaled(50000); left > 0; left--) {
        size_t bytes = 1 + dice_roll(&dice, LIMIT / 3);
        if (dice_roll(&dice, 2) && pool_take(&pool, bytes, 0) == 0)
            worker->taken += bytes;
        else if (worker->taken) {
            bytes = 1 + dice_roll(&dice, worker->taken);
            pool_give(&pool, bytes);
            worker->taken -= bytes;
        }
        if (dice_roll(&dice, 2))
            worker->kept += pool_keep(&pool, HP_THP, FRAME, dice_roll(&dice, 8)) * FRAME;
        else if (worker->kept) {
            pool_unkeep(&pool, HP_THP, FRAME);
            worker->kept -= FRAME;
        }
        worker->beyond |= pool_figure(&pool.committed) > LIMIT ||
                          pool_figure(&pool.warm[HP_THP]) > pool.warm_limit[HP_THP];
    }
    return NULL;
}

static void sums_of_threads_come_out(void **state)
{
    struct dice dice = dice_new("pool");
    struct worker workers[THREADS] = {0};
    pthread_t threads[THREADS];
    size_t taken = 0, kept = 0;
    begin(LIMIT, 20 * FRAME + 1);
    for (int i = 0; i < THREADS; i++) {
        workers[i].seed = dice_roll(&dice, SIZE_MAX);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(workers[i].beyond);
        taken += workers[i].taken;
        kept += workers[i].kept;
    }
    assert_int_equal(pool_figure(&pool.committed), taken);
    assert_int_equal(pool_figure(&pool.warm[HP_THP]), kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds_to_the_byte),
        cmocka_unit_test(no_limit_does_not_wrap),
        cmocka_unit_test(whole_frames_are_kept),
        cmocka_unit_test(beyond_the_limit_nothing_is_kept),
        cmocka_unit_test(sums_of_threads_come_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
