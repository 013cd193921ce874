/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands of `hostmem` have in common: the meaning of an exit status. No state, no
 * lock.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

enum command_status {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* said why on stderr, in one line */
    COMMAND_USAGE = 2   /* likewise: the command line makes no sense */
};

#endif
