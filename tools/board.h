/* SPDX-License-Identifier: MIT */
/*
 * What `hostmem watch` knows and shows: a row for each node and one for all, the sources of news,
 * and the last announcements. One thread, no lock.
 */
#ifndef TOOLS_BOARD_H
#define TOOLS_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include <hostmem/hostmem.h>

#define BOARD_SOURCES 16  /* more than the library has */
#define BOARD_HISTORY 128 /* announcements that are kept */

struct board_row {
    int node; /* HOSTMEM_NODE_ALL in the first row */
    struct hostmem_load load;
    struct hostmem_pressure last; /* what was heard last; neutral before that */
};

struct board {
    struct hostmem *manager; /* not owned */
    uint64_t start_ns;
    size_t row_count;
    struct board_row *rows; /* all nodes, then each, ascending */
    size_t source_count;
    struct hostmem_source sources[BOARD_SOURCES];
    size_t heard; /* announcements so far; the last ones are in the ring */
    struct hostmem_pressure history[BOARD_HISTORY];
};

/* With loads and sources as they are now. -ENOMEM. */
int board_open(struct hostmem *manager, uint64_t start_ns, struct board *ret_board);
void board_close(struct board *board);

/* Loads and sources as they are now. What cannot be read stays as it was. */
void board_refresh(struct board *board);

void board_note(struct board *board, const struct hostmem_pressure *pressure);

/* The i-th announcement from the newest, which is 0; NULL: none, or too long ago. */
const struct hostmem_pressure *board_event(const struct board *board, size_t i);

#endif
