/* SPDX-License-Identifier: MIT */
/*
 * A text file of up to NN_LINES_MAX, line by line, through a buffer of fixed size that the caller's
 * stack holds. One thread; no malloc, no lock.
 */
#ifndef NUMA_LINES_H
#define NUMA_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "numa/root.h"

#define NN_LINE_SIZE 8192 /* bytes with the NUL: two paths of PATH_MAX, hardly ever reached */

/* Bytes of one file: more than the 100,000 mounts that the kernel permits by default. */
#define NN_LINES_MAX (64 << 20)

struct nn_lines {
    int fd;            /* owned */
    size_t start, end; /* of what was read and not yet returned */
    size_t total;      /* bytes read from the file so far */
    bool ended;        /* nothing is left in the file */
    bool skipping;     /* what comes next is the rest of a line that is too long */
    char text[NN_LINE_SIZE];
};

int nn_lines_open(const struct nn_root *root, const char *path, struct nn_lines *ret_lines);
void nn_lines_close(struct nn_lines *lines);

/*
 * 1: *ret_line is the next line, without its end, valid until the next call, and writable. Lines
 * that don't fit are passed over. 0: there is none left. -EFBIG: there is more than NN_LINES_MAX,
 * as in /dev/zero, to which a recorded machine may have a link.
 */
int nn_lines_next(struct nn_lines *lines, char **ret_line);

#endif
