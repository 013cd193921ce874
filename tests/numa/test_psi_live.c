/* SPDX-License-Identifier: MIT */
/*
 * Pressure sources of this machine. Stalls are made by asking the kernel again and again to shrink
 * a cgroup below the memory that a child of ours holds in it: it tries, fails, and kills nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "numa/limit.h"
#include "numa/memevents.h"
#include "numa/pressurelevel.h"
#include "numa/psi.h"
#include "numa/sources.h"
#include "scratch.h"

#define NOBODY  65534
#define FOLDER  "/var/tmp"
#define HOLES   (256 << 20)
#define WAIT_MS 20000 /* a window of 2 s and the kernel's own period of 2 s, on a busy machine */

static const struct nn_pressure_env unset;

static bool has_sys_resource(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    return (data[0].effective >> CAP_SYS_RESOURCE & 1) != 0;
}

static int open_root(struct nn_root *ret_root, struct nn_cgroups *ret_cgroups)
{
    int r = nn_root_open("/", ret_root);

    return r < 0 ? r : nn_cgroups_open(ret_root, ret_cgroups);
}

static bool wait_for(const struct nn_source *source)
{
    struct pollfd wait = {.fd = source->fd, .events = source->events};

    return poll(&wait, 1, WAIT_MS) == 1;
}

static void require_v1(const struct scratch *scratch)
{
    scratch_require(
        scratch->memory_v2 ? "" : scratch->memory, "the memory controller of cgroup v1");
}

/* A file of holes, which is read without a disk; not on tmpfs, which reads them without memory. */
static int open_holes(void)
{
    char path[] = FOLDER "/hostmem-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd >= 0 && (unlink(path) < 0 || ftruncate(fd, HOLES) < 0))
        return -1;
    return fd;
}

/*
 * Each page that it reads has to be taken from another. Four at once, so that one of them stalls
 * most of the time. Without end: they are killed.
 */
static int stalls(const struct scratch *scratch)
{
    static char buffer[1 << 20];
    int fd = open_holes();

    CHECK(fd >= 0);
    CHECK(scratch_write(scratch->memory,
              scratch->memory_v2 ? "a/memory.max" : "a/memory.limit_in_bytes", "8M") == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    CHECK(fork() >= 0 && fork() >= 0);
    for (off_t at = 0;; at = (at + (off_t)sizeof(buffer)) % HOLES)
        CHECK(pread(fd, buffer, sizeof(buffer), at) == sizeof(buffer));
}

static void require_file_system(void)
{
    struct statfs status;

    if (statfs(FOLDER, &status) == 0 && status.f_type != TMPFS_MAGIC &&
        status.f_type != RAMFS_MAGIC && access(FOLDER, W_OK) == 0)
        return;
    print_message("missing: " FOLDER " on a file system with a page cache, writable\n");
    skip();
}

static void stalls_of_the_machine(void **state)
{
    struct scratch *scratch = *state;
    struct nn_cgroups cgroups;
    struct nn_source source;
    struct nn_event event;
    struct nn_root root;
    int r;

    scratch_require(scratch->memory, "a cgroup hierarchy with the memory controller");
    require_file_system();
    assert_int_equal(open_root(&root, &cgroups), 0);
    r = nn_psi_arm_machine(&root, &source);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    if (r < 0) {
        print_message("missing: PSI triggers: %s\n", nn_refusal_text(nn_refusal_of(r)));
        skip();
    }
    assert_int_equal(source.window_us, has_sys_resource() ? 1000000 : 2000000);
    scratch_start(scratch, stalls);
    do {
        assert_true(wait_for(&source));
        assert_int_equal(nn_psi_take(&source, &event), 0);
    } while (!event.happened);
    assert_true(event.stall_us > 0);
    nn_source_close(&source);
}

/* With or without root: longer windows, or a plain refusal where the kernel is older than 6.4. */
static int arms_without_privilege(const struct scratch *scratch)
{
    struct nn_source source;
    struct nn_root root;
    int r;

    CHECK(
        geteuid() != 0 || (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0));
    CHECK(nn_root_open("/", &root) == 0);
    r = nn_psi_arm_machine(&root, &source);
    nn_root_close(&root);
    if (r < 0) {
        CHECK(nn_refusal_of(r) != NN_REFUSED_FAILED && nn_refusal_of(r) != NN_REFUSED_INVALID);
        return 0;
    }
    CHECK(source.window_us == 2000000);
    nn_source_close(&source);
    return 0;
}

static void without_privilege(void **state)
{
    scratch_run(*state, arms_without_privilege);
}

/* In a cgroup of v2, whose file disappears with it. */
static int loses_its_trigger(const struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_sources sources;
    struct nn_event event;
    struct nn_root root;

    CHECK(scratch_enter(scratch->unified, "/a") == 0);
    CHECK(open_root(&root, &cgroups) == 0);
    nn_sources_arm(&root, &cgroups, &unset, &sources);
    CHECK(sources.refused[NN_SOURCE_PSI_CGROUP] == NN_LIVE);
    CHECK(sources.refused[NN_SOURCE_PSI_MACHINE] == NN_REFUSED_NOT_NEEDED);
    CHECK(strstr(sources.at[0].path, "/a/memory.pressure") != NULL);
    CHECK(sources.at[0].window_us == (has_sys_resource() ? 1000000 : 2000000));
    CHECK(scratch_enter(scratch->unified, "/b") == 0);
    CHECK(scratch_remove(scratch->unified, "/a") == 0);
    CHECK(wait_for(&sources.at[0]));
    CHECK(nn_sources_take(&cgroups, &sources, 0, &event) == -ENODEV);
    CHECK(sources.refused[NN_SOURCE_PSI_CGROUP] == NN_REFUSED_GONE);
    nn_sources_close(&sources);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    return 0;
}

static void a_trigger_whose_cgroup_is_removed(void **state)
{
    struct scratch *scratch = *state;
    char file[SCRATCH_PATH + 32];

    scratch_require(scratch->unified, "cgroup v2");
    snprintf(file, sizeof(file), "%s/a/memory.pressure", scratch->unified);
    scratch_require(access(file, W_OK) == 0 ? file : "", "memory.pressure in cgroups");
    scratch_run(scratch, loses_its_trigger);
}

static int hears_of_hard_reclaim(const struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_source source;
    struct nn_event event;
    struct nn_root root;

    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    CHECK(open_root(&root, &cgroups) == 0);
    CHECK(nn_pressurelevel_arm(&cgroups, &source) == 0);
    CHECK(nn_pressurelevel_take(&cgroups, &source, &event) == 0 && !event.happened);
    CHECK(scratch_touch(32 << 20, 0) != NULL);
    CHECK(scratch_write(scratch->memory, "a/memory.limit_in_bytes", "1M") == -EBUSY);
    CHECK(wait_for(&source));
    CHECK(nn_pressurelevel_take(&cgroups, &source, &event) == 0);
    CHECK(event.happened && event.signals > 0 && event.kind == NN_SOURCE_LEVEL);
    CHECK(scratch_enter(scratch->memory, "/b") == 0);
    CHECK(scratch_remove(scratch->memory, "/a") == 0);
    CHECK(wait_for(&source));
    CHECK(nn_pressurelevel_take(&cgroups, &source, &event) == -ENODEV);
    nn_source_close(&source);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    return 0;
}

static void hard_reclaim(void **state)
{
    struct scratch *scratch = *state;

    require_v1(scratch);
    scratch_run(scratch, hears_of_hard_reclaim);
}

/* Just above memory.high, since the kernel puts to sleep those who are far above. */
static int hears_of_its_limit(const struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_source source;
    struct nn_event event;
    struct nn_limit limit;
    struct nn_root root;

    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    CHECK(scratch_write(scratch->memory, "a/memory.high", "16M") == 0);
    CHECK(open_root(&root, &cgroups) == 0);
    CHECK(nn_memevents_arm(&cgroups, 0, &source) == 0);
    CHECK(nn_memevents_take(&source, &event) == 0 && !event.happened);
    CHECK(scratch_touch(17 << 20, 0) != NULL);
    CHECK(wait_for(&source));
    CHECK(nn_memevents_take(&source, &event) == 0);
    CHECK(event.happened && event.grown.high > 0 && event.grown.oom_kill == 0);
    CHECK(nn_cgroup_memory(&cgroups, &limit) == 0);
    CHECK(limit.fullest.kind == NN_LIMIT_HIGH && limit.percent > 90);
    nn_source_close(&source);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    return 0;
}

static void a_limit_that_is_hit(void **state)
{
    struct scratch *scratch = *state;

    scratch_require(
        scratch->memory_v2 ? scratch->memory : "", "the memory controller of cgroup v2");
    scratch_run(scratch, hears_of_its_limit);
}

static int make_read_only(const char *cgroup)
{
    char path[SCRATCH_PATH + 8];
    struct nn_cgroups cgroups;
    struct nn_root root;

    if (cgroup[0] == '\0')
        return 0;
    snprintf(path, sizeof(path), "%s/..", cgroup);
    CHECK(mount(path, path, NULL, MS_BIND, NULL) == 0);
    CHECK(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
    CHECK(open_root(&root, &cgroups) == 0);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    return 0;
}

/* As in most containers: limits can be read, what has to be written to is refused by name. */
static int lives_with_read_only_files(const struct scratch *scratch)
{
    struct nn_cgroups cgroups;
    struct nn_sources sources;
    struct nn_limit limit;
    struct nn_root root;

    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK(scratch_enter(scratch->unified, "/a") == 0);
    CHECK(scratch_enter(scratch->memory, "/a") == 0);
    CHECK(scratch_write(scratch->memory,
              scratch->memory_v2 ? "a/memory.max" : "a/memory.limit_in_bytes", "64M") == 0);
    CHECK(make_read_only(scratch->unified) == 0);
    CHECK(scratch->memory_v2 || make_read_only(scratch->memory) == 0);
    CHECK(open_root(&root, &cgroups) == 0);
    CHECK(nn_cgroup_memory(&cgroups, &limit) == 0 && limit.limit_bytes == 64 << 20);
    nn_sources_arm(&root, &cgroups, &unset, &sources);
    CHECK(sources.refused[NN_SOURCE_PSI_CGROUP] == NN_REFUSED_READ_ONLY);
    CHECK(sources.refused[NN_SOURCE_LEVEL] ==
          (scratch->memory_v2 ? NN_REFUSED_ABSENT : NN_REFUSED_READ_ONLY));
    CHECK(sources.refused[NN_SOURCE_EVENTS] == (scratch->memory_v2 ? NN_LIVE : NN_REFUSED_ABSENT));
    nn_sources_close(&sources);
    nn_cgroups_close(&cgroups);
    nn_root_close(&root);
    return 0;
}

static int in_a_mount_namespace(const struct scratch *scratch)
{
    CHECK(unshare(CLONE_NEWNS) == 0);
    return lives_with_read_only_files(scratch);
}

static void read_only_files(void **state)
{
    struct scratch *scratch = *state;

    scratch_require(scratch->unified, "cgroup v2");
    scratch_require(scratch->memory, "a cgroup hierarchy with the memory controller");
    scratch_run(scratch, in_a_mount_namespace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stalls_of_the_machine, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(without_privilege, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            a_trigger_whose_cgroup_is_removed, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(hard_reclaim, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_limit_that_is_hit, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(read_only_files, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
