/* SPDX-License-Identifier: MIT */
/* What the library says, in words and lines for people. No state, no lock. */
#include "tools/say.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/moment.h"
#include "tools/units.h"

#define NUMBER_TEXT 48 /* bytes that hold the number of an announcement, in words */

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

/* What a later library may say is not in the table yet. */
static const char *word(const char *const *words, size_t count, int value)
{
    return value >= 0 && (size_t)value < count && words[value] != NULL ? words[value] : "-";
}

const char *say_level(enum hostmem_level level)
{
    static const char *const words[] = {
        [HOSTMEM_LOW] = "low", [HOSTMEM_NEUTRAL] = "neutral", [HOSTMEM_HIGH] = "high"};

    return word(words, COUNT(words), (int)level);
}

const char *say_limit(enum hostmem_limit limit)
{
    static const char *const words[] = {
        [HOSTMEM_LIMIT_MEMORY] = "memory",
        [HOSTMEM_LIMIT_POOL] = "pool",
        [HOSTMEM_LIMIT_CGROUP] = "cgroup",
        [HOSTMEM_LIMIT_HUGETLB_CGROUP] = "hugetlb cgroup",
        [HOSTMEM_LIMIT_HUGE_PAGES] = "huge pages",
    };

    return word(words, COUNT(words), (int)limit);
}

const char *say_backing(enum hostmem_backing backing)
{
    static const char *const words[] = {
        [HOSTMEM_BACKING_NONE] = "none",
        [HOSTMEM_BACKING_HUGETLB] = "hugetlb",
        [HOSTMEM_BACKING_THP] = "thp",
        [HOSTMEM_BACKING_BASE] = "base",
        [HOSTMEM_BACKING_MIXED] = "mixed",
    };

    return word(words, COUNT(words), (int)backing);
}

const char *say_reason(enum hostmem_reason reason)
{
    static const char *const words[] = {
        [HOSTMEM_REASON_NONE] = "as asked",
        [HOSTMEM_REASON_NO_HUGE] = "the node has no huge pages left",
        [HOSTMEM_REASON_POOL] = "HOSTMEM_POOL of the node is reached",
        [HOSTMEM_REASON_NODE_SPENT] = "the node's memory is spent",
        [HOSTMEM_REASON_PROTECTION] = "huge pages cannot have that protection",
        [HOSTMEM_REASON_ADDRESS] = "the address is outside of the windows",
        [HOSTMEM_REASON_NO_SPACE] = "no address space for huge pages",
    };

    return word(words, COUNT(words), (int)reason);
}

const char *say_node(int node, char ret_text[SAY_NODE])
{
    if (node == HOSTMEM_NODE_ALL)
        snprintf(ret_text, SAY_NODE, "all nodes");
    else if (node == HOSTMEM_NODE_MIXED)
        snprintf(ret_text, SAY_NODE, "several nodes");
    else
        snprintf(ret_text, SAY_NODE, "node %d", node);
    return ret_text;
}

/* What is older than the start (a level that nobody announced yet) counts as of then. */
const char *say_time(uint64_t start_ns, uint64_t time_ns, char ret_text[SAY_TIME])
{
    uint64_t ms = time_ns > start_ns ? (time_ns - start_ns) / MOMENT_MS : 0;

    snprintf(ret_text, SAY_TIME, "T+%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
    return ret_text;
}

const char *say_load(const struct hostmem_load *load, char ret_line[SAY_LINE])
{
    char units[UNITS_TEXT];

    if (load->limit == 0) {
        snprintf(ret_line, SAY_LINE, "unknown");
        return ret_line;
    }
    snprintf(ret_line, SAY_LINE, "%u%% %s %s available", load->percent, say_limit(load->limit),
        units_text(load->available_bytes, units));
    return ret_line;
}

/* The first that a subscriber hears may be a level that was never announced. */
static const char *number(const struct hostmem_pressure *pressure, char ret_text[NUMBER_TEXT])
{
    snprintf(ret_text, NUMBER_TEXT, "announcement %" PRIu64, pressure->sequence);
    return pressure->sequence == 0 ? "as it was at the start" : ret_text;
}

const char *say_event(
    const struct hostmem_pressure *pressure, uint64_t start_ns, char ret_line[SAY_LINE])
{
    char time[SAY_TIME], node[SAY_NODE], load[SAY_LINE], sequence[NUMBER_TEXT];

    if (snprintf(ret_line, SAY_LINE, "%s %s %s %s, %s", say_time(start_ns, pressure->time_ns, time),
            say_node(pressure->node, node), say_level(pressure->level),
            say_load(&pressure->load, load), number(pressure, sequence)) < 0)
        *ret_line = '\0';
    return ret_line;
}
