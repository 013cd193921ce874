/* SPDX-License-Identifier: MIT */
/*
 * Lines of a file. The text that is not yet returned is kept at text[start..end); one byte is kept
 * free for the NUL of a last line without an end. No lock.
 */
#include "numa/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int nn_lines_open(const struct nn_root *root, const char *path, struct nn_lines *ret_lines)
{
    int fd = openat(root->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    ret_lines->fd = fd;
    ret_lines->start = ret_lines->end = ret_lines->total = 0;
    ret_lines->ended = ret_lines->skipping = false;
    return 0;
}

void nn_lines_close(struct nn_lines *lines)
{
    close(lines->fd);
    lines->fd = -1;
}

static void make_room(struct nn_lines *lines)
{
    size_t left = lines->end - lines->start;

    if (left == sizeof(lines->text) - 1) {
        lines->skipping = true;
        left = 0;
    }
    memmove(lines->text, lines->text + lines->start, left);
    lines->start = 0;
    lines->end = left;
}

static int fill(struct nn_lines *lines)
{
    ssize_t size;

    if (lines->total >= NN_LINES_MAX)
        return -EFBIG;
    make_room(lines);
    do
        size = read(lines->fd, lines->text + lines->end, sizeof(lines->text) - 1 - lines->end);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return -errno;
    lines->ended = size == 0;
    lines->end += (size_t)size;
    lines->total += (size_t)size;
    return 0;
}

/* Takes the text up to `end`, which becomes its NUL; NULL where it is the rest of a long line. */
static char *take(struct nn_lines *lines, char *end)
{
    char *line = lines->skipping ? NULL : lines->text + lines->start;
    size_t next = (size_t)(end - lines->text) + 1;

    *end = '\0';
    lines->start = next < lines->end ? next : lines->end;
    lines->skipping = false;
    return line;
}

/* The end of the next line, or NULL as long as it has not been read. */
static char *find_end(struct nn_lines *lines)
{
    size_t left = lines->end - lines->start;
    char *end = memchr(lines->text + lines->start, '\n', left);

    return end == NULL && lines->ended && left > 0 ? lines->text + lines->end : end;
}

int nn_lines_next(struct nn_lines *lines, char **ret_line)
{
    for (;;) {
        char *end = find_end(lines);
        char *line = end == NULL ? NULL : take(lines, end);

        if (line != NULL) {
            *ret_line = line;
            return 1;
        }
        if (end == NULL && lines->ended)
            return 0;
        if (end == NULL) {
            int r = fill(lines);

            if (r < 0)
                return r;
        }
    }
}
