/* SPDX-License-Identifier: MIT */
/* Columns of tables, measured. See plan.h. */
#include "bench/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/child.h"
#include "bench/counted.h"
#include "bench/progress.h"

#define ROUNDS          9
#define ROUNDS_QUICK    3
#define SAMPLES         200
#define SAMPLES_QUICK   20
#define BUDGET_NS       20000000 /* of a turn, and with pauses in it: */
#define BUDGET_QUICK_NS 3000000
#define PAUSES          8
#define PAUSES_NS       100000000
#define PAUSES_QUICK_NS 10000000
#define PAGE_BYTES      ((size_t)2 << 20)

/* A side while its column is measured. */
struct lane {
    struct child child;
    struct order order; /* the column's, with what its own process chose */
    struct series samples;
    bool counted;
    double calls, faults;
};

void plan_place(const struct plan *plan, unsigned node, struct order *order)
{
    const struct machine *m = &plan->report->machine;
    order->cpus[0] = m->node[node].cpus ? m->node[node].cpu[0] : -1;
    order->node = -1;
    order->home = m->nodes > 1 ? m->node[node].number : -1;
    order->threads = order->threads ? order->threads : 1;
}

/* Of a turn with pauses, which take most of it. */
static uint64_t budget_of(const struct order *order, bool quick)
{
    uint64_t pauses = order->pause_ns * PAUSES, most = quick ? PAUSES_QUICK_NS : PAUSES_NS;
    return (quick ? BUDGET_QUICK_NS : BUDGET_NS) + (pauses < most ? pauses : most);
}

static struct order complete(const struct plan *plan, const struct column *column)
{
    struct order order = column->order;
    bool quick = plan->options->quick;
    order.samples = order.samples ? order.samples : quick ? SAMPLES_QUICK : SAMPLES;
    order.budget_ns = order.budget_ns ? order.budget_ns : budget_of(&order, quick);
    order.alive = order.alive ? order.alive : 1;
    return order;
}

/* -- one side -- */

/* What a process costs when it does something for the first time is known once. */
static bool is_once(const struct column *column)
{
    return column->order.job == JOB_FOOTPRINT;
}

static void open_lane(struct lane *lane, const struct column *column, const struct peer *side)
{
    struct order warm = lane->order;
    warm.samples = column->only_count || warm.samples < 3 ? 1 : 3;
    warm.pause_ns = 0;
    if (!child_open(&lane->child, side, &lane->order) || is_once(column))
        return;
    if (!child_ask(&lane->child, &warm, NULL))
        return;
    if (!lane->order.ops)
        lane->order.ops = warm.ops;
    if (column->count || column->only_count)
        lane->counted = counted_order(&lane->child, &lane->order, &lane->calls, &lane->faults);
}

static void take_turn(struct lane *lane)
{
    if (lane->child.pid)
        child_ask(&lane->child, &lane->order, &lane->samples);
}

static double scale_of(enum unit unit)
{
    static const double scales[] = {
        [UNIT_NS] = 1, [UNIT_US] = 1e3, [UNIT_MS] = 1e6, [UNIT_BANDWIDTH] = 1, [UNIT_KIB] = 1024};
    return scales[unit];
}

static void fill_buckets(struct result *result, const struct series *samples)
{
    result->has_buckets = true;
    for (size_t i = 0; i < samples->count; i++) {
        unsigned bucket = 0;
        for (double ns = samples->at[i]; ns >= 2 && bucket + 1 < REPORT_BUCKETS; ns /= 2)
            bucket++;
        result->buckets[bucket]++;
    }
}

static struct summary in_unit(struct summary s, enum unit unit)
{
    double scale = scale_of(unit);
    return (struct summary){
        s.count, s.least / scale, s.median / scale, s.p99 / scale, s.p999 / scale, s.most / scale};
}

/* A side that failed in the middle of its rounds has no figures. */
static struct result *report_lane(struct plan *plan, const struct column *column, struct lane *lane)
{
    struct result *result = report_add(plan->report, column->work);
    if (!result)
        return NULL;
    snprintf(result->column, sizeof(result->column), "%s", column->label);
    snprintf(result->side, sizeof(result->side), "%s", lane->child.peer->name);
    snprintf(result->title, sizeof(result->title), "%s", lane->child.peer->title);
    memcpy(result->said, lane->child.said, ORDER_SAID);
    if (!lane->child.pid)
        return result;
    if (column->order.job == JOB_TAIL)
        fill_buckets(result, &lane->samples);
    result->time = in_unit(series_summarize(&lane->samples), column->work->unit);
    result->counted = lane->counted;
    result->calls = lane->calls;
    result->faults = lane->faults;
    return result;
}

/* -- a column -- */

static unsigned rounds_of(const struct plan *plan, const struct column *column)
{
    if (column->only_count || is_once(column))
        return is_once(column);
    if (plan->options->rounds)
        return plan->options->rounds;
    return plan->options->quick ? ROUNDS_QUICK : ROUNDS;
}

static void add_up(struct plan *plan, const struct column *column, const struct peer *const *sides)
{
    struct order order = complete(plan, column);
    uint64_t pages = 32;
    for (size_t i = 0; sides[i]; i++)
        if (sides[i]->huge && options_has_side(plan->options, sides[i]->name))
            pages += peer_bytes_in(&order, PAGE_BYTES) / PAGE_BYTES;
    plan->pages = pages > plan->pages ? pages : plan->pages;
    plan->steps++;
}

static size_t open_lanes(const struct plan *plan, const struct column *column,
    const struct peer *const *sides, struct lane *lanes)
{
    size_t count = 0;
    for (size_t i = 0; sides[i] && count < PLAN_SIDES; i++) {
        if (!options_has_side(plan->options, sides[i]->name))
            continue;
        lanes[count] = (struct lane){.order = complete(plan, column)};
        open_lane(&lanes[count++], column, sides[i]);
    }
    return count;
}

static void close_lane(struct lane *lane)
{
    child_close(&lane->child);
    series_free(&lane->samples);
}

void plan_column(struct plan *plan, const struct column *column, const struct peer *const sides[])
{
    static struct lane lanes[PLAN_SIDES];
    if (plan->dry) {
        add_up(plan, column, sides);
        return;
    }
    progress_step("%s, %s", column->work->name, column->label);
    size_t count = open_lanes(plan, column, sides, lanes);
    for (unsigned round = 0; round < rounds_of(plan, column); round++)
        for (size_t i = 0; i < count; i++)
            take_turn(&lanes[i]);
    for (size_t i = 0; i < count; i++)
        report_lane(plan, column, &lanes[i]);
    for (size_t i = 0; i < count; i++)
        close_lane(&lanes[i]);
}

void plan_pair(struct plan *plan, const struct column *column, const struct peer *side,
    unsigned cpu_node, unsigned memory_node)
{
    const struct peer *const sides[] = {side, NULL};
    const struct machine *m = &plan->report->machine;
    size_t first = plan->report->count;
    plan_column(plan, column, sides);
    for (size_t i = first; i < plan->report->count; i++) {
        struct result *r = &plan->report->at[i];
        r->cpu_node = m->node[cpu_node].number;
        r->memory_node = m->node[memory_node].number;
        snprintf(r->side, sizeof(r->side), "node %d", r->cpu_node);
        snprintf(r->title, sizeof(r->title), "CPUs of node %d", r->cpu_node);
    }
}
