/* SPDX-License-Identifier: MIT */
/*
 * The reader of numa/ on any tree of files (input.h): no crash, no hang, bounded memory, and
 * answers that hold together. The entry is libFuzzer's, which tests/fuzz/replay.c calls as well. A
 * broken promise is an abort after its text. The tree is written into /dev/shm. One thread.
 */
#include "tests/fuzz/topology_fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numa/allowed.h"
#include "numa/limit.h"
#include "numa/meminfo.h"
#include "numa/nodefiles.h"
#include "numa/sources.h"
#include "numa/topology.h"
#include "tests/fuzz/input.h"

#define must(promise) ((promise) ? (void)0 : broken(#promise, __LINE__))

#define ASKED 4 /* nodes whose neighbours are sorted: with 1,024 of them each takes a while */

static void broken(const char *promise, int line)
{
    fprintf(stderr, "topology_fuzz.c:%d: does not hold: %s\n", line, promise);
    abort();
}

static void check_huge(const struct nn_node *node)
{
    must(node->huge_count <= NN_HUGE_SIZES);
    for (size_t i = 1; i < node->huge_count; i++)
        must(node->huge[i - 1].size < node->huge[i].size);
}

static void check_node(const struct nn_topology *topology, size_t index)
{
    const struct nn_node *node = &topology->nodes[index];

    must(node->id >= 0 && node->id < NN_NODES && node->socket >= -1);
    must(index == 0 || node[-1].id < node->id);
    must(nn_topology_find(topology, node->id) == node);
    for (int cpu = nn_set_next(&node->cpus, 0); cpu >= 0;
         cpu = nn_set_next(&node->cpus, (unsigned)cpu + 1))
        must(nn_topology_node_of_cpu(topology, cpu) == index);
    for (size_t to = 0; to < topology->node_count; to++)
        must(nn_topology_distance(topology, index, to) >= NN_DISTANCE_SELF);
    check_huge(node);
}

static void check_socket_of(const struct nn_topology *topology, const struct nn_node *node)
{
    size_t found = 0;

    for (size_t i = 0; i < topology->socket_count; i++)
        found += topology->sockets[i].id == node->socket &&
                 nn_set_has(&topology->sockets[i].nodes, (unsigned)node->id);
    must(found == (node->socket >= 0));
}

static void check_sockets(const struct nn_topology *topology)
{
    for (size_t i = 0; i < topology->socket_count; i++) {
        const struct nn_socket *socket = &topology->sockets[i];

        must(socket->id >= 0 && (i == 0 || socket[-1].id < socket->id));
        for (int id = nn_set_next(&socket->nodes, 0); id >= 0;
             id = nn_set_next(&socket->nodes, (unsigned)id + 1))
            must(nn_topology_find(topology, id) != NULL);
    }
    for (size_t i = 0; i < topology->node_count; i++)
        check_socket_of(topology, &topology->nodes[i]);
}

/* Each node once, itself first, no nearer one behind a farther one. */
static void check_nearest(const struct nn_topology *topology, size_t node)
{
    size_t order[NN_NODES];
    struct nn_set seen = {0};

    nn_topology_nearest(topology, node, order);
    must(order[0] == node);
    for (size_t i = 0; i < topology->node_count; i++) {
        must(order[i] < topology->node_count && !nn_set_has(&seen, (unsigned)order[i]));
        nn_set_add(&seen, (unsigned)order[i]);
        must(i < 2 || nn_topology_distance(topology, node, order[i - 1]) <=
                          nn_topology_distance(topology, node, order[i]));
    }
    must(nn_topology_nearest_with_cpus(topology, node) < topology->node_count);
}

static void check_cpus(const struct nn_topology *topology)
{
    must(topology->node_of_unknown < topology->node_count);
    for (int cpu = -1; cpu <= NN_CPUS; cpu++)
        must(nn_topology_node_of_cpu(topology, cpu) < topology->node_count);
}

static void check_memory(const struct nn_root *root, const struct nn_node *node)
{
    struct nn_memory memory = {.total_bytes = 1};
    int r = nn_node_memory(root, node->id, &memory);

    must(r < 0 ? memory.total_bytes == 1 && node->memory_bytes == 0
               : memory.total_bytes == node->memory_bytes);
    must(memory.available_bytes <= memory.total_bytes);
}

static void check_allowed(const struct nn_topology *topology)
{
    struct nn_set nodes;

    nn_allowed_all(topology, &nodes);
    must(nn_set_count(&nodes) > 0 && nn_set_count(&nodes) <= topology->node_count);
    for (int id = nn_set_next(&nodes, 0); id >= 0; id = nn_set_next(&nodes, (unsigned)id + 1))
        must(nn_topology_find(topology, id) != NULL);
}

static void check_topology(const struct nn_root *root)
{
    struct nn_topology *topology;
    size_t count;

    must(nn_topology_read(root, &topology) == 0);
    count = topology->node_count;
    must(count >= 1 && count <= NN_NODES);
    for (size_t i = 0; i < count; i++)
        check_node(topology, i);
    check_sockets(topology);
    check_cpus(topology);
    check_allowed(topology);
    for (size_t i = 0; i < count; i += 1 + count / ASKED) {
        check_nearest(topology, i);
        check_memory(root, &topology->nodes[i]);
    }
    nn_topology_free(topology);
}

static void check_limit(int r, const struct nn_limit *limit)
{
    must(r == 0 || r == -ENOENT);
    if (r < 0) {
        must(limit->limit_bytes == 1 && limit->percent == 0);
        return;
    }
    must(limit->percent <= 100);
    must(nn_limit_name(limit->fullest.kind) != NULL && nn_limit_name(limit->nearest.kind) != NULL);
    must(limit->fullest.level <= NN_CGROUP_DEPTH && limit->nearest.level <= NN_CGROUP_DEPTH);
    must(limit->used_bytes >= limit->limit_bytes ||
         limit->available_bytes <= limit->limit_bytes - limit->used_bytes);
}

static void check_limits(const struct nn_cgroups *cgroups)
{
    static const uint64_t sizes[] = {64 << 10, 2 << 20, 1 << 30};
    struct nn_limit limit = {.limit_bytes = 1};

    check_limit(nn_cgroup_memory(cgroups, &limit), &limit);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        limit = (struct nn_limit){.limit_bytes = 1};
        check_limit(nn_cgroup_hugetlb(cgroups, sizes[i], &limit), &limit);
    }
}

static void check_cgroup(const struct nn_cgroup *cgroup)
{
    must(cgroup->depth <= NN_CGROUP_DEPTH);
    must(memchr(cgroup->path, '\0', sizeof(cgroup->path)) != NULL);
}

static void check_sources(const struct nn_root *root, const struct nn_cgroups *cgroups)
{
    static const struct nn_pressure_env environment = {.watch = NULL};
    struct nn_sources sources;
    struct nn_event event;

    nn_sources_arm(root, cgroups, &environment, &sources);
    must(sources.count <= NN_SOURCES);
    for (size_t i = 0; i < sources.count; i++)
        (void)nn_sources_take(cgroups, &sources, i, &event);
    nn_sources_close(&sources);
}

static void check_cgroups(const struct nn_root *root)
{
    struct nn_cgroups cgroups;

    must(nn_cgroups_open(root, &cgroups) == 0);
    check_cgroup(&cgroups.unified);
    check_cgroup(&cgroups.memory);
    check_cgroup(&cgroups.hugetlb);
    must(nn_cgroups_moved(root, &cgroups) == 0);
    check_limits(&cgroups);
    check_sources(root, &cgroups);
    nn_cgroups_close(&cgroups);
}

static char place[64]; /* the directory of the trees, as long as the process lives */

static void remove_place(void)
{
    (void)rmdir(place);
}

static int make_place(void)
{
    strcpy(place, access("/dev/shm", W_OK) == 0 ? "/dev/shm/hostmem-fuzz-XXXXXX"
                                                : "/tmp/hostmem-fuzz-XXXXXX");
    if (mkdtemp(place) == NULL || atexit(remove_place) != 0)
        abort();
    return open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int lowest_free_fd(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct input_tree tree = {.root = -1};
    struct nn_root root;
    int free_fd;

    if (tree.root < 0)
        tree.root = make_place();
    free_fd = lowest_free_fd();
    root.fd = tree.root;
    input_write(&tree, bytes, size);
    check_topology(&root);
    check_cgroups(&root);
    input_remove(&tree);
    must(lowest_free_fd() == free_fd);
    return 0;
}
