/* SPDX-License-Identifier: MIT */
/* Cgroups to play with, removed afterwards. One thread. */
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "numa/cgroup.h"

#define PAUSES 5000 /* of 1 ms: how long those that were killed may take to be gone */

static const char *const below[] = {"", "/a", "/b"};

static void join(char *path, const char *head, const char *middle, const char *tail)
{
    assert_true((size_t)snprintf(path, SCRATCH_PATH, "%s%s%s", head, middle, tail) < SCRATCH_PATH);
}

static bool has_file(const char *cgroup, const char *name)
{
    char path[SCRATCH_PATH];

    join(path, cgroup, "/", name);
    return access(path, F_OK) == 0;
}

int scratch_write(const char *cgroup, const char *name, const char *text)
{
    char path[SCRATCH_PATH];
    int fd, r = 0;

    join(path, cgroup, "/", name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) < 0)
        r = -errno;
    close(fd);
    return r;
}

int scratch_enter(const char *cgroup, const char *name)
{
    char path[SCRATCH_PATH];

    join(path, cgroup, name, "");
    return scratch_write(path, "cgroup.procs", "0");
}

int scratch_remove(const char *cgroup, const char *name)
{
    char path[SCRATCH_PATH];

    join(path, cgroup, name, "");
    return rmdir(path) < 0 ? -errno : 0;
}

/* The highest level that can be seen of a hierarchy, as an absolute path. */
static bool find_top(const struct nn_cgroup *cgroup, char *ret_top)
{
    if (cgroup->own.fd < 0)
        return false;
    join(ret_top, cgroup->path, "", "");
    for (unsigned i = 0; i < cgroup->depth; i++)
        strcat(ret_top, "/..");
    return true;
}

/* The new cgroup's path, or "" where there is no such hierarchy or no permission. */
static void make(const struct nn_cgroup *cgroup, char *ret_path)
{
    char top[SCRATCH_PATH], name[64], path[SCRATCH_PATH];

    ret_path[0] = '\0';
    if (!find_top(cgroup, top))
        return;
    snprintf(name, sizeof(name), "/hostmem-test-%d", (int)getpid());
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        join(path, top, name, below[i]);
        if (mkdir(path, 0755) < 0)
            return;
    }
    join(ret_path, top, name, "");
}

/* Of what is in the cgroup, which is a test's child or came from one. */
static void kill_members(const char *cgroup)
{
    char path[SCRATCH_PATH];
    FILE *file;
    int pid;

    join(path, cgroup, "/cgroup.procs", "");
    file = fopen(path, "re");
    while (file != NULL && fscanf(file, "%d", &pid) == 1)
        kill(pid, SIGKILL);
    if (file != NULL)
        fclose(file);
}

/* Until those that were killed have left it. */
static bool remove_cgroup(const char *cgroup)
{
    static const struct timespec pause = {.tv_nsec = 1000000};

    for (unsigned i = 0; rmdir(cgroup) < 0; i++) {
        if (errno == ENOENT)
            return true;
        if (errno != EBUSY || i == PAUSES)
            return false;
        kill_members(cgroup);
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool unmake(const char *path)
{
    bool gone = true;

    for (size_t i = sizeof(below) / sizeof(below[0]); path[0] != '\0' && i-- > 0;) {
        char cgroup[SCRATCH_PATH];

        join(cgroup, path, below[i], "");
        gone = remove_cgroup(cgroup) && gone;
    }
    return gone;
}

/* In the directory that holds our cgroup, which may be gone already. */
static bool switch_at_top(const char *unified, const char *request)
{
    char top[SCRATCH_PATH];

    join(top, unified, "", "");
    *strrchr(top, '/') = '\0';
    return scratch_write(top, "cgroup.subtree_control", request) == 0;
}

/*
 * Looks for a controller in v2, and switches it on where it is off: at the top, which is to be
 * undone, and in our own cgroup. Whether it is there now.
 */
static bool find_in_v2(
    const char *unified, const char *request, const char *file, bool *ret_enabled)
{
    if (unified[0] == '\0')
        return false;
    if (!has_file(unified, file))
        *ret_enabled = switch_at_top(unified, request);
    return scratch_write(unified, "cgroup.subtree_control", request) == 0 &&
           has_file(unified, file);
}

static void find_hugetlb(struct scratch *scratch)
{
    if (scratch->hugetlb[0] != '\0' ||
        !find_in_v2(scratch->unified, "+hugetlb", "hugetlb.2MB.max", &scratch->enabled_hugetlb))
        return;
    strcpy(scratch->hugetlb, scratch->unified);
    scratch->hugetlb_v2 = true;
}

static void find_memory(struct scratch *scratch)
{
    if (scratch->memory[0] != '\0' ||
        !find_in_v2(scratch->unified, "+memory", "memory.max", &scratch->enabled_memory))
        return;
    strcpy(scratch->memory, scratch->unified);
    scratch->memory_v2 = true;
}

static int find_all(struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_root root;
    int r = nn_root_open("/", &root);

    if (r < 0)
        return r;
    r = nn_cgroups_open(&root, &cgroups);
    nn_root_close(&root);
    if (r < 0)
        return r;
    make(&cgroups.unified, scratch->unified);
    make(&cgroups.memory, scratch->memory);
    make(&cgroups.hugetlb, scratch->hugetlb);
    find_memory(scratch);
    nn_cgroups_close(&cgroups);
    return 0;
}

/* What is below goes first: as long as it has a controller, it cannot be switched off above. */
static bool remove_all(const struct scratch *scratch)
{
    bool gone = unmake(scratch->hugetlb);

    gone = unmake(scratch->memory) && gone;
    gone = unmake(scratch->unified) && gone;
    if (scratch->enabled_hugetlb)
        gone = switch_at_top(scratch->unified, "-hugetlb") && gone;
    if (scratch->enabled_memory)
        gone = switch_at_top(scratch->unified, "-memory") && gone;
    return gone;
}

/* A process that removes everything when this one closes the pipe or ends, in whatever way. */
static int start_guard(struct scratch *scratch)
{
    int ends[2];
    char byte;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    scratch->guard = fork();
    if (scratch->guard == 0) {
        setsid(); /* out of the reach of signals to the test's group */
        close(ends[1]);
        while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
            continue;
        _exit(remove_all(scratch) ? 0 : 1);
    }
    close(ends[0]);
    scratch->guard_fd = ends[1];
    return scratch->guard < 0 ? -EAGAIN : 0;
}

static int set_up(void **state, bool with_hugetlb)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));

    if (scratch == NULL || find_all(scratch) < 0) {
        free(scratch);
        return -1;
    }
    if (with_hugetlb)
        find_hugetlb(scratch);
    *state = scratch;
    return start_guard(scratch);
}

int scratch_setup(void **state)
{
    return set_up(state, false);
}

int scratch_setup_hugetlb(void **state)
{
    return set_up(state, true);
}

static void end_child(struct scratch *scratch)
{
    if (scratch->child == 0)
        return;
    kill(scratch->child, SIGKILL);
    waitpid(scratch->child, NULL, 0);
    scratch->child = 0;
}

int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    int status = -1;

    end_child(scratch);
    close(scratch->guard_fd);
    if (waitpid(scratch->guard, &status, 0) < 0)
        status = -1;
    free(scratch);
    return status == 0 ? 0 : -1;
}

void scratch_require(const char *path, const char *what)
{
    if (path[0] != '\0')
        return;
    print_message("missing: %s, writable for this user\n", what);
    skip();
}

void scratch_start(struct scratch *scratch, int (*body)(const struct scratch *))
{
    pid_t parent = getpid();

    scratch->child = fork();
    assert_true(scratch->child >= 0);
    if (scratch->child > 0)
        return;
    close(scratch->guard_fd);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int line = body(scratch);
    if (line != 0)
        fprintf(stderr, "the check in line %d failed, errno %d\n", line, errno);
    _exit(line == 0 ? 0 : 1);
}

void scratch_run(struct scratch *scratch, int (*body)(const struct scratch *))
{
    int status;
    pid_t child;

    scratch_start(scratch, body);
    child = scratch->child;
    assert_int_equal(waitpid(child, &status, 0), child);
    scratch->child = 0;
    assert_int_equal(status, 0);
}

char *scratch_touch(size_t size, int flags)
{
    char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    memset(memory, 1, size);
    return memory;
}
