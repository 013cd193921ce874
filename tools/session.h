/* SPDX-License-Identifier: MIT */
/*
 * What the commands that listen have in common: a manager, announcements, signals, the output, and
 * one sleep for all of them. What fails is said on stderr in one line. One thread; no lock but that
 * of events.h.
 */
#ifndef TOOLS_SESSION_H
#define TOOLS_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include <hostmem/hostmem.h>

#include "tools/events.h"
#include "tools/output.h"
#include "tools/signals.h"

struct session {
    const char *command; /* "hostmem watch", for lines on stderr */
    uint64_t start_ns;   /* CLOCK_MONOTONIC: T+0 */
    int signals;
    struct output output; /* stdout; a terminal's own descriptor may take its place */
    struct hostmem *manager;
    struct events *events; /* NULL before session_listen() */
};

/* Makes the manager, with HOSTMEM_ as it is now. Returns COMMAND_DONE or COMMAND_FAILED. */
int session_open(const char *command, enum signals_set set, struct session *ret_session);
void session_close(struct session *session);

/* Subscribes to those nodes. Returns COMMAND_DONE or COMMAND_FAILED. */
int session_listen(struct session *session, const int *nodes, size_t node_count);

/* A line on stderr: what the library said to it. Returns COMMAND_FAILED. */
int session_failed(const struct session *session, const char *what, int error);

enum session_woken {
    SESSION_EVENT = 1,  /* events_take() has something */
    SESSION_SIGNAL = 2, /* signals_take() has */
    SESSION_KEY = 4,    /* the third file can be read, or is at its end */
    SESSION_GONE = 8    /* nobody will read the output any more */
};

/* Sleeps until one of these, or the moment `until_ns`: then 0. `keys` is a descriptor or -1. */
unsigned session_wait(const struct session *session, int keys, uint64_t until_ns);

/*
 * The exit status of a command whose work ended with `error`: 0 and -EINTR (a signal ended it) are
 * COMMAND_DONE; everything else is an output that cannot be written, and is said.
 */
int session_status(const struct session *session, int error);

#endif
