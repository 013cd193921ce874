/* SPDX-License-Identifier: MIT */
/*
 * Random values for all variables at once: nothing crashes, what is refused leaves everything as it
 * was and says which variable, and what is accepted survives being printed and read again. The seed
 * is printed; TEST_SEED in the environment repeats a run. Needs nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/config.h"

#define ROUNDS 30000

static uint64_t seed;

/* splitmix64 */
static uint64_t random_number(uint64_t below)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static const char *const pieces[] = {"0", "1", "2", "9", "64", "1023", "1024",
    "9223372036854775807", "K", "M", "G", "T", "iB", "%", "=", ",", "-", " ", "\n", "/", "/sys",
    "auto", "unlimited", "local", "interleave", "bind:", "preferred:", "hugetlb", "thp", "base",
    "refuse", "none", "cow", "2M", "1G", "0=", "1=", "50%", "0-3", "!", "\"", "\\", "%s", "%n",
    "\xff"};

#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

/* Values that are all right, so that whole configurations are too, often enough. */
static const char *const samples[CONFIG_VARIABLES][5] = {
    [CONFIG_BACKING] = {"hugetlb", "thp,base", "base,hugetlb", "hugetlb,thp", "thp"},
    [CONFIG_PAGE_SIZE] = {"auto", "2M", "1G", "auto", "2M"},
    [CONFIG_HUGETLBFS] = {"0", "1", "0", "0", "0"},
    [CONFIG_POOL] = {"unlimited", "3G", "0=0,3=50%", "20%", "1023=9223372036854775807"},
    [CONFIG_PREFAULT] = {"0", "1K", "10%", "0=2T,9=1%", "7=0%"},
    [CONFIG_WARM] = {"auto", "0", "100%", "8=5,7=3K", "8388607T"},
    [CONFIG_RESERVE] = {"auto", "0", "1%", "0=4M,3=2%", "1K"},
    [CONFIG_CRITICAL_WAIT_MS] = {"0", "1", "1000", "3600000", "60000"},
    [CONFIG_SCRUB] = {"0", "1", "1", "1", "0"},
    [CONFIG_POLICY] = {"local", "interleave", "bind:0-9,11,1023", "preferred:1023", "bind:5"},
    [CONFIG_SPILL] = {"0", "1", "0", "1", "0"},
    [CONFIG_STRICT] = {"auto", "0", "0", "auto", "0"},
    [CONFIG_SUBPAGE] = {"auto", "refuse", "auto", "refuse", "auto"},
    [CONFIG_FORK] = {"none", "none", "none", "none", "none"},
    [CONFIG_DUMP] = {"0", "1", "0", "1", "1"},
    [CONFIG_WATCH] = {"0", "1", "0", "1", "1"},
    [CONFIG_SAMPLE_MS] = {"10", "60000", "250", "0100", "999"},
    [CONFIG_LOW_ENTER] = {"90", "85", "99", "100", "0100"},
    [CONFIG_LOW_LEAVE] = {"85", "85", "80", "70", "84"},
    [CONFIG_HIGH_ENTER] = {"60", "0", "1", "50", "65"},
    [CONFIG_HIGH_LEAVE] = {"65", "70", "65", "66", "69"},
    [CONFIG_HOLD_MS] = {"0", "1", "500", "3600000", "60000"},
    [CONFIG_LOW_REPEAT_MS] = {"0", "1", "500", "3600000", "60000"},
    [CONFIG_EXTERNAL_MAX] = {"unlimited", "0", "8G", "9223372036854775807", "1023T"},
    [CONFIG_VERBOSE] = {"0", "1", "2", "1", "2"},
    [CONFIG_SYSROOT] = {"/", "/tmp", "//", "/a b", "/\xc3\xa4%s\\\""},
};

struct environment {
    bool set[CONFIG_VARIABLES];
    char value[CONFIG_VARIABLES][512];
};

static const char *get(const char *name, void *context)
{
    const struct environment *environment = context;

    for (size_t i = 0; i < CONFIG_VARIABLES; i++)
        if (strcmp(config_settings[i].name, name) == 0)
            return environment->set[i] ? environment->value[i] : NULL;
    fail_msg("%s is not in the table", name);
    return NULL;
}

static void pick_pieces(char *value)
{
    *value = '\0';
    for (uint64_t i = random_number(9); i > 0; i--)
        strcat(value, pieces[random_number(PIECES)]);
}

static void pick_bytes(char *value)
{
    size_t length = (size_t)random_number(100);

    for (size_t i = 0; i < length; i++)
        value[i] = (char)(1 + random_number(255));
    value[length] = '\0';
}

/* A good value with one byte changed, removed or doubled. */
static void spoil(char *value)
{
    size_t length = strlen(value), at = (size_t)random_number(length);

    switch (random_number(3)) {
    case 0:
        value[at] = (char)(1 + random_number(255));
        break;
    case 1:
        memmove(value + at, value + at + 1, length - at);
        break;
    default:
        memmove(value + at + 1, value + at, length - at + 1);
        break;
    }
}

static void pick(struct environment *environment, size_t variable)
{
    char *value = environment->value[variable];
    uint64_t way = random_number(40);

    environment->set[variable] = way < 20;
    strcpy(value, samples[variable][random_number(5)]);
    if (way == 0)
        pick_pieces(value);
    else if (way == 1)
        pick_bytes(value);
    else if (way == 2)
        spoil(value);
}

/* Takes the printout apart, into what would give the same configuration. */
static void reread(const struct config *config, struct environment *ret_environment)
{
    char text[16384];
    char *line = text;

    assert_true(config_print(config, text, sizeof(text)) < sizeof(text));
    for (size_t i = 0; i < CONFIG_VARIABLES; i++) {
        size_t name = strlen(config_settings[i].name);
        char *end = strstr(line, config->given[i] ? "  # environment; " : "  # default; ");

        assert_memory_equal(line, config_settings[i].name, name);
        assert_int_equal(line[name], '=');
        assert_non_null(end);
        *end = '\0';
        ret_environment->set[i] = true;
        strcpy(ret_environment->value[i], line + name + 1);
        line = end + 1 + strcspn(end + 1, "\n") + 1;
    }
    assert_int_equal(*line, '\0');
}

static void assert_same_amounts(const struct node_amounts *a, const struct node_amounts *b)
{
    assert_int_equal(a->all.kind, b->all.kind);
    assert_true(a->all.value == b->all.value);
    assert_int_equal(a->listed, b->listed);
    for (size_t i = 0; i < a->listed; i++) {
        assert_int_equal(a->list[i].node, b->list[i].node);
        assert_int_equal(a->list[i].amount.kind, b->list[i].amount.kind);
        assert_true(a->list[i].amount.value == b->list[i].amount.value);
    }
}

static void assert_same(const struct config *a, const struct config *b)
{
    assert_int_equal(a->backing.count, b->backing.count);
    for (size_t i = 0; i < a->backing.count; i++)
        assert_int_equal(a->backing.order[i], b->backing.order[i]);
    assert_same_amounts(&a->pool, &b->pool);
    assert_same_amounts(&a->prefault, &b->prefault);
    assert_same_amounts(&a->warm, &b->warm);
    assert_same_amounts(&a->reserve, &b->reserve);
    assert_true(a->external_max == b->external_max);
    assert_int_equal(a->policy.kind, b->policy.kind);
    assert_int_equal(a->policy.preferred, b->policy.preferred);
    assert_memory_equal(&a->policy.bind, &b->policy.bind, sizeof(a->policy.bind));
    assert_string_equal(a->sysroot.text, b->sysroot.text);
    for (size_t i = 0; i < CONFIG_VARIABLES; i++) {
        size_t offset = config_settings[i].offset;

        if (config_settings[i].kind == SETTING_CHOICE || config_settings[i].kind == SETTING_NUMBER)
            assert_memory_equal((const char *)a + offset, (const char *)b + offset, sizeof(int));
    }
}

static void check_message(const char *message)
{
    bool named = false;

    for (const char *c = message; *c != '\0'; c++)
        assert_true(*c >= 0x20 && *c <= 0x7e);
    for (size_t i = 0; i < CONFIG_VARIABLES; i++)
        named = named ||
                strncmp(message, config_settings[i].name, strlen(config_settings[i].name)) == 0;
    assert_true(named);
    assert_non_null(strstr(message, " is refused"));
}

static void random_values(void **state)
{
    static struct environment environment, again;
    size_t accepted = 0;

    for (int round = 0; round < ROUNDS; round++) {
        static struct config config, other;
        char message[CONFIG_MESSAGE];
        int r;

        for (size_t i = 0; i < CONFIG_VARIABLES; i++)
            pick(&environment, i);
        memset(&config, 0x5a, sizeof(config));
        other = config;
        r = config_parse(get, &environment, &config, message, sizeof(message));
        if (r < 0) {
            assert_int_equal(r, -EINVAL);
            assert_memory_equal(&config, &other, sizeof(config));
            check_message(message);
            continue;
        }
        accepted++;
        assert_memory_equal(config.given, environment.set, sizeof(config.given));
        reread(&config, &again);
        assert_int_equal(config_parse(get, &again, &other, message, sizeof(message)), 0);
        assert_same(&config, &other);
    }
    print_message("%zu of %d configurations accepted\n", accepted, ROUNDS);
    assert_true(accepted > ROUNDS / 20 && accepted < ROUNDS - ROUNDS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_values)};
    const char *given = getenv("TEST_SEED");

    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("TEST_SEED=%llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
