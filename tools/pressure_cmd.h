/* SPDX-License-Identifier: MIT */
/*
 * `hostmem pressure --mb N [--node K] [--for SECONDS]`: takes memory of a node and holds it, so
 * that the pressure can be seen. No lock.
 */
#ifndef TOOLS_PRESSURE_CMD_H
#define TOOLS_PRESSURE_CMD_H

/* argv[0] is "pressure". Returns an enum command_status. */
int pressure_cmd(int argc, char **argv);

#endif
