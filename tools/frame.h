/* SPDX-License-Identifier: MIT */
/*
 * One picture of a terminal, put together in memory and written at once: lines from the top, each
 * cut where the window ends. Invariant: `text` has room for every line that `rows` allows. One
 * thread, no lock.
 */
#ifndef TOOLS_FRAME_H
#define TOOLS_FRAME_H

#include <stddef.h>

enum frame_style { FRAME_PLAIN, FRAME_BOLD, FRAME_REVERSE };

struct frame {
    unsigned rows, columns;
    unsigned row; /* lines so far */
    size_t length;
    char *text; /* owned */
};

/* -ENOMEM. Windows of more than 1000 rows or columns are left empty beyond that. */
int frame_open(unsigned rows, unsigned columns, struct frame *ret_frame);
void frame_close(struct frame *frame);

/* A line of plain ASCII; beyond the last row it is left out. */
void frame_line(struct frame *frame, enum frame_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Clears what is below the last line. Nothing may be added then. */
void frame_end(struct frame *frame);

#endif
