/* SPDX-License-Identifier: MIT */
/*
 * Lines on stderr. A line is made in a fixed buffer on the stack and written by one write(2), the
 * only system call that lib/ makes by itself. No stdio stream, no heap, no lock.
 */
#include "lib/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "hostmem: ";
static const char cut[] = "...";

#define PREFIX (sizeof(prefix) - 1)
#define CUT    (sizeof(cut) - 1)

static_assert(PREFIX + CUT + 1 < LOG_LINE, "a line has room for something to say");

/* What cannot be written is lost: there is nobody to tell. */
static void write_line(const char *line, size_t length)
{
    int saved = errno;

    while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
        ;
    errno = saved;
}

static void blank_controls(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
}

/* The newline takes the place of the final NUL. */
static void write_formatted(const char *format, va_list arguments)
{
    char line[LOG_LINE];
    size_t room = sizeof(line) - PREFIX;
    int formatted;
    size_t length;

    memcpy(line, prefix, PREFIX);
    formatted = vsnprintf(line + PREFIX, room, format, arguments);
    if (formatted < 0)
        return;
    length = (size_t)formatted;
    if (length >= room) {
        length = room - 1;
        memcpy(line + sizeof(line) - 1 - CUT, cut, CUT);
    }
    blank_controls(line + PREFIX, length);
    line[PREFIX + length] = '\n';
    write_line(line, PREFIX + length + 1);
}

void log_fatal(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_formatted(format, arguments);
    va_end(arguments);
}

/* Counts a note; the first one that is too many leaves a word about the others. */
static bool may_note(struct log *log)
{
    uint64_t notes = atomic_fetch_add_explicit(&log->notes, 1, memory_order_relaxed);

    if (notes == LOG_NOTES)
        log_fatal("further lines are not shown");
    return notes < LOG_NOTES;
}

static bool may_write(struct log *log, int level)
{
    return level <= log->verbosity && (level != LOG_NOTE || may_note(log));
}

void log_line(struct log *log, int level, const char *format, ...)
{
    va_list arguments;

    if (!may_write(log, level))
        return;
    va_start(arguments, format);
    write_formatted(format, arguments);
    va_end(arguments);
}

void log_text(struct log *log, int level, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        log_line(log, level, "%.*s", (int)length, text);
        text += length;
        text += *text == '\n';
    }
}
