/* SPDX-License-Identifier: MIT */
/* Reads under a root: bounds, what is missing, and things in a tree that are no plain files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "numa/number.h"
#include "numa/root.h"
#include "tree.h"

static void reads_whole_files(void **state)
{
    const struct tree *tree = *state;
    char text[6];

    tree_write(tree, "a/five", "12345");
    tree_write(tree, "a/six", "123456");
    tree_write(tree, "a/none", "");
    assert_int_equal(nn_root_read(&tree->root, "a/five", text, sizeof(text)), 0);
    assert_string_equal(text, "12345");
    assert_int_equal(nn_root_read(&tree->root, "a/none", text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(nn_root_read(&tree->root, "a/six", text, sizeof(text)), -EFBIG);
    assert_int_equal(nn_root_read(&tree->root, "a/none", text, 0), -EFBIG);
}

static void reads_files_that_come_in_pieces(void **state)
{
    struct nn_root root;
    static char text[1 << 20];

    assert_int_equal(nn_root_open("/", &root), 0);
    if (nn_root_read(&root, "proc/self/smaps", text, sizeof(text)) < 0) {
        nn_root_close(&root);
        print_message("missing: /proc/self/smaps\n");
        skip();
    }
    nn_root_close(&root);
    assert_true(strlen(text) > 4096);
    assert_non_null(strstr(text, "[vdso]"));
}

static void missing_things(void **state)
{
    const struct tree *tree = *state;
    struct nn_root root = {.fd = -7};
    unsigned numbers[4];
    size_t count = 99;
    char text[8];

    tree_write(tree, "file", "");
    assert_int_equal(nn_root_read(&tree->root, "sys/x", text, sizeof(text)), -ENOENT);
    assert_int_equal(nn_root_read(&tree->root, "file/x", text, sizeof(text)), -ENOTDIR);
    assert_int_equal(nn_root_list(&tree->root, "sys", "x#", 4, numbers, &count), -ENOENT);
    assert_int_equal(nn_root_list(&tree->root, "file", "x#", 4, numbers, &count), -ENOTDIR);
    assert_int_equal(count, 99);
    assert_int_equal(nn_root_open("/nowhere/at/all", &root), -ENOENT);
    assert_int_equal(nn_root_enter(&tree->root, "sys", &root), -ENOENT);
    assert_int_equal(root.fd, -7);
}

/* Nothing in a recorded tree makes a read wait or grow without end. */
static void strange_files(void **state)
{
    const struct tree *tree = *state;
    char text[64];

    assert_int_equal(mkfifoat(tree->root.fd, "fifo", 0600), 0);
    assert_int_equal(symlinkat("/dev/zero", tree->root.fd, "endless"), 0);
    assert_int_equal(symlinkat("loop", tree->root.fd, "loop"), 0);
    assert_int_equal(nn_root_read(&tree->root, "fifo", text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(nn_root_read(&tree->root, "endless", text, sizeof(text)), -EFBIG);
    assert_int_equal(nn_root_read(&tree->root, "loop", text, sizeof(text)), -ELOOP);
    assert_int_equal(nn_root_read(&tree->root, ".", text, sizeof(text)), -EISDIR);
}

static void lists_numbers(void **state)
{
    const struct tree *tree = *state;
    static const char *const names[] = {"node10", "node2", "node0", "node", "nodes1", "node1x",
        "xnode3", "node-1", "node99999999999", "node4294967295", "has_memory"};
    unsigned numbers[8];
    size_t count;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        tree_write(tree, names[i], "");
    assert_int_equal(nn_root_list(&tree->root, ".", "node#", 8, numbers, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(numbers[0], 0);
    assert_int_equal(numbers[1], 2);
    assert_int_equal(numbers[2], 10);
    assert_int_equal(numbers[3], 4294967295u);
    assert_int_equal(nn_root_list(&tree->root, ".", "node#x", 8, numbers, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(numbers[0], 1);
    count = 99;
    assert_int_equal(nn_root_list(&tree->root, ".", "node#", 3, numbers, &count), -E2BIG);
    assert_int_equal(count, 99);
}

/* More entries than one getdents64() returns, and two names of one number. */
static void lists_large_directories(void **state)
{
    const struct tree *tree = *state;
    static unsigned numbers[1000];
    size_t count;

    for (unsigned i = 0; i < 1000; i++)
        tree_write(tree, nn_path("cpu#", 999 - i).text, "");
    tree_write(tree, "cpu007", "");
    assert_int_equal(nn_root_list(&tree->root, ".", "cpu#", 1000, numbers, &count), 0);
    assert_int_equal(count, 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
}

static void paths(void **state)
{
    assert_string_equal(nn_path("a").text, "a");
    assert_string_equal(nn_path("#/b#c", 0, 4294967295u).text, "0/b4294967295c");
}

static void numbers(void **state)
{
    const char *cursor = "12x";
    uint64_t number = 5;

    assert_int_equal(nn_number_scan(&cursor, 12, &number), 0);
    assert_int_equal(number, 12);
    assert_string_equal(cursor, "x");
    assert_int_equal(nn_number_scan(&cursor, 12, &number), -EINVAL);
    assert_int_equal(nn_number_parse("13\n", 12, &number), -EINVAL);
    assert_int_equal(nn_number_parse("9", 5, &number), -EINVAL);
    assert_int_equal(nn_number_parse("18446744073709551616", UINT64_MAX, &number), -EINVAL);
    assert_int_equal(nn_number_parse("1 ", UINT64_MAX, &number), -EINVAL);
    assert_int_equal(nn_number_parse("", UINT64_MAX, &number), -EINVAL);
    assert_int_equal(number, 12);
    assert_int_equal(nn_number_parse("18446744073709551615\n", UINT64_MAX, &number), 0);
    assert_true(number == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_whole_files, tree_setup, tree_teardown),
        cmocka_unit_test(reads_files_that_come_in_pieces),
        cmocka_unit_test_setup_teardown(missing_things, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(strange_files, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(lists_numbers, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(lists_large_directories, tree_setup, tree_teardown),
        cmocka_unit_test(paths),
        cmocka_unit_test(numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
