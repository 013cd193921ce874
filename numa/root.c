/* SPDX-License-Identifier: MIT */
/*
 * Reads under one directory descriptor. Files are opened so that nothing in a recorded tree, not
 * even a FIFO, can make a read wait; directories are read with getdents64 into the stack, since
 * opendir() takes its buffer from the heap. No lock.
 */
#include "numa/root.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "numa/number.h"

static_assert(sizeof(unsigned) >= sizeof(uint32_t), "numbers in paths are 32 bits wide");

int nn_root_open(const char *path, struct nn_root *ret_root)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    ret_root->fd = fd;
    return 0;
}

void nn_root_close(struct nn_root *root)
{
    close(root->fd);
    root->fd = -1;
}

struct nn_path nn_path_fill(const char *pattern, const unsigned *numbers)
{
    struct nn_path path;
    size_t length = 0;

    for (; *pattern != '\0'; pattern++) {
        /* Patterns are constants of numa/, a page of paths in all: none comes near the end. */
        assert(length + NN_NUMBER_SIZE < sizeof(path.text));
        if (*pattern == '#')
            length += nn_number_print(*numbers++, path.text + length);
        else
            path.text[length++] = *pattern;
    }
    path.text[length] = '\0';
    return path;
}

static int open_below(const struct nn_root *root, const char *path, int flags)
{
    int fd = openat(root->fd, path, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* One read(2) is not enough: files under /proc come in pieces. The bytes read, or -errno. */
/* A file of one short line comes in one piece: what ends with a newline needs no second look. */
#define FIGURE_BYTES 64

static bool is_figure(const char *buffer, size_t length, size_t size)
{
    return size <= FIGURE_BYTES && length < size && buffer[length - 1] == '\n';
}

static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t length = 0;

    while (length < size) {
        ssize_t n = read(fd, buffer + length, size - length);

        if (n == 0)
            return (ssize_t)length;
        if (n > 0)
            length += (size_t)n;
        else if (errno != EINTR)
            return -errno;
        if (n > 0 && is_figure(buffer, length, size))
            return (ssize_t)length;
    }
    return -EFBIG;
}

int nn_root_read(const struct nn_root *root, const char *path, char *buffer, size_t size)
{
    int fd = open_below(root, path, 0);
    ssize_t length;

    if (fd < 0)
        return fd;
    length = read_all(fd, buffer, size);
    close(fd);
    if (length < 0)
        return (int)length;
    buffer[length] = '\0';
    return 0;
}

int nn_root_enter(const struct nn_root *root, const char *path, struct nn_root *ret_below)
{
    int fd = open_below(root, path, O_DIRECTORY);

    if (fd < 0)
        return fd;
    ret_below->fd = fd;
    return 0;
}

static bool match(const char *name, const char *pattern, unsigned *ret_number)
{
    size_t head = strcspn(pattern, "#");
    uint64_t number;

    if (strncmp(name, pattern, head) != 0)
        return false;
    name += head;
    if (nn_number_scan(&name, UINT_MAX, &number) < 0 || strcmp(name, pattern + head + 1) != 0)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

struct matches {
    size_t capacity, count;
    unsigned *numbers; /* the first `count` are ascending */
};

/* The first place whose number is not below `number`. By halves: file systems give thousands of
 * names, some of them in descending order. */
static size_t place_of(const struct matches *matches, unsigned number)
{
    size_t from = 0, to = matches->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (matches->numbers[middle] < number)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static int insert(struct matches *matches, unsigned number)
{
    size_t at = place_of(matches, number);

    if (at < matches->count && matches->numbers[at] == number)
        return 0;
    if (matches->count == matches->capacity)
        return -E2BIG;
    memmove(&matches->numbers[at + 1], &matches->numbers[at],
        (matches->count - at) * sizeof(*matches->numbers));
    matches->numbers[at] = number;
    matches->count++;
    return 0;
}

static int insert_matches(
    const char *entries, size_t size, const char *pattern, struct matches *matches)
{
    for (size_t at = 0; at < size;) {
        const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
        unsigned number;
        int r = match(entry->d_name, pattern, &number) ? insert(matches, number) : 0;

        if (r < 0)
            return r;
        at += entry->d_reclen;
    }
    return 0;
}

static int list(int fd, const char *pattern, struct matches *matches)
{
    _Alignas(struct dirent64) char entries[2048];

    for (;;) {
        ssize_t size = getdents64(fd, entries, sizeof(entries));
        int r;

        if (size <= 0)
            return size < 0 ? -errno : 0;
        r = insert_matches(entries, (size_t)size, pattern, matches);
        if (r < 0)
            return r;
    }
}

int nn_root_list(const struct nn_root *root, const char *path, const char *pattern, size_t capacity,
    unsigned *numbers, size_t *ret_count)
{
    struct matches matches = {.capacity = capacity, .numbers = numbers};
    int fd = open_below(root, path, O_DIRECTORY);
    int r;

    if (fd < 0)
        return fd;
    r = list(fd, pattern, &matches);
    close(fd);
    if (r < 0)
        return r;
    *ret_count = matches.count;
    return 0;
}
