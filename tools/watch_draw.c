/* SPDX-License-Identifier: MIT */
/* What the screen of `hostmem watch` looks like. No state, no lock. */
#include "tools/watch_draw.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/say.h"
#include "tools/units.h"

#define EVENTS_LEAST 5 /* announcements that a short window shows before sources */

static const char *number_of(const struct hostmem_pressure *last, char ret_text[SAY_NODE])
{
    snprintf(ret_text, SAY_NODE, "%" PRIu64, last->sequence);
    return last->sequence == 0 ? "-" : ret_text;
}

static const char *time_of(
    const struct board *board, const struct hostmem_pressure *last, char ret_text[SAY_TIME])
{
    return last->sequence == 0 ? "-" : say_time(board->start_ns, last->time_ns, ret_text);
}

static void draw_row(const struct board *board, const struct board_row *row, struct frame *frame)
{
    char node[SAY_NODE], units[UNITS_TEXT], number[SAY_NODE], time[SAY_TIME];
    enum frame_style style = row->last.level == HOSTMEM_LOW ? FRAME_BOLD : FRAME_PLAIN;

    frame_line(frame, style, "%-9s  %-7s  %3u%%  %-14s  %10s  %12s  %s", say_node(row->node, node),
        say_level(row->last.level), row->load.percent, say_limit(row->load.limit),
        units_text(row->load.available_bytes, units), number_of(&row->last, number),
        time_of(board, &row->last, time));
}

static void draw_nodes(const struct board *board, struct frame *frame)
{
    frame_line(frame, FRAME_REVERSE, "%-9s  %-7s  %4s  %-14s  %10s  %12s  %-12s", "", "level",
        "load", "limit", "available", "announcement", "at");
    for (size_t i = 0; i < board->row_count; i++)
        draw_row(board, &board->rows[i], frame);
}

/* The rows that announcements get: what the sources, with a title and a gap, leave. */
static unsigned event_rows(const struct board *board, const struct frame *frame)
{
    unsigned below = (unsigned)board->source_count + 2;
    unsigned rest = frame->rows - frame->row;

    return rest < below + EVENTS_LEAST ? EVENTS_LEAST : rest - below;
}

static void draw_events(const struct board *board, struct frame *frame)
{
    char line[SAY_LINE];
    unsigned rows;

    frame_line(frame, FRAME_REVERSE, "%-72s", "announcements, the newest first");
    rows = event_rows(board, frame);
    for (unsigned i = 0; i < rows; i++) {
        const struct hostmem_pressure *pressure = board_event(board, i);

        if (pressure == NULL)
            frame_line(frame, FRAME_PLAIN, " ");
        else
            frame_line(frame, FRAME_PLAIN, "%s", say_event(pressure, board->start_ns, line));
    }
}

static void draw_sources(const struct board *board, struct frame *frame)
{
    frame_line(frame, FRAME_REVERSE, "%-72s", "sources of news");
    for (size_t i = 0; i < board->source_count; i++)
        frame_line(frame, board->sources[i].live ? FRAME_BOLD : FRAME_PLAIN, "%-22s %s",
            board->sources[i].name, board->sources[i].state);
}

void watch_draw(const struct board *board, uint64_t now_ns, struct frame *frame)
{
    char time[SAY_TIME];

    frame_line(
        frame, FRAME_BOLD, "hostmem watch  %s  q ends", say_time(board->start_ns, now_ns, time));
    frame_line(frame, FRAME_PLAIN, " ");
    draw_nodes(board, frame);
    frame_line(frame, FRAME_PLAIN, " ");
    draw_events(board, frame);
    frame_line(frame, FRAME_PLAIN, " ");
    draw_sources(board, frame);
    frame_end(frame);
}
