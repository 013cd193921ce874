/* SPDX-License-Identifier: MIT */
/*
 * instructions CEILINGS: how many instructions an operation takes on memory that is populated and
 * clean, against ceilings that are kept with the sources. A child does the operations while its
 * first thread is single-stepped (PTRACE_SINGLESTEP): callgrind would count the same, but valgrind
 * has not the address space for a window. Each shape runs with no operations, which is what the
 * counting itself takes, and with N. What is handed out was populated when the manager was made and
 * never used, so that nothing is zeroed, whatever is cleaned in the background. Exit status: 0; 1
 * where a ceiling is broken or a call failed; 77 where something is missing. No lock.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hostmem/hostmem.h>

#define MOST       512 /* operations */
#define STEPS_MOST 20000000
#define MIB        ((size_t)1 << 20)
#define QUERIED    (64 * MIB)
#define STRIDE     ((size_t)1048573 * 4096) /* visits pages in no order that a cache would like */

enum { EXIT_SKIP = 77, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

struct shape {
    char name[32], prefault[16];
    unsigned operations;
    long ceiling;
};

static struct hostmem *manager;

/* -- the child -- */

static void check(bool good)
{
    if (!good)
        _exit(EXIT_FAILURE);
}

static void *reserve(size_t size, uint32_t flags)
{
    struct hostmem_request request = {
        .size = size, .node = HOSTMEM_NODE_LOCAL, .flags = flags, .protection = HOSTMEM_PROT_RW};
    void *base;
    check(hostmem_reserve(manager, &request, &base, NULL) == 0);
    return base;
}

/* All regions are there before the first one goes, so that none gets what another had. */
static void regions(size_t size, uint32_t flags, size_t committed, unsigned count)
{
    static void *held[MOST];
    for (unsigned i = 0; i < count; i++) {
        held[i] = reserve(size, flags);
        if (committed)
            check(hostmem_commit(manager, held[i], committed, HOSTMEM_PROT_RW,
                      HOSTMEM_TASK_CRITICAL, NULL) == 0);
    }
    while (count)
        check(hostmem_release(manager, held[--count]) == 0);
}

static void queries(const char *base, unsigned count)
{
    struct hostmem_info info;
    for (size_t i = 0; i < count; i++) {
        int error = hostmem_query(manager, base + i * STRIDE % QUERIED, &info);
        check(error == 0 && info.state == HOSTMEM_COMMITTED);
    }
}

static void loads(unsigned count)
{
    struct hostmem_load load;
    while (count--)
        check(hostmem_load(manager, &load) == 0);
}

static void operate(const char *name, const char *queried, unsigned count)
{
    if (strcmp(name, "64K") == 0)
        regions(MIB / 16, HOSTMEM_COMMIT, 0, count);
    else if (strcmp(name, "2M") == 0)
        regions(2 * MIB, HOSTMEM_COMMIT, 0, count);
    else if (strcmp(name, "256M") == 0)
        regions(256 * MIB, HOSTMEM_COMMIT, 0, count);
    else if (strcmp(name, "256M-reserved") == 0)
        regions(256 * MIB, 0, 0, count);
    else if (strcmp(name, "256M-first-page") == 0)
        regions(256 * MIB, 0, 4096, count);
    else if (strcmp(name, "query") == 0)
        queries(queried, count);
    else if (strcmp(name, "load") == 0)
        loads(count);
    else
        _exit(EXIT_USAGE);
}

/* Whether there are reserved huge pages; without, what is counted would be something else. */
static bool is_huge(const void *base)
{
    struct hostmem_receipt receipt;
    return hostmem_receipt(manager, (void *)base, QUERIED, &receipt) == 0 &&
           receipt.backing == HOSTMEM_BACKING_HUGETLB;
}

/* Watchers are other threads, and not counted, but would be woken; without them the load is read
 * from files. A small region goes before, for what is made when it is first needed. */
static void child_main(const struct shape *shape, unsigned count)
{
    setenv("HOSTMEM_WATCH", strcmp(shape->name, "load") == 0 ? "1" : "0", 1);
    setenv("HOSTMEM_PREFAULT", shape->prefault, 1);
    if (hostmem_create(&manager))
        _exit(EXIT_SKIP);
    const char *queried = reserve(QUERIED, HOSTMEM_COMMIT);
    if (!is_huge(queried))
        _exit(EXIT_SKIP);
    regions(MIB / 16, 0, 4096, 1);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
        _exit(EXIT_REFUSED);
    raise(SIGSTOP);
    operate(shape->name, queried, count);
    raise(SIGSTOP);
    _exit(EXIT_SUCCESS);
}

/* -- the parent -- */

/* From one SIGSTOP of the child to the next; -1: it ended instead, as *ret_status says. */
static long steps_between(pid_t child, int *ret_status)
{
    long steps = 0;
    if (waitpid(child, ret_status, 0) != child || !WIFSTOPPED(*ret_status))
        return -1;
    while (steps < STEPS_MOST && ptrace(PTRACE_SINGLESTEP, child, NULL, 0) == 0 &&
           waitpid(child, ret_status, 0) == child && WIFSTOPPED(*ret_status)) {
        if (WSTOPSIG(*ret_status) == SIGSTOP)
            return steps;
        steps++;
    }
    return -1;
}

static void skip(const char *missing)
{
    printf("missing: %s\n", missing);
    exit(EXIT_SKIP);
}

static long count(const struct shape *shape, unsigned operations)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        child_main(shape, operations);
    long steps = child > 0 ? steps_between(child, &status) : -1;
    if (child > 0 && !WIFEXITED(status)) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
        skip("reserved huge pages for the library");
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED)
        skip("ptrace, which is refused here");
    return steps;
}

/* Whether the shape keeps to its ceiling. */
static bool judge(const struct shape *shape)
{
    long nothing = count(shape, 0), all = count(shape, shape->operations);
    if (nothing < 0 || all < 0) {
        printf("%-16s  FAILED\n", shape->name);
        return false;
    }
    long each = (all - nothing) / (long)shape->operations;
    bool good = each <= shape->ceiling;
    printf("%-16s %12ld %8ld%s\n", shape->name, each, shape->ceiling, good ? "" : "  TOO MANY");
    return good;
}

static bool parse(const char *line, struct shape *ret_shape)
{
    return sscanf(line, "%31s %u %15s %ld", ret_shape->name, &ret_shape->operations,
               ret_shape->prefault, &ret_shape->ceiling) == 4 &&
           ret_shape->operations > 0 && ret_shape->operations <= MOST;
}

static int judge_all(FILE *file)
{
    char line[256];
    unsigned bad = 0, seen = 0;
    struct shape shape;
    printf("%-16s %12s %8s\n", "shape", "instructions", "ceiling");
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        seen++;
        bad += !parse(line, &shape) || !judge(&shape);
    }
    return bad || !seen ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (!file) {
        fputs("usage: instructions CEILINGS\n", stderr);
        return EXIT_USAGE;
    }
#if !defined(__OPTIMIZE__) || defined(HM_CHECKS) || defined(__SANITIZE_ADDRESS__) ||               \
    defined(__SANITIZE_THREAD__)
    skip("an optimized build without checks and sanitizers, for which the ceilings are");
#endif
    int status = judge_all(file);
    fclose(file);
    return status;
}
