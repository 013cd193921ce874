/* SPDX-License-Identifier: MIT */
/* The options of a subcommand, read by a table. No state, no lock. */
#include "tools/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/moment.h"

#define FRACTION_DIGITS 9  /* of a second: nanoseconds */
#define SHOWN           41 /* bytes that show a wrong value, with the NUL */

/* What somebody typed, cut, and without anything that would disturb the one line. */
static const char *shown(const char *value, char ret_text[SHOWN])
{
    size_t i = 0;

    for (; value[i] != '\0' && i < SHOWN - 1; i++)
        ret_text[i] = '?';
    ret_text[i] = '\0';
    while (i-- > 0)
        if (value[i] >= ' ' && value[i] <= '~')
            ret_text[i] = value[i];
    return ret_text;
}

/* -- values -- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits up to anything else, at most `most`; their number, or -1 where they are too many. */
static int read_digits(const char *text, uint64_t most, uint64_t *ret_value)
{
    uint64_t value = 0;
    int count = 0;

    for (; is_digit(text[count]); count++) {
        uint64_t digit = (uint64_t)(text[count] - '0');

        if (value > (most - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return count;
}

static bool read_number(const char *text, uint64_t most, uint64_t *ret_value)
{
    int count = read_digits(text, most, ret_value);

    return count > 0 && text[count] == '\0';
}

/* ".25" without the point, in nanoseconds; digits beyond those make no difference. */
static bool read_fraction(const char *text, uint64_t *ret_ns)
{
    uint64_t ns = 0;
    size_t count = strspn(text, "0123456789");

    for (size_t i = 0; i < FRACTION_DIGITS; i++)
        ns = ns * 10 + (i < count ? (uint64_t)(text[i] - '0') : 0);
    *ret_ns = ns;
    return count > 0 && text[count] == '\0';
}

static bool read_seconds(const char *text, uint64_t most, uint64_t *ret_ns)
{
    uint64_t whole = 0, fraction = 0;
    int count = read_digits(text, most, &whole);

    if (count < 0 || (count == 0 && text[0] != '.') || (text[count] != '.' && text[count] != '\0'))
        return false;
    if (text[count] == '.' && !read_fraction(text + count + 1, &fraction))
        return false;
    *ret_ns = whole * MOMENT_SECOND + fraction;
    return *ret_ns <= most * MOMENT_SECOND;
}

static bool read_value(const struct option_row *row, const char *text, uint64_t *ret_value)
{
    if (row->kind == OPTION_SECONDS)
        return read_seconds(text, row->most, ret_value) && *ret_value >= row->least * MOMENT_SECOND;
    return read_number(text, row->most, ret_value) && *ret_value >= row->least;
}

/* -- mistakes -- */

static int unexpected(const char *command, const char *word)
{
    char text[SHOWN];

    fprintf(stderr, "%s: unexpected '%s' (%s --help lists the options)\n", command,
        shown(word, text), command);
    return COMMAND_USAGE;
}

static int missing(const char *command, const char *name)
{
    fprintf(stderr, "%s: %s needs a value (%s --help)\n", command, name, command);
    return COMMAND_USAGE;
}

static int refused(const char *command, const struct option_row *row, const char *value)
{
    static const char *const kinds[] = {"a whole number", "seconds"};
    char text[SHOWN];

    fprintf(stderr, "%s: %s '%s' is refused; allowed: %s from %" PRIu64 " to %" PRIu64 "\n",
        command, row->name, shown(value, text), kinds[row->kind], row->least, row->most);
    return COMMAND_USAGE;
}

/* -- the command line -- */

/* The row of "--name" or "--name=VALUE"; then *ret_value is behind the sign, else NULL. */
static const struct option_row *find(
    const char *word, const struct option_row *rows, size_t row_count, const char **ret_value)
{
    size_t length = strcspn(word, "=");

    for (size_t i = 0; i < row_count; i++)
        if (strlen(rows[i].name) == length && strncmp(rows[i].name, word, length) == 0) {
            *ret_value = word[length] == '=' ? word + length + 1 : NULL;
            return &rows[i];
        }
    return NULL;
}

bool options_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int options_parse(
    const char *command, int argc, char **argv, const struct option_row *rows, size_t row_count)
{
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const struct option_row *row = find(argv[i], rows, row_count, &value);
        uint64_t read = 0;

        if (row == NULL)
            return unexpected(command, argv[i]);
        if (value == NULL && ++i == argc)
            return missing(command, row->name);
        if (value == NULL)
            value = argv[i];
        if (!read_value(row, value, &read))
            return refused(command, row, value);
        *row->ret_value = read;
    }
    return COMMAND_DONE;
}
