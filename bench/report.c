/* SPDX-License-Identifier: MIT */
/* The results and their arrangement in rows and columns. See report.h. */
#include "bench/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct result *report_add(struct report *report, const struct work *work)
{
    if (report->count == report->room) {
        size_t room = report->room ? 2 * report->room : 64;
        struct result *at = realloc(report->at, room * sizeof(*at));
        if (!at)
            return NULL;
        report->at = at;
        report->room = room;
    }
    struct result *result = &report->at[report->count++];
    *result = (struct result){.work = work, .cpu_node = -1, .memory_node = -1};
    return result;
}

void report_free(struct report *report)
{
    free(report->at);
    report->at = NULL;
    report->count = report->room = 0;
}

static const char *side_of(const struct result *result)
{
    return result->side;
}

static const char *column_of(const struct result *result)
{
    return result->column;
}

static size_t distinct(const struct report *report, size_t first, size_t end,
    const char *(*key)(const struct result *), size_t ret_at[REPORT_MOST])
{
    size_t count = 0;
    for (size_t i = first; i < end && count < REPORT_MOST; i++) {
        size_t known = 0;
        while (known < count && strcmp(key(&report->at[ret_at[known]]), key(&report->at[i])) != 0)
            known++;
        if (known == count)
            ret_at[count++] = i;
    }
    return count;
}

struct part report_part(const struct report *report, size_t first)
{
    struct part part = {.report = report, .first = first, .end = first};
    while (part.end < report->count && report->at[part.end].work == report->at[first].work)
        part.end++;
    part.row_count = distinct(report, first, part.end, side_of, part.rows);
    part.column_count = distinct(report, first, part.end, column_of, part.columns);
    return part;
}

const struct result *report_cell(const struct part *part, size_t row, size_t column)
{
    const struct result *at = part->report->at;
    const char *side = at[part->rows[row]].side, *label = at[part->columns[column]].column;
    for (size_t i = part->first; i < part->end; i++)
        if (strcmp(at[i].side, side) == 0 && strcmp(at[i].column, label) == 0)
            return &at[i];
    return NULL;
}

bool report_is_floor(const struct result *result)
{
    return strncmp(result->title, "floor", strlen("floor")) == 0;
}

bool report_is_own(const struct result *result)
{
    return strcmp(result->side, "hostmem") == 0;
}

bool report_more_is_better(enum unit unit)
{
    return unit == UNIT_BANDWIDTH;
}

const char *report_unit(enum unit unit)
{
    static const char *const units[] = {[UNIT_NS] = "ns",
        [UNIT_US] = "us",
        [UNIT_MS] = "ms",
        [UNIT_BANDWIDTH] = "GB/s",
        [UNIT_KIB] = "KiB"};
    return units[unit];
}

const char *report_figure(double value, char ret_text[REPORT_FIGURE])
{
    int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    if (value < 0.1 && value > 0)
        digits = 4;
    snprintf(
        ret_text, REPORT_FIGURE, "%.*f", value == floor(value) && value < 10 ? 0 : digits, value);
    return ret_text;
}

/* The backing stands behind hostmem's name, for it says what is compared. */
const char *report_name(const struct result *result, char ret_text[REPORT_NAME])
{
    bool shown =
        report_is_own(result) && result->said[0] && (result->time.count || result->counted);
    snprintf(ret_text, REPORT_NAME, shown ? "%.40s (%.24s)" : "%.40s", result->title, result->said);
    return ret_text;
}
