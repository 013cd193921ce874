/* SPDX-License-Identifier: MIT */
/* The progress line. See progress.h. */
#include "bench/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    bool shown, terminal;
    unsigned done, expected;
} line;

void progress_open(bool asked)
{
    line.terminal = isatty(STDERR_FILENO);
    line.shown = asked || line.terminal;
}

void progress_expect(unsigned steps)
{
    line.expected += steps;
}

void progress_step(const char *format, ...)
{
    va_list arguments;
    line.done++;
    if (!line.shown)
        return;
    fprintf(stderr, line.terminal ? "\r\033[K[%u/%u] " : "[%u/%u] ", line.done, line.expected);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (!line.terminal)
        fputc('\n', stderr);
    fflush(stderr);
}

void progress_close(void)
{
    if (line.shown && line.terminal)
        fputs("\r\033[K", stderr);
}
