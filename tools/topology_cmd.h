/* SPDX-License-Identifier: MIT */
/* `hostmem topology [--json]`: the machine's sockets and nodes, on stdout. No lock. */
#ifndef TOOLS_TOPOLOGY_CMD_H
#define TOOLS_TOPOLOGY_CMD_H

/* argv[0] is "topology". Returns an enum command_status. */
int topology_cmd(int argc, char **argv);

#endif
