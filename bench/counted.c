/* SPDX-License-Identifier: MIT */
/* Counting with ptrace. The side's first thread is seized while it waits for an order. See
 * counted.h. */
#include "bench/counted.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define OPERATIONS 32
#define ATTEMPTS   4
#define LONG_OPS   2           /* for operations of */
#define LONG_SIZE  (64u << 20) /* bytes and more */

static bool is_call(int status)
{
    return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80);
}

/* Whether the call that the thread enters is the write of the answer, which comes last. */
static bool is_answer(const struct __ptrace_syscall_info *info)
{
    return info->op == PTRACE_SYSCALL_INFO_ENTRY && info->entry.nr == SYS_write &&
           info->entry.args[0] == CHILD_ANSWERS;
}

/* Calls from the order's arrival to the answer, the read that waits for the order among them. */
static bool follow(pid_t pid, unsigned long *ret_calls)
{
    struct __ptrace_syscall_info info;
    unsigned long calls = 0;
    int status, signal = 0;
    while (ptrace(PTRACE_SYSCALL, pid, NULL, signal) == 0 && waitpid(pid, &status, __WALL) == pid &&
           WIFSTOPPED(status)) {
        bool event = status >> 16 != 0;
        signal = is_call(status) || event ? 0 : WSTOPSIG(status);
        if (!is_call(status) || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
            continue;
        if (is_answer(&info)) {
            *ret_calls = calls;
            return ptrace(PTRACE_DETACH, pid, NULL, 0) == 0;
        }
        calls += info.op == PTRACE_SYSCALL_INFO_ENTRY;
    }
    return false;
}

static bool seize(pid_t pid)
{
    int status;
    if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
        return false;
    return ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &status, __WALL) == pid &&
           WIFSTOPPED(status);
}

static bool count(
    struct child *child, const struct order *order, double *ret_calls, double *ret_faults)
{
    struct answer answer;
    unsigned long calls = 0;
    if (!child->pid || !seize(child->pid))
        return false;
    bool good = child_send(child, order) && follow(child->pid, &calls);
    if (!child_receive(child, &answer, NULL) || !good || answer.error)
        return false;
    *ret_calls = (double)calls;
    *ret_faults = answer.faults;
    return true;
}

/* One and two times so many operations; what comes once in a while may make the difference
 * negative. */
static bool count_twice(
    struct child *child, const struct order *once, double *ret_calls, double *ret_faults)
{
    struct order twice = *once;
    double calls[2], faults[2];
    twice.ops *= 2;
    if (!count(child, once, &calls[0], &faults[0]) || !count(child, &twice, &calls[1], &faults[1]))
        return false;
    *ret_calls = (calls[1] - calls[0]) / once->ops;
    *ret_faults = (faults[1] - faults[0]) / once->ops;
    return true;
}

bool counted_order(
    struct child *child, const struct order *order, double *ret_calls, double *ret_faults)
{
    struct order once = *order;
    double calls = -1, faults = -1;
    once.samples = 1;
    once.budget_ns = once.pause_ns = 0;
    once.ops = order->size >= LONG_SIZE ? LONG_OPS : OPERATIONS;
    for (int i = 0; i < ATTEMPTS && (calls < 0 || faults < 0); i++)
        if (!count_twice(child, &once, &calls, &faults))
            return false;
    *ret_calls = calls > 0 ? calls : 0;
    *ret_faults = faults > 0 ? faults : 0;
    return true;
}
