/* SPDX-License-Identifier: MIT */
/*
 * Signals as a file descriptor. Those of the set are blocked in the calling thread, and in those it
 * makes later, until the process ends; so it is called before there are others. No lock.
 */
#ifndef TOOLS_SIGNALS_H
#define TOOLS_SIGNALS_H

#include <stdbool.h>

enum signals_set {
    SIGNALS_END,   /* SIGINT, SIGTERM, SIGHUP, SIGQUIT, but for those that were ignored (nohup) */
    SIGNALS_SCREEN /* and SIGWINCH, SIGTSTP */
};

/* A write into a closed pipe is an error from then on, not a signal. A descriptor or -errno. */
int signals_open(enum signals_set set);

/* The number of a signal that has come, or 0. */
int signals_take(int fd);

/* Whether it is one of SIGNALS_END. */
bool signals_ends(int number);

#endif
