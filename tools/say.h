/* SPDX-License-Identifier: MIT */
/*
 * What the library says, in words and lines for people: levels, limits, backings, loads,
 * announcements. Texts are plain ASCII, a byte for each column. No state, no lock.
 */
#ifndef TOOLS_SAY_H
#define TOOLS_SAY_H

#include <stddef.h>

#include <hostmem/hostmem.h>

#define SAY_NODE 24  /* bytes that hold a node's name */
#define SAY_TIME 32  /* bytes that hold a moment */
#define SAY_LINE 256 /* bytes that hold a line, without a newline */

const char *say_level(enum hostmem_level level);
const char *say_limit(enum hostmem_limit limit);
const char *say_backing(enum hostmem_backing backing);
const char *say_reason(enum hostmem_reason reason);

/* "node 3" or "all nodes". Returns `ret_text`, as those below do. */
const char *say_node(int node, char ret_text[SAY_NODE]);

/* "T+12.345": seconds since the start. */
const char *say_time(uint64_t start_ns, uint64_t time_ns, char ret_text[SAY_TIME]);

/* "93% memory 1.2 GiB available"; all zero is a load that could not be read: "unknown". */
const char *say_load(const struct hostmem_load *load, char ret_line[SAY_LINE]);

/* "T+12.345 node 0 low 93% memory 1.2 GiB available, announcement 3". */
const char *say_event(
    const struct hostmem_pressure *pressure, uint64_t start_ns, char ret_line[SAY_LINE]);

#endif
