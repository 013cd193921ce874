/* SPDX-License-Identifier: MIT */
/*
 * A topology as tables: a line for each node, with its CPUs last since their list may be long, then
 * sockets that have no node, then distances. "-" stands for nothing, or for what nobody says. No
 * lock.
 */
#include "tools/topology_table.h"

#include <inttypes.h>
#include <string.h>

#include "tools/units.h"

#define CELL UNITS_TEXT /* bytes of a cell's text: cut there, which no real machine reaches */

/* The sockets of a node: mostly one. */
static const char *sockets_of(
    const struct nn_topology *topology, const struct nn_node *node, char cell[CELL])
{
    size_t length = 0;

    snprintf(cell, CELL, "-");
    for (size_t i = 0; i < topology->socket_count && length < CELL; i++)
        if (nn_set_has(&topology->sockets[i].nodes, (unsigned)node->id))
            length += (size_t)snprintf(cell + length, CELL - length, "%s%d", length == 0 ? "" : ",",
                topology->sockets[i].id);
    return cell;
}

/* "free/all" pages of that size. */
static const char *huge_of(const struct nn_node *node, uint64_t size, char cell[CELL])
{
    snprintf(cell, CELL, "-");
    for (size_t i = 0; i < node->huge_count; i++)
        if (node->huge[i].size == size)
            snprintf(cell, CELL, "%" PRIu64 "/%" PRIu64, node->huge[i].free, node->huge[i].total);
    return cell;
}

/* The smallest page size above `size` that a node has, or 0. */
static uint64_t next_size(const struct nn_topology *topology, uint64_t size)
{
    uint64_t next = 0;

    for (size_t node = 0; node < topology->node_count; node++)
        for (size_t i = 0; i < topology->nodes[node].huge_count; i++) {
            uint64_t candidate = topology->nodes[node].huge[i].size;

            if (candidate > size && (next == 0 || candidate < next))
                next = candidate;
        }
    return next;
}

static void print_header(const struct nn_topology *topology, FILE *out)
{
    char cell[CELL], title[CELL + sizeof(" free/all")];

    fprintf(out, "%4s  %6s  %10s", "node", "socket", "memory");
    for (uint64_t size = next_size(topology, 0); size != 0; size = next_size(topology, size)) {
        snprintf(title, sizeof(title), "%s free/all", units_text(size, cell));
        fprintf(out, "  %16s", title);
    }
    fprintf(out, "  cpus\n");
}

static void print_node(const struct nn_topology *topology, const struct nn_node *node, FILE *out)
{
    char cell[CELL], cpus[NN_SET_TEXT(NN_CPUS)] = "";

    fprintf(out, "%4d  %6s", node->id, sockets_of(topology, node, cell));
    fprintf(out, "  %10s", node->memory_bytes == 0 ? "-" : units_text(node->memory_bytes, cell));
    for (uint64_t size = next_size(topology, 0); size != 0; size = next_size(topology, size))
        fprintf(out, "  %16s", huge_of(node, size, cell));
    (void)nn_set_print(&node->cpus, cpus, sizeof(cpus));
    fprintf(out, "  %s\n", cpus[0] == '\0' ? "-" : cpus);
}

static void print_empty_sockets(const struct nn_topology *topology, FILE *out)
{
    for (size_t i = 0; i < topology->socket_count; i++)
        if (nn_set_count(&topology->sockets[i].nodes) == 0)
            fprintf(out, "%4s  %6d\n", "-", topology->sockets[i].id);
}

static void print_distances(const struct nn_topology *topology, FILE *out)
{
    fprintf(out, "\ndistances\nfrom\\to");
    for (size_t to = 0; to < topology->node_count; to++)
        fprintf(out, " %4d", topology->nodes[to].id);
    for (size_t from = 0; from < topology->node_count; from++) {
        fprintf(out, "\n%7d", topology->nodes[from].id);
        for (size_t to = 0; to < topology->node_count; to++)
            fprintf(out, " %4u", nn_topology_distance(topology, from, to));
    }
    fprintf(out, "\n");
}

void topology_table(const struct nn_topology *topology, FILE *out)
{
    print_header(topology, out);
    for (size_t i = 0; i < topology->node_count; i++)
        print_node(topology, &topology->nodes[i], out);
    print_empty_sockets(topology, out);
    if (topology->node_count > 1)
        print_distances(topology, out);
}
