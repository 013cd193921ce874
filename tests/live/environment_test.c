/* SPDX-License-Identifier: MIT */
/*
 * Surroundings that lack something: system calls that are refused, address space or mappings that
 * run out, no huge pages, no /sys, a cpuset. Allocation works, or fails cleanly; receipts tell the
 * truth. Each case runs in a child, so that what is taken away from it stays away from the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

static const char *const backings[] = {
    "HOSTMEM_BACKING=hugetlb", "HOSTMEM_BACKING=thp", "HOSTMEM_BACKING=base"};

static struct hostmem_receipt receipt_of(struct hostmem *manager, void *at, size_t size)
{
    struct hostmem_receipt receipt = {0};
    must(hostmem_receipt(manager, at, size, &receipt) == 0);
    return receipt;
}

/* Reserves, commits and uses memory of several sizes, and releases it. */
static void use(struct hostmem *manager, size_t largest)
{
    for (size_t size = PAGE; size <= largest; size *= 8) {
        char *at = live_reserve(manager, size, 0);
        live_commit(manager, at, size);
        must(live_is_zero(at, size));
        memset(at, 1, size);
        struct hostmem_receipt receipt = receipt_of(manager, at, size);
        must(receipt.committed == size && receipt.node_given >= 0);
        must(hostmem_decommit(manager, at, 0) == 0);
        live_commit(manager, at, size);
        must(live_is_zero(at, size));
        must(hostmem_release(manager, at) == 0);
    }
    must(live_committed(manager) == 0);
}

/* -- system calls that a container's filter refuses -- */

static void without_mbind(void *argument)
{
    live_environment(argument, NULL);
    live_refuse(EPERM, (const int[]){SYS_mbind, SYS_set_mempolicy, -1});
    struct hostmem *manager = live_manager();
    use(manager, 16 * MIB);
    void *at = live_reserve(manager, FRAME, HOSTMEM_COMMIT);
    struct hostmem_receipt receipt = receipt_of(manager, at, FRAME);
    must(receipt.verified == 1 && receipt.node_given == receipt.node_asked);
    hostmem_destroy(manager);
}

static void without_move_pages(void *argument)
{
    live_environment(argument, NULL);
    live_refuse(EPERM, (const int[]){SYS_move_pages, -1});
    struct hostmem *manager = live_manager();
    use(manager, 16 * MIB);
    void *at = live_reserve(manager, FRAME, HOSTMEM_COMMIT);
    must(receipt_of(manager, at, FRAME).verified == 0);
    hostmem_destroy(manager);
}

static void without_any_policy(void *argument)
{
    live_environment(argument, NULL);
    live_refuse(ENOSYS, (const int[]){SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy,
                            SYS_move_pages, SYS_userfaultfd, -1});
    struct hostmem *manager = live_manager();
    use(manager, 16 * MIB);
    hostmem_destroy(manager);
}

static void over_backings(void (*body)(void *))
{
    for (size_t i = 0; i < COUNT(backings); i++)
        live_in_child(body, (void *)backings[i]);
    live_in_child(body, (void *)"HOSTMEM_BACKING=hugetlb,thp,base");
}

static void mbind_is_refused(void **state)
{
    over_backings(without_mbind);
}

static void move_pages_is_refused(void **state)
{
    over_backings(without_move_pages);
}

static void all_of_numa_is_refused(void **state)
{
    over_backings(without_any_policy);
}

/* -- address space -- */

struct limited {
    const char *backing;
    size_t space, needed; /* bytes: RLIMIT_AS, and what must be had all the same */
};

static int try_commit(struct hostmem *manager, size_t size, char **ret_base)
{
    struct hostmem_request request = {.size = size,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW};
    void *base = NULL;
    int error = hostmem_reserve(manager, &request, &base, NULL);
    *ret_base = base;
    return error;
}

static void fill_up(struct hostmem *manager, size_t needed)
{
    char *at[4096];
    size_t count = 0, size = 1 * MIB;
    int error = 0;
    while (count < COUNT(at) && count * size < needed &&
           (error = try_commit(manager, size, &at[count])) == 0)
        memset(at[count++], 3, size);
    must(error == 0);
    for (size_t i = 0; i < count; i++)
        must(at[i][0] == 3 && hostmem_release(manager, at[i]) == 0);
}

static void in_little_space(void *argument)
{
    const struct limited *limited = argument;
    struct rlimit limit = {limited->space, limited->space};
    struct hostmem *manager = NULL;
    char *at = NULL;
    live_environment(limited->backing, NULL);
    must(setrlimit(RLIMIT_AS, &limit) == 0);
    int error = hostmem_create(&manager);
    must(error == 0 || error == -ENOMEM);
    if (error)
        return;
    if (limited->needed)
        fill_up(manager, limited->needed);
    must(try_commit(manager, 2 * limited->space, &at) == -ENOMEM);
    error = try_commit(manager, 4 * KIB, &at);
    must(error == 0 || error == -ENOMEM);
    must(error || hostmem_release(manager, at) == 0);
    must(live_committed(manager) == 0);
    must(malloc(64 * KIB)); /* something is left to the program */
    hostmem_destroy(manager);
}

static void address_space_is_little(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer needs terabytes of address space");
    for (size_t i = 0; i < COUNT(backings); i++) {
        struct limited sizes[] = {{backings[i], 64 * GIB, 100 * MIB},
            {backings[i], 4 * GIB, 100 * MIB}, {backings[i], GIB, 64 * MIB},
            {backings[i], 256 * MIB, 16 * MIB}, {backings[i], 32 * MIB, 0},
            {backings[i], 8 * MIB, 0}};
        for (size_t j = 0; j < COUNT(sizes); j++) {
            print_message("%s in %zu MiB\n", sizes[j].backing, sizes[j].space / MIB);
            live_in_child(in_little_space, &sizes[j]);
        }
    }
}

/* -- mappings -- */

/* Pages of alternating access, each a mapping, until no more can be made. */
static char *fill_mappings(size_t *ret_pages)
{
    size_t pages = 70000, made = 0;
    char *at =
        mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(at != MAP_FAILED);
    while (made < pages && mprotect(at + made * PAGE, PAGE, PROT_READ) == 0)
        made += 2;
    must(made < pages);
    *ret_pages = pages;
    return at;
}

static void all_are(struct hostmem *manager, char *at, size_t size, enum hostmem_state state)
{
    struct hostmem_info info = {0};
    must(hostmem_query(manager, at, &info) == 0);
    must(info.state == state && info.size == size);
}

static void without_mappings(void *argument)
{
    uint32_t old;
    size_t pages;
    live_environment(argument, NULL);
    struct hostmem *manager = live_manager();
    char *reserved = live_reserve(manager, 16 * PAGE, 0);
    char *committed = live_reserve(manager, 16 * PAGE, HOSTMEM_COMMIT);
    memset(committed, 9, 16 * PAGE);
    char *filler = fill_mappings(&pages);
    all_are(manager, committed, 16 * PAGE, HOSTMEM_COMMITTED);
    must(hostmem_commit(manager, reserved + 5 * PAGE, PAGE, 3, 0, NULL) == -ENOMEM);
    must(hostmem_protect(manager, committed + 5 * PAGE, PAGE, 1, &old) == -ENOMEM);
    must(hostmem_decommit(manager, committed + 5 * PAGE, PAGE) == -ENOMEM);
    all_are(manager, reserved, 16 * PAGE, HOSTMEM_RESERVED);
    all_are(manager, committed, 16 * PAGE, HOSTMEM_COMMITTED);
    must(committed[5 * PAGE] == 9);
    committed[5 * PAGE] = 8;
    must(munmap(filler, pages * PAGE) == 0);
    live_commit(manager, reserved + 5 * PAGE, PAGE);
    must(hostmem_protect(manager, committed + 5 * PAGE, PAGE, 1, &old) == 0);
    must(hostmem_decommit(manager, committed + 5 * PAGE, PAGE) == 0);
    must(hostmem_release(manager, committed) == 0);
    must(hostmem_release(manager, reserved) == 0);
    must(live_committed(manager) == 0);
    hostmem_destroy(manager);
}

static void mappings_run_out(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer needs mappings of its own");
    live_in_child(without_mappings, (void *)"HOSTMEM_BACKING=base");
}

/* Frames need no mapping each: what is reserved and committed in them goes on. */
static void frames_without_mappings(void *argument)
{
    size_t pages;
    live_environment(argument, NULL);
    struct hostmem *manager = live_manager();
    char *at = live_reserve(manager, 8 * FRAME, 0);
    fill_mappings(&pages);
    live_commit(manager, at, 3 * FRAME);
    live_commit(manager, at + 5 * FRAME + 3 * PAGE, PAGE);
    must(hostmem_decommit(manager, at, FRAME) == 0);
    must(hostmem_release(manager, at) == 0);
    must(live_committed(manager) == 0);
    hostmem_destroy(manager);
}

static void frames_need_no_mappings(void **state)
{
    if (LIVE_SANITIZED)
        live_skip("a sanitizer needs mappings of its own");
    live_in_child(frames_without_mappings, (void *)backings[0]);
    live_in_child(frames_without_mappings, (void *)backings[1]);
}

/* -- no huge pages -- */

static void take_all_huge_pages(void)
{
    size_t size = live_huge_free() * FRAME;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
    if (size == 0)
        return;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    must(at != MAP_FAILED);
    for (size_t i = 0; i < size; i += FRAME)
        at[i] = 1;
}

static void with_no_huge_pages(void *argument)
{
    struct hostmem_receipt receipt = {0};
    live_environment(NULL);
    take_all_huge_pages();
    struct hostmem *manager = live_manager();
    void *at = live_reserve(manager, 2 * FRAME, 0);
    must(hostmem_commit(manager, at, 2 * FRAME, 3, 0, &receipt) == 0);
    must(receipt.backing == HOSTMEM_BACKING_THP);
    must(receipt.reason == HOSTMEM_REASON_NO_HUGE);
    must(receipt.committed == 2 * FRAME);
    must(hostmem_release(manager, at) == 0);
    use(manager, 16 * MIB);
    hostmem_destroy(manager);
}

static void huge_pages_are_used_up(void **state)
{
    live_in_child(with_no_huge_pages, NULL);
}

/* THP `never`, seen in a copy of the machine's files. */
static void with_thp_never(void *argument)
{
    const char *root = argument;
    char path[256];
    snprintf(path, sizeof(path), "HOSTMEM_SYSROOT=%s", root);
    live_environment(path, NULL);
    struct hostmem *manager = live_manager();
    void *at = live_reserve(manager, 2 * FRAME, HOSTMEM_COMMIT);
    struct hostmem_receipt receipt = receipt_of(manager, at, 2 * FRAME);
    must(receipt.backing == HOSTMEM_BACKING_BASE && receipt.page_size == PAGE);
    must(receipt.reason == HOSTMEM_REASON_NO_HUGE);
    hostmem_destroy(manager);
}

static void write_file(const char *root, const char *path, const char *text)
{
    char name[512];
    snprintf(name, sizeof(name), "%s/%s", root, path);
    for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        must(mkdir(name, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(name, "we");
    must(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void remove_tree(const char *root)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    must(system(command) == 0);
}

static void transparent_huge_pages_are_off(void **state)
{
    char root[] = "/tmp/hostmem-live-XXXXXX";
    assert_non_null(mkdtemp(root));
    write_file(root, "sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    write_file(root, "sys/devices/system/node/online", "0\n");
    write_file(root, "sys/devices/system/node/node0/cpulist", "0\n");
    write_file(root, "sys/devices/system/node/node0/distance", "10\n");
    write_file(root, "sys/devices/system/node/node0/meminfo",
        "Node 0 MemTotal: 8000000 kB\nNode 0 MemFree: 7000000 kB\n");
    int status = live_child(with_thp_never, root, NULL, 0);
    remove_tree(root);
    assert_int_equal(status, 0);
}

/* -- no /sys -- */

static void with_an_empty_sys(void *argument)
{
    live_environment(argument, NULL);
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "/sys", "tmpfs", 0, NULL))
        live_child_skip("the right to mount (CAP_SYS_ADMIN)");
    must(access("/sys/devices", F_OK) < 0);
    struct hostmem *manager = live_manager();
    use(manager, 16 * MIB);
    hostmem_destroy(manager);
}

static void sys_is_missing(void **state)
{
    live_in_child(with_an_empty_sys, (void *)"HOSTMEM_BACKING=thp,base");
    live_in_child(with_an_empty_sys, (void *)"HOSTMEM_BACKING=base");
    live_in_child(with_an_empty_sys, (void *)"HOSTMEM_BACKING=hugetlb,thp,base");
}

/* -- a cpuset -- */

#define CPUSETS "/sys/fs/cgroup/cpuset"

static bool write_to(const char *directory, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

static void in_a_cpuset(void *argument)
{
    const char *directory = argument;
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", getpid());
    live_environment(NULL);
    if (!write_to(directory, "cpuset.mems", "0") || !write_to(directory, "cpuset.cpus", "0") ||
        !write_to(directory, "tasks", pid))
        live_child_skip("a cpuset that may be written");
    struct hostmem *manager = live_manager();
    int nodes[8] = {-1};
    must(hostmem_nodes(manager, COUNT(nodes), nodes) == 1 && nodes[0] == 0);
    use(manager, 16 * MIB);
    hostmem_destroy(manager);
}

/* The directory goes when its last task is gone: that takes a moment after the wait. */
static void remove_cpuset(const char *directory)
{
    for (int i = 0; i < 100 && rmdir(directory) && errno == EBUSY; i++)
        usleep(10000);
}

/* Waits for the end of the pipe, and so removes the cpuset even if the test is killed. */
static void guard(const char *directory, int fd)
{
    char byte;
    setsid();
    while (read(fd, &byte, 1) < 0 && errno == EINTR)
        ;
    remove_cpuset(directory);
    _exit(0);
}

static void nodes_are_limited_by_a_cpuset(void **state)
{
    char directory[] = CPUSETS "/hostmem-live-XXXXXX";
    int ends[2];
    if (!mkdtemp(directory))
        live_skip("a cpuset hierarchy (cgroup v1) at " CPUSETS);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        guard(directory, ends[0]);
    }
    close(ends[0]);
    int status = live_child(in_a_cpuset, directory, NULL, 0);
    close(ends[1]);
    waitpid(pid, NULL, 0);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mbind_is_refused),
        cmocka_unit_test(move_pages_is_refused),
        cmocka_unit_test(all_of_numa_is_refused),
        cmocka_unit_test(address_space_is_little),
        cmocka_unit_test(mappings_run_out),
        cmocka_unit_test(frames_need_no_mappings),
        cmocka_unit_test(huge_pages_are_used_up),
        cmocka_unit_test(transparent_huge_pages_are_off),
        cmocka_unit_test(sys_is_missing),
        cmocka_unit_test(nodes_are_limited_by_a_cpuset),
    };
    live_limit_windows();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
