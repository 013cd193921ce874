/* SPDX-License-Identifier: MIT */
/*
 * What the design takes for granted about huge pages, one fact a test, by bare system calls: so
 * that a kernel that does otherwise is found here first. Every test gives back all pages.
 */
#include "memory.h"

#include "hugepage/hp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <linux/userfaultfd.h>
#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NEEDED 16 /* free pages of 2 MiB */
#define SKIP   77

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static size_t free_before;

static int note_free(void **state)
{
    (void)state;
    free_before = huge_free(2 * MIB);
    return 0;
}

static int same_free(void **state)
{
    (void)state;
    return huge_free(2 * MIB) == free_before ? 0 : -1;
}

static char *window(size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB | MAP_NORESERVE;
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    assert_true(start != MAP_FAILED);
    return start;
}

/* errno of a call that is to fail. */
#define ERROR_OF(call) (errno = 0, (call) == -1 ? errno : 0)

static int read_zero_into(void *address)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ssize_t got = read(zero, address, 16);
    int error = got < 0 ? errno : 0;
    close(zero);
    return error;
}

static void a_terabyte_window_is_one_mapping_at_once(void **state)
{
    (void)state;
    struct timespec begin, end;
    size_t before = map_count();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    char *start = window(TIB);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec <= 1);
    assert_int_equal(map_count(), before + 1);
    assert_int_equal(huge_free(2 * MIB), free_before);
    munmap(start, TIB);
}

static void a_spent_pool_is_an_error_not_a_signal(void **state)
{
    (void)state;
    size_t size = (free_before + 1) * 2 * MIB;
    char *start = window(size), *last = start + size - 2 * MIB, value;
    assert_int_equal(madvise(start, size - 2 * MIB, MADV_POPULATE_WRITE), 0);
    assert_int_equal(ERROR_OF(madvise(last, 2 * MIB, MADV_POPULATE_WRITE)), EFAULT);
    assert_int_equal(touch_write(last, 7), SIGBUS);
    assert_int_equal(touch_read(last, &value), SIGBUS);
    assert_int_equal(read_zero_into(last), EFAULT);
    munmap(start, size);
}

static void a_partial_populate_keeps_what_it_got(void **state)
{
    (void)state;
    size_t size = (free_before + 1) * 2 * MIB;
    char *start = window(size);
    assert_int_equal(ERROR_OF(madvise(start, size, MADV_POPULATE_WRITE)), EFAULT);
    assert_int_equal(huge_free(2 * MIB), 0);
    assert_int_equal(madvise(start, size, MADV_DONTNEED), 0);
    assert_int_equal(huge_free(2 * MIB), free_before);
    munmap(start, size);
}

static void dontneed_gives_whole_frames_back(void **state)
{
    (void)state;
    char *start = window(4 * MIB);
    assert_int_equal(madvise(start, 4 * MIB, MADV_POPULATE_WRITE), 0);
    assert_int_equal(madvise(start, 2 * MIB, MADV_DONTNEED), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 1);
    assert_int_equal(madvise(start + 2 * MIB, HP_BASE_PAGE, MADV_DONTNEED), 0);
    assert_int_equal(huge_free(2 * MIB), free_before - 1);
    assert_int_equal(ERROR_OF(madvise(start, 2 * MIB, MADV_FREE)), EINVAL);
    munmap(start, 4 * MIB);
}

static void part_of_a_frame_cannot_be_set_apart(void **state)
{
    (void)state;
    char *start = window(4 * MIB);
    assert_int_equal(ERROR_OF(mprotect(start, HP_BASE_PAGE, PROT_READ)), EINVAL);
    assert_int_equal(ERROR_OF(munmap(start + HP_BASE_PAGE, HP_BASE_PAGE)), EINVAL);
    assert_true(mremap(start, 2 * MIB, 4 * MIB, MREMAP_MAYMOVE) == MAP_FAILED);
    munmap(start, 4 * MIB);
}

static void frames_that_were_cut_never_join(void **state)
{
    (void)state;
    char *start = window(16 * MIB);
    size_t before = map_count();
    for (size_t i = 1; i < 8; i += 2)
        assert_int_equal(mprotect(start + i * 2 * MIB, 2 * MIB, PROT_READ), 0);
    assert_int_equal(map_count(), before + 7);
    assert_int_equal(mprotect(start, 16 * MIB, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(map_count(), before + 7);
    munmap(start, 16 * MIB);
}

static void a_node_needs_two_bits_more_than_its_number(void **state)
{
    (void)state;
    unsigned long mask = 1;
    if (!hp_probe(0).bind) {
        print_message("this process may not bind memory to node 0\n");
        skip();
    }
    char *start = window(2 * MIB);
    assert_int_equal(ERROR_OF((int)mbind(start, 2 * MIB, MPOL_BIND, &mask, 1, 0)), EINVAL);
    assert_int_equal(mbind(start, 2 * MIB, MPOL_BIND, &mask, 2, 0), 0);
    munmap(start, 2 * MIB);
}

/* A descriptor with these features over the range, or a skip that says why not. */
static int register_range(void *start, size_t size, uint64_t features, uint64_t mode)
{
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API, .features = features};
    struct uffdio_register request = {
        .range = {.start = (uintptr_t)start, .len = size}, .mode = mode};
    if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0) {
        assert_int_equal(ioctl(fd, UFFDIO_REGISTER, &request), 0);
        return fd;
    }
    munmap(start, size);
    if (fd >= 0)
        close(fd);
    print_message("no userfaultfd with what is needed here\n");
    skip();
    return -1;
}

static int copy_frame(int fd, char *to, const char *from)
{
    struct uffdio_copy copy = {.dst = (uintptr_t)to, .src = (uintptr_t)from, .len = 2 * MIB};
    return ERROR_OF(ioctl(fd, UFFDIO_COPY, &copy));
}

static char *page_of(char value)
{
    char *page = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    memset(page, value, 2 * MIB);
    return page;
}

static void missing_frames_of_a_registered_window_are_sigbus(void **state)
{
    (void)state;
    char *start = window(TIB), *page = page_of(7), value = 0;
    size_t before = map_count();
    int fd = register_range(start, TIB, UFFD_FEATURE_SIGBUS, UFFDIO_REGISTER_MODE_MISSING);
    assert_int_equal(map_count(), before);
    assert_int_equal(touch_write(start, 1), SIGBUS);
    assert_int_equal(read_zero_into(start), EFAULT);
    assert_int_equal(ERROR_OF(madvise(start, 2 * MIB, MADV_POPULATE_WRITE)), EFAULT);
    assert_int_equal(huge_free(2 * MIB), free_before);
    assert_int_equal(copy_frame(fd, start, page), 0);
    assert_int_equal(touch_read(start + MIB, &value), 0);
    assert_int_equal(value, 7);
    assert_int_equal(copy_frame(fd, start, page), EEXIST);
    assert_int_equal(madvise(start, 2 * MIB, MADV_DONTNEED), 0);
    assert_int_equal(huge_free(2 * MIB), free_before);
    assert_int_equal(touch_write(start, 1), SIGBUS);
    close(fd);
    munmap(page, 2 * MIB);
    munmap(start, TIB);
}

/* ENOMEM on 6.1, EEXIST on 6.18: mincore tells it from a frame that is there. */
static void copying_with_the_pool_spent_fails(void **state)
{
    (void)state;
    size_t size = free_before * 2 * MIB;
    unsigned char there = 1;
    char *full = window(size), *start = window(2 * MIB), *page = page_of(7);
    int fd = register_range(start, 2 * MIB, UFFD_FEATURE_SIGBUS, UFFDIO_REGISTER_MODE_MISSING);
    assert_int_equal(madvise(full, size, MADV_POPULATE_WRITE), 0);
    int error = copy_frame(fd, start, page);
    assert_true(error == ENOMEM || error == EEXIST);
    assert_int_equal(mincore(start, HP_BASE_PAGE, &there), 0);
    assert_int_equal(there & 1, 0);
    close(fd);
    munmap(page, 2 * MIB);
    munmap(start, 2 * MIB);
    munmap(full, size);
}

static void a_registered_frame_can_be_replaced(void **state)
{
    (void)state;
    const struct hp_spec spec = {.page_size = HP_BASE_PAGE, .fd = -1};
    char *start = window(6 * MIB), *page = page_of(7);
    int fd = register_range(start, 6 * MIB, UFFD_FEATURE_SIGBUS, UFFDIO_REGISTER_MODE_MISSING);
    assert_int_equal(copy_frame(fd, start + 2 * MIB, page), 0);
    assert_int_equal(hp_thp.replace(&spec, start + 2 * MIB, 2 * MIB, -1, true), 0);
    assert_int_equal(huge_free(2 * MIB), free_before);
    assert_int_equal(touch_write(start + 2 * MIB, 1), 0);
    assert_int_equal(touch_write(start, 1), SIGBUS);
    assert_int_equal(touch_write(start + 4 * MIB, 1), SIGBUS);
    close(fd);
    munmap(page, 2 * MIB);
    munmap(start, 6 * MIB);
}

/* The message of a write fault at a frame that is protected, without anyone being signalled. */
static void frames_can_be_write_protected(void **state)
{
    (void)state;
    uint64_t need = UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_PAGEFAULT_FLAG_WP;
    char *start = window(4 * MIB), value = 1;
    assert_int_equal(madvise(start, 4 * MIB, MADV_POPULATE_WRITE), 0);
    int fd = register_range(start, 2 * MIB, need | UFFD_FEATURE_SIGBUS, UFFDIO_REGISTER_MODE_WP);
    struct uffdio_writeprotect protect = {
        .range = {.start = (uintptr_t)start, .len = 2 * MIB}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    assert_int_equal(ioctl(fd, UFFDIO_WRITEPROTECT, &protect), 0);
    assert_int_equal(touch_read(start, &value), 0);
    assert_int_equal(touch_write(start, 7), SIGBUS);
    assert_int_equal(touch_write(start + 2 * MIB, 7), 0);
    protect.mode = 0;
    assert_int_equal(ioctl(fd, UFFDIO_WRITEPROTECT, &protect), 0);
    assert_int_equal(touch_write(start, 7), 0);
    close(fd);
    munmap(start, 4 * MIB);
}

#define CHECKED(f) cmocka_unit_test_setup_teardown(f, note_free, same_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECKED(a_terabyte_window_is_one_mapping_at_once),
        CHECKED(a_spent_pool_is_an_error_not_a_signal),
        CHECKED(a_partial_populate_keeps_what_it_got),
        CHECKED(dontneed_gives_whole_frames_back),
        CHECKED(part_of_a_frame_cannot_be_set_apart),
        CHECKED(frames_that_were_cut_never_join),
        CHECKED(a_node_needs_two_bits_more_than_its_number),
        CHECKED(missing_frames_of_a_registered_window_are_sigbus),
        CHECKED(copying_with_the_pool_spent_fails),
        CHECKED(a_registered_frame_can_be_replaced),
        CHECKED(frames_can_be_write_protected),
    };
    if (huge_free(2 * MIB) < NEEDED) {
        printf("needs %d free huge pages of 2 MiB\n", NEEDED);
        return SKIP;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
