/* SPDX-License-Identifier: MIT */
/*
 * Configuration: defaults, every variable with good and bad values, the messages, contradictions,
 * what the values mean for a node, the printout, the environment, and names that are not known.
 * Needs nothing; the environment is put back by each test that changes it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/config.h"

#define MI (UINT64_C(1) << 20)
#define GI (UINT64_C(1) << 30)

/* An environment: strings "NAME=value", the last one NULL. */
static const char *get(const char *name, void *context)
{
    size_t length = strlen(name);

    for (const char *const *entry = context; *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

static char message[CONFIG_MESSAGE];

static int parse(const char *const *entries, struct config *ret_config)
{
    strcpy(message, "untouched");
    return config_parse(get, (void *)entries, ret_config, message, sizeof(message));
}

/* What the printout says of a variable: "value  # origin". */
static const char *printed(const struct config *config, const char *name)
{
    static char text[16384];
    char start[64];
    char *line, *end;

    assert_true(config_print(config, text, sizeof(text)) < sizeof(text));
    snprintf(start, sizeof(start), "%s=", name);
    line = strstr(text, start);
    assert_non_null(line);
    end = strchr(line, ';');
    assert_non_null(end);
    *end = '\0';
    return line + strlen(start);
}

static void defaults(void **state)
{
    struct config config;

    assert_int_equal(parse((const char *[]){NULL}, &config), 0);
    assert_string_equal(message, "untouched");
    assert_int_equal(config.backing.count, 3);
    assert_int_equal(config.backing.order[0], HP_HUGETLB);
    assert_int_equal(config.backing.order[1], HP_THP);
    assert_int_equal(config.backing.order[2], HP_BASE);
    assert_int_equal(config.page_size, PAGE_SIZE_AUTO);
    assert_int_equal(config.hugetlbfs, 0);
    assert_int_equal(config.policy.kind, POLICY_LOCAL);
    assert_int_equal(config.spill, 1);
    assert_int_equal(config.strict, STRICT_AUTO);
    assert_int_equal(config.subpage, SUBPAGE_AUTO);
    assert_int_equal(config.fork, FORK_NONE);
    assert_int_equal(config.dump, 0);
    assert_int_equal(config.watch, 1);
    assert_int_equal(config.sample_ms, 250);
    assert_int_equal(config.low_enter, 90);
    assert_int_equal(config.low_leave, 85);
    assert_int_equal(config.high_enter, 60);
    assert_int_equal(config.high_leave, 65);
    assert_int_equal(config.hold_ms, 500);
    assert_int_equal(config.low_repeat_ms, 10000);
    assert_true(config.external_max == UINT64_MAX);
    assert_int_equal(config.verbose, 0);
    assert_string_equal(config.sysroot.text, "/");
    for (int i = 0; i < CONFIG_VARIABLES; i++)
        assert_false(config.given[i]);
}

static const struct {
    const char *name, *value;
    const char *shown; /* NULL: as it was given */
} good[] = {
    {"HOSTMEM_BACKING", "hugetlb", NULL},
    {"HOSTMEM_BACKING", "base,thp,hugetlb", NULL},
    {"HOSTMEM_BACKING", "thp", NULL},
    {"HOSTMEM_PAGE_SIZE", "auto", NULL},
    {"HOSTMEM_PAGE_SIZE", "2M", NULL},
    {"HOSTMEM_PAGE_SIZE", "1G", NULL},
    {"HOSTMEM_HUGETLBFS", "0", NULL},
    {"HOSTMEM_HUGETLBFS", "1", NULL},
    {"HOSTMEM_POOL", "unlimited", NULL},
    {"HOSTMEM_POOL", "0", NULL},
    {"HOSTMEM_POOL", "1024M", "1G"},
    {"HOSTMEM_POOL", "50%", NULL},
    {"HOSTMEM_POOL", "0=4G,1=50%", NULL},
    {"HOSTMEM_PREFAULT", "0", NULL},
    {"HOSTMEM_PREFAULT", "4GiB", "4G"},
    {"HOSTMEM_PREFAULT", "100%", NULL},
    {"HOSTMEM_PREFAULT", "1023=0", NULL},
    {"HOSTMEM_WARM", "auto", NULL},
    {"HOSTMEM_WARM", "0", NULL},
    {"HOSTMEM_WARM", "7%", NULL},
    {"HOSTMEM_WARM", "2=1K", NULL},
    {"HOSTMEM_RESERVE", "auto", NULL},
    {"HOSTMEM_RESERVE", "0", NULL},
    {"HOSTMEM_RESERVE", "3%", NULL},
    {"HOSTMEM_RESERVE", "0=64M,2=1%", NULL},
    {"HOSTMEM_CRITICAL_WAIT_MS", "0", NULL},
    {"HOSTMEM_CRITICAL_WAIT_MS", "3600000", NULL},
    {"HOSTMEM_SCRUB", "0", NULL},
    {"HOSTMEM_SCRUB", "1", NULL},
    {"HOSTMEM_POLICY", "local", NULL},
    {"HOSTMEM_POLICY", "interleave", NULL},
    {"HOSTMEM_POLICY", "bind:0", NULL},
    {"HOSTMEM_POLICY", "bind:3,2,0,1023", "bind:0,2-3,1023"},
    {"HOSTMEM_POLICY", "bind:0-1023", NULL},
    {"HOSTMEM_POLICY", "preferred:0", NULL},
    {"HOSTMEM_POLICY", "preferred:1023", NULL},
    {"HOSTMEM_SPILL", "0", NULL},
    {"HOSTMEM_SPILL", "1", NULL},
    {"HOSTMEM_STRICT", "auto", NULL},
    {"HOSTMEM_STRICT", "0", NULL},
    {"HOSTMEM_SUBPAGE", "auto", NULL},
    {"HOSTMEM_SUBPAGE", "refuse", NULL},
    {"HOSTMEM_FORK", "none", NULL},
    {"HOSTMEM_DUMP", "0", NULL},
    {"HOSTMEM_DUMP", "1", NULL},
    {"HOSTMEM_WATCH", "0", NULL},
    {"HOSTMEM_WATCH", "1", NULL},
    {"HOSTMEM_SAMPLE_MS", "10", NULL},
    {"HOSTMEM_SAMPLE_MS", "60000", NULL},
    {"HOSTMEM_LOW_ENTER", "85", NULL},
    {"HOSTMEM_LOW_ENTER", "100", NULL},
    {"HOSTMEM_LOW_LEAVE", "65", NULL},
    {"HOSTMEM_LOW_LEAVE", "90", NULL},
    {"HOSTMEM_HIGH_ENTER", "0", NULL},
    {"HOSTMEM_HIGH_ENTER", "65", NULL},
    {"HOSTMEM_HIGH_LEAVE", "60", NULL},
    {"HOSTMEM_HIGH_LEAVE", "85", NULL},
    {"HOSTMEM_HOLD_MS", "0", NULL},
    {"HOSTMEM_HOLD_MS", "3600000", NULL},
    {"HOSTMEM_LOW_REPEAT_MS", "0", NULL},
    {"HOSTMEM_LOW_REPEAT_MS", "3600000", NULL},
    {"HOSTMEM_EXTERNAL_MAX", "unlimited", NULL},
    {"HOSTMEM_EXTERNAL_MAX", "0", NULL},
    {"HOSTMEM_EXTERNAL_MAX", "2048M", "2G"},
    {"HOSTMEM_EXTERNAL_MAX", "9223372036854775807", NULL},
    {"HOSTMEM_VERBOSE", "0", NULL},
    {"HOSTMEM_VERBOSE", "1", NULL},
    {"HOSTMEM_VERBOSE", "2", NULL},
    {"HOSTMEM_SYSROOT", "/", NULL},
    {"HOSTMEM_SYSROOT", "/a b/\xc3\xa4=%s", NULL},
};

static void good_values(void **state)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *shown = good[i].shown != NULL ? good[i].shown : good[i].value;
        char assignment[256], expected[256];
        struct config config;

        snprintf(assignment, sizeof(assignment), "%s=%s", good[i].name, good[i].value);
        snprintf(expected, sizeof(expected), "%s  # environment", shown);
        if (parse((const char *[]){assignment, NULL}, &config) != 0)
            fail_msg("%s: %s", assignment, message);
        assert_string_equal(printed(&config, good[i].name), expected);
        for (int j = 0; j < CONFIG_VARIABLES; j++)
            assert_int_equal(config.given[j], strcmp(config_settings[j].name, good[i].name) == 0);
    }
}

/* Values of switches mean what their names say. */
static void values_are_kept(void **state)
{
    struct config config;

    assert_int_equal(parse((const char *[]){"HOSTMEM_BACKING=base,hugetlb", "HOSTMEM_PAGE_SIZE=1G",
                               "HOSTMEM_HUGETLBFS=1", "HOSTMEM_SPILL=0", "HOSTMEM_STRICT=0",
                               "HOSTMEM_SUBPAGE=refuse", "HOSTMEM_DUMP=1", "HOSTMEM_VERBOSE=2",
                               "HOSTMEM_POLICY=preferred:7", "HOSTMEM_SYSROOT=/tmp/machine", NULL},
                         &config),
        0);
    assert_int_equal(config.backing.count, 2);
    assert_int_equal(config.backing.order[0], HP_BASE);
    assert_int_equal(config.backing.order[1], HP_HUGETLB);
    assert_true(config_has_backing(&config, HP_BASE));
    assert_false(config_has_backing(&config, HP_THP));
    assert_int_equal(config.page_size, PAGE_SIZE_1G);
    assert_true(config_page_size(&config) == GI);
    assert_int_equal(config.hugetlbfs, 1);
    assert_int_equal(config.spill, 0);
    assert_int_equal(config.strict, STRICT_OFF);
    assert_int_equal(config.subpage, SUBPAGE_REFUSE);
    assert_int_equal(config.dump, 1);
    assert_int_equal(config.verbose, 2);
    assert_int_equal(config.policy.kind, POLICY_PREFERRED);
    assert_int_equal(config.policy.preferred, 7);
    assert_string_equal(config.sysroot.text, "/tmp/machine");

    assert_int_equal(
        parse((const char *[]){"HOSTMEM_PAGE_SIZE=2M", "HOSTMEM_POLICY=bind:1,4-5", NULL}, &config),
        0);
    assert_true(config_page_size(&config) == 2 * MI);
    assert_int_equal(config.policy.kind, POLICY_BIND);
    assert_int_equal(nn_set_count(&config.policy.bind), 3);
    assert_true(nn_set_has(&config.policy.bind, 5));
    assert_int_equal(parse((const char *[]){NULL}, &config), 0);
    assert_true(config_page_size(&config) == 0);
}

#define AMOUNTS                                                                                    \
    "a size (bytes, or with K, M, G or T), a share of the node (0% to 100%), "                     \
    "a list of these for up to 64 nodes (0=4G,1=50%)"

#define PERCENT "a whole number from 0 to 100"

/* What is allowed, and values that are not (every variable refuses "" besides). */
static const struct {
    const char *name, *allowed;
    const char *values[20];
} bad[] = {
    {"HOSTMEM_BACKING", "one or more of hugetlb, thp, base, each once, with commas between them",
        {"none", ",", "thp,", ",thp", "thp,,base", "thp,thp", "hugetlb,thp,base,hugetlb", "THP",
            "huge", "thp base", "thp, base", "thpx", "th", "hugetlb,thp,base,"}},
    {"HOSTMEM_PAGE_SIZE", "auto, 2M, 1G",
        {"2m", "4K", "2MiB", "2097152", "1G ", " 1G", "0", "AUTO", "auto 2M", "2", "2M1G"}},
    {"HOSTMEM_HUGETLBFS", "0, 1", {"2", "yes", "true", "-1", "00", "01", "0 1", "1\n", " "}},
    {"HOSTMEM_POOL", "unlimited, " AMOUNTS,
        {"4X", "-1", "101%", "0=4G,", "0=4G,0=4G", "0=unlimited", "4G,0=4G", "Unlimited", "auto",
            "18446744073709551616", "16777216T", "unlimited ", "1024=1G", "4 G", "none"}},
    {"HOSTMEM_PREFAULT", AMOUNTS, {"auto", "unlimited", "all", "1.5G", "+1G", "50 %", "0=", "=1"}},
    {"HOSTMEM_WARM", "auto, " AMOUNTS, {"unlimited", "all", "auto,1G", "0=auto", "0x10", "1e9"}},
    {"HOSTMEM_RESERVE", "auto, " AMOUNTS, {"unlimited", "2 frames", "-1", "auto,1G", "0=auto"}},
    {"HOSTMEM_CRITICAL_WAIT_MS", "a whole number from 0 to 3600000", {"3600001", "-1", "1s"}},
    {"HOSTMEM_SCRUB", "0, 1", {"2", "auto", "8G"}},
    {"HOSTMEM_POLICY",
        "local, interleave, bind:LIST (nodes: 0,2-3), preferred:NODE, of nodes 0 to 1023",
        {"bind", "bind:", "bind:,", "bind:0,", "bind:1024", "bind:3-2", "bind: 0", "bind:0 ",
            "bind:0\n", "bind:all", "bind:-1", "preferred", "preferred:", "preferred:1024",
            "preferred:-1", "preferred:0,1", "preferred:1\n", "Local", "interleave:0", "random"}},
    {"HOSTMEM_SPILL", "0, 1", {"2", "no"}},
    {"HOSTMEM_STRICT", "auto, 0 (1 is not available in this version)", {"1", "!1", "2", "yes"}},
    {"HOSTMEM_SUBPAGE", "auto, refuse (dissolve is not available in this version)",
        {"dissolve", "!dissolve", "0", "refuse,dissolve"}},
    {"HOSTMEM_FORK", "none (cow is not available in this version)", {"cow", "!cow", "0", "None"}},
    {"HOSTMEM_DUMP", "0, 1", {"2", "full"}},
    {"HOSTMEM_WATCH", "0, 1", {"2", "auto"}},
    {"HOSTMEM_SAMPLE_MS", "a whole number from 10 to 60000",
        {"9", "0", "60001", "4294967546", "250ms", "10\n"}},
    {"HOSTMEM_LOW_ENTER", PERCENT, {"101", "90%", "-1", "4294967295"}},
    {"HOSTMEM_LOW_LEAVE", PERCENT, {"101", "85%"}},
    {"HOSTMEM_HIGH_ENTER", PERCENT, {"101", "60%"}},
    {"HOSTMEM_HIGH_LEAVE", PERCENT, {"101", "65%"}},
    {"HOSTMEM_HOLD_MS", "a whole number from 0 to 3600000", {"3600001", "4294967296", "1K"}},
    {"HOSTMEM_LOW_REPEAT_MS", "a whole number from 0 to 3600000", {"3600001", "never"}},
    {"HOSTMEM_EXTERNAL_MAX", "unlimited, a size (bytes, or with K, M, G or T)",
        {"50%", "0=1G", "1=1G", "auto", "-1", "9223372036854775808", "18446744073709551615",
            "unlimited "}},
    {"HOSTMEM_VERBOSE", "0, 1, 2", {"3", "-1", "debug", "10"}},
    {"HOSTMEM_SYSROOT", "an absolute path of less than 4096 bytes, without control characters",
        {"tmp", "./tmp", "/tmp\n", "/\x1b[0m", "/\x7f"}},
};

static void assert_one_plain_line(void)
{
    for (const char *c = message; *c != '\0'; c++)
        assert_true(*c >= 0x20 && *c <= 0x7e);
}

/* Refused, with a message that names the variable and what is allowed, and nothing else touched. */
static void refuse(const char *name, const char *value, const char *allowed)
{
    char assignment[PATH_TEXT + 64], expected[PATH_TEXT + 256];
    struct config config, before;

    memset(&config, 0x5a, sizeof(config));
    before = config;
    snprintf(assignment, sizeof(assignment), "%s=%s", name, value);
    if (parse((const char *[]){assignment, NULL}, &config) != -EINVAL)
        fail_msg("%s was accepted", assignment);
    assert_memory_equal(&config, &before, sizeof(config));
    assert_one_plain_line();
    assert_true(strlen(message) < sizeof(message) - 1);
    snprintf(expected, sizeof(expected), "%s=\"", name);
    assert_memory_equal(message, expected, strlen(expected));
    snprintf(expected, sizeof(expected), " is refused; allowed: %s", allowed);
    assert_string_equal(message + strlen(message) - strlen(expected), expected);
    if (strpbrk(value, "\n\x1b\x7f") == NULL && strlen(value) < 64) {
        snprintf(
            expected, sizeof(expected), "%s=\"%s\" is refused; allowed: %s", name, value, allowed);
        assert_string_equal(message, expected);
    }
}

static void bad_values(void **state)
{
    assert_int_equal(sizeof(bad) / sizeof(bad[0]), CONFIG_VARIABLES);
    for (size_t i = 0; i < CONFIG_VARIABLES; i++) {
        assert_string_equal(bad[i].name, config_settings[i].name);
        refuse(bad[i].name, "", bad[i].allowed);
        for (size_t j = 0; j < 20 && bad[i].values[j] != NULL; j++)
            refuse(bad[i].name, bad[i].values[j], bad[i].allowed);
    }
}

/* The longest message that there is for each variable fits. */
static void long_values(void **state)
{
    char value[PATH_TEXT + 1];

    for (size_t i = 0; i < CONFIG_VARIABLES; i++) {
        memset(value, '\xff', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        refuse(bad[i].name, value, bad[i].allowed);
        memset(value, 'a', sizeof(value) - 1);
        value[0] = '/';
        refuse(bad[i].name, value, bad[i].allowed);
        assert_non_null(strstr(message, "aaaa\"... is refused"));
        assert_true(strlen(message) < strlen(bad[i].name) + strlen(bad[i].allowed) + 100);
    }
}

static void longest_path(void **state)
{
    static char assignment[64 + PATH_TEXT];
    struct config config;
    int name = sprintf(assignment, "HOSTMEM_SYSROOT=");

    memset(assignment + name, '/', PATH_TEXT - 1);
    assignment[name + PATH_TEXT - 1] = '\0';
    assert_int_equal(parse((const char *[]){assignment, NULL}, &config), 0);
    assert_int_equal(strlen(config.sysroot.text), PATH_TEXT - 1);
}

static void messages_are_cut(void **state)
{
    struct config config;
    char small[12];

    for (size_t size = 0; size < sizeof(small); size++) {
        memset(small, '#', sizeof(small));
        assert_int_equal(config_parse(get, (const char *[]){"HOSTMEM_DUMP=x", NULL}, &config,
                             size == 0 ? NULL : small, size),
            -EINVAL);
        if (size > 0)
            assert_int_equal(strlen(small), size - 1);
        for (size_t i = size; i < sizeof(small); i++)
            assert_int_equal(small[i], '#');
    }
}

static const struct {
    const char *entries[4];
    const char *message; /* NULL: no contradiction */
} pairs[] = {
    {{"HOSTMEM_HUGETLBFS=1", "HOSTMEM_BACKING=thp,base"},
        "HOSTMEM_HUGETLBFS=1 is refused with HOSTMEM_BACKING=thp,base, which lacks hugetlb"},
    {{"HOSTMEM_PAGE_SIZE=1G", "HOSTMEM_BACKING=base"},
        "HOSTMEM_PAGE_SIZE=1G is refused with HOSTMEM_BACKING=base, which lacks hugetlb"},
    {{"HOSTMEM_PAGE_SIZE=2M", "HOSTMEM_BACKING=thp"}, NULL},
    {{"HOSTMEM_HUGETLBFS=0", "HOSTMEM_BACKING=thp"}, NULL},
    {{"HOSTMEM_PAGE_SIZE=1G", "HOSTMEM_BACKING=base,hugetlb"}, NULL},
    {{"HOSTMEM_PREFAULT=2G", "HOSTMEM_POOL=1G"},
        "HOSTMEM_PREFAULT=2G is refused with HOSTMEM_POOL=1G, which is less"},
    {{"HOSTMEM_PREFAULT=51%", "HOSTMEM_POOL=50%"},
        "HOSTMEM_PREFAULT=51% is refused with HOSTMEM_POOL=50%, which is less"},
    {{"HOSTMEM_PREFAULT=1=2G,0=1G", "HOSTMEM_POOL=0=1G,1=1G"},
        "HOSTMEM_PREFAULT=2G is refused with HOSTMEM_POOL=1G for node 1, which is less"},
    {{"HOSTMEM_PREFAULT=3=2G", "HOSTMEM_POOL=1G"},
        "HOSTMEM_PREFAULT=2G is refused with HOSTMEM_POOL=1G for node 3, which is less"},
    {{"HOSTMEM_PREFAULT=2G", "HOSTMEM_POOL=0=2G,7=1G"},
        "HOSTMEM_PREFAULT=2G is refused with HOSTMEM_POOL=1G for node 7, which is less"},
    {{"HOSTMEM_PREFAULT=1M", "HOSTMEM_POOL=0%"},
        "HOSTMEM_PREFAULT=1M is refused with HOSTMEM_POOL=0%, which is less"},
    {{"HOSTMEM_PREFAULT=1%", "HOSTMEM_POOL=0"},
        "HOSTMEM_PREFAULT=1% is refused with HOSTMEM_POOL=0, which is less"},
    {{"HOSTMEM_PREFAULT=0", "HOSTMEM_POOL=0"}, NULL},
    {{"HOSTMEM_PREFAULT=1G", "HOSTMEM_POOL=1G"}, NULL},
    {{"HOSTMEM_PREFAULT=1=2G", "HOSTMEM_POOL=0=1G"}, NULL},
    {{"HOSTMEM_PREFAULT=8T", "HOSTMEM_POOL=1%"}, NULL},
    {{"HOSTMEM_PREFAULT=100%", "HOSTMEM_POOL=1"}, NULL},
    {{"HOSTMEM_PREFAULT=8T"}, NULL},
    {{"HOSTMEM_POOL=0"}, NULL},
    {{"HOSTMEM_WARM=8G", "HOSTMEM_POOL=1G"}, NULL},
    {{"HOSTMEM_RESERVE=2G", "HOSTMEM_POOL=1G"},
        "HOSTMEM_RESERVE=2G is refused with HOSTMEM_POOL=1G, which is less"},
    {{"HOSTMEM_RESERVE=3=2G", "HOSTMEM_POOL=1G"},
        "HOSTMEM_RESERVE=2G is refused with HOSTMEM_POOL=1G for node 3, which is less"},
    {{"HOSTMEM_RESERVE=1G", "HOSTMEM_POOL=1G"}, NULL},
    {{"HOSTMEM_LOW_LEAVE=91"},
        "HOSTMEM_LOW_LEAVE=91 is refused with HOSTMEM_LOW_ENTER=90, which is less"},
    {{"HOSTMEM_LOW_ENTER=84"},
        "HOSTMEM_LOW_LEAVE=85 is refused with HOSTMEM_LOW_ENTER=84, which is less"},
    {{"HOSTMEM_HIGH_LEAVE=86"},
        "HOSTMEM_HIGH_LEAVE=86 is refused with HOSTMEM_LOW_LEAVE=85, which is less"},
    {{"HOSTMEM_LOW_LEAVE=64"},
        "HOSTMEM_HIGH_LEAVE=65 is refused with HOSTMEM_LOW_LEAVE=64, which is less"},
    {{"HOSTMEM_HIGH_ENTER=66"},
        "HOSTMEM_HIGH_ENTER=66 is refused with HOSTMEM_HIGH_LEAVE=65, which is less"},
    {{"HOSTMEM_HIGH_ENTER=90", "HOSTMEM_HIGH_LEAVE=90", "HOSTMEM_LOW_LEAVE=90"}, NULL},
    {{"HOSTMEM_HIGH_ENTER=0", "HOSTMEM_HIGH_LEAVE=0", "HOSTMEM_LOW_LEAVE=0"}, NULL},
};

static void contradictions(void **state)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct config config, before;

        memset(&config, 0x5a, sizeof(config));
        before = config;
        assert_int_equal(parse(pairs[i].entries, &config), pairs[i].message == NULL ? 0 : -EINVAL);
        assert_string_equal(message, pairs[i].message == NULL ? "untouched" : pairs[i].message);
        if (pairs[i].message != NULL)
            assert_memory_equal(&config, &before, sizeof(config));
    }
}

static void meaning(void **state)
{
    struct config config;

    assert_int_equal(parse((const char *[]){NULL}, &config), 0);
    assert_true(config_pool_limit(&config, 0, 64 * GI) == UINT64_MAX);
    assert_true(config_prefault(&config, 0, 64 * GI) == 0);
    assert_true(config_warm_limit(&config, 0, 64 * GI, HP_HUGETLB) == UINT64_MAX);
    assert_true(config_warm_limit(&config, 0, 64 * GI, HP_THP) == 128 * MI);
    assert_true(config_warm_limit(&config, 0, 64 * GI, HP_BASE) == 0);

    assert_int_equal(parse((const char *[]){"HOSTMEM_POOL=0=50%,2=4G", "HOSTMEM_PREFAULT=2=1G",
                               "HOSTMEM_WARM=2=3G", NULL},
                         &config),
        0);
    assert_true(config_pool_limit(&config, 0, 64 * GI) == 32 * GI);
    assert_true(config_pool_limit(&config, 1, 64 * GI) == UINT64_MAX);
    assert_true(config_pool_limit(&config, 2, 64 * GI) == 4 * GI);
    assert_true(config_prefault(&config, 1, 64 * GI) == 0);
    assert_true(config_prefault(&config, 2, 64 * GI) == GI);
    assert_true(config_warm_limit(&config, 1, 64 * GI, HP_HUGETLB) == UINT64_MAX);
    assert_true(config_warm_limit(&config, 1, 64 * GI, HP_THP) == 128 * MI);
    assert_true(config_warm_limit(&config, 2, 64 * GI, HP_HUGETLB) == 3 * GI);
    assert_true(config_warm_limit(&config, 2, 64 * GI, HP_BASE) == 0);

    /* Two frames, at most a 512th, and whole ones. */
    assert_true(config_reserve(&config, 0, 64 * GI, 2 * MI) == 4 * MI);
    assert_true(config_reserve(&config, 1, 256 * GI, GI) == 0);
    assert_true(config_reserve(&config, 1, 512 * GI, GI) == GI);
    assert_true(config_reserve(&config, 1, 2 * GI, 2 * MI) == 4 * MI);
    assert_true(config_reserve(&config, 1, 2 * GI - MI, 2 * MI) == 2 * MI);
    assert_true(config_reserve(&config, 1, GI - MI, 2 * MI) == 0);
    assert_true(config_reserve(&config, 1, GI - MI, 0) == 0);

    assert_int_equal(parse((const char *[]){"HOSTMEM_RESERVE=0=3G,1=10%", NULL}, &config), 0);
    assert_true(config_reserve(&config, 0, 64 * GI, 2 * MI) == 3 * GI);
    assert_true(config_reserve(&config, 0, GI, 2 * MI) == GI);
    assert_true(config_reserve(&config, 1, 10 * GI, 2 * MI) == GI);
    assert_true(config_reserve(&config, 2, 64 * GI, 2 * MI) == 4 * MI);

    assert_int_equal(parse((const char *[]){"HOSTMEM_EXTERNAL_MAX=3K", NULL}, &config), 0);
    assert_true(config.external_max == 3072);

    assert_int_equal(
        parse((const char *[]){"HOSTMEM_WARM=0", "HOSTMEM_PREFAULT=25%", NULL}, &config), 0);
    assert_true(config_warm_limit(&config, 5, 64 * GI, HP_HUGETLB) == 0);
    assert_true(config_prefault(&config, 5, 64 * GI) == 16 * GI);
    assert_true(config_prefault(&config, 5, 0) == 0);
}

static void printout(void **state)
{
    struct config config;
    char text[8192];
    const char *line = text;
    size_t length;

    assert_int_equal(parse((const char *[]){"HOSTMEM_POOL=4096M", NULL}, &config), 0);
    length = config_print(&config, text, sizeof(text));
    assert_true(length < sizeof(text));
    assert_int_equal(strlen(text), length);
    for (int i = 0; i < CONFIG_VARIABLES; i++) {
        const struct setting *setting = &config_settings[i];
        char expected[512];

        snprintf(expected, sizeof(expected), "%s=%s  # %s; %s\n", setting->name,
            i == CONFIG_POOL ? "4G" : setting->initial,
            i == CONFIG_POOL ? "environment" : "default", setting->help);
        assert_memory_equal(line, expected, strlen(expected));
        line += strlen(expected);
    }
    assert_int_equal(*line, '\0');
}

static void printout_is_cut(void **state)
{
    struct config config;
    char text[8192], part[8192];
    size_t length;

    assert_int_equal(parse((const char *[]){NULL}, &config), 0);
    length = config_print(&config, text, sizeof(text));
    assert_int_equal(config_print(&config, NULL, 0), length);
    for (size_t size = 1; size <= length + 1; size++) {
        part[size] = '#';
        assert_int_equal(config_print(&config, part, size), length);
        assert_memory_equal(part, text, size - 1);
        assert_int_equal(part[size - 1], '\0');
        assert_int_equal(part[size], '#');
    }
}

static char **kept_environment;

static int keep_environment(void **state)
{
    kept_environment = environ;
    return 0;
}

static int restore_environment(void **state)
{
    environ = kept_environment;
    return 0;
}

static void reads_the_environment(void **state)
{
    char spill[] = "HOSTMEM_SPILL=0";
    char *entries[] = {(char[]){"OTHER=1"}, spill, NULL};
    struct config config;

    environ = entries;
    assert_int_equal(config_read(&config, message, sizeof(message)), 0);
    assert_int_equal(config.spill, 0);
    assert_true(config.given[CONFIG_SPILL]);
    assert_false(config.given[CONFIG_DUMP]);
    strcpy(spill, "HOSTMEM_SPILL=");
    assert_int_equal(config_read(&config, message, sizeof(message)), -EINVAL);
    assert_string_equal(message, "HOSTMEM_SPILL=\"\" is refused; allowed: 0, 1");
}

/* One "name>nearest" after the other, each with a space. */
static void note(const char *name, const char *nearest, void *context)
{
    text_add(context, "%s>%s ", name, nearest == NULL ? "-" : nearest);
}

static void unknown_names(void **state)
{
    const char *const entries[] = {"HOSTMEM_POOL=1", "HOSTMEM_POL=1", "XHOSTMEM_POOL=1",
        "HOSTMEM=1", "PATH=/", "HOSTMEM_PREFALT=a=b", "HOSTMEM_HUGETLB_FS=1", "HOSTMEM_pool=1",
        "HOSTMEM_WRAM=1", "HOSTMEM_BACKINGS=", "HOSTMEM_POOLX=1", "HOSTMEM_COLOUR_OF_THE_SKY=1",
        "HOSTMEM_=1", "HOSTMEM_SCRUBBER_RATE=1", "HOSTMEM_POLICE=1", NULL};
    char buffer[1024] = "";
    struct text text = text_begin(buffer, sizeof(buffer));

    environ = (char **)entries;
    config_unknown(note, &text);
    assert_string_equal(buffer,
        "HOSTMEM_POL>HOSTMEM_POOL HOSTMEM_PREFALT>HOSTMEM_PREFAULT "
        "HOSTMEM_HUGETLB_FS>HOSTMEM_HUGETLBFS HOSTMEM_pool>HOSTMEM_POOL "
        "HOSTMEM_WRAM>HOSTMEM_WARM HOSTMEM_BACKINGS>HOSTMEM_BACKING "
        "HOSTMEM_POOLX>HOSTMEM_POOL HOSTMEM_COLOUR_OF_THE_SKY>- "
        "HOSTMEM_>- HOSTMEM_SCRUBBER_RATE>- HOSTMEM_POLICE>HOSTMEM_POLICY ");
}

static void unknown_names_are_cut(void **state)
{
    char entry[1024];
    char *entries[] = {entry, NULL};
    char buffer[256] = "";
    struct text text = text_begin(buffer, sizeof(buffer));

    memset(entry, 'A', sizeof(entry) - 1);
    memcpy(entry, "HOSTMEM_", 8);
    entry[sizeof(entry) - 1] = '\0';
    environ = entries;
    config_unknown(note, &text);
    assert_int_equal(strlen(buffer), 63 + strlen(">- "));
    environ = NULL;
    config_unknown(note, &text);
    assert_int_equal(strlen(buffer), 63 + strlen(">- "));
}

#define WITH_ENVIRONMENT(test)                                                                     \
    cmocka_unit_test_setup_teardown(test, keep_environment, restore_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(good_values),
        cmocka_unit_test(values_are_kept),
        cmocka_unit_test(bad_values),
        cmocka_unit_test(long_values),
        cmocka_unit_test(longest_path),
        cmocka_unit_test(messages_are_cut),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(meaning),
        cmocka_unit_test(printout),
        cmocka_unit_test(printout_is_cut),
        WITH_ENVIRONMENT(reads_the_environment),
        WITH_ENVIRONMENT(unknown_names),
        WITH_ENVIRONMENT(unknown_names_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
