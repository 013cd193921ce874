/* SPDX-License-Identifier: MIT */
/* One work of a page: its plots, then its figures. See html.h. */
#include "bench/html.h"

#include "bench/svg.h"

static enum svg_kind kind_of(const struct result *result)
{
    return report_is_own(result) ? SVG_OWN : report_is_floor(result) ? SVG_FLOOR : SVG_PEER;
}

static const char *class_of(const struct result *result)
{
    static const char *const classes[] = {
        [SVG_OWN] = " class=\"own\"", [SVG_PEER] = "", [SVG_FLOOR] = " class=\"floor\""};
    return classes[kind_of(result)];
}

/* -- in plots -- */

static void put_bars(const struct part *part, size_t column, FILE *file)
{
    struct svg_bar bars[REPORT_MOST];
    size_t count = 0;
    const struct result *first = &part->report->at[part->columns[column]];
    for (size_t row = 0; row < part->row_count; row++) {
        const struct result *r = report_cell(part, row, column);
        if (!r)
            continue;
        struct svg_bar *bar = &bars[count++];
        *bar = (struct svg_bar){.kind = kind_of(r),
            .least = r->time.least,
            .median = r->time.count ? r->time.median : -1,
            .p99 = r->time.p99,
            .missing = r->said};
        report_name(r, bar->label);
    }
    fputs("<div class=\"panel\">", file);
    html_element("h3", first->column, file);
    svg_bars(bars, count, report_unit(first->work->unit), file);
    fputs("</div>\n", file);
}

static void put_histograms(const struct part *part, FILE *file)
{
    char name[REPORT_NAME];
    fputs("<div class=\"panels\">\n", file);
    for (size_t i = part->first; i < part->end; i++) {
        const struct result *r = &part->report->at[i];
        if (!r->has_buckets)
            continue;
        fputs("<div class=\"panel\"><h3>", file);
        svg_text(report_name(r, name), file);
        fputs(", ", file);
        svg_text(r->column, file);
        fputs("</h3>\n", file);
        svg_histogram(r->buckets, REPORT_BUCKETS, kind_of(r), file);
        fputs("</div>\n", file);
    }
    fputs("</div>\n", file);
}

static void put_matrix(const struct part *part, FILE *file)
{
    static struct svg_cell cells[REPORT_MOST * REPORT_MOST];
    int rows[REPORT_MOST], columns[REPORT_MOST];
    for (size_t row = 0; row < part->row_count; row++)
        for (size_t column = 0; column < part->column_count; column++) {
            const struct result *r = report_cell(part, row, column);
            cells[row * part->column_count + column].value =
                r && r->time.count ? r->time.median : -1;
            rows[row] = part->report->at[part->rows[row]].cpu_node;
            columns[column] = part->report->at[part->columns[column]].memory_node;
        }
    if (part->report->machine.nodes == 1)
        fputs("<p>This machine has one node: there is no other to compare with.</p>\n", file);
    html_element("h3", report_unit(part->report->at[part->first].work->unit), file);
    svg_matrix(cells, rows, part->row_count, columns, part->column_count, file);
    if (part->row_count && !part->report->at[part->first].time.count) {
        fputs("<p>", file);
        svg_text(part->report->at[part->first].said, file);
        fputs("</p>\n", file);
    }
}

/* -- in figures -- */

/* The columns of a table, below each label. */
struct columns {
    size_t count;
    const char *names[5];
};
static const struct columns times = {3, {"least", "median", "99%"}};
static const struct columns tails = {5, {"least", "median", "99%", "99.9%", "most"}};
static const struct columns counted = {2, {"calls", "faults"}};

static void put_cells(const double *figures, size_t count, FILE *file)
{
    char text[REPORT_FIGURE];
    for (size_t i = 0; i < count; i++)
        fprintf(file, "<td%s>%s</td>", i ? "" : " class=\"first\"",
            figures ? report_figure(figures[i], text) : "-");
}

static void put_figures(const struct result *r, const struct columns *columns, FILE *file)
{
    const struct summary *t = &r->time;
    double figures[] = {t->least, t->median, t->p99, t->p999, t->most};
    double counts[] = {r->calls, r->faults};
    if (columns == &counted)
        put_cells(r->counted ? counts : NULL, columns->count, file);
    else
        put_cells(t->count ? figures : NULL, columns->count, file);
}

static void put_head(const struct part *part, const struct columns *columns, FILE *file)
{
    fputs("<tr><th></th>", file);
    for (size_t i = 0; i < part->column_count; i++) {
        fprintf(file, "<th colspan=\"%zu\">", columns->count);
        svg_text(part->report->at[part->columns[i]].column, file);
        fputs("</th>", file);
    }
    fputs("</tr>\n<tr><th></th>", file);
    for (size_t i = 0; i < part->column_count * columns->count; i++) {
        fputs(i % columns->count ? "<th>" : "<th class=\"first\">", file);
        svg_text(columns->names[i % columns->count], file);
        fputs("</th>", file);
    }
    fputs("</tr>\n", file);
}

static bool row_has(const struct part *part, size_t row, bool counts)
{
    for (size_t i = 0; i < part->column_count; i++) {
        const struct result *r = report_cell(part, row, i);
        if (r && (counts ? r->counted : r->time.count > 0))
            return true;
    }
    return false;
}

static void put_row(const struct part *part, size_t row, const struct columns *columns, FILE *file)
{
    const struct result *named = &part->report->at[part->rows[row]];
    static const struct result none;
    fprintf(file, "<tr%s>", class_of(named));
    html_element("td", named->title, file);
    if (!row_has(part, row, columns == &counted)) {
        fprintf(file, "<td class=\"why\" colspan=\"%zu\">", part->column_count * columns->count);
        svg_text(named->said[0] ? named->said : "no figures", file);
        fputs("</td>", file);
    } else {
        for (size_t i = 0; i < part->column_count; i++) {
            const struct result *r = report_cell(part, row, i);
            put_figures(r ? r : &none, columns, file);
        }
    }
    fputs("</tr>\n", file);
}

static bool any(const struct part *part, bool counts)
{
    for (size_t row = 0; row < part->row_count; row++)
        if (row_has(part, row, counts))
            return true;
    return false;
}

static void put_table(const struct part *part, const struct columns *columns, FILE *file)
{
    bool counts = columns == &counted;
    if (!any(part, counts))
        return;
    fprintf(file, "<h3>%s%s</h3>\n<table>\n",
        counts ? "System calls and page faults of an operation" : "In figures, ",
        counts ? "" : report_unit(part->report->at[part->first].work->unit));
    put_head(part, columns, file);
    for (size_t row = 0; row < part->row_count; row++)
        put_row(part, row, columns, file);
    fputs("</table>\n", file);
}

static void put_plots(const struct part *part, FILE *file)
{
    fputs("<div class=\"panels\">\n", file);
    for (size_t column = 0; column < part->column_count; column++)
        put_bars(part, column, file);
    fputs("</div>\n", file);
}

void html_work(const struct part *part, FILE *file)
{
    const struct result *first = &part->report->at[part->first];
    html_element("h2", first->work->title, file);
    if (first->work->note)
        html_element("p", first->work->note, file);
    if (first->cpu_node >= 0) {
        put_matrix(part, file);
        return;
    }
    if (any(part, false))
        put_plots(part, file);
    if (first->has_buckets)
        put_histograms(part, file);
    put_table(part, first->has_buckets ? &tails : &times, file);
    put_table(part, &counted, file);
}
