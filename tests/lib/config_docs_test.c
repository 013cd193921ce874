/* SPDX-License-Identifier: MIT */
/*
 * docs/configuration.md (the first argument) and the table of config.h say the same: each variable
 * with its default and its help is a row of the first table exactly once and in the same order, has
 * a text of its own with an example that is accepted, and the document names no other variable.
 * Needs nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/config.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static const char *path;
static char document[65536];

static int read_document(void **state)
{
    FILE *file = fopen(path, "re");
    size_t length;

    if (file == NULL)
        return -1;
    length = fread(document, 1, sizeof(document) - 1, file);
    fclose(file);
    document[length] = '\0';
    return length > 0 && length < sizeof(document) - 1 ? 0 : -1;
}

static size_t occurrences(const char *text)
{
    size_t count = 0;

    for (const char *at = strstr(document, text); at != NULL; at = strstr(at + 1, text))
        count++;
    return count;
}

static void rows_are_the_table(void **state)
{
    const char *last = document;

    for (size_t i = 0; i < CONFIG_VARIABLES; i++) {
        const struct setting *setting = &config_settings[i];
        char row[512];

        snprintf(row, sizeof(row), "\n| `%s` | `%s` | %s |\n", setting->name, setting->initial,
            setting->help);
        if (occurrences(row) != 1)
            fail_msg("expected once in %s:%s", path, row);
        assert_true(strstr(document, row) > last || i == 0);
        last = strstr(document, row);
        assert_null(strchr(setting->help, '|'));
    }
    assert_int_equal(occurrences("\n| `HOSTMEM_"), CONFIG_VARIABLES);
    assert_int_equal(occurrences("\n| HOSTMEM_"), 0);
}

static bool is_variable(const char *name, size_t length)
{
    for (size_t i = 0; i < CONFIG_VARIABLES; i++)
        if (strlen(config_settings[i].name) == length &&
            memcmp(config_settings[i].name, name, length) == 0)
            return true;
    return false;
}

static void no_other_name(void **state)
{
    const char *at = document;

    while ((at = strstr(at, "HOSTMEM_")) != NULL) {
        size_t length = strspn(at, LETTERS);

        if (!is_variable(at, length) && length != strlen("HOSTMEM_"))
            fail_msg("%.*s is not a variable", (int)length, at);
        at += length;
    }
}

/* The value of the only example: a line "    NAME=value" of the variable's own text. */
static const char *example_of(const struct setting *setting)
{
    static char value[256];
    char start[64];
    const char *at;

    snprintf(start, sizeof(start), "\n    %s=", setting->name);
    assert_int_equal(occurrences(start), 1);
    at = strstr(document, start) + strlen(start);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
    return value;
}

struct one {
    const char *name, *value;
};

static const char *get(const char *name, void *context)
{
    const struct one *one = context;

    return strcmp(name, one->name) == 0 ? one->value : NULL;
}

static void texts_with_examples(void **state)
{
    for (size_t i = 0; i < CONFIG_VARIABLES; i++) {
        struct one one = {config_settings[i].name, example_of(&config_settings[i])};
        char heading[64], message[CONFIG_MESSAGE];
        struct config config;

        snprintf(heading, sizeof(heading), "\n### %s\n", one.name);
        assert_int_equal(occurrences(heading), 1);
        if (config_parse(get, &one, &config, message, sizeof(message)) != 0)
            fail_msg("example: %s", message);
    }
    assert_int_equal(occurrences("\n### HOSTMEM_"), CONFIG_VARIABLES);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_table),
        cmocka_unit_test(no_other_name),
        cmocka_unit_test(texts_with_examples),
    };

    if (argc != 2)
        return 2;
    path = argv[1];
    return cmocka_run_group_tests(tests, read_document, NULL);
}
