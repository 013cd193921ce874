/* SPDX-License-Identifier: MIT */
/*
 * Paths are patterns: '@' is a cgroup's directory, '#' one of `numbers`, '%' one of `sizes`. The
 * low half of an entry's second byte chooses the first two, the high half the last. No lock.
 */
#include "tests/fuzz/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define END          0xff
#define PATH_SIZE    160
#define TEXT_SIZE    (128 << 10) /* bytes of a file: more than any buffer of the reader's holds */

static const char *const patterns[] = {
    "sys/devices/system/node/online",
    "sys/devices/system/node/node#",
    "sys/devices/system/node/node#/cpulist",
    "sys/devices/system/node/node#/distance",
    "sys/devices/system/node/node#/meminfo",
    "sys/devices/system/node/node#/cpu%",
    "sys/devices/system/node/node#/hugepages",
    "sys/devices/system/node/node#/hugepages/hugepages-%kB/nr_hugepages",
    "sys/devices/system/node/node#/hugepages/hugepages-%kB/free_hugepages",
    "sys/devices/system/cpu/online",
    "sys/devices/system/cpu/cpu#",
    "sys/devices/system/cpu/cpu#/topology/physical_package_id",
    "sys/kernel/mm/hugepages/hugepages-%kB/nr_hugepages",
    "sys/kernel/mm/hugepages/hugepages-%kB/free_hugepages",
    "proc/meminfo",
    "proc/self/cgroup",
    "proc/self/mountinfo",
    "proc/pressure/memory",
    "@",
    "@/cgroup.procs",
    "@/cgroup.event_control",
    "@/memory.max",
    "@/memory.high",
    "@/memory.current",
    "@/memory.stat",
    "@/memory.pressure",
    "@/memory.pressure_level",
    "@/memory.events",
    "@/memory.events.local",
    "@/memory.limit_in_bytes",
    "@/memory.usage_in_bytes",
    "@/memory.memsw.limit_in_bytes",
    "@/memory.memsw.usage_in_bytes",
    "@/hugetlb.2MB.max",
    "@/hugetlb.2MB.current",
    "@/hugetlb.2MB.rsvd.max",
    "@/hugetlb.2MB.rsvd.current",
    "@/hugetlb.2MB.limit_in_bytes",
    "@/hugetlb.2MB.usage_in_bytes",
    "@/hugetlb.1GB.max",
    "@/hugetlb.1GB.current",
};
static_assert(COUNT(patterns) < END, "an index is no end of an entry");

#define CHOICES 15 /* 16 would make 0xff of the last of both */

static const char *const directories[CHOICES] = {
    "sys/fs/cgroup",
    "sys/fs/cgroup/a",
    "sys/fs/cgroup/a/b",
    "sys/fs/cgroup/memory",
    "sys/fs/cgroup/memory/batch",
    "sys/fs/cgroup/memory/batch/job",
    "sys/fs/cgroup/other",
    "sys/fs/other",
    "sys/fs/cgroup/big",
    "sys/fs/cgroup/big/mid",
    "sys/fs/cgroup/big/mid/own",
    "sys/fs/cgroup/hugetlb",
    "sys/fs/cgroup/unified",
    "sys/fs/cgroup/unified/a",
    "c",
};
static const char *const numbers[CHOICES] = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "12", "63", "1023", "1024", "8191"};
static const char *const sizes[CHOICES] = {"2048", "1048576", "64", "4", "0", "1", "2", "3", "7",
    "16384", "8191", "8192", "00", "4294967295", "4294967296"};

/* What else than a file the first byte of the contents makes; the rest is for LINK and REPEAT. */
enum kind { DIRECTORY = 1, FIFO, LINK, ENDLESS, REPEAT, KINDS };

static const char *word_of(char mark, uint8_t choice)
{
    const char *const *words = mark == '@' ? directories : mark == '#' ? numbers : sizes;

    return words[(mark == '%' ? choice >> 4 : choice & 15) % CHOICES];
}

static void fill_path(const char *pattern, uint8_t choice, char path[PATH_SIZE])
{
    char *end = path;

    for (; *pattern != '\0'; pattern++) {
        if (strchr("@#%", *pattern) != NULL)
            end = stpcpy(end, word_of(*pattern, choice));
        else
            *end++ = *pattern;
    }
    *end = '\0';
}

static void note(struct input_tree *tree, const char *path)
{
    assert(tree->count < COUNT(tree->made));
    tree->made[tree->count] = strdup(path);
    if (tree->made[tree->count++] == NULL)
        abort();
}

static void make_parents(struct input_tree *tree, const char *path)
{
    char parent[PATH_SIZE];

    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = '\0';
        if (mkdirat(tree->root, parent, 0700) == 0)
            note(tree, parent);
    }
}

static int write_text(int root, const char *path, const uint8_t *text, size_t size)
{
    int fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    if (write(fd, text, size) != (ssize_t)size)
        abort();
    close(fd);
    return 0;
}

/* The first byte says how often, in units of 16. */
static int write_repeated(int root, const char *path, const uint8_t *text, size_t size)
{
    static uint8_t whole[TEXT_SIZE];
    size_t times = size > 1 ? (size_t)text[0] * 16 : 0, length = 0;

    for (; times-- > 0 && length + size - 1 <= TEXT_SIZE; length += size - 1)
        memcpy(whole + length, text + 1, size - 1);
    return write_text(root, path, whole, length);
}

/* To another path of an input, from the root, which is as many directories up. */
static int make_link(int root, const char *path, const uint8_t *text, size_t size)
{
    char target[PATH_SIZE], link[2 * PATH_SIZE] = "";

    fill_path(patterns[size > 0 ? text[0] % COUNT(patterns) : 0], size > 1 ? text[1] : 0, target);
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
        strcat(link, "../");
    strcat(link, target);
    return symlinkat(link, root, path);
}

static int make(int root, const char *path, const uint8_t *text, size_t size)
{
    switch (size > 0 ? text[0] : KINDS) {
    case DIRECTORY:
        return mkdirat(root, path, 0700);
    case FIFO:
        return mkfifoat(root, path, 0600);
    case LINK:
        return make_link(root, path, text + 1, size - 1);
    case ENDLESS:
        return symlinkat("/dev/zero", root, path);
    case REPEAT:
        return write_repeated(root, path, text + 1, size - 1);
    default:
        return write_text(root, path, text, size);
    }
}

static void write_entry(struct input_tree *tree, const uint8_t *entry, size_t size)
{
    char path[PATH_SIZE];

    if (size < 2)
        return;
    fill_path(patterns[entry[0] % COUNT(patterns)], entry[1], path);
    make_parents(tree, path);
    if (make(tree->root, path, entry + 2, size - 2) == 0)
        note(tree, path);
}

void input_write(struct input_tree *tree, const uint8_t *bytes, size_t size)
{
    tree->count = 0;
    for (size_t entries = 0; size > 0 && entries < INPUT_ENTRIES; entries++) {
        const uint8_t *end = memchr(bytes, END, size);
        size_t length = end == NULL ? size : (size_t)(end - bytes);
        size_t whole = end == NULL ? size : length + 1;

        write_entry(tree, bytes, length);
        bytes += whole;
        size -= whole;
    }
}

/* A link to a directory is removed as a file; its entries were removed before it, through it. */
void input_remove(struct input_tree *tree)
{
    while (tree->count > 0) {
        char *path = tree->made[--tree->count];

        if (unlinkat(tree->root, path, 0) < 0 && unlinkat(tree->root, path, AT_REMOVEDIR) < 0)
            abort();
        free(path);
    }
}

/* The contents of an entry; -1 where there is no such file, or no room for it. */
static ssize_t describe(int root, const char *path, uint8_t *contents, size_t capacity)
{
    int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0)
        return -1;
    size = read(fd, contents, capacity);
    if (size < 0 && errno == EISDIR) {
        contents[0] = DIRECTORY;
        size = 1;
    }
    close(fd);
    if (size < 0 || (size_t)size == capacity || memchr(contents, END, (size_t)size) != NULL)
        return -1;
    return size;
}

static size_t describe_entry(
    int root, size_t pattern, unsigned choice, uint8_t *bytes, size_t capacity)
{
    char path[PATH_SIZE];
    ssize_t size;

    if (capacity < 4)
        return 0;
    fill_path(patterns[pattern], (uint8_t)choice, path);
    size = describe(root, path, bytes + 2, capacity - 3);
    if (size < 0)
        return 0;
    bytes[0] = (uint8_t)pattern;
    bytes[1] = (uint8_t)choice;
    bytes[2 + size] = END;
    return (size_t)size + 3;
}

static size_t describe_pattern(int root, size_t pattern, uint8_t *bytes, size_t capacity)
{
    unsigned low = strpbrk(patterns[pattern], "@#") != NULL ? CHOICES : 1;
    unsigned high = strchr(patterns[pattern], '%') != NULL ? CHOICES : 1;
    size_t length = 0;

    for (unsigned i = 0; i < high; i++)
        for (unsigned j = 0; j < low; j++)
            length += describe_entry(root, pattern, i << 4 | j, bytes + length, capacity - length);
    return length;
}

size_t input_describe(int root, uint8_t *bytes, size_t capacity)
{
    size_t length = 0;

    for (size_t pattern = 0; pattern < COUNT(patterns); pattern++)
        length += describe_pattern(root, pattern, bytes + length, capacity - length);
    return length;
}
