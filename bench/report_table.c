/* SPDX-License-Identifier: MIT */
/* The results as tables on a terminal. See report.h. */
#include "bench/report.h"

#include <string.h>

#include "bench/show.h"

#define WIDTH 98

static void print_machine(const struct report *report, FILE *file)
{
    const struct machine *m = &report->machine;
    char text[SHOW_AMOUNT];
    fprintf(file, "%s%s, %s\n", m->cpu, m->guest ? " (a virtual machine)" : "", m->kernel);
    fprintf(file,
        "CPUs: %u, nodes: %u, memory: %s, free huge pages: %llu of 2 MiB, %llu of 1 GiB\n", m->cpus,
        m->nodes, show_amount(m->memory, text), (unsigned long long)m->free_2m,
        (unsigned long long)m->free_1g);
    fprintf(file, "transparent huge pages: %s; governor: %s; %s%s\n", m->thp, m->governor, m->time,
        report->quick ? "; --quick: too short to be judged by" : "");
}

/* Words, as many as fit into a line. */
static void put_wrapped(const char *text, FILE *file)
{
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column && column + 1 + length > WIDTH) {
            fputc('\n', file);
            column = 0;
        }
        column += (size_t)fprintf(file, column ? " %.*s" : "  %.*s", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', file);
}

static void print_time(const struct result *result, FILE *file)
{
    char best[REPORT_FIGURE], median[REPORT_FIGURE], both[2 * REPORT_FIGURE + 2];
    bool more = report_more_is_better(result->work->unit);
    snprintf(both, sizeof(both), "%s / %s",
        report_figure(more ? result->time.most : result->time.least, best),
        report_figure(result->time.median, median));
    fprintf(file, " %17s", both);
}

static void print_counts(const struct result *result, FILE *file)
{
    char calls[REPORT_FIGURE], faults[REPORT_FIGURE], both[2 * REPORT_FIGURE + 2];
    snprintf(both, sizeof(both), "%s / %s", report_figure(result->calls, calls),
        report_figure(result->faults, faults));
    fprintf(file, " %17s", both);
}

typedef void print_cell(const struct result *result, FILE *file);

static bool has_time(const struct result *result)
{
    return result && result->time.count > 0;
}

static bool has_counts(const struct result *result)
{
    return result && result->counted;
}

/* A tail is a row of its own figures. */
static void print_tail(const struct result *result, FILE *file)
{
    char text[5][REPORT_FIGURE];
    const struct summary *t = &result->time;
    fprintf(file, " %-8s least %s, median %s, 99%% %s, 99.9%% %s, most %s of %zu", result->column,
        report_figure(t->least, text[0]), report_figure(t->median, text[1]),
        report_figure(t->p99, text[2]), report_figure(t->p999, text[3]),
        report_figure(t->most, text[4]), t->count);
}

/* What is the matter with a side, where it is the same in all columns. */
static const char *reason_of(
    const struct part *part, size_t row, bool (*has)(const struct result *))
{
    const char *reason = NULL;
    for (size_t i = 0; i < part->column_count; i++) {
        const struct result *r = report_cell(part, row, i);
        if (has(r))
            return NULL;
        reason = r && r->said[0] ? r->said : reason;
    }
    return reason ? reason : "no figures";
}

/* The name is taken from a column that has figures, for there it has the backing. */
static const struct result *named(const struct part *part, size_t row)
{
    for (size_t i = 0; i < part->column_count; i++)
        if (has_time(report_cell(part, row, i)) || has_counts(report_cell(part, row, i)))
            return report_cell(part, row, i);
    return &part->report->at[part->rows[row]];
}

static void print_row(const struct part *part, size_t row, print_cell *print,
    bool (*has)(const struct result *), FILE *file)
{
    char name[REPORT_NAME];
    const char *reason = reason_of(part, row, has);
    fprintf(file, "  %-28s", report_name(named(part, row), name));
    for (size_t i = 0; !reason && i < part->column_count; i++) {
        const struct result *r = report_cell(part, row, i);
        if (!has(r))
            fprintf(file, " %17s", "-");
        else if (r->has_buckets && part->column_count == 1)
            print_tail(r, file);
        else
            print(r, file);
    }
    fprintf(file, "%s%s\n", reason ? "  " : "", reason ? reason : "");
}

static void print_rows(
    const struct part *part, print_cell *print, bool (*has)(const struct result *), FILE *file)
{
    fprintf(file, "  %-28s", "");
    for (size_t i = 0; i < part->column_count; i++)
        fprintf(file, " %17s", part->report->at[part->columns[i]].column);
    fputc('\n', file);
    for (size_t row = 0; row < part->row_count; row++)
        print_row(part, row, print, has, file);
}

/* Why single cells have no figures, below the table; a row without any says it itself. */
static void print_reasons(const struct part *part, FILE *file)
{
    for (size_t row = 0; row < part->row_count; row++)
        for (size_t i = 0; i < part->column_count; i++) {
            const struct result *r = report_cell(part, row, i);
            bool shown = has_time(r) || has_counts(r) || !r;
            if (!shown && (!reason_of(part, row, has_time) || !reason_of(part, row, has_counts)))
                fprintf(file, "    %s, %s: %s\n", r->title, r->column, r->said);
        }
}

static void print_tails(const struct part *part, FILE *file)
{
    for (size_t i = part->first; i < part->end; i++) {
        const struct result *r = &part->report->at[i];
        char name[REPORT_NAME];
        fprintf(file, "  %-28s", report_name(r, name));
        if (has_time(r))
            print_tail(r, file);
        else
            fprintf(file, " %-8s %s", r->column, r->said);
        fputc('\n', file);
    }
}

static bool any(const struct part *part, bool (*has)(const struct result *))
{
    for (size_t i = part->first; i < part->end; i++)
        if (has(&part->report->at[i]))
            return true;
    return false;
}

static void print_work(const struct part *part, FILE *file)
{
    const struct result *first = &part->report->at[part->first];
    fprintf(file, "\n%s\n", first->work->title);
    if (first->work->note)
        put_wrapped(first->work->note, file);
    if (first->cpu_node >= 0 && part->report->machine.nodes == 1)
        fputs("  This machine has one node: there is no other to compare with.\n", file);
    if (part->end > part->first && part->report->at[part->first].has_buckets) {
        fprintf(file, "  %s\n", report_unit(first->work->unit));
        print_tails(part, file);
        return;
    }
    if (any(part, has_time) || !any(part, has_counts)) {
        fprintf(file, "  %s, %s / median\n", report_unit(first->work->unit),
            report_more_is_better(first->work->unit) ? "most" : "least");
        print_rows(part, print_time, has_time, file);
    }
    if (any(part, has_counts)) {
        fputs("  system calls / page faults, of one operation\n", file);
        print_rows(part, print_counts, has_counts, file);
    }
    print_reasons(part, file);
}

void report_table(const struct report *report, FILE *file)
{
    struct part part;
    print_machine(report, file);
    for (size_t first = 0; first < report->count; first = part.end) {
        part = report_part(report, first);
        print_work(&part, file);
    }
}
