/* SPDX-License-Identifier: MIT */
/*
 * A made-up machine in a temporary directory, for tests that write its files themselves. One
 * thread.
 */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include "numa/root.h"

struct tree {
    char path[64];
    struct nn_root root; /* opened at `path` */
};

/* cmocka set-up and tear-down: *state is a fresh tree, removed whatever the test did. */
int tree_setup(void **state);
int tree_teardown(void **state);

/* Writes a file and the directories above it; the test fails where that cannot be done. */
void tree_write(const struct tree *tree, const char *path, const char *text);

/* Removes everything in the tree. */
void tree_clear(const struct tree *tree);

#endif
