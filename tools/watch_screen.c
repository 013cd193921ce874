/* SPDX-License-Identifier: MIT */
/* `hostmem watch` on a terminal. One thread, no lock. */
#include "tools/watch_screen.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/frame.h"
#include "tools/moment.h"
#include "tools/terminal.h"
#include "tools/watch_draw.h"

struct screen {
    struct session *session;
    struct board *board;
    struct terminal terminal;
};

/* A signal that comes while the terminal takes no more is seen to before the rest of a picture. */
static int draw(struct screen *screen)
{
    struct terminal_size size = terminal_size(&screen->terminal);
    struct frame frame;
    int error = frame_open(size.rows, size.columns, &frame);

    if (error < 0)
        return error;
    board_refresh(screen->board);
    watch_draw(screen->board, moment_now(), &frame);
    error = output_put(&screen->session->output, frame.text, frame.length);
    frame_close(&frame);
    return error == -EINTR ? 0 : error;
}

static void take_events(struct screen *screen)
{
    struct hostmem_pressure pressure;

    while (events_take(screen->session->events, &pressure))
        board_note(screen->board, &pressure);
}

/* A new size of the window is asked for with the next picture. -EINTR: the end. */
static int take_signal(struct screen *screen)
{
    int number = signals_take(screen->session->signals);

    if (number == SIGTSTP)
        return terminal_suspend(&screen->terminal);
    return signals_ends(number) ? -EINTR : 0;
}

static int rest(struct screen *screen, uint64_t until_ns)
{
    unsigned woken = session_wait(screen->session, screen->terminal.fd, until_ns);

    take_events(screen);
    if (woken & SESSION_GONE)
        return -EIO;
    if (woken & SESSION_KEY && terminal_typed(&screen->terminal, 'q'))
        return -EINTR;
    return woken & SESSION_SIGNAL ? take_signal(screen) : 0;
}

static int run(struct screen *screen, uint64_t every_ns, uint64_t end_ns)
{
    int error = terminal_enter(&screen->terminal);

    while (error == 0 && moment_now() < end_ns) {
        error = draw(screen);
        if (error == 0)
            error = rest(screen, moment_earlier(moment_after(moment_now(), every_ns), end_ns));
    }
    return error;
}

/* Lines about a failure come after the terminal is itself again. */
int watch_screen(struct session *session, struct board *board, uint64_t every_ns, uint64_t end_ns)
{
    struct screen screen = {.session = session, .board = board};
    struct output before = session->output;
    int error = terminal_open(&screen.terminal);

    if (error < 0)
        return session_status(session, error);
    session->output.fd = screen.terminal.fd;
    error = run(&screen, every_ns, end_ns);
    terminal_close(&screen.terminal);
    session->output = before;
    return session_status(session, error);
}
