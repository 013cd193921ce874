/* SPDX-License-Identifier: MIT */
/*
 * A file on a mounted hugetlbfs. The mount is found by libhugetlbfs, which is loaded when it is
 * first asked and stays loaded: its constructor reads the HUGETLB_ environment and /proc/mounts and
 * prints what it does not like on stderr, and it exports a shmget of its own, neither of which a
 * process that merely links this library must get. Loaded late and locally, it also sees mounts
 * that were made after the process began. No state but the loader's, no lock but its.
 */
#include "hugepage/hp.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <hugetlbfs.h>
#include <unistd.h>

#define LIBRARY "libhugetlbfs.so.0"

/* The mount for that page size, in libhugetlbfs's own memory, or NULL. */
static const char *mount_of(size_t page_size)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL)
        return NULL;
    __typeof__(&hugetlbfs_find_path_for_size) find;
    *(void **)&find = dlsym(library, "hugetlbfs_find_path_for_size");
    const char *path = find != NULL ? find((long)page_size) : NULL;
    dlclose(library);
    return path;
}

/* The file has no name from the start (O_TMPFILE), so that no death of the process leaves one. */
int hp_hugetlbfs_open(size_t page_size, int *ret_fd)
{
    const char *path = mount_of(page_size);
    if (path == NULL)
        return -ENOENT;
    int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd < 0)
        return -ENOENT;
    *ret_fd = fd;
    return 0;
}

void hp_hugetlbfs_close(int fd)
{
    close(fd);
}
