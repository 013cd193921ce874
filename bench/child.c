/* SPDX-License-Identifier: MIT */
/* The processes of the sides, seen from the parent. See child.h. */
#include "bench/child.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/machine.h"

#define PATIENCE_MS 60000 /* for an answer */
#define SLACK_MIB   64    /* that an allocator needs beside what it gives out */

/* -- starting -- */

/* "NAME=" stands for the MiB that are needed, "@hugetlbfs" for tcmalloc's use of a mount. */
static void set_variable(const char *text, const struct order *order)
{
    char name[64], value[320];
    const char *equals = strchr(text, '=');
    if (!equals) {
        if (machine_hugetlbfs(value, sizeof(value)))
            setenv("TCMALLOC_MEMFS_MALLOC_PATH", value, 1);
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    snprintf(value, sizeof(value), "%s", equals + 1);
    if (!value[0])
        snprintf(value, sizeof(value), "%zuMiB", (peer_bytes(order) >> 20) + SLACK_MIB);
    setenv(name, value, 1);
}

static void set_environment(const struct peer *peer, const struct order *order)
{
    for (const char *const *text = peer->environment; text && *text; text++)
        set_variable(*text, order);
    if (peer->preload)
        setenv("LD_PRELOAD", peer->preload, 1);
    unsetenv("MALLOC_PERTURB_"); /* meson's tests have it; it would be measured */
}

/* What a library has to say of itself is of no interest here; what hostmem has, is. */
static void silence(const struct peer *peer)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(peer->preload || peer->library ? null : STDERR_FILENO, STDOUT_FILENO);
    if (peer->preload || peer->library)
        dup2(null, STDERR_FILENO);
}

static void become(const struct peer *peer, const struct order *order, int orders, int answers)
{
    char option[] = CHILD_OPTION, name[64], self[] = "hostmem-bench";
    char *arguments[] = {self, option, name, NULL};
    int high_orders = fcntl(orders, F_DUPFD, 10), high_answers = fcntl(answers, F_DUPFD, 10);
    snprintf(name, sizeof(name), "%s", peer->name);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    set_environment(peer, order);
    silence(peer);
    dup2(high_orders, CHILD_ORDERS);
    dup2(high_answers, CHILD_ANSWERS);
    close(high_orders);
    close(high_answers);
    execv("/proc/self/exe", arguments);
    _exit(EXIT_FAILURE);
}

static bool start(struct child *child, const struct order *order)
{
    int orders[2], answers[2];
    if (pipe2(orders, O_CLOEXEC))
        return false;
    if (pipe2(answers, O_CLOEXEC))
        goto no_answers;
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0)
        goto no_process;
    if (child->pid == 0)
        become(child->peer, order, orders[0], answers[1]);
    close(orders[0]);
    close(answers[1]);
    child->orders = orders[1];
    child->answers = answers[0];
    return true;

no_process:
    child->pid = 0;
    close(answers[0]);
    close(answers[1]);
no_answers:
    close(orders[0]);
    close(orders[1]);
    return false;
}

/* Whether a library can be found, tried in a process that ends at once: what is loaded stays. */
static bool can_preload(const char *library)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(dlopen(library, RTLD_LAZY) || !strstr(dlerror(), "No such file") ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* -- ending -- */

/* The status of the process, in words, unless there is a better reason. */
static void say_end(struct child *child, int status)
{
    if (WIFSIGNALED(status))
        snprintf(child->said, ORDER_SAID, "ended by signal %d (%s)", WTERMSIG(status),
            strsignal(WTERMSIG(status)));
    else
        snprintf(child->said, ORDER_SAID, "ended with status %d", WEXITSTATUS(status));
}

void child_fail(struct child *child, const char *reason)
{
    int status = 0;
    if (!child->pid)
        return;
    close(child->orders);
    close(child->answers);
    if (reason)
        kill(child->pid, SIGKILL);
    bool ended = waitpid(child->pid, &status, 0) == child->pid;
    child->pid = 0;
    if (reason)
        snprintf(child->said, ORDER_SAID, "%s", reason);
    else if (ended)
        say_end(child, status);
}

void child_close(struct child *child)
{
    char said[ORDER_SAID];
    memcpy(said, child->said, sizeof(said));
    child_fail(child, NULL);
    memcpy(child->said, said, sizeof(said));
}

/* -- orders and answers -- */

static bool read_all(struct child *child, void *ret_bytes, size_t size)
{
    struct pollfd wait = {.fd = child->answers, .events = POLLIN};
    for (size_t got = 0; got < size;) {
        int ready = poll(&wait, 1, PATIENCE_MS);
        if (ready == 0)
            child_fail(child, "no answer within a minute");
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t count = read(child->answers, (char *)ret_bytes + got, size - got);
        if (count <= 0)
            return false;
        got += (size_t)count;
    }
    return true;
}

bool child_send(struct child *child, const struct order *order)
{
    return child->pid && write(child->orders, order, sizeof(*order)) == (ssize_t)sizeof(*order);
}

bool child_receive(struct child *child, struct answer *ret_answer, struct series *samples)
{
    double sample;
    bool got = child->pid && read_all(child, ret_answer, sizeof(*ret_answer));
    for (unsigned i = 0; got && i < ret_answer->count; i++) {
        got = read_all(child, &sample, sizeof(sample));
        if (got && samples)
            series_add(samples, sample);
    }
    if (!got)
        child_fail(child, NULL);
    return got;
}

bool child_ask(struct child *child, struct order *order, struct series *samples)
{
    struct answer answer;
    bool sent = child_send(child, order);
    if (!child_receive(child, &answer, samples) || !sent)
        return false;
    if (answer.error) {
        child_fail(child, answer.said[0] ? answer.said : strerror(-answer.error));
        return false;
    }
    order->ops = answer.ops;
    if (answer.said[0])
        memcpy(child->said, answer.said, ORDER_SAID);
    return true;
}

bool child_open(struct child *child, const struct peer *peer, const struct order *order)
{
    struct order open = *order;
    *child = (struct child){.peer = peer};
    if (peer->preload && !can_preload(peer->preload)) {
        snprintf(child->said, ORDER_SAID, "not installed (%s)", peer->preload);
        return false;
    }
    if (!start(child, order)) {
        snprintf(child->said, ORDER_SAID, "no process: %s", strerror(errno));
        return false;
    }
    struct answer answer;
    if (!child_send(child, &open) || !child_receive(child, &answer, NULL)) {
        child_fail(child, NULL);
        return false;
    }
    if (answer.error)
        child_fail(child, answer.said);
    memcpy(child->said, answer.said, ORDER_SAID);
    return !answer.error;
}
