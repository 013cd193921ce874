/* SPDX-License-Identifier: MIT */
/* Signals as a file descriptor. The blocked set is the only state; no lock. */
#include "tools/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define ENDING (sizeof(ending) / sizeof(ending[0]))

/* The kernel keeps blocked signals also where they are ignored, so they must not be blocked. */
static void add_unless_ignored(sigset_t *set, int number)
{
    struct sigaction action;

    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(set, number);
}

int signals_open(enum signals_set which)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (size_t i = 0; i < ENDING; i++)
        add_unless_ignored(&set, ending[i]);
    if (which == SIGNALS_SCREEN) {
        sigaddset(&set, SIGWINCH);
        add_unless_ignored(&set, SIGTSTP);
    }
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return fd;
}

int signals_take(int fd)
{
    struct signalfd_siginfo info;

    return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

bool signals_ends(int number)
{
    for (size_t i = 0; i < ENDING; i++)
        if (ending[i] == number)
            return true;
    return false;
}
