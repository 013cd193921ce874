/* SPDX-License-Identifier: MIT */
/* The terminal behind stdout as a full screen. Invariant: see terminal.h. No lock. */
#include "tools/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Alternate screen, no cursor, no wrapping; and back in the opposite order. */
static const char enter_text[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leave_text[] = "\033[?7h\033[?25h\033[?1049l";

bool terminal_usable(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDOUT_FILENO) && kind != NULL && *kind != '\0' && strcmp(kind, "dumb") != 0;
}

/* Where the terminal may not be opened again, another descriptor for what there is has to do. */
int terminal_open(struct terminal *ret_terminal)
{
    int fd = open("/proc/self/fd/1", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return -errno;
    *ret_terminal = (struct terminal){.fd = fd};
    return 0;
}

void terminal_close(struct terminal *terminal)
{
    terminal_leave(terminal);
    close(terminal->fd);
}

/* What nobody has read so far may fill the terminal: then it goes, so that this comes through. */
static void say(const struct terminal *terminal, const char *text)
{
    if (write(terminal->fd, text, strlen(text)) < 0 && errno == EAGAIN) {
        tcflush(terminal->fd, TCOFLUSH);
        (void)!write(terminal->fd, text, strlen(text));
    }
}

/* ^C and ^Z stay signals; ^S would stop the screen, and is a key like others. */
int terminal_enter(struct terminal *terminal)
{
    struct termios raw;

    if (tcgetattr(terminal->fd, &terminal->before) != 0)
        return -errno;
    raw = terminal->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_iflag &= ~(tcflag_t)IXON;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(terminal->fd, TCSANOW, &raw) != 0)
        return -errno;
    terminal->entered = true;
    say(terminal, enter_text);
    return 0;
}

void terminal_leave(struct terminal *terminal)
{
    if (!terminal->entered)
        return;
    terminal->entered = false;
    say(terminal, leave_text);
    tcsetattr(terminal->fd, TCSANOW, &terminal->before);
}

struct terminal_size terminal_size(const struct terminal *terminal)
{
    struct winsize size;

    if (ioctl(terminal->fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return (struct terminal_size){24, 80};
    return (struct terminal_size){size.ws_row, size.ws_col};
}

bool terminal_typed(const struct terminal *terminal, char key)
{
    char keys[64];
    ssize_t count = read(terminal->fd, keys, sizeof(keys));

    if (count < 0)
        return errno != EAGAIN && errno != EINTR;
    return count == 0 || memchr(keys, key, (size_t)count) != NULL;
}

/* The signal, sent again, stops the process when it is unblocked; SIGCONT takes it from there. */
int terminal_suspend(struct terminal *terminal)
{
    sigset_t stop;

    terminal_leave(terminal);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    return terminal_enter(terminal);
}
