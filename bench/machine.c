/* SPDX-License-Identifier: MIT */
/* The machine as /proc, /sys and libnuma tell of it. See machine.h. */
#include "bench/machine.h"

#include <mntent.h>
#include <numa.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define HUGE_FREE "/hugepages-%ukB/free_hugepages"

static bool read_line(const char *path, char *ret_text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fgets(ret_text, (int)size, file) != NULL;
    fclose(file);
    if (read)
        ret_text[strcspn(ret_text, "\n")] = '\0';
    return read;
}

static uint64_t read_number(const char *path)
{
    char text[32];
    return read_line(path, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

/* What follows the colon of the first line that begins so, or is in none. */
static bool find_field(const char *path, const char *field, char *ret_text, size_t size)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof(line), file))
        found = strncmp(line, field, strlen(field)) == 0 && strchr(line, ':');
    if (file)
        fclose(file);
    if (!found)
        return false;
    const char *value = strchr(line, ':') + 1;
    value += strspn(value, " \t");
    snprintf(ret_text, size, "%.*s", (int)strcspn(value, "\n"), value);
    return true;
}

uint64_t machine_free_2m(void)
{
    return read_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
}

bool machine_hugetlbfs(char *ret_path, size_t size)
{
    bool found = false;
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent *entry;
    while (mounts && !found && (entry = getmntent(mounts)) != NULL) {
        found = strcmp(entry->mnt_type, "hugetlbfs") == 0 && access(entry->mnt_dir, W_OK) == 0;
        if (found)
            snprintf(ret_path, size, "%s/hostmem-bench", entry->mnt_dir);
    }
    if (mounts)
        endmntent(mounts);
    return found;
}

/* -- words -- */

static void read_words(struct machine *m)
{
    struct utsname name;
    char flags[4096];
    time_t now = time(NULL);
    struct tm utc;
    if (!find_field("/proc/cpuinfo", "model name", m->cpu, sizeof(m->cpu)))
        snprintf(m->cpu, sizeof(m->cpu), "unknown");
    if (uname(&name) == 0)
        snprintf(m->kernel, sizeof(m->kernel), "%.60s %.60s", name.sysname, name.release);
    if (!read_line("/sys/kernel/mm/transparent_hugepage/enabled", m->thp, sizeof(m->thp)))
        snprintf(m->thp, sizeof(m->thp), "none");
    if (!read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", m->governor,
            sizeof(m->governor)))
        snprintf(m->governor, sizeof(m->governor), "none");
    m->guest =
        find_field("/proc/cpuinfo", "flags", flags, sizeof(flags)) && strstr(flags, "hypervisor");
    strftime(m->time, sizeof(m->time), "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
}

/* -- nodes -- */

static uint64_t free_on(int node, unsigned kib)
{
    char path[128];
    snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/hugepages" HUGE_FREE, node, kib);
    return read_number(path);
}

static void add_node(struct machine *m, int number)
{
    if (m->nodes == MACHINE_NODES)
        return;
    long long memory = numa_node_size64(number, NULL);
    m->node[m->nodes++] = (struct machine_node){.number = number,
        .memory = memory > 0 ? (uint64_t)memory : 0,
        .free_2m = free_on(number, 2048),
        .free_1g = free_on(number, 1048576)};
}

/* Without NUMA in the kernel there is one node, of which libnuma must not be asked. */
static void read_nodes(struct machine *m)
{
    if (numa_available() < 0) {
        m->nodes = 1;
        m->node[0].memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
        m->node[0].free_2m = machine_free_2m();
        return;
    }
    for (int i = 0; i <= numa_max_node(); i++)
        if (numa_bitmask_isbitset(numa_nodes_ptr, (unsigned)i))
            add_node(m, i);
    for (unsigned i = 0; i < m->nodes; i++)
        for (unsigned k = 0; k < m->nodes; k++)
            m->distance[i][k] = (unsigned)numa_distance(m->node[i].number, m->node[k].number);
}

static struct machine_node *node_of(struct machine *m, int cpu)
{
    int number = m->nodes > 1 ? numa_node_of_cpu(cpu) : m->node[0].number;
    for (unsigned i = 0; i < m->nodes; i++)
        if (m->node[i].number == number)
            return &m->node[i];
    return NULL;
}

static void read_cpus(struct machine *m)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed))
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && m->cpus < ORDER_CPUS; cpu++) {
        struct machine_node *node = CPU_ISSET((size_t)cpu, &allowed) ? node_of(m, cpu) : NULL;
        if (!node)
            continue;
        node->cpu[node->cpus++] = (int16_t)cpu;
        m->cpus++;
    }
}

void machine_read(struct machine *m)
{
    *m = (struct machine){0};
    read_words(m);
    read_nodes(m);
    read_cpus(m);
    for (unsigned i = 0; i < m->nodes; i++) {
        m->memory += m->node[i].memory;
        m->free_2m += m->node[i].free_2m;
        m->free_1g += m->node[i].free_1g;
    }
}
