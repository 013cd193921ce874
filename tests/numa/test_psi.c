/* SPDX-License-Identifier: MIT */
/* Arming and reading pressure sources over made-up files, FIFOs and sockets; names of refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "numa/base64.h"
#include "numa/memevents.h"
#include "numa/psi.h"
#include "numa/sources.h"
#include "tree.h"

#define MOUNT    "30 23 0:30 / /cg rw - cgroup2 cgroup2 rw\n"
#define MOUNT_V1 "31 23 0:31 / /v1 rw - cgroup cgroup rw,memory\n"
#define STALL(n) "some avg10=1.50 avg60=0.00 avg300=0.00 total=" n "\nfull avg10=0.00 total=7\n"
#define TRIGGER  "some 100000 1000000"

static const struct nn_pressure_env unset;

/* A process in /a/b of v2 whose own cgroup has these files, and nothing else. */
static void make_process(const struct tree *tree, struct nn_cgroups *ret_cgroups)
{
    tree_write(tree, "proc/self/mountinfo", MOUNT MOUNT_V1);
    tree_write(tree, "proc/self/cgroup", "4:memory:/j\n0::/a/b\n");
    tree_write(tree, "cg/a/b/cgroup.procs", "");
    tree_write(tree, "v1/j/cgroup.procs", "");
    assert_int_equal(nn_cgroups_open(&tree->root, ret_cgroups), 0);
}

static void assert_content(const struct tree *tree, const char *path, const char *text, size_t size)
{
    char buffer[512] = {0};

    assert_int_equal(nn_root_read(&tree->root, path, buffer, sizeof(buffer)), 0);
    assert_memory_equal(buffer, text, size);
}

static void bytes_of_base64(void **state)
{
    static const struct {
        const char *text, *bytes;
        int r;
    } rows[] = {{"", "", 0}, {"Zg==", "f", 0}, {"Zm8=", "fo", 0}, {"Zm9v", "foo", 0},
        {"Zm9vYg==", "foob", 0}, {"Zm9vYg", "foob", 0}, {"/+8A", "\xff\xef\0", 0},
        {"Z", NULL, -EINVAL}, {"Zg=", NULL, -EINVAL}, {"Zg===", NULL, -EINVAL},
        {"Zm9v=", NULL, -EINVAL}, {"Z g==", NULL, -EINVAL}, {"Zg==Zg==", NULL, -EINVAL},
        {"=", NULL, -EINVAL}, {"\xc3\xa4", NULL, -EINVAL}, {"Zm9vYmFyYg==", NULL, -E2BIG}};
    uint8_t bytes[6];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t size = 99;

        assert_int_equal(nn_base64_decode(rows[i].text, sizeof(bytes), bytes, &size), rows[i].r);
        if (rows[i].r < 0)
            assert_int_equal(size, 99);
        else
            assert_memory_equal(bytes, rows[i].bytes, size);
    }
}

/* The NUL at the end is written, too; the first event needs as much growth as was asked for. */
static void a_trigger_of_ours(void **state)
{
    const struct tree *tree = *state;
    struct nn_source source;
    struct nn_event event;
    uint64_t total;

    tree_write(tree, "proc/pressure/memory", STALL("1000"));
    assert_int_equal(nn_psi_arm_machine(&tree->root, &source), 0);
    assert_content(tree, "proc/pressure/memory", TRIGGER, sizeof(TRIGGER));
    assert_int_equal(source.kind, NN_SOURCE_PSI_MACHINE);
    assert_int_equal(source.events, POLLPRI);
    assert_int_equal(source.window_us, 1000000);
    assert_string_equal(source.path, "/proc/pressure/memory");
    tree_write(tree, "proc/pressure/memory", STALL("100999"));
    assert_int_equal(nn_psi_total(&source, &total), 0);
    assert_int_equal(total, 100999);
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_int_equal(event.stall_us, 99999);
    assert_false(event.happened);
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_int_equal(event.stall_us, 0);
    assert_false(event.happened);
    tree_write(tree, "proc/pressure/memory", STALL("101000"));
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_int_equal(event.stall_us, 1);
    assert_true(event.happened);
    tree_write(tree, "proc/pressure/memory", STALL("5"));
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_int_equal(event.stall_us, 0);
    assert_int_equal(event.kind, NN_SOURCE_PSI_MACHINE);
    nn_source_close(&source);
    assert_int_equal(source.fd, -1);
}

static void a_first_event_that_is_true(void **state)
{
    const struct tree *tree = *state;
    struct nn_source source;
    struct nn_event event;

    tree_write(tree, "proc/pressure/memory", STALL("0"));
    assert_int_equal(nn_psi_arm_machine(&tree->root, &source), 0);
    tree_write(tree, "proc/pressure/memory", STALL("100000"));
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_true(event.happened);
    nn_source_close(&source);
}

/* What is no pressure file is neither believed nor written to. */
static void no_pressure_file(void **state)
{
    static const char *const texts[] = {"", "root:x:0:0\n", "full avg10=0.00 total=7\n",
        "some avg10=0.00\n", "some avg10=0.00 total=\n", "some total=-1\n",
        "some  total=18446744073709551616\n"};
    const struct tree *tree = *state;
    struct nn_source source = {.fd = -7};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tree_write(tree, "proc/pressure/memory", texts[i]);
        assert_int_equal(nn_psi_arm_machine(&tree->root, &source), -EBADMSG);
        assert_int_equal(
            nn_psi_arm_watch(&tree->root, "/proc/pressure/memory", "QQ==", &source), -EBADMSG);
        assert_content(tree, "proc/pressure/memory", texts[i], strlen(texts[i]) + 1);
    }
    tree_clear(tree);
    assert_int_equal(nn_psi_arm_machine(&tree->root, &source), -ENOENT);
    assert_int_equal(source.fd, -7);
}

static void a_watched_file(void **state)
{
    const struct tree *tree = *state;
    struct nn_source source;
    struct nn_event event;

    tree_write(tree, "w", STALL("10"));
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/w", "c29tZSAxIDIA", &source), 0);
    assert_content(tree, "w", "some 1 2", 9);
    assert_int_equal(source.kind, NN_SOURCE_WATCH);
    assert_int_equal(source.events, POLLPRI);
    assert_int_equal(source.stall_us, 0);
    tree_write(tree, "w", STALL("11"));
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_int_equal(event.stall_us, 1);
    assert_true(event.happened);
    nn_source_close(&source);
    tree_write(tree, "w", STALL("10"));
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/w", "", &source), 0);
    assert_content(tree, "w", TRIGGER, sizeof(TRIGGER));
    nn_source_close(&source);
}

static void a_watched_fifo(void **state)
{
    const struct tree *tree = *state;
    struct nn_source source;
    struct nn_event event;
    int writer;

    assert_int_equal(mkfifoat(tree->root.fd, "fifo", 0600), 0);
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/fifo", NULL, &source), 0);
    assert_int_equal(source.events, POLLIN);
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_false(event.happened);
    writer = openat(tree->root.fd, "fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(writer >= 0);
    assert_int_equal(write(writer, "xyz", 3), 3);
    close(writer);
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_true(event.happened);
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_false(event.happened);
    nn_source_close(&source);
}

static int listen_at(const struct tree *tree, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", tree->path,
                    name) < sizeof(address.sun_path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void a_watched_socket(void **state)
{
    const struct tree *tree = *state;
    int listener = listen_at(tree, "socket"), peer;
    struct nn_source source;
    struct nn_event event;
    char text[8] = {0};

    assert_int_equal(nn_psi_arm_watch(&tree->root, "/socket", "aGk=", &source), 0);
    peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(read(peer, text, sizeof(text)), 2);
    assert_string_equal(text, "hi");
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_false(event.happened);
    assert_int_equal(write(peer, "x", 1), 1);
    assert_int_equal(nn_psi_take(&source, &event), 0);
    assert_true(event.happened);
    close(peer);
    assert_int_equal(nn_psi_take(&source, &event), -EPIPE);
    nn_source_close(&source);
    close(listener);
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/socket", NULL, &source), -ECONNREFUSED);
}

static void watches_that_are_refused(void **state)
{
    const struct tree *tree = *state;
    struct nn_source source = {.fd = -7};

    tree_write(tree, "d/w", STALL("10"));
    assert_int_equal(nn_psi_arm_watch(&tree->root, "", NULL, &source), -EINVAL);
    assert_int_equal(nn_psi_arm_watch(&tree->root, "d/w", NULL, &source), -EINVAL);
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/", NULL, &source), -EINVAL);
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/d", NULL, &source), -EINVAL);
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/none", NULL, &source), -ENOENT);
    assert_int_equal(nn_psi_arm_watch(&tree->root, "/d/w", "?", &source), -EINVAL);
    assert_content(tree, "d/w", STALL("10"), sizeof(STALL("10")));
    assert_int_equal(source.fd, -7);
}

#define EVENTS(high, max) "low 1\nhigh " high "\nmax " max "\noom 4\noom_kill 5\n"

static void events_of_the_own_cgroup(void **state)
{
    const struct tree *tree = *state;
    struct nn_cgroups cgroups;
    struct nn_source source;
    struct nn_event event;

    tree_write(tree, "cg/a/b/memory.events", EVENTS("2", "3"));
    make_process(tree, &cgroups);
    assert_int_equal(nn_memevents_arm(&cgroups, 0, &source), 0);
    assert_int_equal(source.counts.low, 1);
    assert_int_equal(source.counts.oom_kill, 5);
    assert_string_equal(source.path, "/cg/a/b/memory.events");
    assert_int_equal(nn_memevents_take(&source, &event), 0);
    assert_false(event.happened);
    tree_write(tree, "cg/a/b/memory.events", EVENTS("2", "10"));
    assert_int_equal(nn_memevents_take(&source, &event), 0);
    assert_true(event.happened);
    assert_int_equal(event.grown.max, 7);
    assert_int_equal(event.grown.high, 0);
    assert_int_equal(event.grown.oom_kill, 0);
    assert_int_equal(nn_memevents_take(&source, &event), 0);
    assert_false(event.happened);
    tree_write(tree, "cg/a/b/memory.events", "junk");
    assert_int_equal(nn_memevents_take(&source, &event), -EBADMSG);
    nn_source_close(&source);
    assert_int_equal(nn_memevents_arm(&cgroups, 0, &source), -EBADMSG);
    nn_cgroups_close(&cgroups);
}

/* The local file goes before the other, and is the only one of an ancestor that is listened to. */
static void events_of_ancestors(void **state)
{
    const struct tree *tree = *state;
    struct nn_cgroups cgroups;
    struct nn_sources sources;
    struct nn_event event;

    tree_write(tree, "cg/memory.events", EVENTS("2", "3"));
    tree_write(tree, "cg/a/memory.events.local", EVENTS("2", "3"));
    tree_write(tree, "cg/a/b/memory.events.local", EVENTS("2", "3"));
    tree_write(tree, "cg/a/b/memory.events", EVENTS("2", "3"));
    make_process(tree, &cgroups);
    nn_sources_arm(&tree->root, &cgroups, &unset, &sources);
    assert_int_equal(sources.count, 2);
    assert_int_equal(sources.refused[NN_SOURCE_EVENTS], NN_LIVE);
    assert_string_equal(sources.at[0].path, "/cg/a/b/memory.events.local");
    assert_string_equal(sources.at[1].path, "/cg/a/b/../memory.events.local");
    tree_write(tree, "cg/a/memory.events.local", EVENTS("9", "3"));
    assert_int_equal(nn_sources_take(&cgroups, &sources, 0, &event), 0);
    assert_false(event.happened);
    assert_int_equal(nn_sources_take(&cgroups, &sources, 1, &event), 0);
    assert_true(event.happened);
    assert_int_equal(event.kind, NN_SOURCE_EVENTS);
    assert_int_equal(event.level, 1);
    assert_int_equal(event.grown.high, 7);
    nn_sources_close(&sources);
    assert_int_equal(sources.count, 0);
    nn_cgroups_close(&cgroups);
}

static void assert_refused(const struct tree *tree, const struct nn_pressure_env *environment,
    enum nn_refusal watch, enum nn_refusal cgroup, enum nn_refusal machine)
{
    struct nn_cgroups cgroups;
    struct nn_sources sources;

    make_process(tree, &cgroups);
    nn_sources_arm(&tree->root, &cgroups, environment, &sources);
    assert_int_equal(sources.refused[NN_SOURCE_WATCH], watch);
    assert_int_equal(sources.refused[NN_SOURCE_PSI_CGROUP], cgroup);
    assert_int_equal(sources.refused[NN_SOURCE_PSI_MACHINE], machine);
    assert_int_equal(sources.refused[NN_SOURCE_EVENTS], NN_REFUSED_ABSENT);
    assert_int_equal(sources.refused[NN_SOURCE_LEVEL], NN_REFUSED_ABSENT);
    assert_int_equal(
        sources.count, watch == NN_LIVE || cgroup == NN_LIVE || machine == NN_LIVE ? 1 : 0);
    nn_sources_close(&sources);
    nn_cgroups_close(&cgroups);
}

static void one_source_of_stalls(void **state)
{
    static const struct nn_pressure_env off = {.watch = "/dev/null"}, file = {.watch = "/w"},
                                        empty = {.watch = ""},
                                        bad = {.watch = "/w", .payload = "?"};
    const struct tree *tree = *state;

    assert_refused(tree, &unset, NN_REFUSED_NOT_ASKED, NN_REFUSED_ABSENT, NN_REFUSED_ABSENT);
    tree_write(tree, "proc/pressure/memory", STALL("1"));
    assert_refused(tree, &unset, NN_REFUSED_NOT_ASKED, NN_REFUSED_ABSENT, NN_LIVE);
    tree_write(tree, "cg/a/b/memory.pressure", STALL("1"));
    assert_refused(tree, &unset, NN_REFUSED_NOT_ASKED, NN_LIVE, NN_REFUSED_NOT_NEEDED);
    tree_write(tree, "cg/a/b/memory.pressure", STALL("1"));
    assert_refused(tree, &off, NN_REFUSED_OFF, NN_REFUSED_OFF, NN_REFUSED_OFF);
    assert_refused(tree, &empty, NN_REFUSED_NOT_ASKED, NN_LIVE, NN_REFUSED_NOT_NEEDED);
    tree_write(tree, "cg/a/b/memory.pressure", STALL("1"));
    assert_refused(tree, &file, NN_REFUSED_ABSENT, NN_LIVE, NN_REFUSED_NOT_NEEDED);
    tree_write(tree, "w", STALL("1"));
    assert_refused(tree, &file, NN_LIVE, NN_REFUSED_NOT_NEEDED, NN_REFUSED_NOT_NEEDED);
    tree_write(tree, "w", STALL("1"));
    tree_write(tree, "cg/a/b/memory.pressure", "garbage");
    tree_write(tree, "proc/pressure/memory", STALL("1"));
    assert_refused(tree, &bad, NN_REFUSED_INVALID, NN_REFUSED_INVALID, NN_LIVE);
}

/* A dead source is closed, and the last of its kind is spoken of as gone. */
static void sources_that_die(void **state)
{
    static const struct nn_pressure_env environment = {.watch = "/socket"};
    const struct tree *tree = *state;
    int listener = listen_at(tree, "socket"), peer;
    struct nn_cgroups cgroups;
    struct nn_sources sources;
    struct nn_event event = {.stall_us = 5};

    make_process(tree, &cgroups);
    nn_sources_arm(&tree->root, &cgroups, &environment, &sources);
    assert_int_equal(sources.count, 1);
    peer = accept(listener, NULL, NULL);
    close(peer);
    assert_int_equal(nn_sources_take(&cgroups, &sources, 0, &event), -EPIPE);
    assert_int_equal(sources.refused[NN_SOURCE_WATCH], NN_REFUSED_GONE);
    assert_int_equal(sources.at[0].fd, -1);
    assert_int_equal(nn_sources_take(&cgroups, &sources, 0, &event), -EBADF);
    assert_int_equal(sources.refused[NN_SOURCE_WATCH], NN_REFUSED_GONE);
    assert_int_equal(event.stall_us, 5);
    nn_sources_close(&sources);
    nn_cgroups_close(&cgroups);
    close(listener);
}

static void everything_has_a_name(void **state)
{
    static const struct {
        int error;
        enum nn_refusal refusal;
    } rows[] = {{0, NN_LIVE}, {-ENOENT, NN_REFUSED_ABSENT}, {-EROFS, NN_REFUSED_READ_ONLY},
        {-EACCES, NN_REFUSED_DENIED}, {-EPERM, NN_REFUSED_DENIED},
        {-EOPNOTSUPP, NN_REFUSED_DISABLED}, {-EINVAL, NN_REFUSED_INVALID},
        {-EBADMSG, NN_REFUSED_INVALID}, {-ENODEV, NN_REFUSED_GONE}, {-EPIPE, NN_REFUSED_GONE},
        {-EMFILE, NN_REFUSED_FAILED}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(nn_refusal_of(rows[i].error), rows[i].refusal);
    for (int i = 0; i < NN_REFUSALS; i++)
        assert_non_null(nn_refusal_text((enum nn_refusal)i));
    for (int i = 0; i < NN_SOURCE_KINDS; i++)
        assert_non_null(nn_source_name((enum nn_source_kind)i));
}

static void long_paths_keep_their_end(void **state)
{
    struct nn_source source = {.fd = -1};
    char directory[2 * NN_SOURCE_PATH];

    memset(directory, 'd', sizeof(directory));
    directory[sizeof(directory) - 1] = '\0';
    nn_source_note(&source, directory, 2, "name");
    assert_int_equal(strlen(source.path), NN_SOURCE_PATH - 1);
    assert_string_equal(source.path + NN_SOURCE_PATH - 1 - strlen("d/../../name"), "d/../../name");
    assert_int_equal(source.level, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_of_base64),
        cmocka_unit_test_setup_teardown(a_trigger_of_ours, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_first_event_that_is_true, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(no_pressure_file, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_watched_file, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_watched_fifo, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_watched_socket, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(watches_that_are_refused, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(events_of_the_own_cgroup, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(events_of_ancestors, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(one_source_of_stalls, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(sources_that_die, tree_setup, tree_teardown),
        cmocka_unit_test(everything_has_a_name),
        cmocka_unit_test(long_paths_keep_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
