/* SPDX-License-Identifier: MIT */
/* The command line. Strings are the command line's own. One thread; no lock. */
#ifndef HOSTMEM_BENCH_OPTIONS_H
#define HOSTMEM_BENCH_OPTIONS_H

#include <stdbool.h>

struct options {
    const char *command; /* the subcommand, or NULL */
    const char *json;    /* a file, "-", or NULL */
    const char *html;    /* a file, or NULL */
    const char *sides;   /* names with commas between them, or NULL: all */
    unsigned rounds;     /* 0: as many as usual */
    bool quick, progress, help;
};

/* False: wrong, which was said in one line on stderr. */
bool options_parse(int argc, char **argv, struct options *ret_options);

/* Whether the side is among those that were asked for. */
bool options_has_side(const struct options *options, const char *name);

#endif
