/* SPDX-License-Identifier: MIT */
/* The store over fakes: alignment, zeros, mappings of their own, failures, several threads. */
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
#include "fakes.h"
#include "hp_failing.h"
#include "lib/store.h"

#define THREADS 4
#define TAKES   3000

static struct store store;

static void begin(void)
{
    fakes_reset(0);
    hp_failing_at(0, 0);
    store_open(&store, hp_failing_wrap(HP_BASE, &hp_fake_base));
}

static void end(void)
{
    store_close(&store);
    assert_int_equal(hp_fake_mapped(), 0);
}

static void assert_zero(const char *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(memory[i], 0);
}

/* What is taken is filled, so that a piece given twice is not zero. */
static void pieces_are_aligned_and_zero(void **state)
{
    struct dice dice = dice_new("store");
    begin();
    for (size_t left = dice_scaled(3000); left > 0; left--) {
        size_t size = 1 + dice_roll(&dice, dice_roll(&dice, 50) ? 700 : STORE_OWN + 5000);
        void *memory = NULL;
        assert_int_equal(store_take(&store, size, &memory), 0);
        assert_int_equal((uintptr_t)memory % 64, 0);
        assert_zero(memory, size);
        memset(memory, 0xff, size);
    }
    end();
}

static void large_pieces_have_mappings_of_their_own(void **state)
{
    void *memory;
    begin();
    assert_int_equal(store_take(&store, 64, &memory), 0);
    size_t mapped = hp_fake_mapped();
    unsigned long calls = hp_fake_calls().map;
    assert_int_equal(store_take(&store, STORE_OWN - 1, &memory), 0);
    assert_int_equal(hp_fake_calls().map, calls);
    assert_int_equal(store_take(&store, STORE_OWN, &memory), 0);
    assert_int_equal(hp_fake_calls().map, calls + 1);
    assert_in_range(hp_fake_mapped() - mapped, STORE_OWN, STORE_OWN + 2 * HP_BASE_PAGE);
    assert_int_equal(store_take(&store, GIB, &memory), 0);
    assert_int_equal(hp_fake_calls().map, calls + 2);
    end();
}

/* Each of the calls that a piece needs fails; what was mapped is unmapped, and the next try works.
 */
static void failures_leave_nothing(void **state)
{
    static const size_t sizes[] = {100, STORE_OWN + 1};
    for (int i = 0; i < 2; i++)
        for (unsigned long nth = 1; nth <= 2; nth++) {
            void *memory = &memory;
            begin();
            hp_failing_at(nth, -ENOMEM);
            assert_int_equal(store_take(&store, sizes[i], &memory), -ENOMEM);
            assert_ptr_equal(memory, &memory);
            assert_int_equal(hp_fake_mapped(), 0);
            assert_int_equal(store_take(&store, sizes[i], &memory), 0);
            assert_zero(memory, sizes[i]);
            end();
        }
}

/* A full chunk that cannot be followed by another still serves what fits. */
static void what_fits_is_served_without_the_kernel(void **state)
{
    void *memory;
    begin();
    assert_int_equal(store_take(&store, 60000, &memory), 0);
    hp_failing_at(1, -ENOMEM);
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_take(&store, 60000, &memory), 0);
    assert_int_equal(store_take(&store, 60000, &memory), -ENOMEM);
    assert_int_equal(store_take(&store, 64, &memory), 0);
    end();
}

static char no_memory[] = "no memory", not_zero[] = "not zero", twice[] = "given twice";

/* Writes a mark of its own into each piece and looks whether all are still there. */
static void *take_many(void *argument)
{
    static _Thread_local uint64_t *pieces[TAKES];
    uint64_t mark = (uintptr_t)argument;
    for (int i = 0; i < TAKES; i++) {
        void *memory;
        if (store_take(&store, 64 + 64 * (size_t)(i % 5), &memory))
            return no_memory;
        pieces[i] = memory;
        if (*pieces[i] != 0)
            return not_zero;
        *pieces[i] = mark;
    }
    for (int i = 0; i < TAKES; i++)
        if (*pieces[i] != mark)
            return twice;
    return NULL;
}

static void threads_get_pieces_of_their_own(void **state)
{
    pthread_t threads[THREADS];
    void *complaint;
    begin();
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_null(complaint);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_zero),
        cmocka_unit_test(large_pieces_have_mappings_of_their_own),
        cmocka_unit_test(failures_leave_nothing),
        cmocka_unit_test(what_fits_is_served_without_the_kernel),
        cmocka_unit_test(threads_get_pieces_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
