/* SPDX-License-Identifier: MIT */
/*
 * Finds the own cgroups: proc/self/cgroup tells the path within a hierarchy, proc/self/mountinfo
 * where (a sub-tree of) that hierarchy is mounted. Both are as this process's cgroup namespace
 * shows them. Of several mounts the one that shows most ancestors is taken; where the path does not
 * exist under any, as in containers that see the host's paths, the mount itself is. No lock.
 */
#include "numa/cgroup.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "numa/lines.h"
#include "numa/mountinfo.h"

static_assert(NN_LINE_SIZE >= 2 * PATH_MAX, "a line holds the root and the point of a mount");

/* A hierarchy: controller NULL is v2. */
struct wanted {
    const char *controller;
    char path[PATH_MAX]; /* of the own cgroup within it */
};

/* "ID:CONTROLLERS:PATH"; v2 has ID 0 and no controllers. */
static int match_membership(char *line, struct wanted *wanted)
{
    char *controllers = strchr(line, ':');
    char *path = controllers == NULL ? NULL : strchr(++controllers, ':');
    size_t length;

    if (path == NULL)
        return -ENOENT;
    *path++ = '\0';
    length = strlen(path);
    if (wanted->controller != NULL ? !nn_mount_lists(controllers, wanted->controller)
                                   : strncmp(line, "0:", 2) != 0 || *controllers != '\0')
        return -ENOENT;
    if (path[0] != '/' || length >= sizeof(wanted->path))
        return -ENOENT;
    memcpy(wanted->path, path, length + 1);
    return 0;
}

static int find_path(const struct nn_root *root, struct wanted *wanted)
{
    struct nn_lines lines;
    char *line;
    int found = -ENOENT;
    int r = nn_lines_open(root, "proc/self/cgroup", &lines);

    if (r < 0)
        return r;
    while (found < 0 && (r = nn_lines_next(&lines, &line)) > 0)
        found = match_membership(line, wanted);
    nn_lines_close(&lines);
    return r < 0 ? r : found;
}

static bool is_mount_of(const struct nn_mount *mount, const char *controller)
{
    if (controller == NULL)
        return strcmp(mount->type, "cgroup2") == 0;
    return strcmp(mount->type, "cgroup") == 0 && nn_mount_lists(mount->options, controller);
}

static bool climbs(const char *path)
{
    const char *at = strstr(path, "/..");

    while (at != NULL && at[3] != '/' && at[3] != '\0')
        at = strstr(at + 3, "/..");
    return at != NULL;
}

/*
 * What of the path lies below the directory that is mounted: "" or "/a/b". NULL: it does not lie
 * there. A path that climbs out of the cgroup namespace has only what both begin with in common.
 */
static const char *path_below(const char *path, const char *mounted)
{
    size_t length = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);

    if (strncmp(path, mounted, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    path += length;
    if (climbs(path))
        return NULL;
    return strcmp(path, "/") == 0 ? "" : path;
}

static unsigned count_levels(const char *path)
{
    unsigned count = 0;

    for (; *path != '\0'; path++)
        count += path[0] == '/' && path[1] != '/' && path[1] != '\0';
    return count < NN_CGROUP_DEPTH ? count : NN_CGROUP_DEPTH;
}

static void note_path(const char *path, char *ret_path)
{
    size_t length = strlen(path);
    size_t skip = length < NN_CGROUP_PATH ? 0 : length - NN_CGROUP_PATH + 1;

    memcpy(ret_path, path + skip, length - skip + 1);
}

static int join(const char *point, const char *below, char *ret_path)
{
    size_t head = strlen(point), tail = strlen(below);

    if (head + tail >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(ret_path, point, head + 1);
    memcpy(ret_path + head, below, tail + 1);
    return 0;
}

/* What is mounted there may have been hidden by another mount: a cgroup has a cgroup.procs. */
static int enter_cgroup(const struct nn_root *root, const char *path, struct nn_root *ret_own)
{
    struct nn_root own;
    int r;

    path += strspn(path, "/");
    r = nn_root_enter(root, *path == '\0' ? "." : path, &own);
    if (r < 0)
        return r;
    if (faccessat(own.fd, "cgroup.procs", F_OK, 0) < 0) {
        nn_root_close(&own);
        return -ENOENT;
    }
    *ret_own = own;
    return 0;
}

static int open_at(
    const struct nn_root *root, const char *point, const char *below, struct nn_cgroup *ret_cgroup)
{
    char path[PATH_MAX];
    int r = join(point, below, path);

    if (r == 0)
        r = enter_cgroup(root, path, &ret_cgroup->own);
    if (r < 0)
        return r;
    ret_cgroup->depth = count_levels(below);
    note_path(path, ret_cgroup->path);
    return 0;
}

static bool is_shortage(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static void close_cgroup(struct nn_cgroup *cgroup)
{
    if (cgroup->own.fd >= 0)
        nn_root_close(&cgroup->own);
}

struct choice {
    struct nn_cgroup best; /* fd -1: none so far */
    unsigned rank;         /* of the best: 0 a mount's root for want of better, else depth + 1 */
};

static void keep_better(struct choice *choice, struct nn_cgroup *other, unsigned rank)
{
    if (choice->best.own.fd >= 0 && choice->rank >= rank) {
        close_cgroup(other);
        return;
    }
    close_cgroup(&choice->best);
    *choice = (struct choice){.best = *other, .rank = rank};
}

static int try_mount(const struct nn_root *root, const struct nn_mount *mount, const char *path,
    struct choice *choice)
{
    const char *below = path_below(path, mount->root);
    struct nn_cgroup cgroup;
    int r = -ENOENT;

    if (below != NULL) {
        r = open_at(root, mount->point, below, &cgroup);
        if (r == 0)
            keep_better(choice, &cgroup, cgroup.depth + 1);
    }
    if (r < 0 && !is_shortage(r) && !climbs(path)) {
        r = open_at(root, mount->point, "", &cgroup);
        if (r == 0)
            keep_better(choice, &cgroup, 0);
    }
    return is_shortage(r) ? r : 0;
}

/* Over all mounts of the hierarchy; `ret_counts` is set where one of them is v2 and says so. */
static int choose(const struct nn_root *root, const struct wanted *wanted, struct choice *choice,
    bool *ret_counts)
{
    struct nn_lines lines;
    char *line;
    int r = nn_lines_open(root, "proc/self/mountinfo", &lines);

    if (r < 0)
        return r;
    while ((r = nn_lines_next(&lines, &line)) > 0) {
        struct nn_mount mount;

        if (nn_mount_parse(line, &mount) < 0 || !is_mount_of(&mount, wanted->controller))
            continue;
        *ret_counts |= nn_mount_lists(mount.options, "memory_hugetlb_accounting");
        r = try_mount(root, &mount, wanted->path, choice);
        if (r < 0)
            break;
    }
    nn_lines_close(&lines);
    return r;
}

/* Nothing to be seen, for whatever reason but a shortage, is a cgroup with fd -1. */
static int open_hierarchy(const struct nn_root *root, const char *controller,
    struct nn_cgroup *ret_cgroup, bool *ret_counts)
{
    struct choice choice = {.best = {.own = {.fd = -1}}};
    struct wanted wanted = {.controller = controller};
    bool counts = false;
    int r = find_path(root, &wanted);

    if (r == 0)
        r = choose(root, &wanted, &choice, &counts);
    if (is_shortage(r)) {
        close_cgroup(&choice.best);
        return r;
    }
    *ret_cgroup = choice.best;
    *ret_counts = counts;
    return 0;
}

static uint64_t hash(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (hash ^ '\n') * UINT64_C(0x100000001b3);
}

/* FNV-1a over the file; a file that is not there has a value too. */
static int hash_membership(const struct nn_root *root, uint64_t *ret_hash)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    struct nn_lines lines;
    char *line;
    int r = nn_lines_open(root, "proc/self/cgroup", &lines);

    if (r == 0) {
        while ((r = nn_lines_next(&lines, &line)) > 0)
            value = hash(value, line);
        nn_lines_close(&lines);
    }
    if (is_shortage(r))
        return r;
    *ret_hash = value;
    return 0;
}

/* With hugetlb counted only where the memory controller is of v2. */
static int open_all(const struct nn_root *root, struct nn_cgroups *cgroups)
{
    bool counts = false, unused = false;
    int r = hash_membership(root, &cgroups->membership);

    if (r == 0)
        r = open_hierarchy(root, NULL, &cgroups->unified, &counts);
    if (r == 0)
        r = open_hierarchy(root, "memory", &cgroups->memory, &unused);
    if (r == 0)
        r = open_hierarchy(root, "hugetlb", &cgroups->hugetlb, &unused);
    cgroups->counts_huge_pages = counts && cgroups->memory.own.fd < 0;
    return r;
}

int nn_cgroups_open(const struct nn_root *root, struct nn_cgroups *ret_cgroups)
{
    static const struct nn_cgroup none = {.own = {.fd = -1}};
    struct nn_cgroups cgroups = {.unified = none, .memory = none, .hugetlb = none};
    int r = open_all(root, &cgroups);

    if (r < 0) {
        nn_cgroups_close(&cgroups);
        return r;
    }
    *ret_cgroups = cgroups;
    return 0;
}

void nn_cgroups_close(struct nn_cgroups *cgroups)
{
    close_cgroup(&cgroups->unified);
    close_cgroup(&cgroups->memory);
    close_cgroup(&cgroups->hugetlb);
}

int nn_cgroups_moved(const struct nn_root *root, const struct nn_cgroups *cgroups)
{
    uint64_t membership;
    int r = hash_membership(root, &membership);

    return r < 0 ? r : membership != cgroups->membership;
}

int nn_cgroup_level(const struct nn_cgroup *cgroup, unsigned level, struct nn_root *ret_directory)
{
    char path[sizeof("../") * NN_CGROUP_DEPTH] = ".";

    if (cgroup->own.fd < 0 || level > cgroup->depth || level > NN_CGROUP_DEPTH)
        return -ENOENT;
    for (unsigned i = 0; i < level; i++)
        memcpy(path + strlen("../") * i, "../", sizeof("../"));
    return nn_root_enter(&cgroup->own, path, ret_directory);
}
