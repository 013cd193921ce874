/* SPDX-License-Identifier: MIT */
/*
 * The options of a subcommand, in a table: names, kinds, bounds and where the value goes. Each
 * mistake is one line on stderr that says what is allowed. No state, no lock.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_NUMBER, /* a whole number */
    OPTION_SECONDS /* seconds, with or without a fraction; kept in nanoseconds */
};

struct option_row {
    const char *name; /* "--every" */
    enum option_kind kind;
    uint64_t least, most; /* of the number as it is written; most < UINT64_MAX / 10^9 of seconds */
    uint64_t *ret_value;  /* untouched when the option is not given */
};

/* What a value is before it is given: no option can be this. */
#define OPTION_UNSET UINT64_MAX

/* Whether help is asked for, wherever that stands. */
bool options_help(int argc, char **argv);

/*
 * Reads "--name VALUE" and "--name=VALUE"; of an option that is given twice the last counts.
 * `command` ("hostmem watch") begins the line about a mistake. Returns COMMAND_DONE or
 * COMMAND_USAGE.
 */
int options_parse(
    const char *command, int argc, char **argv, const struct option_row *rows, size_t row_count);

#endif
