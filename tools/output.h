/* SPDX-License-Identifier: MIT */
/*
 * Output that never keeps a signal waiting: while nobody reads, the writer sleeps for the reader
 * and for the signals at once. Nothing is buffered. One thread, no lock.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stddef.h>

struct output {
    int fd;      /* where it goes; not owned */
    int signals; /* of signals_open(); not owned */
};

/* -EINTR: a signal waits to be taken, and not all was written. Else 0 or the error of write(2). */
int output_put(const struct output *output, const char *text, size_t length);

/* A line, to which the newline is added; cut at 511 bytes. */
int output_line(const struct output *output, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
