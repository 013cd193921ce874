/* SPDX-License-Identifier: MIT */
/* `hostmem watch` without a terminal. No lock. */
#include "tools/watch_lines.h"

#include <errno.h>

#include "tools/moment.h"
#include "tools/say.h"

static int print_sources(const struct session *session, const struct board *board)
{
    int error = 0;

    for (size_t i = 0; i < board->source_count && error == 0; i++)
        error = output_line(
            &session->output, "source %s: %s", board->sources[i].name, board->sources[i].state);
    return error;
}

static int print_loads(const struct session *session, struct board *board)
{
    char time[SAY_TIME], node[SAY_NODE], load[SAY_LINE];
    int error = 0;

    board_refresh(board);
    say_time(board->start_ns, moment_now(), time);
    for (size_t i = 0; i < board->row_count && error == 0; i++)
        error = output_line(&session->output, "%s %s load %s", time,
            say_node(board->rows[i].node, node), say_load(&board->rows[i].load, load));
    return error;
}

static int print_events(const struct session *session)
{
    struct hostmem_pressure pressure;
    char line[SAY_LINE];
    int error = 0;

    while (error == 0 && events_take(session->events, &pressure))
        error = output_line(&session->output, "%s", say_event(&pressure, session->start_ns, line));
    return error;
}

/* Announcements that have come are printed before anything ends it. */
static int print_until(const struct session *session, uint64_t until_ns)
{
    unsigned woken = session_wait(session, -1, until_ns);
    int error = print_events(session);

    if (error == 0 && woken & SESSION_SIGNAL)
        return -EINTR;
    return error == 0 && woken & SESSION_GONE ? -EPIPE : error;
}

int watch_lines(
    const struct session *session, struct board *board, uint64_t every_ns, uint64_t end_ns)
{
    uint64_t now = moment_now(), next = moment_after(now, every_ns);
    int error = print_sources(session, board);

    if (error == 0)
        error = print_loads(session, board);
    while (error == 0 && now < end_ns) {
        error = print_until(session, moment_earlier(next, end_ns));
        now = moment_now();
        if (error == 0 && now >= next) {
            error = print_loads(session, board);
            next = moment_after(now, every_ns);
        }
    }
    return session_status(session, error);
}
