/* SPDX-License-Identifier: MIT */
/*
 * Runs hostmem-bench: installed in the same folder, or in the build folder's bench/, or anywhere on
 * the PATH. It is a program of its own because it loads what it compares with. One thread, no lock.
 */
#include "tools/bench_cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"

#define PROGRAM "hostmem-bench"

/* The folder of this program, with a slash; "" where it is not to be known. */
static void own_folder(char *ret_folder, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", ret_folder, size - 1);

    ret_folder[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(ret_folder, '/');
    if (slash != NULL)
        slash[1] = '\0';
    else
        ret_folder[0] = '\0';
}

static void try_in(const char *folder, const char *below, char **argv)
{
    char path[2 * PATH_MAX];

    snprintf(path, sizeof(path), "%s%s" PROGRAM, folder, below);
    execv(path, argv);
}

int bench_cmd(int argc, char **argv)
{
    char folder[PATH_MAX];

    (void)argc;
    own_folder(folder, sizeof(folder));
    if (folder[0] != '\0') {
        try_in(folder, "", argv);
        try_in(folder, "../bench/", argv);
    }
    execvp(PROGRAM, argv);
    fprintf(stderr, "hostmem bench: cannot run " PROGRAM ": %s\n", strerror(errno));
    return COMMAND_FAILED;
}
