/* SPDX-License-Identifier: MIT */
/*
 * Processes as containers have them: the files of the cgroups read-only, no CAP_SYS_RESOURCE, or no
 * capability and another user. The protocol works as far as it needs no more than to read, and
 * hostmem_sources() says what is not live, and why. A child does it all. Runs where nodes 0 and 1
 * have memory, as root.
 */
#include "guest.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pressure.h"
#include "scratch.h"

#define NOBODY     65534
#define CGROUPS    "/sys/fs/cgroup"
#define LIMIT      (64 * MIB)
#define LIMIT_TEXT "64M"
#define READ_ONLY  "read-only file system"
#define DENIED     "no permission"
#define LIVE       "live"

/* -- what is taken away -- */

/* In this child's own view of the mounts. */
static int make_cgroups_read_only(void)
{
    CHECK(unshare(CLONE_NEWNS) == 0);
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK(mount(CGROUPS, CGROUPS, NULL, MS_BIND, NULL) == 0);
    CHECK(mount(NULL, CGROUPS, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
    return 0;
}

static int drop_sys_resource(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    CHECK(syscall(SYS_capget, &header, data) == 0);
    CHECK(data[0].effective >> CAP_SYS_RESOURCE & 1);
    data[0].effective &= ~(1u << CAP_SYS_RESOURCE);
    data[0].permitted &= ~(1u << CAP_SYS_RESOURCE);
    CHECK(syscall(SYS_capset, &header, data) == 0);
    return 0;
}

/* All capabilities go with the user. */
static int become_nobody(void)
{
    CHECK(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0);
    CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
    return 0;
}

static int enter_limited(const struct scratch *scratch)
{
    CHECK(scratch_write(scratch->memory, "a/memory.max", LIMIT_TEXT) == 0);
    return scratch_enter(scratch->memory, "/a");
}

/* -- what is left -- */

static void say_sources(struct hostmem *manager)
{
    struct hostmem_source sources[16];
    size_t count = hostmem_sources(manager, 16, sources);
    for (size_t i = 0; i < count; i++)
        print_message("%s%s: %s", i ? ", " : "", sources[i].name, sources[i].state);
    print_message("\n");
}

static bool source_is(struct hostmem *manager, const char *name, const char *state)
{
    struct hostmem_source sources[16];
    size_t count = hostmem_sources(manager, 16, sources);
    for (size_t i = 0; i < count; i++)
        if (strcmp(sources[i].name, name) == 0)
            return strcmp(sources[i].state, state) == 0 &&
                   sources[i].live == (strcmp(state, LIVE) == 0);
    return false;
}

/* Two thirds of the pool of node 1, then all of it: Low there, and its end. */
static int hears_of_the_pool(struct hostmem *manager)
{
    struct hostmem_request request = {.size = 8 * MIB, .node = 1, .protection = HOSTMEM_PROT_RW};
    struct ear *near = ear_subscribed(manager, 1), *far = ear_subscribed(manager, 0);
    void *base;
    CHECK(ear_any(near).level != HOSTMEM_LOW && ear_any(far).level != HOSTMEM_LOW);
    CHECK(hostmem_reserve(manager, &request, &base, NULL) == 0);
    live_commit(manager, base, 8 * MIB);
    CHECK(ear_low(near).load.limit == HOSTMEM_LIMIT_POOL);
    CHECK(hostmem_release(manager, base) == 0);
    ear_relief(near);
    CHECK(ear_count(far) == 1);
    ear_unsubscribe(near);
    ear_unsubscribe(far);
    return 0;
}

/* The figures of the cgroup are read: it is full without anything of ours in it. */
static int hears_of_the_cgroup(struct hostmem *manager)
{
    struct ear *all = ear_subscribed(manager, HOSTMEM_NODE_ALL);
    CHECK(ear_any(all).level != HOSTMEM_LOW);
    char *foreign = scratch_touch(LIMIT * 91 / 100, 0);
    CHECK(foreign != NULL);
    CHECK(ear_low(all).load.limit == HOSTMEM_LIMIT_CGROUP);
    ear_unsubscribe(all);
    return 0;
}

static int works(struct hostmem *manager)
{
    say_sources(manager);
    CHECK(source_is(manager, "timer", LIVE) && source_is(manager, "allocations", LIVE));
    CHECK(source_is(manager, "memory.events", LIVE));
    CHECK(hears_of_the_pool(manager) == 0);
    CHECK(hears_of_the_cgroup(manager) == 0);
    hostmem_destroy(manager);
    return 0;
}

/* -- the containers -- */

static int with_read_only_cgroups(const struct scratch *scratch)
{
    CHECK(enter_limited(scratch) == 0);
    CHECK(make_cgroups_read_only() == 0);
    struct hostmem *manager = live_manager();
    CHECK(source_is(manager, "psi-cgroup", READ_ONLY));
    CHECK(source_is(manager, "psi-machine", LIVE)); /* in its place */
    return works(manager);
}

static int without_sys_resource(const struct scratch *scratch)
{
    CHECK(enter_limited(scratch) == 0);
    CHECK(make_cgroups_read_only() == 0);
    CHECK(drop_sys_resource() == 0);
    struct hostmem *manager = live_manager();
    CHECK(source_is(manager, "psi-cgroup", READ_ONLY));
    return works(manager);
}

static int as_nobody(const struct scratch *scratch)
{
    CHECK(enter_limited(scratch) == 0);
    CHECK(make_cgroups_read_only() == 0);
    CHECK(become_nobody() == 0);
    struct hostmem *manager = live_manager();
    CHECK(source_is(manager, "psi-cgroup", DENIED) || source_is(manager, "psi-cgroup", READ_ONLY));
    return works(manager);
}

/* Nothing of cgroups is mounted at all. */
static int without_cgroups(const struct scratch *scratch)
{
    CHECK(unshare(CLONE_NEWNS) == 0);
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK(umount2(CGROUPS, MNT_DETACH) == 0);
    struct hostmem *manager = live_manager();
    say_sources(manager);
    CHECK(source_is(manager, "psi-cgroup", "no such file"));
    CHECK(source_is(manager, "memory.events", "no such file"));
    CHECK(hears_of_the_pool(manager) == 0);
    hostmem_destroy(manager);
    return 0;
}

static void run(void **state, int (*body)(const struct scratch *))
{
    live_environment("HOSTMEM_BACKING=thp,base", "HOSTMEM_HOLD_MS=0", "HOSTMEM_SPILL=0",
        "HOSTMEM_SAMPLE_MS=50", "HOSTMEM_POOL=0=32M,1=8M", "HOSTMEM_RESERVE=0", "HOSTMEM_WARM=0",
        NULL);
    scratch_run(*state, body);
}

static void cgroups_are_read_only(void **state)
{
    run(state, with_read_only_cgroups);
}

static void nothing_may_be_armed(void **state)
{
    run(state, without_sys_resource);
}

static void nobody_may_do_anything(void **state)
{
    run(state, as_nobody);
}

static void there_are_no_cgroups(void **state)
{
    run(state, without_cgroups);
}

static int in_cgroups(void **state)
{
    guest_begin(NULL);
    return scratch_setup(state);
}

static int out_of_cgroups(void **state)
{
    live_environment(NULL);
    return scratch_teardown(state) || guest_end(NULL);
}

#define cgroup_test(name) cmocka_unit_test_setup_teardown(name, in_cgroups, out_of_cgroups)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cgroup_test(cgroups_are_read_only),
        cgroup_test(nothing_may_be_armed),
        cgroup_test(nobody_may_do_anything),
        cgroup_test(there_are_no_cgroups),
    };
    return guest_run(tests);
}
