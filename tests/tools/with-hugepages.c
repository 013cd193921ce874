/* SPDX-License-Identifier: MIT */
/*
 * with-hugepages, run as a user runs it: its exit status, what the command finds, and that
 * nr_hugepages is what it was afterwards, however things end. No lock: one test at a time. A test
 * that had the tool killed waits for its guard by taking the tool's lock.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SYSFS "/sys/kernel/mm/hugepages"

static const char *tool;
static uint64_t before; /* nr_hugepages of 2 MiB */

static uint64_t figure(const char *name)
{
    char path[128];
    uint64_t value;
    FILE *file;

    snprintf(path, sizeof(path), SYSFS "/hugepages-2048kB/%s", name);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%" SCNu64, &value), 1);
    fclose(file);
    return value;
}

static void need_root(void)
{
    if (geteuid() || access(SYSFS "/hugepages-2048kB/nr_hugepages", W_OK)) {
        print_message("missing: the right to write nr_hugepages of 2 MiB\n");
        skip();
    }
}

static int remember(void **state)
{
    before = figure("nr_hugepages");
    return 0;
}

/* Runs `sh -c "exec tool arguments"`; a signal that ends it reads as in the shell. */
static int run(const char *arguments)
{
    char line[1024];
    int status;

    snprintf(line, sizeof(line), "exec '%s' %s 2>/dev/null", tool, arguments);
    status = system(line);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A request for `more` pages than are free now, so that the tool has to raise. */
static char *raising(const char *command)
{
    static char arguments[512];

    snprintf(arguments, sizeof(arguments), "2M=%" PRIu64 " -- %s", figure("free_hugepages") + 3,
        command);
    return arguments;
}

static void wrong_arguments_are_refused(void **state)
{
    static const char *const wrong[] = {
        "", "2M=1", "2M=1 --", "3M=1 true", "2M= true", "2M=-1 true", "2M=1x true", "-x true"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(run(wrong[i]), 2);
}

static void status_of_the_command_is_handed_on(void **state)
{
    assert_int_equal(run("true"), 0);
    assert_int_equal(run("-- sh -c 'exit 3'"), 3);
    assert_int_equal(run("sh -c 'kill -TERM $$'"), 128 + SIGTERM);
    assert_int_equal(run("/nonexistent/command"), 127);
    assert_int_equal(run("/dev/null"), 126);
}

static void inside_itself_is_refused(void **state)
{
    char arguments[512];

    snprintf(arguments, sizeof(arguments), "-- '%s' true", tool);
    assert_int_equal(run(arguments), 2);
}

static void command_finds_the_pages_and_they_go(void **state)
{
    char line[256];

    need_root();
    snprintf(line, sizeof(line), "sh -c 'test $(cat %s) -ge %" PRIu64 "'",
        SYSFS "/hugepages-2048kB/free_hugepages", figure("free_hugepages") + 3);
    assert_int_equal(run(raising(line)), 0);
    assert_int_equal(figure("nr_hugepages"), before);
}

static void killed_command_puts_the_pages_back(void **state)
{
    need_root();
    assert_int_equal(run(raising("sh -c 'kill -KILL $$'")), 128 + SIGKILL);
    assert_int_equal(figure("nr_hugepages"), before);
}

static void more_than_the_machine_has_is_not_tried(void **state)
{
    assert_int_equal(run("1G=1000000 true"), 77);
    assert_int_equal(run("2M=1000000000 true"), 77);
    assert_int_equal(figure("nr_hugepages"), before);
}

static void without_the_right_it_says_so(void **state)
{
    char line[1024];

    need_root();
    if (system("setpriv --reuid 65534 true 2>/dev/null")) {
        print_message("missing: setpriv, to run as another user\n");
        skip();
    }
    snprintf(
        line, sizeof(line), "setpriv --reuid 65534 '%s' %s 2>/dev/null", tool, raising("true"));
    assert_int_equal(WEXITSTATUS(system(line)), 77);
    snprintf(line, sizeof(line), "setpriv --reuid 65534 '%s' true", tool);
    assert_int_equal(WEXITSTATUS(system(line)), 0);
}

/* Starts the tool with a command that says on a pipe that it runs; then sends a signal to the tool.
 */
static int run_and_signal(int number)
{
    char *pages = raising("");
    int ends[2], status;
    char byte;
    pid_t pid;

    *strchr(pages, ' ') = '\0';
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        dup2(ends[1], STDOUT_FILENO);
        execl(tool, tool, pages, "--", "sh", "-c", "echo; exec sleep 1000", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    kill(pid, number);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* The end of the file: nobody has the pipe open, so command and guard are gone. */
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void signals_reach_the_command(void **state)
{
    need_root();
    assert_int_equal(run_and_signal(SIGTERM), 128 + SIGTERM);
    assert_int_equal(figure("nr_hugepages"), before);
    assert_int_equal(run_and_signal(SIGINT), 128 + SIGINT);
    assert_int_equal(figure("nr_hugepages"), before);
}

static void killed_tool_takes_the_command_along(void **state)
{
    need_root();
    assert_int_equal(run_and_signal(SIGKILL), 128 + SIGKILL);
    assert_int_equal(figure("nr_hugepages"), before);
}

static void users_wait_for_each_other(void **state)
{
    char line[256];

    snprintf(line, sizeof(line), "-- flock --nonblock --conflict-exit-code 9 %s true", SYSFS);
    if (system("flock --version >/dev/null 2>&1")) {
        print_message("missing: flock of util-linux\n");
        skip();
    }
    assert_int_equal(run(line), 9);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(status_of_the_command_is_handed_on),
        cmocka_unit_test(inside_itself_is_refused),
        cmocka_unit_test(command_finds_the_pages_and_they_go),
        cmocka_unit_test(killed_command_puts_the_pages_back),
        cmocka_unit_test(more_than_the_machine_has_is_not_tried),
        cmocka_unit_test(without_the_right_it_says_so),
        cmocka_unit_test(signals_reach_the_command),
        cmocka_unit_test(killed_tool_takes_the_command_along),
        cmocka_unit_test(users_wait_for_each_other),
    };

    if (argc != 2)
        return 2;
    tool = argv[1];
    if (access(SYSFS "/hugepages-2048kB", R_OK)) {
        fputs("missing: huge pages of 2 MiB in this kernel\n", stderr);
        return 77;
    }
    return cmocka_run_group_tests(tests, remember, NULL);
}
