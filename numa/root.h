/* SPDX-License-Identifier: MIT */
/*
 * The directory under which sys/ and proc/ lie: "/" for this machine, or a recorded machine's copy.
 * Every read of numa/ goes through its descriptor, with a bounded buffer of the caller's, without
 * malloc, stdio or a lock, and never blocks on what it finds there. Immutable while it is open, so
 * any number of threads may read.
 */
#ifndef NUMA_ROOT_H
#define NUMA_ROOT_H

#include <stddef.h>

struct nn_root {
    int fd; /* owned */
};

/* path: absolute or relative to the working directory. */
int nn_root_open(const char *path, struct nn_root *ret_root);
void nn_root_close(struct nn_root *root);

#define NN_PATH_SIZE 128

/* A path below the root, e.g. "sys/devices/system/node/online". */
struct nn_path {
    char text[NN_PATH_SIZE];
};

/* The pattern with each '#' replaced by one of the numbers, in order: nn_path("cpu#/online", 7). */
#define nn_path(pattern, ...) nn_path_fill((pattern), (const unsigned[]){__VA_ARGS__})
struct nn_path nn_path_fill(const char *pattern, const unsigned *numbers);

/*
 * Reads a whole file into `buffer` as a string. -EFBIG: it does not fit with its final NUL.
 * What the buffer holds after a failure is of no use.
 */
int nn_root_read(const struct nn_root *root, const char *path, char *buffer, size_t size);

/* A directory below the root as a root of its own, to be closed by the caller. */
int nn_root_enter(const struct nn_root *root, const char *path, struct nn_root *ret_below);

/*
 * The numbers that stand for '#' in the names of a directory which match the pattern ("node#"), in
 * ascending order, without repetition. -E2BIG: there are more than `capacity`. What `numbers` holds
 * after a failure is of no use.
 */
int nn_root_list(const struct nn_root *root, const char *path, const char *pattern, size_t capacity,
    unsigned *numbers, size_t *ret_count);

#endif
