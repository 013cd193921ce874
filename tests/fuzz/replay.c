/* SPDX-License-Identifier: MIT */
/*
 * replay TREE...: runs the fuzz target on recorded machines and on random changes of them, without
 * libFuzzer; HM_TEST_SEED repeats a run. One input that takes ten seconds ends it.
 * replay --file FILE...: runs inputs, such as those that libFuzzer found.
 * replay --write FOLDER TREE...: writes the inputs for the machines, for libFuzzer to start from.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dice.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/topology_fuzz.h"

#define CAPACITY 65536
#define CHANGES  1500 /* inputs, at a scale of 100 */
#define SECONDS  10   /* at most for one input: the slowest takes less than one */

struct input {
    size_t size;
    uint8_t bytes[CAPACITY];
};

static void fail(const char *what)
{
    fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void run(const struct input *input)
{
    alarm(SECONDS);
    (void)LLVMFuzzerTestOneInput(input->bytes, input->size);
    alarm(0);
}

static void read_tree(const char *path, struct input *input)
{
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (root < 0)
        fail(path);
    input->size = input_describe(root, input->bytes, CAPACITY);
    close(root);
}

static void read_file(const char *path, struct input *input)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        fail(path);
    input->size = fread(input->bytes, 1, CAPACITY, file);
    fclose(file);
}

static void write_file(const char *folder, int number, const struct input *input)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/seed-%d", folder, number);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(input->bytes, 1, input->size, file) != input->size ||
        fclose(file) != 0)
        fail(path);
}

/* Replaces `cut` bytes at `at` by others; nothing where they don't fit. */
static void replace(struct input *input, size_t at, size_t cut, const uint8_t *bytes, size_t size)
{
    size_t behind = input->size - at - cut;

    if (input->size - cut + size > CAPACITY)
        return;
    memmove(input->bytes + at + size, input->bytes + at + cut, behind);
    memcpy(input->bytes + at, bytes, size);
    input->size += size - cut;
}

/* What readers of such files stumble over. */
static void insert_word(struct dice *dice, struct input *input, size_t at)
{
    static const char *const words[] = {"-", ",", "\n", " ", "0-8191", "0-1023", "8191", "8192",
        "18446744073709551615", "18446744073709551616", "max\n", "/..", "\\040", " - ", "\xff\x01",
        "\xff\x0b", "\x01", "\x02", "\x03", "\x04", "\x05\xff", "10 20", "0::/a\n"};
    const char *word = words[dice_roll(dice, sizeof(words) / sizeof(words[0]))];

    replace(input, at, 0, (const uint8_t *)word, strlen(word));
}

static void insert_piece(
    struct dice *dice, struct input *input, size_t at, const struct input *other)
{
    size_t from = dice_roll(dice, other->size + 1);

    replace(input, at, 0, other->bytes + from, dice_roll(dice, other->size - from + 1));
}

/* Makes the next file a directory, a link, an endless file and so on. */
static void insert_kind(struct dice *dice, struct input *input, size_t at)
{
    const uint8_t *end = memchr(input->bytes + at, 0xff, input->size - at);
    size_t contents = end == NULL ? 2 : (size_t)(end - input->bytes) + 3;
    uint8_t kind = (uint8_t)(1 + dice_roll(dice, 5));

    if (contents <= input->size)
        replace(input, contents, 0, &kind, 1);
}

static void change(struct dice *dice, struct input *input, const struct input *other)
{
    size_t at = dice_roll(dice, input->size + 1), left = input->size - at;
    uint8_t byte = (uint8_t)dice_roll(dice, 256);

    switch (dice_roll(dice, 6)) {
    case 0:
        replace(input, at, left > 0 ? 1 : 0, &byte, 1);
        break;
    case 1:
        replace(input, at, dice_roll(dice, left + 1) % 64, &byte, 0);
        break;
    case 2:
        insert_piece(dice, input, at, other);
        break;
    case 3:
        insert_kind(dice, input, at);
        break;
    default:
        insert_word(dice, input, at);
    }
}

static void run_changes(const struct input *inputs, size_t count)
{
    struct dice dice = dice_new("topology-replay");
    static struct input input;

    fflush(stdout);
    for (size_t left = dice_scaled(CHANGES); left > 0; left--) {
        input = inputs[dice_roll(&dice, count)];
        for (size_t changes = 1 + dice_roll(&dice, 8); changes > 0; changes--)
            change(&dice, &input, &inputs[dice_roll(&dice, count)]);
        run(&input);
    }
}

static void run_trees(char **trees, size_t count)
{
    struct input *inputs = calloc(count, sizeof(*inputs));

    if (inputs == NULL)
        fail("memory");
    for (size_t i = 0; i < count; i++) {
        read_tree(trees[i], &inputs[i]);
        run(&inputs[i]);
    }
    run_changes(inputs, count);
    free(inputs);
}

int main(int argc, char **argv)
{
    static struct input input;

    if (argc > 1 && strcmp(argv[1], "--file") == 0) {
        for (int i = 2; i < argc; i++) {
            read_file(argv[i], &input);
            run(&input);
        }
    } else if (argc > 3 && strcmp(argv[1], "--write") == 0) {
        (void)mkdir(argv[2], 0755);
        for (int i = 3; i < argc; i++) {
            read_tree(argv[i], &input);
            write_file(argv[2], i - 2, &input);
        }
    } else if (argc > 1 && argv[1][0] != '-') {
        run_trees(argv + 1, (size_t)argc - 1);
    } else {
        fprintf(stderr, "usage: replay TREE... | --file FILE... | --write FOLDER TREE...\n");
        return 2;
    }
    return 0;
}
