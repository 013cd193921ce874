/* SPDX-License-Identifier: MIT */
/*
 * Available memory of a node, from figures that may contradict each other: the kernel takes each at
 * another moment, so every difference stops at zero and every sum at the total. No lock.
 *
 * Available = free + page cache that can be dropped without writing it first + free huge pages.
 * - Page cache is Active(file) + Inactive(file) less Dirty and Writeback. Reclaimable slab is left
 * out: how much of it the kernel can free is known only once it has tried.
 * - Free huge pages count as used in these files, in a node's MemFree as in MemAvailable.
 */
#include "numa/meminfo.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "numa/cpulist.h"
#include "numa/hugepages.h"
#include "numa/nodefiles.h"
#include "numa/number.h"

#define MEMINFO_TEXT 8192 /* bytes: sysfs gives at most a page, proc/meminfo has 1.5 KiB */

/* Beyond "Node 0 ", with which each line of a node's file begins. */
static const char *skip_node(const char *line)
{
    const char *at = line;
    uint64_t node;

    if (strncmp(at, "Node ", 5) != 0)
        return line;
    at += 5;
    if (nn_number_scan(&at, UINT64_MAX, &node) < 0 || *at != ' ')
        return line;
    return at + 1;
}

/* The text behind "name:" at the beginning of a line, or NULL. */
static const char *find_line(const char *text, const char *name)
{
    size_t length = strlen(name);

    while (text != NULL && *text != '\0') {
        const char *line = skip_node(text);

        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1;
        text = strchr(text, '\n');
        text = text == NULL ? NULL : text + 1;
    }
    return NULL;
}

int nn_meminfo_field(const char *text, const char *name, uint64_t *ret_bytes)
{
    const char *value = find_line(text, name);
    uint64_t kib;
    int r;

    if (value == NULL)
        return -ENOENT;
    value += strspn(value, " \t");
    r = nn_number_scan(&value, UINT64_MAX / 1024, &kib);
    if (r < 0)
        return r;
    if (strncmp(value, " kB", 3) != 0)
        return -EINVAL;
    *ret_bytes = kib * 1024;
    return 0;
}

static uint64_t field(const char *text, const char *name)
{
    uint64_t bytes = 0;

    (void)nn_meminfo_field(text, name, &bytes);
    return bytes;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t droppable(const char *text)
{
    uint64_t cached = plus(field(text, "Active(file)"), field(text, "Inactive(file)"));

    return minus(cached, plus(field(text, "Dirty"), field(text, "Writeback")));
}

/* MemAvailable is the kernel's own estimate; a node's file has none. */
static uint64_t available(const char *text)
{
    uint64_t bytes;

    if (nn_meminfo_field(text, "MemAvailable", &bytes) == 0)
        return bytes;
    return plus(field(text, "MemFree"), droppable(text));
}

static int read_memory(
    const struct nn_root *root, const char *path, uint64_t huge_bytes, struct nn_memory *ret_memory)
{
    char text[MEMINFO_TEXT];
    uint64_t total, bytes;
    int r = nn_root_read(root, path, text, sizeof(text));

    if (r < 0)
        return r;
    if (nn_meminfo_field(text, "MemTotal", &total) < 0)
        return -ENODATA;
    bytes = plus(available(text), huge_bytes);
    *ret_memory = (struct nn_memory){
        .total_bytes = total,
        .available_bytes = bytes < total ? bytes : total,
    };
    return 0;
}

static int read_node(const struct nn_root *root, int node, struct nn_memory *ret_memory)
{
    struct nn_path path = nn_path("sys/devices/system/node/node#/meminfo", (unsigned)node);
    struct nn_huge huge[NN_HUGE_SIZES];
    size_t count = nn_huge_of_node(root, node, huge);

    return read_memory(root, path.text, nn_huge_free_bytes(huge, count), ret_memory);
}

static int read_machine(const struct nn_root *root, struct nn_memory *ret_memory)
{
    struct nn_huge huge[NN_HUGE_SIZES];
    size_t count = nn_huge_of_machine(root, huge);

    return read_memory(root, "proc/meminfo", nn_huge_free_bytes(huge, count), ret_memory);
}

static bool is_only_node(const struct nn_root *root, int node)
{
    struct nn_set nodes;
    size_t count;

    nn_files_nodes(root, &nodes);
    count = nn_set_count(&nodes);
    return count == 0 ? node == 0 : count == 1 && nn_set_next(&nodes, 0) == node;
}

int nn_node_memory(const struct nn_root *root, int node, struct nn_memory *ret_memory)
{
    if (is_only_node(root, node) && read_machine(root, ret_memory) == 0)
        return 0;
    return read_node(root, node, ret_memory);
}
