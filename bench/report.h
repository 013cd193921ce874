/* SPDX-License-Identifier: MIT */
/*
 * What was measured, whatever it is shown as: results in the order in which they came. A work is a
 * table, with a row for each side and a column for each label; for node-to-node works the rows are
 * CPUs' nodes and the columns memory's. Invariant: results of a work follow each other. No lock.
 */
#ifndef HOSTMEM_BENCH_REPORT_H
#define HOSTMEM_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench/machine.h"
#include "bench/measure.h"
#include "bench/order.h"

#define REPORT_BUCKETS 48 /* of a histogram: bucket i counts times of [2^i, 2^(i+1)) ns */

/* What the figures of a work are. */
enum unit { UNIT_NS, UNIT_US, UNIT_MS, UNIT_BANDWIDTH, UNIT_KIB };

struct work {
    const char *name;  /* in JSON */
    const char *title; /* a line, of which table and plot are */
    const char *note;  /* sentences below it, or NULL */
    enum unit unit;
};

struct result {
    const struct work *work;
    char column[24], side[32], title[40];
    char said[ORDER_SAID]; /* the backing; or why there are no figures */
    struct summary time;   /* in the work's unit; count 0: there are none */
    bool counted;
    double calls, faults;      /* of an operation */
    int cpu_node, memory_node; /* of node-to-node works; else -1 */
    bool has_buckets;
    unsigned buckets[REPORT_BUCKETS];
};

struct report {
    struct machine machine;
    const char *command;
    bool quick;
    size_t count, room;
    struct result *at;
};

/* A new result at the end, or NULL. It is the report's, and moves when another one is added. */
struct result *report_add(struct report *report, const struct work *work);
void report_free(struct report *report);

/* The results of a work, arranged: rows are sides, columns labels, each the index of one result. */
#define REPORT_MOST 64
struct part {
    const struct report *report;
    size_t first, end; /* of its results */
    size_t rows[REPORT_MOST], columns[REPORT_MOST], row_count, column_count;
};

/* The work that begins at that result. */
struct part report_part(const struct report *report, size_t first);

/* The result in a row and column, or NULL. */
const struct result *report_cell(const struct part *part, size_t row, size_t column);

/* What is only a measure for others: such a side does not do all of the work. */
bool report_is_floor(const struct result *result);
bool report_is_own(const struct result *result);

bool report_more_is_better(enum unit unit);
const char *report_unit(enum unit unit);

/* A figure with three digits that mean something. */
#define REPORT_FIGURE 24
const char *report_figure(double value, char ret_text[REPORT_FIGURE]);

/* The side's title, hostmem's with its backing. */
#define REPORT_NAME 80
const char *report_name(const struct result *result, char ret_text[REPORT_NAME]);

/* The whole of it, in the three forms. */
void report_table(const struct report *report, FILE *file);
void report_json(const struct report *report, FILE *file);
void report_html(const struct report *report, FILE *file);

#endif
