/* SPDX-License-Identifier: MIT */
/* The files that numa/ reads of a machine. No lock: one thread makes and removes it. */
#include "machine.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NODES "sys/devices/system/node/"
#define CPUS  "sys/devices/system/cpu/"

const int machine_ids[MACHINE_NODES] = {0, 2, 5, 7};
const int machine_order[MACHINE_NODES][MACHINE_NODES] = {
    {0, 2, 1, 3}, {1, 3, 0, 2}, {2, 0, 3, 1}, {3, 1, 2, 0}};

/* A row for each node; rows are read up to the number of nodes. */
static const int distances[MACHINE_NODES][MACHINE_NODES] = {
    {10, 30, 20, 40}, {30, 10, 40, 20}, {20, 40, 10, 30}, {40, 20, 30, 10}};

#define TEMPLATE "/tmp/hostmem-machine-XXXXXX"
static char path[sizeof(TEMPLATE)];

static _Noreturn void broken(const char *what)
{
    perror(what);
    abort();
}

static void make_parents(char *file)
{
    for (char *slash = strchr(file + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(file, 0755);
        *slash = '/';
    }
}

/* A file whose name and line are made with the same arguments. */
__attribute__((format(printf, 2, 3))) static void put(const char *name, const char *format, ...)
{
    char full[256];
    va_list arguments;
    snprintf(full, sizeof(full), "%s/%s", path, name);
    make_parents(full);
    FILE *file = fopen(full, "we");
    if (!file)
        broken(full);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
    fclose(file);
}

static const char *node_file(int index, const char *name)
{
    static char text[128];
    snprintf(text, sizeof(text), NODES "node%d/%s", machine_ids[index], name);
    return text;
}

static void put_distances(const struct machine *machine, int index)
{
    char row[64] = "";
    for (int to = 0; to < machine->nodes; to++)
        snprintf(
            row + strlen(row), sizeof(row) - strlen(row), to ? " %d" : "%d", distances[index][to]);
    put(node_file(index, "distance"), "%s", row);
}

static void put_node(const struct machine *machine, int index)
{
    int id = machine_ids[index];
    put(node_file(index, "cpulist"), "%s", index ? "" : "0-3");
    put(node_file(index, "meminfo"), "Node %d MemTotal: 16777216 kB\nNode %d MemFree: 16777216 kB",
        id, id);
    put(node_file(index, "hugepages/hugepages-2048kB/nr_hugepages"), "%d", machine->huge[index]);
    put(node_file(index, "hugepages/hugepages-2048kB/free_hugepages"), "%d", machine->huge[index]);
    put_distances(machine, index);
}

static void put_cpus(void)
{
    char name[96];
    put(CPUS "online", "0-3");
    for (int cpu = 0; cpu < 4; cpu++) {
        snprintf(name, sizeof(name), CPUS "cpu%d/topology/physical_package_id", cpu);
        put(name, "0");
    }
}

const char *machine_write(const struct machine *machine)
{
    char online[32] = "";
    strcpy(path, TEMPLATE);
    if (!mkdtemp(path))
        broken(path);
    for (int index = 0; index < machine->nodes; index++) {
        put_node(machine, index);
        snprintf(online + strlen(online), sizeof(online) - strlen(online), index ? ",%d" : "%d",
            machine_ids[index]);
    }
    put(NODES "online", "%s", online);
    put(NODES "has_memory", "%s", online);
    put_cpus();
    put("sys/kernel/mm/transparent_hugepage/enabled",
        machine->thp ? "always [madvise] never" : "always madvise [never]");
    return path;
}

static int remove_entry(const char *name, const struct stat *status, int type, struct FTW *place)
{
    return remove(name);
}

void machine_remove(const char *root)
{
    if (nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS))
        broken(root);
}
