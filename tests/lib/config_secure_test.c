/* SPDX-License-Identifier: MIT */
/*
 * A set-user-ID program does not listen to the environment: the test runs a copy of itself that
 * belongs to another user. Needs root and a folder for temporary files where set-user-ID works;
 * else a skip.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/config.h"

enum { GOOD = 0, BAD = 1, SKIP = 77 };

#define OTHER_USER 65534

static void count(const char *name, const char *nearest, void *context)
{
    (*(int *)context)++;
}

/* Both variables are set here: one to what would be refused, one that is not known. */
static int child(void)
{
    struct config config;
    char message[CONFIG_MESSAGE];
    int unknown = 0;

    if (getauxval(AT_SECURE) == 0)
        return SKIP;
    if (config_read(&config, message, sizeof(message)) != 0 || config.given[CONFIG_SYSROOT])
        return BAD;
    config_unknown(count, &unknown);
    return unknown == 0 ? GOOD : BAD;
}

static int copy_self(const char *path)
{
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    struct stat status;
    int r = -1;

    if (from >= 0 && to >= 0 && fstat(from, &status) == 0 &&
        sendfile(to, from, NULL, (size_t)status.st_size) == status.st_size &&
        fchown(to, OTHER_USER, (gid_t)-1) == 0 && fchmod(to, 04755) == 0)
        r = 0;
    close(from);
    close(to);
    return r;
}

static int run(const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setenv("HOSTMEM_SYSROOT", "refused", 1);
        setenv("HOSTMEM_SYSROOTS", "unknown", 1);
        execl(path, path, "child", (char *)NULL);
        _exit(BAD);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return BAD;
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/hostmem-test-XXXXXX", path[64];
    int result = SKIP;

    if (argc == 2 && strcmp(argv[1], "child") == 0)
        _exit(child()); /* a leak checker's exit handler cannot trace a set-user-ID program */
    if (geteuid() != 0 || mkdtemp(folder) == NULL) {
        printf("skipped: needs root and a writable /tmp\n");
        return SKIP;
    }
    snprintf(path, sizeof(path), "%s/self", folder);
    if (chmod(folder, 0755) == 0 && copy_self(path) == 0)
        result = run(path);
    unlink(path);
    rmdir(folder);
    if (result == SKIP)
        printf("skipped: no set-user-ID programs in /tmp\n");
    return result;
}
