/* SPDX-License-Identifier: MIT */
/*
 * Lines on stderr, for those who asked for them (HOSTMEM_VERBOSE). Invariant: a line is one
 * write(2), begins with "hostmem: ", ends with its only newline and has no control characters, so
 * that lines of several threads never mix and a value from outside cannot pass for a line. No lock:
 * a count is atomic.
 *
 * This is the one place of lib/ that makes a system call of its own: a leaf for a single write(2)
 * would be a directory for a line.
 */
#ifndef HOSTMEM_LOG_H
#define HOSTMEM_LOG_H

#include <stdatomic.h>
#include <stdint.h>

enum log_level {
    LOG_ERROR = 0, /* always: why there is no manager */
    LOG_NOTE = 1,  /* the configuration, and surprises: at most LOG_NOTES for each manager */
    LOG_TRACE = 2  /* what the library does, step by step */
};

#define LOG_NOTES 100
#define LOG_LINE  512 /* bytes of a line, with "hostmem: " and the newline; longer ones are cut */

struct log {
    int verbosity;          /* HOSTMEM_VERBOSE: lines of a higher level are not written */
    _Atomic uint64_t notes; /* lines of LOG_NOTE asked for, shown or not; 64 bits do not wrap */
};

/* errno is kept. Safe from any thread. */
void log_line(struct log *log, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Each line of a text as a line of its own. */
void log_text(struct log *log, int level, const char *text);

/* A line that does not ask for permission, for a process that is about to end. */
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
