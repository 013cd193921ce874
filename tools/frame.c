/* SPDX-License-Identifier: MIT */
/* One picture of a terminal, put together in memory. No lock. */
#include "tools/frame.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST     1000 /* rows, and columns */
#define SEQUENCE 16   /* bytes that hold all escape sequences of a line, and of the ends */

static const char home[] = "\033[H", clear_line[] = "\033[K", clear_below[] = "\r\n\033[J";
static const char *const styles[] = {
    [FRAME_PLAIN] = "", [FRAME_BOLD] = "\033[1m", [FRAME_REVERSE] = "\033[7m"};
static const char plain[] = "\033[m";

_Static_assert(2 + 4 + sizeof(plain) - 1 + sizeof(clear_line) - 1 <= SEQUENCE, "a line's fit");
_Static_assert(sizeof(home) - 1 + sizeof(clear_below) - 1 <= SEQUENCE, "those of the ends fit");

static void add(struct frame *frame, const char *text, size_t length)
{
    memcpy(frame->text + frame->length, text, length);
    frame->length += length;
}

static void add_text(struct frame *frame, const char *text)
{
    add(frame, text, strlen(text));
}

int frame_open(unsigned rows, unsigned columns, struct frame *ret_frame)
{
    struct frame frame = {
        .rows = rows < MOST ? rows : MOST, .columns = columns < MOST ? columns : MOST};

    frame.text = malloc((frame.rows + 1) * ((size_t)frame.columns + SEQUENCE));
    if (frame.text == NULL)
        return -ENOMEM;
    add_text(&frame, home);
    *ret_frame = frame;
    return 0;
}

void frame_close(struct frame *frame)
{
    free(frame->text);
}

/* A line that reaches the edge leaves nothing to clear, and to clear there would take its end. */
static void add_line(struct frame *frame, enum frame_style style, const char *line, size_t length)
{
    if (frame->row++ > 0)
        add_text(frame, "\r\n");
    add_text(frame, styles[style]);
    add(frame, line, length < frame->columns ? length : frame->columns);
    if (style != FRAME_PLAIN)
        add_text(frame, plain);
    if (length < frame->columns)
        add_text(frame, clear_line);
}

void frame_line(struct frame *frame, enum frame_style style, const char *format, ...)
{
    char line[MOST + 1];
    va_list arguments;

    if (frame->row == frame->rows)
        return;
    va_start(arguments, format);
    if (vsnprintf(line, sizeof(line), format, arguments) < 0)
        *line = '\0';
    va_end(arguments);
    add_line(frame, style, line, strlen(line));
}

void frame_end(struct frame *frame)
{
    if (frame->row < frame->rows)
        add_text(frame, clear_below);
}
