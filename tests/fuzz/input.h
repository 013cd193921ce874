/* SPDX-License-Identifier: MIT */
/*
 * A small machine as a string of bytes, for fuzzing: files that are written below a directory, and
 * removed again with every directory that was made for them. One thread, no lock.
 *
 * The bytes are entries with a byte 0xff between them: which path, which numbers in it, then
 * the contents. A first byte of the contents below 0x08 makes something else than a file
 * (input.c). Every string of bytes is a machine: numbers are taken modulo what there is.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

#define INPUT_ENTRIES 160 /* what follows is left out */

struct input_tree {
    int root; /* directory, borrowed */
    size_t count;
    char *made[8 * INPUT_ENTRIES]; /* owned; what was made, in order */
};

/* Writes the machine below tree->root, which is empty. */
void input_write(struct input_tree *tree, const uint8_t *bytes, size_t size);

/* Removes what input_write() made. */
void input_remove(struct input_tree *tree);

/*
 * Describes those files below a directory that an input can name, as far as there is room; the
 * number of bytes.
 */
size_t input_describe(int root, uint8_t *bytes, size_t capacity);

#endif
