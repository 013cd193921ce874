/* SPDX-License-Identifier: MIT */
/* The command line of `hostmem pressure`, and which node is meant. One thread, no lock. */
#include "tools/pressure_cmd.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command.h"
#include "tools/moment.h"
#include "tools/options.h"
#include "tools/pressure_run.h"
#include "tools/session.h"

#define NAME             "hostmem pressure"
#define MB_MOST          (UINT64_C(1) << 30) /* MiB: a PiB, more than a process has addresses for */
#define NODE_MOST        1023
#define FOR_MOST_SECONDS 1000000000

_Static_assert(MB_MOST <= SIZE_MAX >> 20, "the bytes fit into a size");
_Static_assert(OPTION_UNSET == MOMENT_NEVER, "without --for it does not end");

struct pressure_options {
    uint64_t mb, node, for_ns; /* OPTION_UNSET: not given */
};

static int help(void)
{
    printf("usage: " NAME " --mb N [--node K] [--for SECONDS]\n\n"
           "Takes N MiB of a node's memory and holds them, so that the pressure on the node\n"
           "can be seen: prints the load before and after, what was got from which node in\n"
           "which pages, and each announcement of the node and of all nodes together as it\n"
           "comes. Then gives the memory back, and waits for the end of Low for a second\n"
           "more than HOSTMEM_HOLD_MS.\n\n"
           "  --mb N          MiB to take (1 to 1073741824); needed\n"
           "  --node K        of that node (0 to 1023); of the local one unless given\n"
           "  --for SECONDS   hold it for that time (0 to 1000000000, fractions allowed);\n"
           "                  without it, until SIGINT, SIGTERM, SIGHUP or SIGQUIT. A second\n"
           "                  signal ends the wait for the end of Low, too\n\n"
           "HOSTMEM_ variables are those of the library, but HOSTMEM_SPILL is 0 unless it\n"
           "is set: what the node does not have is not taken from others. The memory is\n"
           "real: other programs come under the same pressure. A Low that is this process's\n"
           "alone: HOSTMEM_POOL=70M hostmem pressure --mb 64\n\n"
           "Where less than N MiB is to be had, a line on stderr says how much and why, and\n"
           "what there is is held. Where nothing is, it ends at once.\n\n"
           "Exit status: 0 all of it was held, or a signal came before; 1 there was less, or\n"
           "something failed; 2 the command line is wrong, or there is no such node that may\n"
           "be used.\n");
    return COMMAND_DONE;
}

static int usage(const char *what)
{
    fprintf(stderr, NAME ": %s (" NAME " --help)\n", what);
    return COMMAND_USAGE;
}

/* The number of the node that is meant, which HOSTMEM_POLICY may choose anew for each request. */
static int pick_node(const struct session *session, uint64_t asked, int *ret_node)
{
    struct hostmem_node_stats stats;
    int node = asked == OPTION_UNSET ? HOSTMEM_NODE_LOCAL : (int)asked;
    int error = hostmem_node_stats(session->manager, node, &stats);

    if (error == 0)
        *ret_node = stats.node;
    return error;
}

static int with_session(struct session *session, const struct pressure_options *options)
{
    struct pressure_work work = {
        .session = session, .bytes = options->mb << 20, .for_ns = options->for_ns};
    char text[64];

    if (pick_node(session, options->node, &work.node) < 0) {
        snprintf(text, sizeof(text), "no node %" PRIu64 " that may be used", options->node);
        return usage(options->node == OPTION_UNSET ? "no local node that may be used" : text);
    }
    return pressure_run(&work);
}

static int pressure(const struct pressure_options *options)
{
    struct session session;
    int status;

    if (setenv("HOSTMEM_SPILL", "0", 0) != 0)
        return usage("no memory for the environment");
    status = session_open(NAME, SIGNALS_END, &session);
    if (status != COMMAND_DONE)
        return status;
    status = with_session(&session, options);
    session_close(&session);
    return status;
}

int pressure_cmd(int argc, char **argv)
{
    struct pressure_options options = {OPTION_UNSET, OPTION_UNSET, OPTION_UNSET};
    const struct option_row rows[] = {
        {"--mb", OPTION_NUMBER, 1, MB_MOST, &options.mb},
        {"--node", OPTION_NUMBER, 0, NODE_MOST, &options.node},
        {"--for", OPTION_SECONDS, 0, FOR_MOST_SECONDS, &options.for_ns},
    };
    int status;

    if (options_help(argc, argv))
        return help();
    status = options_parse(NAME, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
    if (status != COMMAND_DONE)
        return status;
    return options.mb == OPTION_UNSET ? usage("--mb is needed") : pressure(&options);
}
