/* SPDX-License-Identifier: MIT */
/* What `hostmem watch` knows and shows. No lock. */
#include "tools/board.h"

#include <errno.h>
#include <stdlib.h>

static void set_rows(struct board *board, const int *nodes)
{
    for (size_t i = 0; i < board->row_count; i++) {
        int node = i == 0 ? HOSTMEM_NODE_ALL : nodes[i - 1];

        board->rows[i].node = node;
        board->rows[i].last = (struct hostmem_pressure){.node = node, .level = HOSTMEM_NEUTRAL};
    }
}

int board_open(struct hostmem *manager, uint64_t start_ns, struct board *ret_board)
{
    struct board board = {.manager = manager, .start_ns = start_ns};
    size_t count = hostmem_nodes(manager, 0, NULL);
    int *nodes = calloc(count + 1, sizeof(*nodes));

    board.row_count = count + 1;
    board.rows = calloc(board.row_count, sizeof(*board.rows));
    if (nodes == NULL || board.rows == NULL) {
        free(nodes);
        free(board.rows);
        return -ENOMEM;
    }
    hostmem_nodes(manager, count, nodes);
    set_rows(&board, nodes);
    free(nodes);
    board_refresh(&board);
    *ret_board = board;
    return 0;
}

void board_close(struct board *board)
{
    free(board->rows);
}

static void refresh_row(struct board *board, struct board_row *row)
{
    struct hostmem_load load;
    int error = row->node == HOSTMEM_NODE_ALL ? hostmem_load(board->manager, &load)
                                              : hostmem_node_load(board->manager, row->node, &load);

    if (error == 0)
        row->load = load;
}

void board_refresh(struct board *board)
{
    size_t sources = hostmem_sources(board->manager, BOARD_SOURCES, board->sources);

    board->source_count = sources < BOARD_SOURCES ? sources : BOARD_SOURCES;
    for (size_t i = 0; i < board->row_count; i++)
        refresh_row(board, &board->rows[i]);
}

void board_note(struct board *board, const struct hostmem_pressure *pressure)
{
    board->history[board->heard++ % BOARD_HISTORY] = *pressure;
    for (size_t i = 0; i < board->row_count; i++)
        if (board->rows[i].node == pressure->node)
            board->rows[i].last = *pressure;
}

const struct hostmem_pressure *board_event(const struct board *board, size_t i)
{
    if (i >= board->heard || i >= BOARD_HISTORY)
        return NULL;
    return &board->history[(board->heard - 1 - i) % BOARD_HISTORY];
}
