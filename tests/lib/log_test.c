/* SPDX-License-Identifier: MIT */
/*
 * The log: which lines are written, that each is one write and one line, how many there may be, and
 * that threads do not mix them. stderr is a packet pipe (one read(2) returns what one write(2)
 * wrote) while a line is written, and is put back by each test's teardown. Needs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/log.h"

static int kept_stderr;
static int pipe_fds[2]; /* 0: read */

static int capture(void **state)
{
    kept_stderr = dup(STDERR_FILENO);
    if (kept_stderr < 0 || pipe2(pipe_fds, O_DIRECT | O_NONBLOCK | O_CLOEXEC) < 0)
        return -1;
    return dup2(pipe_fds[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int release(void **state)
{
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

/* What the next write(2) wrote; "" when there was none. */
static const char *next_write(void)
{
    static char packet[4096];
    ssize_t length = read(pipe_fds[0], packet, sizeof(packet) - 1);

    if (length < 0) {
        assert_int_equal(errno, EAGAIN);
        length = 0;
    }
    packet[length] = '\0';
    return packet;
}

static void levels(void **state)
{
    for (int verbosity = 0; verbosity <= 2; verbosity++) {
        struct log log = {.verbosity = verbosity};

        for (int level = LOG_ERROR; level <= LOG_TRACE; level++) {
            char expected[64];

            log_line(&log, level, "level %d of %s", level, "three");
            snprintf(expected, sizeof(expected), "hostmem: level %d of three\n", level);
            assert_string_equal(next_write(), level <= verbosity ? expected : "");
            assert_string_equal(next_write(), "");
        }
    }
}

static void lines_are_cut(void **state)
{
    struct log log = {.verbosity = 0};
    const size_t room = LOG_LINE - strlen("hostmem: ") - 1;
    char words[2 * LOG_LINE];

    for (size_t length = room - 2; length <= room + 2; length++) {
        const char *line;

        memset(words, 'x', length);
        words[length] = '\0';
        log_line(&log, LOG_ERROR, "%s", words);
        line = next_write();
        assert_int_equal(strlen(line), length <= room ? length + 10 : LOG_LINE);
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_int_equal(strstr(line, "...\n") != NULL, length > room);
        assert_string_equal(next_write(), "");
    }
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    log_line(&log, LOG_ERROR, "%s", words);
    assert_int_equal(strlen(next_write()), LOG_LINE);
}

static void lines_have_no_controls(void **state)
{
    struct log log = {.verbosity = 0};

    log_line(&log, LOG_ERROR, "a%sb\n", "\nhostmem: forged\033[31m\x7f\t\xc3\xa4");
    assert_string_equal(next_write(), "hostmem: a?hostmem: forged?[31m??\xc3\xa4"
                                      "b?\n");
    assert_string_equal(next_write(), "");
}

static void notes_have_an_end(void **state)
{
    struct log log = {.verbosity = 2};

    for (int i = 0; i < LOG_NOTES; i++) {
        log_line(&log, LOG_NOTE, "note");
        assert_string_equal(next_write(), "hostmem: note\n");
    }
    log_line(&log, LOG_NOTE, "note");
    assert_string_equal(next_write(), "hostmem: further lines are not shown\n");
    for (int i = 0; i < 3; i++)
        log_line(&log, LOG_NOTE, "note");
    assert_string_equal(next_write(), "");
    log_line(&log, LOG_ERROR, "error");
    assert_string_equal(next_write(), "hostmem: error\n");
    log_line(&log, LOG_TRACE, "trace");
    assert_string_equal(next_write(), "hostmem: trace\n");
}

/* Notes that nobody sees do not use up the notes that are. */
static void silent_notes_do_not_count(void **state)
{
    struct log log = {.verbosity = 0};

    for (int i = 0; i < 2 * LOG_NOTES; i++)
        log_line(&log, LOG_NOTE, "note");
    assert_string_equal(next_write(), "");
    log.verbosity = 1;
    log_line(&log, LOG_NOTE, "note");
    assert_string_equal(next_write(), "hostmem: note\n");
}

static void texts(void **state)
{
    struct log log = {.verbosity = 1};

    log_text(&log, LOG_NOTE, "one\ntwo %s\n\nlast");
    assert_string_equal(next_write(), "hostmem: one\n");
    assert_string_equal(next_write(), "hostmem: two %s\n");
    assert_string_equal(next_write(), "hostmem: \n");
    assert_string_equal(next_write(), "hostmem: last\n");
    assert_string_equal(next_write(), "");
    log_text(&log, LOG_NOTE, "");
    log_text(&log, LOG_TRACE, "trace\n");
    assert_string_equal(next_write(), "");
}

static void fatal_lines(void **state)
{
    log_fatal("corrupted: %s", "all");
    assert_string_equal(next_write(), "hostmem: corrupted: all\n");
}

/* The pipe is full: the line is lost, the caller's errno is not. */
static void errno_is_kept(void **state)
{
    struct log log = {.verbosity = 0};
    char filler[4096] = {0};

    while (write(pipe_fds[1], filler, sizeof(filler)) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    errno = EDOM;
    log_line(&log, LOG_ERROR, "lost");
    assert_int_equal(errno, EDOM);
}

#define THREADS 4
#define ROUNDS  300 /* of threads that begin together, so that they meet often */

static pthread_barrier_t begin;

static void *write_notes(void *log)
{
    pthread_barrier_wait(&begin);
    for (int i = 0; i < LOG_NOTES; i++)
        log_line(log, LOG_NOTE, "%s", "a line that is the same for all threads");
    return NULL;
}

static void run_threads(struct log *log)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_notes, log), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Each round leaves LOG_NOTES whole lines and one about the others. */
static void threads_do_not_mix(void **state)
{
    FILE *file = tmpfile();
    char line[2 * LOG_LINE];
    int notes = 0, ends = 0;

    assert_non_null(file);
    assert_int_equal(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    assert_int_equal(pthread_barrier_init(&begin, NULL, THREADS), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct log log = {.verbosity = 1};

        run_threads(&log);
    }
    pthread_barrier_destroy(&begin);
    rewind(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        bool end = strcmp(line, "hostmem: further lines are not shown\n") == 0;

        if (!end)
            assert_string_equal(line, "hostmem: a line that is the same for all threads\n");
        ends += end;
        notes += !end;
    }
    fclose(file);
    assert_int_equal(notes, ROUNDS * LOG_NOTES);
    assert_int_equal(ends, ROUNDS);
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAPTURED(levels),
        CAPTURED(lines_are_cut),
        CAPTURED(lines_have_no_controls),
        CAPTURED(notes_have_an_end),
        CAPTURED(silent_notes_do_not_count),
        CAPTURED(texts),
        CAPTURED(fatal_lines),
        CAPTURED(errno_is_kept),
        CAPTURED(threads_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
