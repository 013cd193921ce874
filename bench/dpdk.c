/* SPDX-License-Identifier: MIT */
/*
 * DPDK: its environment layer takes all its memory when it starts (-m), and no devices. It pins the
 * calling thread to the CPU that it is told. One process starts it once; no lock.
 */
#include "bench/dpdk.h"

#include <errno.h>
#include <stdio.h>

#include "bench/loaded.h"
#include "bench/peer.h"

#define SLACK_MIB 64 /* for what the layer itself keeps in its heap */

static int (*start)(int argc, char **argv);
static void *(*zmalloc)(const char *type, size_t size, unsigned alignment, int socket);
static void (*release)(void *base);
static int socket_id;

static int start_layer(const struct order *order)
{
    char cpu[16], memory[24], name[] = "hostmem-bench", l[] = "-l", m[] = "-m";
    char in_memory[] = "--in-memory", no_pci[] = "--no-pci", no_telemetry[] = "--no-telemetry";
    char quiet[] = "--log-level=1", no_shconf[] = "--no-shconf";
    char *arguments[] = {
        name, l, cpu, m, memory, in_memory, no_pci, no_telemetry, quiet, no_shconf, NULL};
    snprintf(cpu, sizeof(cpu), "%d", order->cpus[0]);
    snprintf(memory, sizeof(memory), "%zu", (peer_bytes(order) >> 20) + SLACK_MIB);
    return start(sizeof(arguments) / sizeof(arguments[0]) - 1, arguments);
}

int dpdk_open(const struct order *order, char ret_said[ORDER_SAID])
{
    const struct loaded symbols[] = {
        {"rte_eal_init", &start}, {"rte_zmalloc_socket", &zmalloc}, {"rte_free", &release}};
    int error = loaded_open("librte_eal.so.23", symbols, 3, ret_said);
    if (error)
        return error;
    socket_id = order->node;
    void *base = start_layer(order) < 0 ? NULL : zmalloc(NULL, order->size, 0, socket_id);
    if (!base) {
        snprintf(ret_said, ORDER_SAID, "no start with %zu MiB of huge pages",
            (peer_bytes(order) >> 20) + SLACK_MIB);
        return -ENOMEM;
    }
    release(base);
    return 0;
}

void *dpdk_get(size_t size)
{
    return zmalloc(NULL, size, 0, socket_id);
}

void dpdk_give(void *base, size_t size)
{
    (void)size;
    release(base);
}
