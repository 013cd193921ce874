/* SPDX-License-Identifier: MIT */
/* Configuration, amounts and nodes in words and tables of at most 100 columns. No lock. */
#include "bench/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/unexpected.h"

#define NODES 1024

void show_heading(const char *format, ...)
{
    va_list arguments;
    putchar('\n');
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

const char *show_amount(uint64_t bytes, char ret_text[SHOW_AMOUNT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = (double)bytes;
    if (bytes == UINT64_MAX)
        return "unlimited";
    for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1024;
    bool whole = value == (double)(uint64_t)value;
    snprintf(ret_text, SHOW_AMOUNT, whole ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return ret_text;
}

const char *show_backing(enum hostmem_backing backing)
{
    static const char *const names[] = {
        [HOSTMEM_BACKING_NONE] = "none",
        [HOSTMEM_BACKING_HUGETLB] = "hugetlb",
        [HOSTMEM_BACKING_THP] = "thp",
        [HOSTMEM_BACKING_BASE] = "base",
        [HOSTMEM_BACKING_MIXED] = "mixed",
    };
    return names[backing];
}

const char *show_reason(enum hostmem_reason reason)
{
    static const char *const reasons[] = {
        [HOSTMEM_REASON_NONE] = "",
        [HOSTMEM_REASON_NO_HUGE] = "no huge pages (left)",
        [HOSTMEM_REASON_POOL] = "HOSTMEM_POOL reached",
        [HOSTMEM_REASON_NODE_SPENT] = "node's memory spent",
        [HOSTMEM_REASON_PROTECTION] = "single-page protection",
        [HOSTMEM_REASON_ADDRESS] = "named address",
        [HOSTMEM_REASON_NO_SPACE] = "no address space",
    };
    return reasons[reason];
}

/* A line of hostmem_config_print(): "NAME=value  # origin; help", of which the help is left out. */
static void show_setting(char *line)
{
    char *origin = strstr(line, "  # ");
    if (!origin)
        return;
    *origin = '\0';
    origin += strlen("  # ");
    origin[strcspn(origin, ";")] = '\0';
    printf("  %-40s %s\n", line, origin);
}

void show_configuration(struct hostmem *manager)
{
    size_t size = hostmem_config_print(manager, NULL, 0) + 1;
    char *text = malloc(size), *rest = NULL;
    if (!text) {
        unexpected("no memory for the configuration");
        return;
    }
    hostmem_config_print(manager, text, size);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        show_setting(line);
    free(text);
}

static void show_node(struct hostmem *manager, int node)
{
    struct hostmem_node_stats s;
    struct hostmem_load load;
    char text[7][SHOW_AMOUNT];
    if (hostmem_node_stats(manager, node, &s) || hostmem_node_load(manager, node, &load)) {
        unexpected("node %d has no figures", node);
        return;
    }
    printf("  %4d  %9s %9s %9s  %9s %9s %9s  %4u%% %10s\n", node,
        show_amount(s.committed_bytes, text[0]), show_amount(s.warm_bytes, text[1]),
        show_amount(s.limit_bytes, text[2]), show_amount(s.populated_bytes, text[3]),
        show_amount(s.zeroed_bytes, text[4]), show_amount(s.spilled_bytes, text[5]), load.percent,
        show_amount(load.available_bytes, text[6]));
}

void show_nodes(IHostMemoryManager *manager)
{
    struct hostmem *c = HostMemFromManager(manager);
    int nodes[NODES];
    size_t count = hostmem_nodes(c, NODES, nodes);
    DWORD percent;
    SIZE_T available;
    char text[SHOW_AMOUNT];
    printf(
        "  node  committed      warm     limit  populated    zeroed   spilled   load  available\n");
    for (size_t i = 0; i < count && i < NODES; i++)
        show_node(c, nodes[i]);
    HRESULT result = IHostMemoryManager_GetMemoryLoad(manager, &percent, &available);
    if (went_well(result, "GetMemoryLoad"))
        printf("  GetMemoryLoad: %u%%, %s available\n", percent, show_amount(available, text));
}
