/* SPDX-License-Identifier: MIT */
/* Limits of made-up processes (tests/data/cgroup), and what moves or breaks while one looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "numa/cgroup.h"
#include "numa/keyed.h"
#include "numa/limit.h"
#include "numa/lines.h"
#include "tree.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const char *trees;

struct expected {
    const char *tree;
    int r;
    uint64_t limit, used, available;
    unsigned percent;
    struct nn_limit_place fullest, nearest;
};

#define AT(kind, level)                                                                            \
    {                                                                                              \
        NN_LIMIT_##kind, level                                                                     \
    }

static void open_tree(const char *name, struct nn_root *ret_root, struct nn_cgroups *ret_cgroups)
{
    char path[512];

    assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", trees, name) < sizeof(path));
    assert_int_equal(nn_root_open(path, ret_root), 0);
    assert_int_equal(nn_cgroups_open(ret_root, ret_cgroups), 0);
}

static void close_tree(struct nn_root *root, struct nn_cgroups *cgroups)
{
    nn_cgroups_close(cgroups);
    nn_root_close(root);
}

static void assert_place(struct nn_limit_place place, struct nn_limit_place expected)
{
    assert_string_equal(nn_limit_name(place.kind), nn_limit_name(expected.kind));
    assert_int_equal(place.level, expected.level);
}

static void assert_limit(int r, const struct nn_limit *limit, const struct expected *expected)
{
    if (r != expected->r || (r == 0 && limit->percent != expected->percent))
        print_message("in %s: %d, %u %%\n", expected->tree, r, limit->percent);
    assert_int_equal(r, expected->r);
    if (r < 0) {
        assert_int_equal(limit->percent, 777);
        return;
    }
    assert_true(limit->limit_bytes == expected->limit);
    assert_true(limit->used_bytes == expected->used);
    assert_true(limit->available_bytes == expected->available);
    assert_int_equal(limit->percent, expected->percent);
    assert_place(limit->fullest, expected->fullest);
    assert_place(limit->nearest, expected->nearest);
}

static const struct expected memory_rows[] = {
    {"v2", 0, GIB, 448 * MIB, 576 * MIB, 43, AT(MAX, 1), AT(MAX, 1)},
    {"v1", 0, 256 * MIB, 192 * MIB, 64 * MIB, 75, AT(V1, 1), AT(V1, 1)},
    {"v1-swap", 0, 500 * MIB, 450 * MIB, 50 * MIB, 90, AT(V1_SWAP, 0), AT(V1_SWAP, 0)},
    {"mixed", 0, GIB, 256 * MIB, 768 * MIB, 25, AT(V1, 0), AT(V1, 0)},
    {"v1-together", 0, GIB, 768 * MIB, 256 * MIB, 75, AT(V1, 0), AT(V1, 0)},
    {.tree = "huge-pages", .r = -ENOENT},
    {"namespace", 0, GIB, 256 * MIB, 768 * MIB, 25, AT(MAX, 0), AT(MAX, 0)},
    {"bound", 0, 64 * MIB, 16 * MIB, 48 * MIB, 25, AT(V1, 0), AT(V1, 0)},
    {"bound-above", 0, 32 * MIB, 16 * MIB, 16 * MIB, 50, AT(V1, 0), AT(V1, 0)},
    {"host-path", 0, GIB, 512 * MIB, 512 * MIB, 50, AT(MAX, 0), AT(MAX, 0)},
    {.tree = "outside", .r = -ENOENT},
    {"outside-seen", 0, GIB, 256 * MIB, 768 * MIB, 25, AT(MAX, 1), AT(MAX, 1)},
    {"mounted-thrice", 0, GIB, 512 * MIB, 512 * MIB, 50, AT(MAX, 1), AT(MAX, 1)},
    {"hidden", 0, GIB, 512 * MIB, 512 * MIB, 50, AT(V1, 0), AT(V1, 0)},
    {.tree = "v2-unlimited", .r = -ENOENT},
    {.tree = "v1-unlimited", .r = -ENOENT},
    {"above", 0, 40 * GIB, 30 * GIB, GIB, 75, AT(MAX, 2), AT(MAX, 1)},
    {"high", 0, 800 * MIB, 600 * MIB, 200 * MIB, 75, AT(HIGH, 0), AT(HIGH, 0)},
    {"below-usage", 0, 100 * MIB, 120 * MIB, 0, 100, AT(MAX, 0), AT(MAX, 0)},
    {"zero", 0, 0, 0, 0, 100, AT(MAX, 0), AT(MAX, 0)},
    {"all-cache", 0, GIB, 0, GIB, 0, AT(MAX, 0), AT(MAX, 0)},
    {"accounting", 0, GIB, 512 * MIB, 512 * MIB, 50, AT(MAX, 0), AT(MAX, 0)},
    {"garbage", 0, GIB, 512 * MIB, 512 * MIB, 50, AT(MAX, 5), AT(MAX, 5)},
    {"missing-files", 0, GIB, 512 * MIB, 512 * MIB, 50, AT(MAX, 1), AT(MAX, 1)},
    {.tree = "no-mounts", .r = -ENOENT},
    {.tree = "no-membership", .r = -ENOENT},
    {.tree = "no-proc", .r = -ENOENT},
};

static void memory(void **state)
{
    for (size_t i = 0; i < sizeof(memory_rows) / sizeof(memory_rows[0]); i++) {
        struct nn_limit limit = {.percent = 777};
        struct nn_cgroups cgroups;
        struct nn_root root;

        open_tree(memory_rows[i].tree, &root, &cgroups);
        assert_limit(nn_cgroup_memory(&cgroups, &limit), &limit, &memory_rows[i]);
        close_tree(&root, &cgroups);
    }
}

static const struct {
    uint64_t page_size;
    struct expected expected;
} huge_rows[] = {
    {2 * MIB, {"mixed", 0, 64 * MIB, 16 * MIB, 48 * MIB, 25, AT(HUGE, 0), AT(HUGE, 0)}},
    {GIB, {.tree = "mixed", .r = -ENOENT}},
    {2 * MIB, {"v1-together", 0, 8 * MIB, 6 * MIB, 2 * MIB, 75, AT(HUGE, 0), AT(HUGE, 0)}},
    {GIB, {"v1-together", 0, 4 * GIB, GIB, 3 * GIB, 25, AT(HUGE_RSVD, 0), AT(HUGE_RSVD, 0)}},
    {2 * MIB, {"huge-pages", 0, 8 * MIB, 8 * MIB, 0, 100, AT(HUGE_RSVD, 0), AT(HUGE_RSVD, 0)}},
    {GIB, {"huge-pages", 0, 2 * GIB, GIB, GIB, 50, AT(HUGE, 0), AT(HUGE, 0)}},
    {64 * KIB, {"huge-pages", 0, MIB, 0, MIB, 0, AT(HUGE, 0), AT(HUGE, 0)}},
    {32 * MIB, {.tree = "huge-pages", .r = -ENOENT}},
    {1000, {.tree = "huge-pages", .r = -EINVAL}},
    {0, {.tree = "huge-pages", .r = -EINVAL}},
    {2 * MIB, {.tree = "v2", .r = -ENOENT}},
    {2 * MIB, {.tree = "no-proc", .r = -ENOENT}},
};

static void huge_pages(void **state)
{
    for (size_t i = 0; i < sizeof(huge_rows) / sizeof(huge_rows[0]); i++) {
        struct nn_limit limit = {.percent = 777};
        struct nn_cgroups cgroups;
        struct nn_root root;
        int r;

        open_tree(huge_rows[i].expected.tree, &root, &cgroups);
        r = nn_cgroup_hugetlb(&cgroups, huge_rows[i].page_size, &limit);
        assert_limit(r, &limit, &huge_rows[i].expected);
        close_tree(&root, &cgroups);
    }
}

static void assert_counts(const char *name, bool counts)
{
    struct nn_cgroups cgroups;
    struct nn_root root;

    open_tree(name, &root, &cgroups);
    assert_int_equal(cgroups.counts_huge_pages, counts);
    close_tree(&root, &cgroups);
}

/* The option is v2's; where memory is v1's it has no effect. */
static void huge_pages_may_be_counted_as_memory(void **state)
{
    assert_counts("accounting", true);
    assert_counts("mixed", false);
    assert_counts("v2", false);
    assert_counts("no-proc", false);
}

static void says_where(void **state)
{
    struct nn_root root, level;
    struct nn_cgroups cgroups;
    char text[16];

    open_tree("above", &root, &cgroups);
    assert_string_equal(cgroups.unified.path, "/sys/fs/cgroup/big/mid/own");
    assert_int_equal(cgroups.unified.depth, 3);
    assert_int_equal(cgroups.memory.own.fd, -1);
    assert_int_equal(cgroups.hugetlb.own.fd, -1);
    assert_int_equal(nn_cgroup_level(&cgroups.unified, 2, &level), 0);
    assert_int_equal(nn_root_read(&level, "memory.max", text, sizeof(text)), 0);
    assert_string_equal(text, "42949672960\n");
    nn_root_close(&level);
    assert_int_equal(nn_cgroup_level(&cgroups.unified, 4, &level), -ENOENT);
    assert_int_equal(nn_cgroup_level(&cgroups.unified, 4294967295u, &level), -ENOENT);
    assert_int_equal(nn_cgroup_level(&cgroups.memory, 0, &level), -ENOENT);
    close_tree(&root, &cgroups);
}

#define BAD_MOUNT "29 23 0:30 / /bad rw - cgroup2 cgroup2 rw "
#define MOUNT     "30 23 0:30 / /cg rw - cgroup2 cgroup2 rw\n"

static void notices_a_move(void **state)
{
    const struct tree *tree = *state;
    struct nn_cgroups cgroups;

    tree_write(tree, "proc/self/mountinfo", MOUNT);
    tree_write(tree, "proc/self/cgroup", "1:cpu:/\n0::/a\n");
    assert_int_equal(nn_cgroups_open(&tree->root, &cgroups), 0);
    assert_int_equal(nn_cgroups_moved(&tree->root, &cgroups), 0);
    tree_write(tree, "proc/self/cgroup", "1:cpu:/\n0::/b\n");
    assert_int_equal(nn_cgroups_moved(&tree->root, &cgroups), 1);
    tree_write(tree, "proc/self/cgroup", "1:cpu:/\n0::/a\n");
    assert_int_equal(nn_cgroups_moved(&tree->root, &cgroups), 0);
    tree_clear(tree);
    assert_int_equal(nn_cgroups_moved(&tree->root, &cgroups), 1);
    nn_cgroups_close(&cgroups);
}

/* Blanks and backslashes in paths; a controller whose name begins like the one looked for. */
static void strange_names(void **state)
{
    const struct tree *tree = *state;
    struct nn_limit limit = {0};
    struct nn_cgroups cgroups;

    tree_write(tree, "proc/self/mountinfo",
        "29 23 0:29 / /wrong rw - cgroup cgroup rw,memoryx,xmemory\n"
        "30 23 0:30 /\\134root /my\\040c\\134g\\9 rw - cgroup cgroup rw,cpu,memory");
    tree_write(tree, "proc/self/cgroup", "6:memoryx:/wrong\n5:cpu,memory:/\\root/a b:c");
    tree_write(tree, "my c\\g\\9/a b:c/cgroup.procs", "");
    tree_write(tree, "my c\\g\\9/a b:c/memory.limit_in_bytes", "100");
    tree_write(tree, "my c\\g\\9/a b:c/memory.usage_in_bytes", "7");
    assert_int_equal(nn_cgroups_open(&tree->root, &cgroups), 0);
    assert_int_equal(nn_cgroup_memory(&cgroups, &limit), 0);
    assert_int_equal(limit.percent, 7);
    assert_int_equal(cgroups.memory.depth, 1);
    nn_cgroups_close(&cgroups);
}

static void keys(void **state)
{
    static const char text[] = "oom_kill 5\nxoom 6\noom 4\nlow\nhigh -1\nlast 7";
    uint64_t number = 9;

    assert_int_equal(nn_keyed_find(text, "max", &number), -ENOENT);
    assert_int_equal(nn_keyed_find(text, "low", &number), -ENOENT);
    assert_int_equal(nn_keyed_find(text, "high", &number), -EINVAL);
    assert_int_equal(number, 9);
    assert_int_equal(nn_keyed_find(text, "oom", &number), 0);
    assert_int_equal(number, 4);
    assert_int_equal(nn_keyed_find(text, "oom_kill", &number), 0);
    assert_int_equal(number, 5);
    assert_int_equal(nn_keyed_find(text, "last", &number), 0);
    assert_int_equal(number, 7);
}

/* A limit that goes away, or whose cgroup does, is none. */
static void disappearing(void **state)
{
    const struct tree *tree = *state;
    struct nn_cgroups cgroups;
    struct nn_limit limit = {0};

    tree_write(tree, "proc/self/mountinfo", MOUNT);
    tree_write(tree, "proc/self/cgroup", "0::/a/b\n");
    tree_write(tree, "cg/a/memory.max", "100\n");
    tree_write(tree, "cg/a/memory.current", "50\n");
    tree_write(tree, "cg/a/b/cgroup.procs", "");
    assert_int_equal(nn_cgroups_open(&tree->root, &cgroups), 0);
    assert_int_equal(nn_cgroup_memory(&cgroups, &limit), 0);
    tree_write(tree, "cg/a/memory.max", "max\n");
    assert_int_equal(nn_cgroup_memory(&cgroups, &limit), -ENOENT);
    tree_clear(tree);
    assert_int_equal(nn_cgroup_memory(&cgroups, &limit), -ENOENT);
    nn_cgroups_close(&cgroups);
}

/* Lines of any length, far more of them than fit into a buffer, and no end at the last. */
static void long_files(void **state)
{
    const struct tree *tree = *state;
    static char text[60000];
    struct nn_cgroups cgroups;

    memset(text, 'x', NN_LINE_SIZE - 1);
    strcat(text, BAD_MOUNT "\n"); /* the rest of a line that is too long */
    for (size_t at = strlen(text); at < 59000; at += strlen(text + at))
        snprintf(text + at, sizeof(text) - at, "%zu 23 0:1\n", at);
    strcat(text, MOUNT);
    text[strlen(text) - 1] = '\0';
    tree_write(tree, "proc/self/mountinfo", text);
    tree_write(tree, "proc/self/cgroup", "0::/a\n");
    tree_write(tree, "cg/a/cgroup.procs", "");
    tree_write(tree, "bad/a/cgroup.procs", "");
    assert_int_equal(nn_cgroups_open(&tree->root, &cgroups), 0);
    assert_string_equal(cgroups.unified.path, "/cg/a");
    nn_cgroups_close(&cgroups);
}

/* Only the nearest levels of a very deep cgroup are looked at; its path is cut at the front. */
static void deep(void **state)
{
    const struct tree *tree = *state;
    char text[512] = "0::", path[512] = "cg";
    struct nn_limit limit = {0};
    struct nn_cgroups cgroups;

    for (unsigned i = 0; i < NN_CGROUP_DEPTH + 36; i++) {
        strcat(text, "/lev");
        strcat(path, "/lev");
    }
    strcat(path, "/cgroup.procs");
    tree_write(tree, "proc/self/mountinfo", MOUNT);
    tree_write(tree, "proc/self/cgroup", text);
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdirat(tree->root.fd, path, 0755);
        *slash = '/';
    }
    close(openat(tree->root.fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    tree_write(tree, "cg/lev/memory.max", "100");
    tree_write(tree, "cg/lev/memory.current", "100");
    assert_int_equal(nn_cgroups_open(&tree->root, &cgroups), 0);
    assert_int_equal(cgroups.unified.depth, NN_CGROUP_DEPTH);
    assert_int_equal(strlen(cgroups.unified.path), NN_CGROUP_PATH - 1);
    assert_int_equal(nn_cgroup_memory(&cgroups, &limit), -ENOENT);
    nn_cgroups_close(&cgroups);
}

/* Without descriptors to look with, the answer is an error, not "no limit". */
static void short_of_descriptors(void **state)
{
    struct rlimit before, none;
    struct nn_cgroups cgroups, other = {.membership = 5};
    struct nn_limit limit;
    struct nn_root root;

    open_tree("v2", &root, &cgroups);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int opened = nn_cgroups_open(&root, &other);
    int read = nn_cgroup_memory(&cgroups, &limit);
    int moved = nn_cgroups_moved(&root, &cgroups);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(opened, -EMFILE);
    assert_int_equal(other.membership, 5);
    assert_int_equal(read, -EMFILE);
    assert_int_equal(moved, -EMFILE);
    close_tree(&root, &cgroups);
}

static int lowest_free_fd(void)
{
    int fd = dup(0);

    assert_true(fd >= 0);
    close(fd);
    return fd;
}

/* A link to /dev/zero is one line that never ends: there is nothing to be seen, soon. */
static void endless_files(void **state)
{
    const struct tree *tree = *state;
    struct nn_cgroups cgroups;

    tree_write(tree, "proc/self/mountinfo", "");
    assert_int_equal(symlinkat("/dev/zero", tree->root.fd, "proc/self/cgroup"), 0);
    assert_int_equal(nn_cgroups_open(&tree->root, &cgroups), 0);
    assert_int_equal(cgroups.unified.own.fd, -1);
    assert_int_equal(nn_cgroups_moved(&tree->root, &cgroups), 0);
    nn_cgroups_close(&cgroups);
}

static void leaves_no_descriptor(void **state)
{
    int before = lowest_free_fd();

    memory(state);
    huge_pages(state);
    assert_int_equal(lowest_free_fd(), before);
}

/* Whatever this machine is: the figures hold together, also in a forked child. */
static void this_machine(void **state)
{
    struct nn_limit limit = {0};
    struct nn_cgroups cgroups;
    struct nn_root root;
    int status, r;
    pid_t child;

    assert_int_equal(nn_root_open("/", &root), 0);
    assert_int_equal(nn_cgroups_open(&root, &cgroups), 0);
    r = nn_cgroup_memory(&cgroups, &limit);
    assert_true(r == 0 || r == -ENOENT);
    assert_true(limit.available_bytes <= limit.limit_bytes || limit.nearest.level > 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(nn_cgroup_memory(&cgroups, &limit) == r && nn_cgroups_moved(&root, &cgroups) == 0
                  ? 0
                  : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close_tree(&root, &cgroups);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory),
        cmocka_unit_test(huge_pages),
        cmocka_unit_test(huge_pages_may_be_counted_as_memory),
        cmocka_unit_test(says_where),
        cmocka_unit_test(keys),
        cmocka_unit_test_setup_teardown(notices_a_move, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(strange_names, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(disappearing, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(long_files, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(deep, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(endless_files, tree_setup, tree_teardown),
        cmocka_unit_test(short_of_descriptors),
        cmocka_unit_test(leaves_no_descriptor),
        cmocka_unit_test(this_machine),
    };

    if (argc != 2)
        return 2;
    trees = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
