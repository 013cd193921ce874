/* SPDX-License-Identifier: MIT */
/*
 * The terminal behind stdout as a full screen: the alternate screen, without a cursor, without
 * wrapping, keys without Enter. Invariant: while `entered` it has to be left, and terminal_leave()
 * puts everything back that terminal_enter() changed. One thread, no lock.
 */
#ifndef TOOLS_TERMINAL_H
#define TOOLS_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

struct terminal {
    int fd; /* owned: a description of its own, so that not to block holds for nobody else */
    bool entered;
    struct termios before; /* how it was */
};

struct terminal_size {
    unsigned rows, columns;
};

/* Whether stdout is a terminal that knows more than plain lines. */
bool terminal_usable(void);

/* 0 or -errno. */
int terminal_open(struct terminal *ret_terminal);
void terminal_close(struct terminal *terminal);

/* 0 or -errno. */
int terminal_enter(struct terminal *terminal);
void terminal_leave(struct terminal *terminal);

/* As it is now; 24 by 80 where nobody says. */
struct terminal_size terminal_size(const struct terminal *terminal);

/* Whether one of the keys that wait is `key`, or no more can come. Takes them. */
bool terminal_typed(const struct terminal *terminal, char key);

/* Leaves it, stops the process as ^Z does, and enters it when the process goes on. 0 or -errno. */
int terminal_suspend(struct terminal *terminal);

#endif
