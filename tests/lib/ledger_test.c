/* SPDX-License-Identifier: MIT */
/*
 * The ledger of foreign ranges: each rule by itself, random reports against an oracle that knows
 * the owner of every byte, threads, and that nothing grows. Its memory is of a fake backing, which
 * counts it. Needs nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "hp_failing.h"
#include "hp_fake.h"
#include "lib/ledger.h"

#define PAGE ((size_t)4096)
#define MI   ((size_t)1 << 20)

static struct store store;
static struct ledger ledger;

static int open_ledger(uint64_t limit)
{
    size_t bytes = 64 * MI;

    hp_fake_reset(&bytes, 1);
    store_open(&store, &hp_fake_base);
    return ledger_open(&ledger, &store, limit);
}

static int open_unlimited(void **state)
{
    return open_ledger(UINT64_MAX);
}

static int open_limited(void **state)
{
    return open_ledger(10 * MI);
}

static int close_ledger(void **state)
{
    ledger_close(&ledger);
    store_close(&store);
    return hp_fake_mapped() == 0 ? 0 : -1;
}

static void acquire(uintptr_t base, size_t size, uint64_t bytes)
{
    assert_int_equal(ledger_acquired(&ledger, base, size), 0);
    assert_true(ledger_bytes(&ledger) == bytes);
    assert_true(ledger_check(&ledger));
}

static void release(uintptr_t base, uint64_t bytes)
{
    ledger_released(&ledger, base);
    assert_true(ledger_bytes(&ledger) == bytes);
    assert_true(ledger_check(&ledger));
}

static void sizes_are_remembered(void **state)
{
    assert_true(ledger_bytes(&ledger) == 0);
    acquire(16 * MI, 3 * MI, 3 * MI);
    acquire(64 * MI, PAGE, 3 * MI + PAGE);
    acquire(8 * MI, MI, 4 * MI + PAGE);
    acquire(19 * MI, 1, 4 * MI + PAGE + 1);
    release(16 * MI, MI + PAGE + 1);
    release(64 * MI, MI + 1);
    release(19 * MI, MI);
    release(8 * MI, 0);
}

static void unknown_bases_are_no_mistake(void **state)
{
    release(0, 0);
    release(UINTPTR_MAX, 0);
    acquire(16 * MI, MI, MI);
    release(16 * MI + PAGE, MI);
    release(15 * MI, MI);
    release(17 * MI, MI);
    release(16 * MI, 0);
    release(16 * MI, 0);
}

static void a_base_counts_once(void **state)
{
    acquire(16 * MI, MI, MI);
    acquire(16 * MI, MI, MI);
    acquire(16 * MI, 4 * MI, 4 * MI);
    acquire(16 * MI, 2 * MI, 2 * MI);
    acquire(16 * MI, 0, 0);
    acquire(16 * MI, 0, 0);
}

static void the_last_report_owns_the_addresses(void **state)
{
    acquire(10 * MI, 4 * MI, 4 * MI);
    acquire(20 * MI, 4 * MI, 8 * MI);
    acquire(22 * MI, MI, 7 * MI);      /* 20..22 and 22..23 */
    acquire(12 * MI, 9 * MI, 12 * MI); /* 10..12, 12..21, 22..23: the range at 20 is gone */
    release(20 * MI, 12 * MI);
    acquire(0, 100 * MI, 100 * MI);
    release(10 * MI, 100 * MI);
    release(0, 0);
}

static void ends_of_the_address_space(void **state)
{
    acquire(0, PAGE, PAGE);
    assert_int_equal(ledger_acquired(&ledger, UINTPTR_MAX - PAGE, PAGE + 1), -EINVAL);
    assert_int_equal(ledger_acquired(&ledger, 1, SIZE_MAX), -EINVAL);
    assert_int_equal(ledger_acquired(&ledger, UINTPTR_MAX, SIZE_MAX), -EINVAL);
    assert_true(ledger_bytes(&ledger) == PAGE);
    acquire(UINTPTR_MAX - PAGE, PAGE, 2 * PAGE);
    acquire(UINTPTR_MAX, 0, 2 * PAGE);
    acquire(PAGE, SIZE_MAX - 2 * PAGE, SIZE_MAX);
    assert_int_equal(ledger_needs(&ledger, 1), -ENOMEM);
    acquire(0, SIZE_MAX, SIZE_MAX);
    release(0, 0);
}

static void needs_is_judged_by_the_limit(void **state)
{
    assert_int_equal(ledger_needs(&ledger, 0), 0);
    assert_int_equal(ledger_needs(&ledger, 10 * MI), 0);
    assert_int_equal(ledger_needs(&ledger, 10 * MI + 1), -ENOMEM);
    assert_int_equal(ledger_needs(&ledger, SIZE_MAX), -ENOMEM);
    acquire(16 * MI, 4 * MI, 4 * MI);
    assert_int_equal(ledger_needs(&ledger, 6 * MI), 0);
    assert_int_equal(ledger_needs(&ledger, 6 * MI + 1), -ENOMEM);
    acquire(32 * MI, 6 * MI, 10 * MI);
    assert_int_equal(ledger_needs(&ledger, 0), -ENOMEM);
    acquire(64 * MI, 100 * MI, 110 * MI);
    assert_int_equal(ledger_needs(&ledger, 1), -ENOMEM);
    release(64 * MI, 10 * MI);
    release(32 * MI, 4 * MI);
    assert_int_equal(ledger_needs(&ledger, 0), 0);
}

static void no_limit(void **state)
{
    assert_int_equal(ledger_needs(&ledger, SIZE_MAX), 0);
    acquire(16 * MI, MI, MI);
    assert_int_equal(ledger_needs(&ledger, 0), 0);
    assert_int_equal(ledger_needs(&ledger, SIZE_MAX / 2), 0);
}

static void without_memory(void **state)
{
    const struct hp_ops *ops = hp_failing_wrap(HP_BASE, &hp_fake_base);
    struct ledger other = {.count = 77};
    struct store poor;

    store_open(&poor, ops);
    hp_failing_at(1, -ENOMEM);
    assert_int_equal(ledger_open(&other, &poor, 5), -ENOMEM);
    assert_int_equal(other.count, 77);
    assert_int_equal(ledger_open(&other, &poor, 5), 0);
    assert_int_equal(other.count, 0);
    ledger_close(&other);
    store_close(&poor);
}

/* More ranges than fit: the rest is counted as such, and room that becomes free is used. */
static void never_more_than_its_ranges(void **state)
{
    size_t mapped = hp_fake_mapped();
    uintptr_t base = (uintptr_t)1 << 40;
    uint64_t full = LEDGER_RANGES * PAGE;

    for (size_t i = 0; i < LEDGER_RANGES + 100; i++)
        assert_int_equal(ledger_acquired(&ledger, base - i * 2 * PAGE, PAGE), 0);
    assert_true(ledger_bytes(&ledger) == full);
    assert_int_equal(ledger.overflows, 100);
    assert_int_equal(ledger.count, LEDGER_RANGES);

    release(base - (LEDGER_RANGES + 50) * 2 * PAGE, full);
    acquire(base - 8 * PAGE, 2 * PAGE, full + PAGE);
    assert_int_equal(ledger.overflows, 100);
    release(base - 8 * PAGE, full - PAGE);
    acquire(base + 2 * PAGE, PAGE, full);
    acquire(base + 4 * PAGE, PAGE, full);
    assert_int_equal(ledger.overflows, 101);
    acquire(0, base + 3 * PAGE, base + 3 * PAGE);
    assert_int_equal(ledger.count, 1);
    assert_int_equal(hp_fake_mapped(), mapped);
}

static void a_million_reports_take_no_memory(void **state)
{
    size_t mapped = hp_fake_mapped();

    for (size_t i = dice_scaled(1000000); i > 0; i--) {
        assert_int_equal(ledger_acquired(&ledger, i * PAGE, PAGE), 0);
        ledger_released(&ledger, i * PAGE);
    }
    assert_true(ledger_bytes(&ledger) == 0);
    assert_int_equal(ledger.count, 0);
    assert_int_equal(hp_fake_mapped(), mapped);
}

/* The oracle: for each byte of a small space the base that owns it, or NOBODY. */
#define SPACE  200
#define NOBODY SPACE

static size_t owners[SPACE];

static void oracle_remove(size_t base, size_t from)
{
    for (size_t i = from; i < SPACE; i++)
        if (owners[i] == base)
            owners[i] = NOBODY;
}

static void oracle_acquire(size_t base, size_t size)
{
    oracle_remove(base, 0);
    for (size_t i = base; i < base + size; i++) {
        if (owners[i] != NOBODY && owners[i] >= base)
            oracle_remove(owners[i], 0);
        else if (owners[i] != NOBODY)
            oracle_remove(owners[i], base);
    }
    for (size_t i = base; i < base + size; i++)
        owners[i] = base;
}

static size_t oracle_bytes(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < SPACE; i++)
        bytes += owners[i] != NOBODY;
    return bytes;
}

static void random_reports(struct dice *dice, uintptr_t start, size_t longest)
{
    for (size_t i = 0; i < SPACE; i++)
        owners[i] = NOBODY;
    for (size_t i = dice_scaled(200000); i > 0; i--) {
        size_t base = dice_roll(dice, SPACE);
        size_t room = SPACE - base < longest ? SPACE - base : longest;
        size_t size = dice_roll(dice, room + 1);

        if (dice_roll(dice, 3) == 0) {
            oracle_remove(base, 0);
            release(start + base, oracle_bytes());
        } else {
            oracle_acquire(base, size);
            acquire(start + base, size, oracle_bytes());
        }
    }
    for (size_t base = 0; base < SPACE; base++)
        ledger_released(&ledger, start + base);
    assert_true(ledger_bytes(&ledger) == 0);
    assert_int_equal(ledger.count, 0);
}

static void random_against_the_oracle(void **state)
{
    struct dice dice = dice_new("ledger");

    random_reports(&dice, 0, 8);
    random_reports(&dice, 0x7f0000000000, 60);
    random_reports(&dice, UINTPTR_MAX - SPACE, 3);
    random_reports(&dice, UINTPTR_MAX - SPACE, SPACE);
}

/* Threads, each with addresses of its own; together they never have more than THREADS * SLOTS. */
#define THREADS 4
#define SLOTS   64

struct worker {
    pthread_t thread;
    struct dice dice;
    uintptr_t start;
    size_t rounds;
    size_t bytes; /* at the end */
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    size_t sizes[SLOTS] = {0};

    for (size_t i = worker->rounds; i > 0; i--) {
        size_t slot = dice_roll(&worker->dice, SLOTS);
        uintptr_t base = worker->start + slot * PAGE;

        worker->bytes -= sizes[slot];
        sizes[slot] = dice_roll(&worker->dice, 2) ? 1 + dice_roll(&worker->dice, PAGE) : 0;
        worker->bytes += sizes[slot];
        if (sizes[slot])
            ledger_acquired(&ledger, base, sizes[slot]);
        else
            ledger_released(&ledger, base);
        if (ledger_bytes(&ledger) > THREADS * SLOTS * PAGE || ledger_needs(&ledger, 1))
            worker->start = 0;
    }
    return NULL;
}

static void threads_at_once(void **state)
{
    struct dice dice = dice_new("ledger, threads");
    struct worker workers[THREADS];
    size_t bytes = 0;

    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){
            .dice = {dice.state + i * 1000}, .start = (i + 1) << 30, .rounds = dice_scaled(200000)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].start, (i + 1) << 30);
        bytes += workers[i].bytes;
    }
    assert_true(ledger_bytes(&ledger) == bytes);
    assert_true(ledger_check(&ledger));
}

#define WITH(open, test) cmocka_unit_test_setup_teardown(test, open, close_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(open_unlimited, sizes_are_remembered),
        WITH(open_unlimited, unknown_bases_are_no_mistake),
        WITH(open_unlimited, a_base_counts_once),
        WITH(open_unlimited, the_last_report_owns_the_addresses),
        WITH(open_unlimited, ends_of_the_address_space),
        WITH(open_limited, needs_is_judged_by_the_limit),
        WITH(open_unlimited, no_limit),
        WITH(open_unlimited, without_memory),
        WITH(open_unlimited, never_more_than_its_ranges),
        WITH(open_unlimited, a_million_reports_take_no_memory),
        WITH(open_unlimited, random_against_the_oracle),
        WITH(open_unlimited, threads_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
