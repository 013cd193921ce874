/* SPDX-License-Identifier: MIT */
/* Wrapped functions: each asks trip() first. Counting is the affair of one thread: its own
 * variables; no lock. */
#include "wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

#define WAYS 3

static _Thread_local unsigned long seen, fatal;
static _Thread_local int fatal_way;
static _Thread_local bool counting, failed;
static _Thread_local const char *failed_name;

void wrap_arm(unsigned long nth, int way)
{
    seen = 0;
    fatal = nth;
    fatal_way = way;
    failed = false;
    counting = true;
}

void wrap_disarm(void)
{
    counting = false;
}

bool wrap_failed(void)
{
    return failed;
}

const char *wrap_name(unsigned long nth)
{
    return failed ? failed_name : "none";
}

/* The errno with which this call is to fail, or 0. Errors of a function end with 0. */
static int trip(const char *name, const int errors[WAYS])
{
    if (!counting || ++seen != fatal)
        return 0;
    int way = fatal_way;
    while (way > 0 && errors[way] == 0)
        way--;
    failed = true;
    failed_name = name;
    return errors[way];
}

/* A function that says -1 (or what `bad` is) and sets errno. */
#define WRAP(type, bad, name, parameters, arguments, ...)                                          \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        int error = trip(#name, (const int[WAYS]){__VA_ARGS__});                                   \
        if (error == 0)                                                                            \
            return __real_##name arguments;                                                        \
        errno = error;                                                                             \
        return bad;                                                                                \
    }

WRAP(void *, MAP_FAILED, mmap64, (void *at, size_t size, int prot, int flags, int fd, off_t offset),
    (at, size, prot, flags, fd, offset), ENOMEM, EAGAIN)
WRAP(int, -1, munmap, (void *at, size_t size), (at, size), ENOMEM)
WRAP(int, -1, mprotect, (void *at, size_t size, int prot), (at, size, prot), ENOMEM)
WRAP(long, -1, mbind,
    (void *at, unsigned long size, int mode, const unsigned long *mask, unsigned long max,
        unsigned flags),
    (at, size, mode, mask, max, flags), ENOMEM, EPERM, EINVAL)
WRAP(long, -1, move_pages,
    (int pid, unsigned long count, void **pages, const int *nodes, int *status, int flags),
    (pid, count, pages, nodes, status, flags), EPERM, ENOSYS, ENOMEM)
WRAP(ssize_t, -1, read, (int fd, void *to, size_t size), (fd, to, size), EIO)
WRAP(int, -1, memfd_create, (const char *name, unsigned flags), (name, flags), EMFILE, ENOSYS)
WRAP(void *, NULL, calloc, (size_t count, size_t size), (count, size), ENOMEM)
WRAP(void *, NULL, malloc, (size_t size), (size), ENOMEM)

/* What the kernel says depends on the advice. */
int __real_madvise(void *at, size_t size, int advice);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_madvise(void *at, size_t size, int advice)
{
    static const int populate[WAYS] = {EFAULT, ENOMEM, EHWPOISON}, other[WAYS] = {ENOMEM, EAGAIN};
    bool is_populate = advice == MADV_POPULATE_WRITE;
    const char *name = is_populate ? "populate" : advice == MADV_DONTNEED ? "discard" : "madvise";
    int error = trip(name, is_populate ? populate : other);
    if (error == 0)
        return __real_madvise(at, size, advice);
    errno = error;
    return -1;
}

int __real_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    int error = trip("pthread_create", (const int[WAYS]){EAGAIN});
    return error ? error : __real_pthread_create(thread, attributes, run, argument);
}

/* The mode is given when a file may be made. */
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    int error = trip("open", (const int[WAYS]){EMFILE, ENOMEM, EACCES});
    if (error == 0)
        return __real_open64(path, flags, mode);
    errno = error;
    return -1;
}

int __real_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    int error = trip("openat", (const int[WAYS]){EMFILE, ENOMEM, EACCES});
    if (error == 0)
        return __real_openat64(folder, path, flags, mode);
    errno = error;
    return -1;
}

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    int error = trip("ioctl", (const int[WAYS]){ENOTTY, ENOMEM});
    if (error == 0)
        return __real_ioctl(fd, request, argument);
    errno = error;
    return -1;
}

/* All our calls name the new address. */
void *__real_mremap(void *at, size_t old_size, size_t size, int flags, ...);
void *__wrap_mremap(void *at, size_t old_size, size_t size, int flags, ...);
void *__wrap_mremap(void *at, size_t old_size, size_t size, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    void *to = va_arg(arguments, void *);
    va_end(arguments);
    int error = trip("mremap", (const int[WAYS]){ENOMEM, EAGAIN});
    if (error == 0)
        return __real_mremap(at, old_size, size, flags, to);
    errno = error;
    return MAP_FAILED;
}
