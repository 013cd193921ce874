/* SPDX-License-Identifier: MIT */
/* Sets of CPUs and their text, by hand and against an array of booleans. One thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "numa/cpulist.h"

static void assert_reads_as(const char *text, const char *printed)
{
    struct nn_set set;
    char again[NN_SET_TEXT(NN_CPUS)];

    assert_int_equal(nn_set_parse(text, NN_CPUS, &set), 0);
    assert_int_equal(nn_set_print(&set, again, sizeof(again)), 0);
    assert_string_equal(again, printed);
}

static void lists(void **state)
{
    assert_reads_as("", "");
    assert_reads_as("\n", "");
    assert_reads_as(" \t\n", "");
    assert_reads_as("0", "0");
    assert_reads_as("0-3,8,10-11\n", "0-3,8,10-11");
    assert_reads_as("10-11,8,0-3", "0-3,8,10-11");
    assert_reads_as("0-5,3-9,9", "0-9");
    assert_reads_as("5-5,63-64,8191", "5,63-64,8191");
    assert_reads_as("0-8191", "0-8191");
    assert_reads_as("007", "7");
}

static void assert_refused(const char *text, unsigned limit)
{
    struct nn_set set, before;

    memset(&before, 0x5a, sizeof(before));
    set = before;
    assert_int_equal(nn_set_parse(text, limit, &set), -EINVAL);
    assert_memory_equal(&set, &before, sizeof(set));
}

static void garbage(void **state)
{
    static const char *const texts[] = {",", "0,", ",0", "0,,1", "-", "-1", "1-", "3-1", "3-2",
        "0-3-5", "x", "0x", "0 1", " 0", "0 -1", "0-7:1/2", "+1", "8192", "0-8192",
        "18446744073709551616", "0-18446744073709551617", "99999999999999999999999999", "\x80"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_refused(texts[i], NN_CPUS);
    assert_refused("1024", NN_NODES);
    assert_refused("0-1024", NN_NODES);
}

static void walk(void **state)
{
    struct nn_set set;

    assert_int_equal(nn_set_parse("3,63-64,8191", NN_CPUS, &set), 0);
    assert_int_equal(nn_set_next(&set, 0), 3);
    assert_int_equal(nn_set_next(&set, 3), 3);
    assert_int_equal(nn_set_next(&set, 4), 63);
    assert_int_equal(nn_set_next(&set, 64), 64);
    assert_int_equal(nn_set_next(&set, 65), 8191);
    assert_int_equal(nn_set_next(&set, 8192), -1);
    assert_int_equal(nn_set_next(&set, UINT32_MAX), -1);
    assert_int_equal(nn_set_count(&set), 4);
    assert_true(nn_set_has(&set, 8191));
    assert_false(nn_set_has(&set, 8192));
    assert_false(nn_set_has(&set, UINT32_MAX));
}

/* Every buffer that is too small is refused, and none is written past its end. */
static void short_buffers(void **state)
{
    static const char text[] = "0-3,8,10-11";
    struct nn_set set;
    char buffer[sizeof(text) + 1];

    assert_int_equal(nn_set_parse(text, NN_CPUS, &set), 0);
    for (size_t size = 0; size <= sizeof(text); size++) {
        memset(buffer, '#', sizeof(buffer));
        assert_int_equal(nn_set_print(&set, buffer, size), size < sizeof(text) ? -ENOSPC : 0);
        assert_int_equal(buffer[size], '#');
    }
    assert_string_equal(buffer, text);
}

/* The longest text there is: NN_SET_TEXT is enough for it. */
static void longest_text(void **state)
{
    struct nn_set set = {0}, again;
    char text[NN_SET_TEXT(NN_CPUS)];

    for (unsigned cpu = 0; cpu < NN_CPUS; cpu++)
        if (cpu % 3 != 2)
            nn_set_add(&set, cpu);
    assert_int_equal(nn_set_print(&set, text, sizeof(text)), 0);
    assert_int_equal(nn_set_parse(text, NN_CPUS, &again), 0);
    assert_memory_equal(&set, &again, sizeof(set));
}

/* The text of an array of booleans, number by number. */
static void naive_print(const unsigned char *member, char *text)
{
    size_t length = 0;

    text[0] = '\0';
    for (int i = 0; i < NN_CPUS; i++) {
        int first = i;

        if (!member[i])
            continue;
        while (i + 1 < NN_CPUS && member[i + 1])
            i++;
        length += (size_t)sprintf(text + length, "%s%d", length == 0 ? "" : ",", first);
        if (i > first)
            length += (size_t)sprintf(text + length, "-%d", i);
    }
}

static void random_runs(unsigned char *member, unsigned *seed)
{
    int runs = rand_r(seed) % 40;

    memset(member, 0, NN_CPUS);
    while (runs-- > 0) {
        int first = rand_r(seed) % NN_CPUS, length = rand_r(seed) % 200;

        for (int i = first; i < first + length && i < NN_CPUS; i++)
            member[i] = 1;
    }
}

static void against_oracle(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    static unsigned char member[NN_CPUS];
    static char expected[NN_SET_TEXT(NN_CPUS)], text[NN_SET_TEXT(NN_CPUS)];

    print_message("seed %u\n", seed);
    for (int round = 0; round < 200; round++) {
        struct nn_set set;

        random_runs(member, &seed);
        naive_print(member, expected);
        assert_int_equal(nn_set_parse(expected, NN_CPUS, &set), 0);
        for (unsigned i = 0; i < NN_CPUS; i++)
            if (nn_set_has(&set, i) != member[i])
                fail_msg("round %d: %u", round, i);
        assert_int_equal(nn_set_print(&set, text, sizeof(text)), 0);
        assert_string_equal(text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(garbage),
        cmocka_unit_test(walk),
        cmocka_unit_test(short_buffers),
        cmocka_unit_test(longest_text),
        cmocka_unit_test(against_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
