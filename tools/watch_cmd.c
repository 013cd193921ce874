/* SPDX-License-Identifier: MIT */
/* Watches the memory pressure of this machine, on a screen or in lines. One thread, no lock. */
#include "tools/watch_cmd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/board.h"
#include "tools/command.h"
#include "tools/moment.h"
#include "tools/options.h"
#include "tools/session.h"
#include "tools/terminal.h"
#include "tools/watch_lines.h"
#include "tools/watch_screen.h"

#define NAME             "hostmem watch"
#define SCREEN_MS        250
#define EVERY_LEAST_MS   10
#define EVERY_MOST_MS    3600000
#define FOR_MOST_SECONDS 1000000000

struct watch_options {
    uint64_t every_ms; /* OPTION_UNSET: not given */
    uint64_t for_ns;   /* MOMENT_NEVER: not given */
};

_Static_assert(OPTION_UNSET == MOMENT_NEVER, "without --for it does not end");

static int help(void)
{
    printf("usage: " NAME " [--every MS] [--for SECONDS]\n\n"
           "Shows the nodes that this process may use and the memory pressure on them:\n"
           "level (low, neutral, high), load, the limit that is nearest (memory, pool,\n"
           "cgroup, hugetlb cgroup, huge pages), what is available, and the last\n"
           "announcement; the announcements as they come; and the sources of news: live\n"
           "ones, and why the others are not.\n\n"
           "On a terminal it is a screen; `q` ends it. Otherwise, or where TERM is unset or\n"
           "dumb, it is lines: one for each source and for the load of each node, then one\n"
           "for each announcement. T+ is seconds since the start.\n\n"
           "  --every MS      draw the screen again after MS milliseconds (10 to 3600000;\n"
           "                  250 unless given); of lines: the loads again at that period\n"
           "  --for SECONDS   end after that time (0 to 1000000000, fractions allowed);\n"
           "                  without it, at SIGINT, SIGTERM, SIGHUP or SIGQUIT\n\n"
           "HOSTMEM_ variables are those of the library: HOSTMEM_SAMPLE_MS is how often it\n"
           "looks, HOSTMEM_LOW_ENTER where Low begins; with HOSTMEM_WATCH=0 nothing is\n"
           "announced after the start. What other processes take is seen; what limits them\n"
           "alone (HOSTMEM_POOL) is not. `hostmem pressure` causes pressure.\n\n"
           "Exit status: 0 ended by --for, a signal or `q`; 1 failed, with a line on stderr;\n"
           "2 the command line is wrong.\n");
    return COMMAND_DONE;
}

/* The board's own nodes, the row for all of them included. */
static int listen_to_all(struct session *session, const struct board *board)
{
    int *nodes = calloc(board->row_count, sizeof(*nodes));
    int status;

    if (nodes == NULL)
        return session_failed(session, "cannot subscribe", -ENOMEM);
    for (size_t i = 0; i < board->row_count; i++)
        nodes[i] = board->rows[i].node;
    status = session_listen(session, nodes, board->row_count);
    free(nodes);
    return status;
}

static int show(struct session *session, struct board *board, const struct watch_options *options,
    int on_screen)
{
    bool given = options->every_ms != OPTION_UNSET;
    uint64_t end_ns = moment_after(session->start_ns, options->for_ns);
    uint64_t every_ns = (given ? options->every_ms : SCREEN_MS) * MOMENT_MS;

    if (listen_to_all(session, board) != COMMAND_DONE)
        return COMMAND_FAILED;
    if (on_screen)
        return watch_screen(session, board, every_ns, end_ns);
    return watch_lines(session, board, given ? every_ns : MOMENT_NEVER, end_ns);
}

static int watch(const struct watch_options *options)
{
    bool on_screen = terminal_usable();
    struct session session;
    struct board board;
    int error, status = session_open(NAME, on_screen ? SIGNALS_SCREEN : SIGNALS_END, &session);

    if (status != COMMAND_DONE)
        return status;
    error = board_open(session.manager, session.start_ns, &board);
    if (error < 0) {
        status = session_failed(&session, "cannot watch", error);
    } else {
        status = show(&session, &board, options, on_screen);
        board_close(&board);
    }
    session_close(&session);
    return status;
}

int watch_cmd(int argc, char **argv)
{
    struct watch_options options = {OPTION_UNSET, OPTION_UNSET};
    const struct option_row rows[] = {
        {"--every", OPTION_NUMBER, EVERY_LEAST_MS, EVERY_MOST_MS, &options.every_ms},
        {"--for", OPTION_SECONDS, 0, FOR_MOST_SECONDS, &options.for_ns},
    };
    int status;

    if (options_help(argc, argv))
        return help();
    status = options_parse(NAME, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
    return status == COMMAND_DONE ? watch(&options) : status;
}
