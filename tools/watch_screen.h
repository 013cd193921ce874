/* SPDX-License-Identifier: MIT */
/* `hostmem watch` on a terminal: a screen that is drawn again in place. One thread, no lock. */
#ifndef TOOLS_WATCH_SCREEN_H
#define TOOLS_WATCH_SCREEN_H

#include <stdint.h>

#include "tools/board.h"
#include "tools/session.h"

/*
 * Draws each `every_ns` and at each announcement until the moment `end_ns`, a signal of
 * SIGNALS_END, or `q`. The terminal is as it was when this returns. Returns the exit status.
 */
int watch_screen(struct session *session, struct board *board, uint64_t every_ns, uint64_t end_ns);

#endif
