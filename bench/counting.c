/* SPDX-License-Identifier: MIT */
/*
 * Counting system calls with ptrace. The count stands in memory that parent and child share: the
 * child reads it before and after its operations, which takes no system call. Invariant: the child
 * is stopped while the parent counts, so what the child reads is exact.
 */
#include "bench/counting.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/show.h"
#include "bench/steps.h"
#include "bench/unexpected.h"

#define CELL 24 /* bytes of a number's text */

struct shared {
    _Atomic unsigned long calls; /* system calls that the child has entered */
    int refused;                 /* errno of PTRACE_TRACEME */
    bool complete;               /* the child came to its end */
    struct steps steps;
};

/* -- the child -- */

static unsigned long faults_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (unsigned long)(usage.ru_minflt + usage.ru_majflt);
}

/* One operation goes before, so that what is counted is warm unless the operation is not. */
static void count_step(struct shared *shared, struct step *step)
{
    if (step->missing || !step->run(step))
        return;
    unsigned long faults = faults_now();
    unsigned long calls = atomic_load(&shared->calls);
    bool good = true;
    for (unsigned i = 0; i < step->times; i++)
        good &= step->run(step);
    step->calls = atomic_load(&shared->calls) - calls;
    step->faults = faults_now() - faults;
    step->counted = good;
}

static void child_main(struct shared *shared)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) {
        shared->refused = errno;
        _exit(EXIT_FAILURE);
    }
    raise(SIGSTOP);
    if (steps_open(&shared->steps)) {
        for (size_t i = 0; i < shared->steps.count; i++)
            count_step(shared, &shared->steps.at[i]);
        steps_close(&shared->steps);
        shared->complete = true;
    }
    _exit(EXIT_SUCCESS);
}

/* -- the parent -- */

/* A stop of the child: at the entry or exit of a system call (SIGTRAP with bit 7), or a signal. */
static bool is_call(int status)
{
    return WSTOPSIG(status) == (SIGTRAP | 0x80);
}

static void follow(pid_t child, struct shared *shared)
{
    int status, signal = 0;
    bool inside = false;
    while (ptrace(PTRACE_SYSCALL, child, NULL, signal) == 0 &&
           waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        signal = is_call(status) ? 0 : WSTOPSIG(status);
        if (!is_call(status))
            continue;
        inside = !inside;
        if (inside)
            atomic_fetch_add(&shared->calls, 1);
    }
}

static void trace(pid_t child, struct shared *shared)
{
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        return;
    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    follow(child, shared);
}

static bool count_all(struct shared *shared)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        child_main(shared);
    if (child < 0) {
        unexpected("fork: %s", strerror(errno));
        return false;
    }
    trace(child, shared);
    if (shared->refused) {
        printf("  not counted: ptrace is refused here (%s)\n", strerror(shared->refused));
        return false;
    }
    if (!shared->complete)
        unexpected("the process whose system calls are counted gave up");
    return shared->complete;
}

/* -- the tables -- */

static const char *per_time(unsigned long count, const struct step *step, char ret_text[CELL])
{
    int digits = count % step->times ? 2 : 0;
    snprintf(ret_text, CELL, "%.*f", digits, (double)count / step->times);
    return ret_text;
}

/* Huge pages may have been taken by others meanwhile; all else should not fail. */
static const char *failure_of(const struct step *step)
{
    if (step->missing)
        return step->missing;
    if (step->side && step->side->kind == SIDE_HUGE)
        return "none left";
    unexpected("counting: %s failed", step->what);
    return "failed";
}

static void print_cell(const struct step *step)
{
    char calls[CELL], faults[CELL];
    if (step->counted)
        printf("  %9s / %9s", per_time(step->calls, step, calls),
            per_time(step->faults, step, faults));
    else
        printf("  %21s", failure_of(step));
}

static void print_sides(const struct steps *steps)
{
    printf("  get, write a word in each 4 KiB, give back:\n  %-8s", "size");
    for (int i = 0; i < SIDES; i++)
        printf("  %21s", steps->sides[i].title);
    for (size_t i = 0; i < steps->compared; i++) {
        char text[SHOW_AMOUNT];
        if (i % SIDES == 0)
            printf("\n  %-8s", show_amount(steps->at[i].size, text));
        print_cell(&steps->at[i]);
    }
    putchar('\n');
}

static void print_others(const struct steps *steps)
{
    printf("  hostmem alone:\n");
    for (size_t i = steps->compared; i < steps->count; i++) {
        printf("  %-54s", steps->at[i].what);
        print_cell(&steps->at[i]);
        putchar('\n');
    }
}

static const struct step *hostmem_step(const struct steps *steps)
{
    size_t i = 0;
    while (steps->at[i].side->kind != SIDE_HOSTMEM || steps->at[i].size != STEPS_WARM)
        i++;
    return &steps->at[i];
}

/* Warm memory of huge pages takes no system call, unless less is kept warm than there could be. */
static double judge(const struct step *step)
{
    if (!step->counted)
        return -1;
    bool promised = step->side->backing == HOSTMEM_BACKING_HUGETLB && !getenv("HOSTMEM_WARM");
    if (promised && step->calls)
        unexpected("counting: 2 MiB that is warm took %lu system calls in %u times", step->calls,
            step->times);
    return (double)step->calls / step->times;
}

double counting_show(void)
{
    double calls = -1;
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        unexpected("no memory for the counting");
        return calls;
    }
    show_heading("System calls / page faults per operation, counted in a process under ptrace");
    if (count_all(shared)) {
        print_sides(&shared->steps);
        print_others(&shared->steps);
        calls = judge(hostmem_step(&shared->steps));
    }
    munmap(shared, sizeof(*shared));
    return calls;
}
