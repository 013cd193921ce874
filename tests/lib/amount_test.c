/* SPDX-License-Identifier: MIT */
/*
 * Amounts: what is read, what is refused (untouched outputs included), the edges of 64 bits, what
 * is printed, and what the values are in bytes. Needs nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/amount.h"

#define KI UINT64_C(1024)

static const struct {
    const char *text;
    enum amount_kind kind;
    uint64_t value;
    const char *printed;
} good[] = {
    {"0", AMOUNT_BYTES, 0, "0"},
    {"000", AMOUNT_BYTES, 0, "0"},
    {"1", AMOUNT_BYTES, 1, "1"},
    {"1023", AMOUNT_BYTES, 1023, "1023"},
    {"1024", AMOUNT_BYTES, KI, "1K"},
    {"4097", AMOUNT_BYTES, 4097, "4097"},
    {"0K", AMOUNT_BYTES, 0, "0"},
    {"1K", AMOUNT_BYTES, KI, "1K"},
    {"1KiB", AMOUNT_BYTES, KI, "1K"},
    {"1536M", AMOUNT_BYTES, 1536 * KI *KI, "1536M"},
    {"2048M", AMOUNT_BYTES, 2048 * KI *KI, "2G"},
    {"3GiB", AMOUNT_BYTES, 3 * KI *KI *KI, "3G"},
    {"007G", AMOUNT_BYTES, 7 * KI *KI *KI, "7G"},
    {"2T", AMOUNT_BYTES, 2 * KI *KI *KI *KI, "2T"},
    {"2048T", AMOUNT_BYTES, 2048 * KI *KI *KI *KI, "2048T"},
    {"9223372036854775807", AMOUNT_BYTES, INT64_MAX, "9223372036854775807"},
    {"9007199254740991K", AMOUNT_BYTES, INT64_MAX - 1023, "9007199254740991K"},
    {"8388607T", AMOUNT_BYTES, 8388607 * KI *KI *KI *KI, "8388607T"},
    {"0%", AMOUNT_PERCENT, 0, "0%"},
    {"50%", AMOUNT_PERCENT, 50, "50%"},
    {"100%", AMOUNT_PERCENT, 100, "100%"},
};

static const char *const bad[] = {"", " ", "K", "%", "-1", "+1", " 1", "1 ", "1 K", "1k", "1g",
    "1KB", "1B", "1Ki", "1KiBx", "1KK", "1P", "1E", "0x10", "1.5G", "1,5G", "1e3", "101%", "50%%",
    "50 %", "1000%", "1K%", "50%K", "1\n", "9223372036854775808", "9007199254740992K",
    "8796093022208M", "8589934592G", "8388608T", "18446744073709551615", "18446744073709551616",
    "99999999999999999999999999", "18014398509481984K", "17592186044416M", "17179869184G",
    "16777216T", "18446744073709551615T", "18446744073709551616%", "\xd9\xa1", "unlimited",
    "1=", "=1", "0=1"};

static const char *const bad_lists[] = {"0=", "=4G", "0=4G,", ",0=4G", "0=4G,,1=4G", "0=4G,1",
    "4G,1=4G", "4G,", "0=4G,0=4G", "0=4G,1=2G,0=4G", "1024=1G", "-1=1G", "99999999999999999999=1G",
    "0=4G 1=4G", "0=4G;1=4G", "0 =4G", "0= 4G", "0==4G", "a=4G", "0=4X", "0=101%", "0-1=4G",
    "0=4G,1=unlimited", "0=1=1", "0=16777216T", "00=1,0=1"};

static const char *print(const struct node_amounts *amounts)
{
    static char buffer[AMOUNTS_LISTED * 32];
    struct text text = text_begin(buffer, sizeof(buffer));

    buffer[0] = '\0';
    amounts_print(amounts, &text);
    assert_true(text.length < sizeof(buffer));
    return buffer;
}

static void reads_and_prints(void **state)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct amount amount = {AMOUNT_NONE, 99};
        struct node_amounts amounts;

        assert_int_equal(amount_parse(good[i].text, &amount), 0);
        assert_int_equal(amount.kind, good[i].kind);
        assert_true(amount.value == good[i].value);
        assert_int_equal(amounts_parse(good[i].text, &amounts), 0);
        assert_int_equal(amounts.listed, 0);
        assert_string_equal(print(&amounts), good[i].printed);
    }
}

static void refuse_list(const char *text)
{
    struct node_amounts amounts, before;

    memset(&amounts, 0x5a, sizeof(amounts));
    before = amounts;
    if (amounts_parse(text, &amounts) != -EINVAL)
        fail_msg("\"%s\" was read as amounts", text);
    assert_memory_equal(&amounts, &before, sizeof(amounts));
}

static void refuses(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct amount amount = {AMOUNT_PERCENT, 99};

        if (amount_parse(bad[i], &amount) != -EINVAL)
            fail_msg("\"%s\" was read as an amount", bad[i]);
        assert_int_equal(amount.kind, AMOUNT_PERCENT);
        assert_true(amount.value == 99);
        if (strcmp(bad[i], "0=1") != 0) /* which is a list */
            refuse_list(bad[i]);
    }
    for (size_t i = 0; i < sizeof(bad_lists) / sizeof(bad_lists[0]); i++)
        refuse_list(bad_lists[i]);
}

static void lists(void **state)
{
    struct node_amounts amounts;

    assert_int_equal(amounts_parse("3=50%,0=4G,1023=0", &amounts), 0);
    assert_int_equal(amounts.listed, 3);
    assert_int_equal(amounts.all.kind, AMOUNT_NONE);
    assert_int_equal(amounts_of(&amounts, 3).kind, AMOUNT_PERCENT);
    assert_true(amounts_of(&amounts, 3).value == 50);
    assert_true(amounts_of(&amounts, 0).value == 4 * KI * KI * KI);
    assert_int_equal(amounts_of(&amounts, 1023).kind, AMOUNT_BYTES);
    assert_true(amounts_of(&amounts, 1023).value == 0);
    assert_int_equal(amounts_of(&amounts, 1).kind, AMOUNT_NONE);
    assert_string_equal(print(&amounts), "3=50%,0=4G,1023=0");

    assert_int_equal(amounts_parse("25%", &amounts), 0);
    assert_true(amounts_of(&amounts, 0).value == 25);
    assert_true(amounts_of(&amounts, 1023).value == 25);
}

/* A list of `count` nodes. */
static const char *long_list(size_t count)
{
    static char buffer[4096];
    struct text text = text_begin(buffer, sizeof(buffer));

    for (size_t i = 0; i < count; i++)
        text_add(&text, "%s%zu=9223372036854775807", i == 0 ? "" : ",", 1023 - i);
    return buffer;
}

static void lists_have_an_end(void **state)
{
    struct node_amounts amounts;

    assert_int_equal(amounts_parse(long_list(AMOUNTS_LISTED), &amounts), 0);
    assert_int_equal(amounts.listed, AMOUNTS_LISTED);
    assert_string_equal(print(&amounts), long_list(AMOUNTS_LISTED));
    refuse_list(long_list(AMOUNTS_LISTED + 1));
}

static void bytes(void **state)
{
    const struct amount fixed = {AMOUNT_BYTES, 12345};
    const uint64_t nodes[] = {0, 1, 99, 100, 101, 128 * KI * KI * KI, UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        uint64_t last = 0;

        assert_true(amount_bytes(fixed, nodes[i]) == 12345);
        for (uint64_t percent = 0; percent <= 100; percent++) {
            uint64_t share = amount_bytes((struct amount){AMOUNT_PERCENT, percent}, nodes[i]);

            assert_true(share == (uint64_t)((unsigned __int128)nodes[i] * percent / 100));
            assert_true(share >= last);
            last = share;
        }
        assert_true(last == nodes[i]);
    }
}

static void texts_are_cut(void **state)
{
    struct node_amounts amounts;
    char buffer[8];

    assert_int_equal(amounts_parse("0=4G,1=50%", &amounts), 0);
    for (size_t size = 0; size <= sizeof(buffer); size++) {
        struct text text = text_begin(buffer, size);

        memset(buffer, '#', sizeof(buffer));
        amounts_print(&amounts, &text);
        assert_int_equal(text.length, strlen("0=4G,1=50%"));
        if (size > 0) {
            assert_memory_equal(buffer, "0=4G,1=50%", size - 1);
            assert_int_equal(buffer[size - 1], '\0');
        }
        for (size_t i = size; i < sizeof(buffer); i++)
            assert_int_equal(buffer[i], '#');
    }
}

static void quoted_texts(void **state)
{
    static const struct {
        const char *value;
        size_t most;
        const char *quoted;
    } cases[] = {
        {"", 5, "\"\""},
        {"abcde", 5, "\"abcde\""},
        {"abcdef", 5, "\"abcde\"..."},
        {"a\"b\\", 9, "\"a\\\"b\\\\\""},
        {"\n\x7f\xff", 12, "\"\\x0a\\x7f\\xff\""},
        {"\n\x7f\xff", 11, "\"\\x0a\\x7f\"..."},
        {"%s%n", 9, "\"%s%n\""},
        {"x", 0, "\"\"..."},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buffer[64];
        struct text text = text_begin(buffer, sizeof(buffer));

        text_add_quoted(&text, cases[i].value, cases[i].most);
        assert_string_equal(buffer, cases[i].quoted);
        assert_int_equal(text.length, strlen(cases[i].quoted));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_prints),
        cmocka_unit_test(refuses),
        cmocka_unit_test(lists),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(bytes),
        cmocka_unit_test(texts_are_cut),
        cmocka_unit_test(quoted_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
