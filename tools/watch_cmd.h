/* SPDX-License-Identifier: MIT */
/*
 * `hostmem watch [--every MS] [--for SECONDS]`: nodes, loads, sources and announcements of pressure
 * as they come. No lock.
 */
#ifndef TOOLS_WATCH_CMD_H
#define TOOLS_WATCH_CMD_H

/* argv[0] is "watch". Returns an enum command_status. */
int watch_cmd(int argc, char **argv);

#endif
