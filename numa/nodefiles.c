/* SPDX-License-Identifier: MIT */
/*
 * Reads and checks single files of sysfs. Lists are read whole: a set of 8,192 CPUs may take 27 KiB
 * of text. No lock.
 */
#include "numa/nodefiles.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "numa/number.h"

static_assert(NN_DISTANCE_MAX <= UINT8_MAX, "a distance is a byte");

/* A list in a file; `text` is a buffer of NN_SET_TEXT(limit) bytes. */
static int read_set(const struct nn_root *root, const char *path, unsigned limit, char *text,
    struct nn_set *ret_set)
{
    int r = nn_root_read(root, path, text, NN_SET_TEXT(limit));

    return r < 0 ? r : nn_set_parse(text, limit, ret_set);
}

static int read_cpus(const struct nn_root *root, const char *path, struct nn_set *ret_cpus)
{
    char text[NN_SET_TEXT(NN_CPUS)];

    return read_set(root, path, NN_CPUS, text, ret_cpus);
}

static int read_nodes(const struct nn_root *root, const char *path, struct nn_set *ret_nodes)
{
    char text[NN_SET_TEXT(NN_NODES)];

    return read_set(root, path, NN_NODES, text, ret_nodes);
}

/* The numbers below `limit` in the names of a directory; `numbers` is a buffer for as many. */
static void list_set(const struct nn_root *root, const char *path, const char *pattern,
    unsigned limit, unsigned *numbers, struct nn_set *ret_set)
{
    size_t count = 0; /* also where there is no such directory */

    (void)nn_root_list(root, path, pattern, limit, numbers, &count);
    *ret_set = (struct nn_set){0};
    for (size_t i = 0; i < count && numbers[i] < limit; i++)
        nn_set_add(ret_set, numbers[i]);
}

static void list_cpus(const struct nn_root *root, const char *path, struct nn_set *ret_cpus)
{
    unsigned numbers[NN_CPUS];

    list_set(root, path, "cpu#", NN_CPUS, numbers, ret_cpus);
}

static void list_nodes(const struct nn_root *root, const char *path, struct nn_set *ret_nodes)
{
    unsigned numbers[NN_NODES];

    list_set(root, path, "node#", NN_NODES, numbers, ret_nodes);
}

void nn_files_nodes(const struct nn_root *root, struct nn_set *ret_nodes)
{
    if (read_nodes(root, "sys/devices/system/node/online", ret_nodes) < 0)
        list_nodes(root, "sys/devices/system/node", ret_nodes);
}

void nn_files_cpus(const struct nn_root *root, struct nn_set *ret_cpus)
{
    if (read_cpus(root, "sys/devices/system/cpu/online", ret_cpus) < 0)
        list_cpus(root, "sys/devices/system/cpu", ret_cpus);
}

void nn_files_node_cpus(const struct nn_root *root, unsigned node, struct nn_set *ret_online,
    struct nn_set *ret_present)
{
    struct nn_path directory = nn_path("sys/devices/system/node/node#", node);
    struct nn_path cpulist = nn_path("sys/devices/system/node/node#/cpulist", node);

    list_cpus(root, directory.text, ret_present);
    if (read_cpus(root, cpulist.text, ret_online) < 0)
        *ret_online = *ret_present;
}

int nn_files_package(const struct nn_root *root, unsigned cpu)
{
    struct nn_path path = nn_path("sys/devices/system/cpu/cpu#/topology/physical_package_id", cpu);
    char text[NN_NUMBER_SIZE + 1];
    uint64_t package;

    if (nn_root_read(root, path.text, text, sizeof(text)) < 0 ||
        nn_number_parse(text, INT_MAX, &package) < 0)
        return -1;
    return (int)package;
}

static int parse_row(const char *text, size_t count, uint8_t *ret_row)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t distance;

        text += strspn(text, " ");
        if (nn_number_scan(&text, NN_DISTANCE_MAX, &distance) < 0 || distance < NN_DISTANCE_SELF)
            return -EINVAL;
        ret_row[i] = (uint8_t)distance;
    }
    return text[strspn(text, " \n")] == '\0' ? 0 : -EINVAL;
}

int nn_files_distances(const struct nn_root *root, unsigned node, size_t count, uint8_t *ret_row)
{
    struct nn_path path = nn_path("sys/devices/system/node/node#/distance", node);
    char text[NN_NODES * sizeof("255") + 2];
    uint8_t row[NN_NODES];
    int r = nn_root_read(root, path.text, text, sizeof(text));

    if (r == 0)
        r = parse_row(text, count, row);
    if (r < 0)
        return r;
    memcpy(ret_row, row, count);
    return 0;
}
