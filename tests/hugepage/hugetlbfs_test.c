/* SPDX-License-Identifier: MIT */
/*
 * The sizes of the machine, and a file on a mounted hugetlbfs: found where there is a mount, absent
 * where there is none, quiet, and gone with the process. Each test with a mount is a child in a
 * mount namespace of its own, so that nothing is left mounted; a fresh process also loads
 * libhugetlbfs afresh.
 */
#include "memory.h"

#include "hugepage/hp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PASSED = 10, NOT_PERMITTED, NO_LIBRARY, FAILED };

static bool has_size(size_t kib)
{
    char path[80];
    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%zukB", kib);
    return access(path, F_OK) == 0;
}

static size_t default_in_meminfo(void)
{
    char line[128];
    size_t kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "Hugepagesize: %zu kB", &kib) == 1)
            break;
    fclose(file);
    return kib * 1024;
}

static void sizes_are_those_of_the_kernel(void **state)
{
    (void)state;
    size_t sizes[2] = {0}, standard = 1, expected = 0;
    size_t count = hp_hugetlb_sizes(sizes, &standard);
    if (has_size(2048))
        assert_int_equal(sizes[expected++], 2 * MIB);
    if (has_size(1048576))
        assert_int_equal(sizes[expected++], GIB);
    assert_int_equal(count, expected);
    assert_int_equal(standard, default_in_meminfo());
}

static int is_libhugetlbfs(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    return strstr(info->dlpi_name, "libhugetlbfs") != NULL;
}

/* Whatever this test calls without a mount must not have brought it in. */
static void libhugetlbfs_is_not_loaded_unasked(void **state)
{
    (void)state;
    size_t sizes[2], standard;
    hp_hugetlb_sizes(sizes, &standard);
    assert_int_equal(dl_iterate_phdr(is_libhugetlbfs, NULL), 0);
}

/* What `body` says when run in a process with a namespace of its own and a file as its stderr. */
static int run_apart(int (*body)(const char *folder), const char *folder, off_t *ret_printed)
{
    int errors = memfd_create("stderr", MFD_CLOEXEC);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(errors, STDERR_FILENO);
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
            _exit(NOT_PERMITTED);
        _exit(body(folder));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    struct stat printed;
    assert_int_equal(fstat(errors, &printed), 0);
    close(errors);
    *ret_printed = printed.st_size;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_passes(int (*body)(const char *folder))
{
    char folder[] = "/tmp/hugetlbfs-test-XXXXXX";
    off_t printed;
    assert_non_null(mkdtemp(folder));
    int outcome = run_apart(body, folder, &printed);
    rmdir(folder);
    if (outcome == NOT_PERMITTED) {
        print_message("this process may not mount a hugetlbfs of 2 MiB pages\n");
        skip();
    }
    if (outcome == NO_LIBRARY) {
        print_message("libhugetlbfs.so.0 is not installed\n");
        skip();
    }
    assert_int_equal(outcome, PASSED);
    assert_int_equal(printed, 0);
}

static bool is_empty(const char *folder)
{
    size_t entries = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return false;
    while (readdir(dir) != NULL)
        entries++;
    closedir(dir);
    return entries == 2;
}

static bool maps_and_populates(int fd)
{
    const struct hp_spec spec = {.page_size = 2 * MIB, .fd = fd};
    void *window;
    if (hp_hugetlb.map(&spec, NULL, TIB, 2 * MIB, &window) != 0)
        return false;
    bool there = huge_free(2 * MIB) > 0;
    int r = hp_hugetlb.populate((char *)window + GIB, 2 * MIB);
    return r == (there ? 0 : -ENOMEM) &&
           hp_hugetlb.replace(&spec, window, 2 * MIB, -1, false) == 0 &&
           hp_hugetlb.unmap(window, TIB) == 0;
}

static int with_a_mount(const char *folder)
{
    int fd = -1;
    if (mount("none", folder, "hugetlbfs", 0, "pagesize=2M") != 0)
        return NOT_PERMITTED;
    if (hp_hugetlbfs_open(2 * MIB, &fd) != 0)
        return dl_iterate_phdr(is_libhugetlbfs, NULL) == 0 ? NO_LIBRARY : FAILED;
    int flags = fcntl(fd, F_GETFD);
    bool good = (flags & FD_CLOEXEC) != 0 && is_empty(folder) && maps_and_populates(fd);
    good = good && is_empty(folder) && hp_hugetlbfs_open(GIB, &fd) == -ENOENT;
    return good ? PASSED : FAILED;
}

static void a_mount_is_found_and_nothing_is_left_in_it(void **state)
{
    (void)state;
    assert_passes(with_a_mount);
}

/* size= bites at populate time, as an empty pool does. */
static int with_a_small_mount(const char *folder)
{
    int fd = -1;
    void *window;
    if (mount("none", folder, "hugetlbfs", 0, "pagesize=2M,size=2M") != 0)
        return NOT_PERMITTED;
    if (hp_hugetlbfs_open(2 * MIB, &fd) != 0)
        return NO_LIBRARY;
    const struct hp_spec spec = {.page_size = 2 * MIB, .fd = fd};
    if (hp_hugetlb.map(&spec, NULL, 4 * MIB, 2 * MIB, &window) != 0)
        return FAILED;
    int first = huge_free(2 * MIB) > 1 ? 0 : -ENOMEM;
    bool good = hp_hugetlb.populate(window, 2 * MIB) == first &&
                hp_hugetlb.populate(window, 4 * MIB) == -ENOMEM;
    return good ? PASSED : FAILED;
}

static void the_size_of_a_mount_is_a_limit(void **state)
{
    (void)state;
    assert_passes(with_a_small_mount);
}

static int with_a_read_only_mount(const char *folder)
{
    int fd = -1;
    if (mount("none", folder, "hugetlbfs", MS_RDONLY, "pagesize=2M") != 0)
        return NOT_PERMITTED;
    return hp_hugetlbfs_open(2 * MIB, &fd) == -ENOENT && fd == -1 ? PASSED : FAILED;
}

static void a_mount_that_cannot_be_written_is_none(void **state)
{
    (void)state;
    assert_passes(with_a_read_only_mount);
}

static int without_sys(const char *folder)
{
    (void)folder;
    size_t sizes[2] = {0}, standard = 1, count = hp_hugetlb_sizes(sizes, &standard);
    size_t again[2] = {0}, standard_again = 1;
    if (umount2("/sys", MNT_DETACH) != 0 || umount2("/proc", MNT_DETACH) != 0)
        return NOT_PERMITTED;
    bool same = hp_hugetlb_sizes(again, &standard_again) == count && standard_again == standard &&
                memcmp(sizes, again, sizeof(sizes)) == 0;
    return same ? PASSED : FAILED;
}

static void sizes_need_neither_sys_nor_proc(void **state)
{
    (void)state;
    assert_passes(without_sys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_the_kernel),
        cmocka_unit_test(libhugetlbfs_is_not_loaded_unasked),
        cmocka_unit_test(a_mount_is_found_and_nothing_is_left_in_it),
        cmocka_unit_test(the_size_of_a_mount_is_a_limit),
        cmocka_unit_test(a_mount_that_cannot_be_written_is_none),
        cmocka_unit_test(sizes_need_neither_sys_nor_proc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
