/* SPDX-License-Identifier: MIT */
/* What the screen of `hostmem watch` looks like. No state, no lock. */
#ifndef TOOLS_WATCH_DRAW_H
#define TOOLS_WATCH_DRAW_H

#include <stdint.h>

#include "tools/board.h"
#include "tools/frame.h"

/* Fills an empty frame: nodes, then announcements, then sources, from the most wanted on. */
void watch_draw(const struct board *board, uint64_t now_ns, struct frame *frame);

#endif
