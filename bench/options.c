/* SPDX-License-Identifier: MIT */
/* Reading the command line. See options.h. */
#include "bench/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"

#define ROUNDS_MOST 1000

static bool refuse(const char *what, const char *value)
{
    fprintf(
        stderr, "hostmem bench: %s '%s' (hostmem bench --help says what there is)\n", what, value);
    return false;
}

static bool set_rounds(struct options *options, const char *text)
{
    char *end;
    unsigned long rounds = strtoul(text, &end, 10);
    if (*end || end == text || *text == '-' || rounds == 0 || rounds > ROUNDS_MOST)
        return refuse("not a number of rounds from 1 to 1000:", text);
    options->rounds = (unsigned)rounds;
    return true;
}

/* A name is as long as it is up to the comma. */
static bool set_sides(struct options *options, const char *text)
{
    char name[64];
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ","), at);
        if (!peer_find(name))
            return refuse("unknown side", name);
    }
    options->sides = text;
    return true;
}

bool options_has_side(const struct options *options, const char *name)
{
    size_t length = strlen(name);
    if (!options->sides)
        return true;
    for (const char *at = options->sides; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
            return true;
    return false;
}

static bool set_html(struct options *options, const char *path)
{
    if (strcmp(path, "-") == 0)
        return refuse("a page needs a file, not", path);
    options->html = path;
    return true;
}

static bool set(struct options *options, int option, char **argv, int wrong)
{
    switch (option) {
    case 'j':
        options->json = optarg;
        return true;
    case 'w':
        return set_html(options, optarg);
    case 'q':
        return options->quick = true;
    case 'p':
        return options->progress = true;
    case 'h':
        return options->help = true;
    case 'r':
        return set_rounds(options, optarg);
    case 's':
        return set_sides(options, optarg);
    case ':':
        return refuse("a value is missing after", argv[wrong]);
    default:
        return refuse("unknown option", argv[wrong]);
    }
}

bool options_parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {{"json", required_argument, NULL, 'j'},
        {"html", required_argument, NULL, 'w'}, {"sides", required_argument, NULL, 's'},
        {"rounds", required_argument, NULL, 'r'}, {"quick", no_argument, NULL, 'q'},
        {"progress", no_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {0}};
    int option;
    *ret_options = (struct options){0};
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1)
        if (!set(ret_options, option, argv, optind - 1))
            return false;
    if (optind < argc)
        ret_options->command = argv[optind++];
    if (optind < argc)
        return refuse("one argument too many:", argv[optind]);
    return true;
}
