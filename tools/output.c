/* SPDX-License-Identifier: MIT */
/* Output that never keeps a signal waiting. No lock. */
#include "tools/output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE 512 /* bytes of a line with its newline */

_Static_assert(LINE <= PIPE_BUF, "a line is written as a whole");

/* 0 once the reader has room. A pipe that is ready takes PIPE_BUF bytes without blocking. */
static int await_room(const struct output *output)
{
    struct pollfd files[] = {{output->fd, POLLOUT, 0}, {output->signals, POLLIN, 0}};

    while (poll(files, 2, -1) < 0)
        if (errno != EINTR)
            return -errno;
    return files[0].revents != 0 ? 0 : -EINTR;
}

int output_put(const struct output *output, const char *text, size_t length)
{
    while (length > 0) {
        int error = await_room(output);
        ssize_t written;

        if (error < 0)
            return error;
        written = write(output->fd, text, length < PIPE_BUF ? length : PIPE_BUF);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

int output_line(const struct output *output, const char *format, ...)
{
    char line[LINE];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, LINE, format, arguments);
    va_end(arguments);
    if (length < 0)
        return -errno;
    if (length > LINE - 1)
        length = LINE - 1;
    line[length] = '\n';
    return output_put(output, line, (size_t)length + 1);
}
