/* SPDX-License-Identifier: MIT */
/*
 * with-hugepages: runs a command while at least so many huge pages are free, and puts
 * vm.nr_hugepages back to what it found, however the command or the tool itself ends. Invariant:
 * from the first raise to the last restore one process holds the lock, an flock(2) on the sysfs
 * directory of huge pages, which anybody may open and which leaves nothing behind; parallel users
 * wait for each other. What is raised is put back by a guard process in a session of its own, when
 * the pipe from the tool closes: a SIGKILL of the tool and of its process group does not stop it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSFS     "/sys/kernel/mm/hugepages"
#define HELD      "HM_HUGEPAGES_HELD" /* set for the command: a nested use would wait for itself */
#define MAX_PAGES ((uint64_t)1 << 32)

enum { EXIT_USAGE = 2, EXIT_SKIP = 77, EXIT_NOEXEC = 126, EXIT_NOTFOUND = 127 };

/* The pages of one size. */
struct pool {
    const char *name; /* as the user writes it */
    uint64_t kib;     /* of one page */
    uint64_t wanted;  /* free pages; 0: this size is left alone */
    uint64_t missing; /* of those, when the lock was taken */
    uint64_t found;   /* persistent pages: what to put back */
};

static struct pool pools[] = {{.name = "2M", .kib = 2048}, {.name = "1G", .kib = 1048576}};
#define POOLS (sizeof(pools) / sizeof(pools[0]))

static int usage(void)
{
    fputs("usage: with-hugepages [2M=N] [1G=N] [--] command [argument...]\n"
          "Runs the command while at least N huge pages of each size are free.\n"
          "Exit status: the command's; 128 + signal; 77 if the pages cannot be had; 2 for this.\n",
        stderr);
    return EXIT_USAGE;
}

static FILE *pool_open(const struct pool *pool, const char *figure, const char *mode)
{
    char path[128];

    snprintf(path, sizeof(path), SYSFS "/hugepages-%" PRIu64 "kB/%s", pool->kib, figure);
    return fopen(path, mode);
}

static int pool_read(const struct pool *pool, const char *figure, uint64_t *ret_value)
{
    FILE *file = pool_open(pool, figure, "re");
    int matched;

    if (!file)
        return -errno;
    matched = fscanf(file, "%" SCNu64, ret_value);
    fclose(file);
    return matched == 1 ? 0 : -EIO;
}

/* The kernel answers a number it does not like when the file is closed. */
static int pool_write(const struct pool *pool, uint64_t pages)
{
    FILE *file = pool_open(pool, "nr_hugepages", "we");

    if (!file)
        return -errno;
    fprintf(file, "%" PRIu64 "\n", pages);
    return fclose(file) ? -errno : 0;
}

/* Pages that nobody uses and nobody has been promised. */
static int pool_free(const struct pool *pool, uint64_t *ret_pages)
{
    uint64_t unused = 0, promised = 0;
    int error = pool_read(pool, "free_hugepages", &unused);

    if (!error)
        error = pool_read(pool, "resv_hugepages", &promised);
    if (!error)
        *ret_pages = unused > promised ? unused - promised : 0;
    return error;
}

/* nr_hugepages reads with the surplus and is written without it. */
static int pool_persistent(const struct pool *pool, uint64_t *ret_pages)
{
    uint64_t pages = 0, surplus = 0;
    int error = pool_read(pool, "nr_hugepages", &pages);

    if (!error)
        error = pool_read(pool, "surplus_hugepages", &surplus);
    if (!error)
        *ret_pages = pages > surplus ? pages - surplus : 0;
    return error;
}

/*
 * Whether the machine has that much memory to give: asked for more than there is, the kernel gives
 * less and leaves nothing to the rest of the machine.
 */
static bool affordable(uint64_t kib)
{
    FILE *file = fopen("/proc/meminfo", "re");
    uint64_t available = UINT64_MAX;
    char line[128];

    if (!file)
        return true;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &available) == 1)
            break;
    fclose(file);
    return kib <= available - available / 8;
}

/* Finds out what is missing and what is to be put back; changes nothing. */
static int pool_plan(struct pool *pool)
{
    uint64_t unused = 0;
    int error = pool_free(pool, &unused);

    if (!error)
        error = pool_persistent(pool, &pool->found);
    if (error)
        return error;
    pool->missing = unused < pool->wanted ? pool->wanted - unused : 0;
    return affordable(pool->missing * pool->kib) ? 0 : -ENOMEM;
}

/* The kernel makes surplus pages persistent first, so they are counted on top. */
static int pool_raise(struct pool *pool)
{
    uint64_t pages = 0, unused = 0;
    int error;

    if (!pool->missing)
        return 0;
    error = pool_read(pool, "nr_hugepages", &pages);
    if (!error)
        error = pool_write(pool, pages + pool->missing);
    if (!error)
        error = pool_free(pool, &unused);
    if (error)
        return error;
    return unused < pool->wanted ? -ENOMEM : 0;
}

/* Pages that somebody still holds are not taken: the kernel makes them surplus until then. */
static int pool_restore(struct pool *pool)
{
    uint64_t pages = 0;
    int error;

    if (!pool->missing)
        return 0;
    error = pool_persistent(pool, &pages);
    return error || pages == pool->found ? error : pool_write(pool, pool->found);
}

/* Does a step for every size that is wanted; what fails is said and ends it. */
static int for_each_pool(int (*step)(struct pool *), const char *what)
{
    for (size_t i = 0; i < POOLS; i++) {
        struct pool *pool = &pools[i];
        uint64_t unused = 0;
        int error = pool->wanted ? step(pool) : 0;

        if (!error)
            continue;
        pool_free(pool, &unused);
        warnx("%s %" PRIu64 " pages of %s: %s (%" PRIu64 " are free)", what, pool->wanted,
            pool->name, strerror(-error), unused);
        return error;
    }
    return 0;
}

static int lock(void)
{
    int fd = open(SYSFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 || flock(fd, LOCK_EX) ? -errno : 0;
}

/* The guard: lives until the tool lets go of the pipe, by closing it or by dying. */
static void guard(int end)
{
    char byte;

    setsid();
    while (read(end, &byte, 1) < 0 && errno == EINTR)
        continue;
    _exit(for_each_pool(pool_restore, "cannot take back the raise for") ? EXIT_FAILURE : 0);
}

/* Starts the guard, or returns -1; *ret_hold is what keeps it waiting. */
static pid_t guard_start(int *ret_hold)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC))
        return -1;
    pid = fork();
    if (!pid) {
        close(ends[1]);
        guard(ends[0]);
    }
    close(ends[0]);
    *ret_hold = ends[1]; /* without a guard it stays open until the exit, which is near then */
    return pid;
}

static void command_exec(char **command, pid_t parent, const sigset_t *mask)
{
    int error;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(128 + SIGKILL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    setenv(HELD, "1", 1);
    execvp(command[0], command);
    error = errno;
    warn("%s", command[0]);
    _exit(error == ENOENT ? EXIT_NOTFOUND : EXIT_NOEXEC);
}

/* Waits for the command and hands on the signals of the set that arrive meanwhile. */
static int command_wait(pid_t command, const sigset_t *set)
{
    int status, number;

    while (waitpid(command, &status, WNOHANG) != command) {
        number = sigwaitinfo(set, NULL);
        if (number > 0 && number != SIGCHLD)
            kill(command, number);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int command_run(char **command, const sigset_t *set, const sigset_t *mask)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0) {
        warn("fork");
        return EXIT_NOEXEC;
    }
    if (!pid)
        command_exec(command, parent, mask);
    return command_wait(pid, set);
}

/* With the lock held and the signals blocked. The guard is there before anything is raised. */
static int run_guarded(char **command, const sigset_t *set, const sigset_t *mask)
{
    int hold = -1, status = EXIT_SKIP;
    pid_t guard_pid;

    if (for_each_pool(pool_plan, "cannot have"))
        return EXIT_SKIP;
    guard_pid = guard_start(&hold);
    if (guard_pid < 0) {
        warn("fork");
        return EXIT_NOEXEC;
    }
    if (!for_each_pool(pool_raise, "cannot have"))
        status = command_run(command, set, mask);
    close(hold);
    waitpid(guard_pid, NULL, 0);
    return status;
}

static bool parse_count(const char *text, uint64_t *ret_count)
{
    char *end;
    unsigned long long count;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    count = strtoull(text, &end, 10);
    if (*end || errno || count > MAX_PAGES)
        return false;
    *ret_count = count;
    return true;
}

static bool parse_pool(const char *word)
{
    for (size_t i = 0; i < POOLS; i++) {
        size_t length = strlen(pools[i].name);

        if (!strncmp(word, pools[i].name, length) && word[length] == '=')
            return parse_count(word + length + 1, &pools[i].wanted);
    }
    return false;
}

/* The command's first word, or NULL where the arguments are wrong. */
static char **parse(char **words)
{
    for (; *words && **words != '-' && strchr(*words, '='); words++)
        if (!parse_pool(*words))
            return NULL;
    if (*words && **words == '-' && strcmp(*words++, "--") != 0)
        return NULL;
    return *words ? words : NULL;
}

int main(int argc, char **argv)
{
    sigset_t set, mask;
    char **command = argc > 1 ? parse(argv + 1) : NULL;
    int error;

    if (!command)
        return usage();
    if (getenv(HELD)) {
        warnx("cannot be used inside itself: the outer one holds the lock");
        return EXIT_USAGE;
    }
    error = lock();
    if (error) {
        warnx("no huge pages on this machine: " SYSFS ": %s", strerror(-error));
        return EXIT_SKIP;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigprocmask(SIG_BLOCK, &set, &mask);
    return run_guarded(command, &set, &mask);
}
