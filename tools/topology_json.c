/* SPDX-License-Identifier: MIT */
/*
 * A topology as JSON: one line for each socket and node, so that two machines can be compared with
 * diff. No string in it needs escaping. No lock.
 */
#include "tools/topology_json.h"

#include <inttypes.h>

/* What goes before the i-th element of a list. */
static const char *comma(size_t i)
{
    return i == 0 ? "" : ",";
}

static void socket_json(const struct nn_socket *socket, FILE *out)
{
    size_t printed = 0;

    fprintf(out, "{\"id\":%d,\"nodes\":[", socket->id);
    for (int id = nn_set_next(&socket->nodes, 0); id >= 0;
         id = nn_set_next(&socket->nodes, (unsigned)id + 1))
        fprintf(out, "%s%d", comma(printed++), id);
    fprintf(out, "]}");
}

static void distances_json(const struct nn_topology *topology, size_t from, FILE *out)
{
    fprintf(out, ",\"distances\":{");
    for (size_t to = 0; to < topology->node_count; to++)
        fprintf(out, "%s\"%d\":%u", comma(to), topology->nodes[to].id,
            nn_topology_distance(topology, from, to));
    fprintf(out, "}");
}

static void huge_json(const struct nn_node *node, FILE *out)
{
    fprintf(out, ",\"huge_pages\":[");
    for (size_t i = 0; i < node->huge_count; i++)
        fprintf(out, "%s{\"size\":%" PRIu64 ",\"total\":%" PRIu64 ",\"free\":%" PRIu64 "}",
            comma(i), node->huge[i].size, node->huge[i].total, node->huge[i].free);
    fprintf(out, "]");
}

static void node_json(const struct nn_topology *topology, size_t index, FILE *out)
{
    const struct nn_node *node = &topology->nodes[index];
    char cpus[NN_SET_TEXT(NN_CPUS)] = "";

    (void)nn_set_print(&node->cpus, cpus, sizeof(cpus));
    fprintf(out, "{\"id\":%d,\"socket\":", node->id);
    if (node->socket < 0)
        fprintf(out, "null");
    else
        fprintf(out, "%d", node->socket);
    fprintf(out, ",\"cpus\":\"%s\",\"memory_bytes\":%" PRIu64, cpus, node->memory_bytes);
    distances_json(topology, index, out);
    huge_json(node, out);
    fprintf(out, "}");
}

void topology_json(const struct nn_topology *topology, FILE *out)
{
    fprintf(out, "{\"sockets\":[");
    for (size_t i = 0; i < topology->socket_count; i++) {
        fprintf(out, "%s\n", comma(i));
        socket_json(&topology->sockets[i], out);
    }
    fprintf(out, "],\n\"nodes\":[");
    for (size_t i = 0; i < topology->node_count; i++) {
        fprintf(out, "%s\n", comma(i));
        node_json(topology, i, out);
    }
    fprintf(out, "]}\n");
}
