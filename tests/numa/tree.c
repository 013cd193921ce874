/* SPDX-License-Identifier: MIT */
/* A made-up machine in a temporary directory. One thread. */
#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int tree_setup(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));

    if (tree == NULL)
        return -1;
    strcpy(tree->path, "/tmp/hostmem-tree-XXXXXX");
    if (mkdtemp(tree->path) == NULL || nn_root_open(tree->path, &tree->root) < 0) {
        free(tree);
        return -1;
    }
    *state = tree;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    return place->level == 0 ? 0 : remove(path);
}

void tree_clear(const struct tree *tree)
{
    assert_int_equal(nftw(tree->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int tree_teardown(void **state)
{
    struct tree *tree = *state;
    int r = nftw(tree->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

    nn_root_close(&tree->root);
    r |= rmdir(tree->path);
    free(tree);
    return r;
}

static void make_parents(const struct tree *tree, const char *path)
{
    char parent[256];

    assert_true(strlen(path) < sizeof(parent));
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = '\0';
        (void)mkdirat(tree->root.fd, parent, 0755);
    }
}

void tree_write(const struct tree *tree, const char *path, const char *text)
{
    size_t length = strlen(text);
    int fd;

    make_parents(tree, path);
    fd = openat(tree->root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), (ssize_t)length);
    close(fd);
}
