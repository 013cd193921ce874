/* SPDX-License-Identifier: MIT */
/* What the live and the model tests share; see live.h. No lock. */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* -- failing -- */

static _Thread_local const char *note;

void live_note(const char *text)
{
    note = text;
}

_Noreturn void live_die(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s%s%s\n", file, line, what, note ? "\n  " : "",
        note ? note : "");
    fflush(NULL);
    if (getenv("HM_TEST_ABORT"))
        abort();
    _exit(1);
}

/* The process is lost: what is not safe in a handler can do no more harm. */
static void fault(int number, siginfo_t *info, void *context)
{
    char what[64];
    signal(number, SIG_DFL);
    snprintf(what, sizeof(what), "no signal %d at %p", number, info->si_addr);
    live_die("", 0, what);
}

void live_catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    must(sigaction(SIGSEGV, &action, NULL) == 0);
    must(sigaction(SIGBUS, &action, NULL) == 0);
}

/* -- numbers -- */

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

size_t live_scaled(size_t number)
{
    size_t scaled = number * number_from("HM_TEST_SCALE", LIVE_SANITIZED ? 10 : 100) / 100;
    return scaled ? scaled : 1;
}

uint64_t live_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t live_seed(void)
{
    uint64_t seed = number_from("HM_TEST_SEED", live_now());
    print_message("HM_TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* splitmix64: any seed will do, 0 included. */
uint64_t live_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

size_t live_below(uint64_t *state, size_t bound)
{
    return (size_t)(live_random(state) % bound);
}

bool live_one_in(uint64_t *state, size_t n)
{
    return live_below(state, n) == 0;
}

/* -- managers -- */

static void forget_environment(void)
{
    char name[128];
    for (char **entry = environ; *entry;) {
        size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, "HOSTMEM_", 8) || length >= sizeof(name)) {
            entry++;
            continue;
        }
        memcpy(name, *entry, length);
        name[length] = 0;
        unsetenv(name);
        entry = environ;
    }
}

static void set(const char *setting)
{
    char name[128];
    size_t length = strcspn(setting, "=");
    must(setting[length] == '=' && length < sizeof(name));
    memcpy(name, setting, length);
    name[length] = 0;
    must(setenv(name, setting + length + 1, 1) == 0);
}

void live_environment(const char *first, ...)
{
    va_list list;
    forget_environment();
    va_start(list, first);
    for (const char *setting = first; setting; setting = va_arg(list, const char *))
        set(setting);
    va_end(list);
}

struct hostmem *live_manager(void)
{
    struct hostmem *manager = NULL;
    must(hostmem_create(&manager) == 0);
    return manager;
}

void *live_reserve(struct hostmem *manager, size_t size, uint32_t flags)
{
    struct hostmem_request request = {
        .size = size, .node = HOSTMEM_NODE_LOCAL, .flags = flags, .protection = HOSTMEM_PROT_RW};
    void *base = NULL;
    must(hostmem_reserve(manager, &request, &base, NULL) == 0);
    return base;
}

void live_commit(struct hostmem *manager, void *address, size_t size)
{
    must(hostmem_commit(manager, address, size, HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, NULL) == 0);
}

struct hostmem_node_stats live_stats(struct hostmem *manager)
{
    struct hostmem_node_stats sum = {0}, one = {0};
    int nodes[64] = {0};
    size_t count = hostmem_nodes(manager, COUNT(nodes), nodes);
    for (size_t i = 0; i < count && i < COUNT(nodes); i++) {
        must(hostmem_node_stats(manager, nodes[i], &one) == 0);
        sum.committed_bytes += one.committed_bytes;
        sum.warm_bytes += one.warm_bytes;
        sum.populated_bytes += one.populated_bytes;
        sum.zeroed_bytes += one.zeroed_bytes;
        sum.returned_bytes += one.returned_bytes;
        sum.reserve_bytes += one.reserve_bytes;
        sum.waited_bytes += one.waited_bytes;
        sum.clean_bytes += one.clean_bytes;
        sum.cleaned_bytes += one.cleaned_bytes;
    }
    return sum;
}

uint64_t live_committed(struct hostmem *manager)
{
    return live_stats(manager).committed_bytes;
}

uint64_t live_warm(struct hostmem *manager)
{
    return live_stats(manager).warm_bytes;
}

bool live_is_zero(const void *bytes, size_t size)
{
    const char *at = bytes;
    return size == 0 || (at[0] == 0 && memcmp(at, at + 1, size - 1) == 0);
}

/* -- figures -- */

static uint64_t read_figure(const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t figure = 0;
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64, &figure) != 1)
        figure = 0;
    fclose(file);
    return figure;
}

uint64_t live_huge_free(void)
{
    uint64_t all = read_figure("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    uint64_t promised = read_figure("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages");
    return all > promised ? all - promised : 0;
}

bool live_huge_free_again(uint64_t pages)
{
    for (int i = 0; i < 1000 && live_huge_free() != pages; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return live_huge_free() == pages;
}

size_t live_maps(void)
{
    char buffer[4096];
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t lines = 0;
    must(fd >= 0);
    for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;)
        for (ssize_t i = 0; i < n; i++)
            lines += buffer[i] == '\n';
    close(fd);
    return lines;
}

size_t live_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    size_t size = 0, resident = 0;
    must(file && fscanf(file, "%zu %zu", &size, &resident) == 2);
    fclose(file);
    return resident * PAGE;
}

/* -- children -- */

_Noreturn void live_child_skip(const char *what)
{
    fprintf(stderr, "missing: %s\n", what);
    _exit(77);
}

static _Noreturn void child(void (*body)(void *), void *argument, int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd >= 0)
        dup2(fd, STDERR_FILENO);
    for (int number = 1; number < 32; number++)
        signal(number, SIG_DFL);
    body(argument);
    fflush(NULL);
    _exit(0);
}

static void read_all(int fd, char *ret_text, size_t size)
{
    size_t used = 0;
    char rest[256];
    ssize_t n;
    do {
        bool room = used + 1 < size;
        n = read(fd, room ? ret_text + used : rest, room ? size - 1 - used : sizeof(rest));
        used += room && n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    ret_text[used] = 0;
}

int live_child(void (*body)(void *), void *argument, char *ret_text, size_t size)
{
    int ends[2] = {-1, -1}, status;
    must(!ret_text || pipe2(ends, O_CLOEXEC) == 0);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0)
        child(body, argument, ends[1]);
    if (ret_text) {
        close(ends[1]);
        read_all(ends[0], ret_text, size);
        close(ends[0]);
    }
    must(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void live_in_child(void (*body)(void *), void *argument)
{
    int status = live_child(body, argument, NULL, 0);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

/* -- system call filters -- */

#define CALLS_MAX 32

/* The calls of the list go to `listed`, all others to `otherwise`. */
static void filter(const int *calls, uint32_t listed, uint32_t otherwise)
{
    struct sock_filter code[CALLS_MAX + 6];
    size_t count = 0, at = 0;
    while (calls[count] >= 0)
        count++;
    must(count <= CALLS_MAX);
    code[at++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++)
        code[at++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], (uint8_t)(count - i), 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed);
    struct sock_fprog program = {(unsigned short)at, code};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

void live_refuse(int error, const int *calls)
{
    filter(calls, SECCOMP_RET_ERRNO | (uint32_t)error, SECCOMP_RET_ALLOW);
}

void live_allow_only(const int *calls)
{
    filter(calls, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
}

void live_limit_windows(void)
{
    if (!LIVE_THREAD_SANITIZED)
        return;
    FILE *file = fopen("/proc/self/statm", "re");
    size_t pages = 0;
    must(file && fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    struct rlimit limit = {pages * PAGE + 768 * GIB, RLIM_INFINITY};
    must(setrlimit(RLIMIT_AS, &limit) == 0);
}

uintptr_t live_address(size_t i)
{
    uintptr_t first = LIVE_THREAD_SANITIZED ? 0x7e8100000000 : 0x650000000000;
    return first + i * UINT64_C(0x100000000);
}
