/* SPDX-License-Identifier: MIT */
/* What the commands that listen have in common. No lock of its own. */
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/moment.h"

static int failed(const struct session *session, const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", session->command, what, why);
    return COMMAND_FAILED;
}

int session_failed(const struct session *session, const char *what, int error)
{
    return failed(session, what, hostmem_strerror(error));
}

/* The library has said in a line of its own what is wrong with a variable. */
static int create(struct session *session)
{
    int error = hostmem_create(&session->manager);

    if (error < 0 && error != -EINVAL)
        session_failed(session, "cannot make a manager", error);
    return error < 0 ? COMMAND_FAILED : COMMAND_DONE;
}

/* A descriptor 1 that is closed would be that of the next file which is opened. */
int session_open(const char *command, enum signals_set set, struct session *ret_session)
{
    struct session session = {.command = command, .start_ns = moment_now()};

    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return session_status(&session, -errno);
    session.signals = signals_open(set);
    if (session.signals < 0)
        return failed(&session, "cannot wait for signals", strerror(-session.signals));
    session.output = (struct output){STDOUT_FILENO, session.signals};
    if (create(&session) != COMMAND_DONE) {
        close(session.signals);
        return COMMAND_FAILED;
    }
    *ret_session = session;
    return COMMAND_DONE;
}

void session_close(struct session *session)
{
    events_close(session->events);
    hostmem_destroy(session->manager);
    close(session->signals);
}

int session_listen(struct session *session, const int *nodes, size_t node_count)
{
    int error = events_open(session->manager, nodes, node_count, &session->events);

    if (error < 0)
        return session_failed(session, "cannot subscribe", error);
    return COMMAND_DONE;
}

static struct timespec left_until(uint64_t until_ns)
{
    uint64_t now = moment_now(), left = until_ns > now ? until_ns - now : 0;

    return (struct timespec){(time_t)(left / MOMENT_SECOND), (long)(left % MOMENT_SECOND)};
}

/* POLLERR and POLLHUP need not be asked for: that of the output is all that is wanted of it. */
unsigned session_wait(const struct session *session, int keys, uint64_t until_ns)
{
    static const unsigned bits[] = {SESSION_EVENT, SESSION_SIGNAL, SESSION_KEY, SESSION_GONE};
    struct pollfd files[] = {{events_fd(session->events), POLLIN, 0}, {session->signals, POLLIN, 0},
        {keys, POLLIN, 0}, {session->output.fd, 0, 0}};
    struct timespec left = left_until(until_ns);
    unsigned woken = 0;

    if (ppoll(files, 4, until_ns == MOMENT_NEVER ? NULL : &left, NULL) <= 0)
        return 0;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (files[i].revents != 0)
            woken |= bits[i];
    return woken;
}

int session_status(const struct session *session, int error)
{
    if (error == 0 || error == -EINTR)
        return COMMAND_DONE;
    return failed(session, "cannot write the output", strerror(-error));
}
