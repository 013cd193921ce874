/* SPDX-License-Identifier: MIT */
/*
 * Reads the topology and prints it, for people or for programs. One thread, no lock.
 */
#include "tools/topology_cmd.h"

#include <stdio.h>
#include <string.h>

#include "numa/topology.h"
#include "tools/command.h"
#include "tools/sysroot.h"
#include "tools/topology_json.h"
#include "tools/topology_table.h"

static int print(void (*format)(const struct nn_topology *topology, FILE *out))
{
    struct nn_root root;
    struct nn_topology *topology;
    int r = sysroot_open(&root);

    if (r < 0)
        return COMMAND_FAILED;
    r = nn_topology_read(&root, &topology);
    nn_root_close(&root);
    if (r < 0) {
        fprintf(stderr, "hostmem topology: cannot read the topology: %s\n", strerror(-r));
        return COMMAND_FAILED;
    }
    format(topology, stdout);
    nn_topology_free(topology);
    return COMMAND_DONE;
}

static int help(void)
{
    printf("usage: hostmem topology [--json]\n\n"
           "Shows sockets, NUMA nodes, CPUs, memory, reserved huge pages and distances.\n"
           "HOSTMEM_SYSROOT names a directory with another machine's sys/ and proc/.\n\n"
           "  --json   print one JSON object; \"socket\" is null where nothing says\n");
    return COMMAND_DONE;
}

int topology_cmd(int argc, char **argv)
{
    if (argc == 1)
        return print(topology_table);
    if (argc == 2 && strcmp(argv[1], "--json") == 0)
        return print(topology_json);
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return help();
    fprintf(stderr, "hostmem topology: unexpected '%s' (usage: hostmem topology [--json])\n",
        argv[argc > 2 ? 2 : 1]);
    return COMMAND_USAGE;
}
