/* SPDX-License-Identifier: MIT */
/*
 * The command `hostmem`: finds the subcommand in a table and runs it. Exit status: 0 done, 1 it did
 * not work, 2 wrong usage; errors are one line on stderr. One thread, no lock.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hostmem/version.h>

#include "tools/bench_cmd.h"
#include "tools/command.h"
#include "tools/pressure_cmd.h"
#include "tools/topology_cmd.h"
#include "tools/watch_cmd.h"

static const struct command {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand; returns the exit status */
} commands[] = {
    {"bench", "measure hostmem beside other ways to get memory", bench_cmd},
    {"topology", "show sockets, NUMA nodes, CPUs, memory and huge pages", topology_cmd},
    {"pressure", "take memory of a node and show the pressure that this makes", pressure_cmd},
    {"watch", "show load and memory pressure of each node as they change", watch_cmd},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
    printf("usage: hostmem COMMAND [OPTION...]\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].help);
    printf("\n  hostmem COMMAND --help   say more about a command\n"
           "  hostmem --version        print the version\n");
    return COMMAND_DONE;
}

static int version(void)
{
    printf("hostmem %s\n", HOSTMEM_VERSION_STRING);
    return COMMAND_DONE;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int run(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const struct command *command = find(name);

    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help();
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return version();
    if (*name == '\0')
        fprintf(stderr, "hostmem: no command given (hostmem --help lists them)\n");
    else
        fprintf(stderr, "hostmem: unknown command '%s' (hostmem --help lists them)\n", name);
    return COMMAND_USAGE;
}

/* What was printed may still be in the buffer, or lost: only the end of the stream tells. */
static int close_output(void)
{
    int lost = ferror(stdout);

    if (fclose(stdout) == 0 && !lost)
        return COMMAND_DONE;
    fprintf(stderr, "hostmem: cannot write the output: %s\n", strerror(errno != 0 ? errno : EIO));
    return COMMAND_FAILED;
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);

    /* What failed has said its line. */
    return status == COMMAND_DONE ? close_output() : status;
}
