/* SPDX-License-Identifier: MIT */
/* `hostmem watch` without a terminal: plain lines, each written at once. One thread, no lock. */
#ifndef TOOLS_WATCH_LINES_H
#define TOOLS_WATCH_LINES_H

#include <stdint.h>

#include "tools/board.h"
#include "tools/session.h"

/*
 * Sources and loads once, then announcements until the moment `end_ns` or a signal; loads again
 * each `every_ns`, or MOMENT_NEVER. Returns the exit status.
 */
int watch_lines(
    const struct session *session, struct board *board, uint64_t every_ns, uint64_t end_ns);

#endif
