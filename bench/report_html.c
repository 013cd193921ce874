/* SPDX-License-Identifier: MIT */
/*
 * The results as one page: XHTML that is also HTML, with its plots and its style in it, that needs
 * nothing from elsewhere and can be printed. See report.h.
 */
#include "bench/report.h"

#include "bench/html.h"
#include "bench/show.h"
#include "bench/svg.h"

static const char style[] =
    "@page{size:A4;margin:14mm}"
    "body{font:14px/1.45 system-ui,'DejaVu Sans',sans-serif;color:#1a1a1a;background:#fff;"
    "max-width:1180px;margin:24px auto;padding:0 20px}"
    "h1{font-size:25px;margin:0 0 2px}h2{font-size:17px;margin:34px 0 4px;border-top:1px solid #bbb;"
    "padding-top:12px}h3{font-size:13px;margin:10px 0 2px}"
    "p{margin:2px 0 8px;color:#444}"
    "table{border-collapse:collapse;margin:8px 0;font-variant-numeric:tabular-nums;font-size:12px}"
    "th,td{padding:2px 9px;text-align:right;border-bottom:1px solid #e2e2e2;white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}th{font-weight:600;border-bottom:1px solid #888}"
    "th[colspan]{text-align:center;border-left:1px solid #ccc}.first{border-left:1px solid #ccc}"
    "td.why{text-align:left;color:#777;white-space:normal}"
    "tr.own td{font-weight:600;background:#eef3fa}tr.floor td{color:#666}"
    ".machine td{text-align:left;border:0;padding:1px 14px 1px 0}"
    ".panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(500px,1fr));gap:4px 24px}"
    ".panel{break-inside:avoid}.panel svg{max-width:100%;height:auto}"
    "svg text{font:11px system-ui,'DejaVu Sans',sans-serif;fill:#1a1a1a}"
    "svg .axis{font-size:9.5px;fill:#666}svg .missing{fill:#888;font-style:italic}"
    "svg .strong{font-weight:700}"
    "svg .grid{stroke:#ddd;stroke-width:1}svg .range{stroke:#222;stroke-width:1}"
    "svg .median{stroke:#222;stroke-width:1.5}"
    "svg .own{fill:#2b62ab}svg .peer{fill:#b3c4d8}svg .floor{fill:#dcdcdc}"
    ".key{font-size:12px;color:#444}.key b{display:inline-block;width:11px;height:11px;"
    "margin:0 5px 0 14px}"
    "@media print{body{margin:0;padding:0;max-width:none;font-size:11px}"
    "h2,h3,h2+p{break-after:avoid}table{break-inside:avoid;font-size:9.5px}th,td{padding:1px 5px}"
    ".panels{grid-template-columns:1fr 1fr;gap:2px 10px}"
    "*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

void html_element(const char *name, const char *text, FILE *file)
{
    fprintf(file, "<%s>", name);
    svg_text(text, file);
    fprintf(file, "</%s>", name);
}

/* -- the machine -- */

static void put_fact(const char *what, const char *value, FILE *file)
{
    fputs("<tr>", file);
    html_element("td", what, file);
    html_element("td", value, file);
    fputs("</tr>\n", file);
}

static void put_machine(const struct report *report, FILE *file)
{
    const struct machine *m = &report->machine;
    char text[256], amount[SHOW_AMOUNT];
    fputs("<table class=\"machine\">\n", file);
    snprintf(text, sizeof(text), "%s%s", m->cpu, m->guest ? ", in a virtual machine" : "");
    put_fact("CPU", text, file);
    snprintf(text, sizeof(text), "%u CPUs, %u node%s, %s of memory", m->cpus, m->nodes,
        m->nodes == 1 ? "" : "s", show_amount(m->memory, amount));
    put_fact("Machine", text, file);
    snprintf(text, sizeof(text),
        "%llu of 2 MiB and %llu of 1 GiB free at the start; transparent: %s",
        (unsigned long long)m->free_2m, (unsigned long long)m->free_1g, m->thp);
    put_fact("Huge pages", text, file);
    put_fact("Kernel", m->kernel, file);
    put_fact("Governor", m->governor, file);
    snprintf(text, sizeof(text), "%s, hostmem bench %s%s", m->time, report->command,
        report->quick ? " --quick: too short to be judged by" : "");
    put_fact("Measured", text, file);
    fputs("</table>\n", file);
}

/* -- the summary: hostmem beside the best of the others, column by column -- */

static const struct result *best_other(const struct part *part, size_t column)
{
    const struct result *best = NULL;
    for (size_t row = 0; row < part->row_count; row++) {
        const struct result *r = report_cell(part, row, column);
        bool better = r && r->time.count && !report_is_own(r) && !report_is_floor(r) &&
                      (!best || r->time.median < best->time.median);
        best = better ? r : best;
    }
    return best;
}

static const struct result *own_in(const struct part *part, size_t column)
{
    for (size_t row = 0; row < part->row_count; row++) {
        const struct result *r = report_cell(part, row, column);
        if (r && report_is_own(r))
            return r;
    }
    return NULL;
}

static void put_comparison(const struct result *own, const struct result *other, FILE *file)
{
    char figure[3][REPORT_FIGURE];
    bool ahead = own->time.median <= other->time.median;
    fputs(ahead ? "<tr class=\"own\">" : "<tr>", file);
    html_element("td", own->work->name, file);
    html_element("td", own->column, file);
    fprintf(file, "<td>%s %s</td><td>%s</td><td>", report_figure(own->time.median, figure[0]),
        report_unit(own->work->unit), report_figure(other->time.median, figure[1]));
    svg_text(other->title, file);
    fprintf(file, "</td><td>%s</td></tr>\n",
        report_figure(own->time.median / other->time.median, figure[2]));
}

static void put_summary_of(const struct part *part, FILE *file)
{
    for (size_t column = 0; column < part->column_count; column++) {
        const struct result *own = own_in(part, column);
        const struct result *other = best_other(part, column);
        if (own && own->time.count && other && own->cpu_node < 0 && !own->has_buckets)
            put_comparison(own, other, file);
    }
}

static bool has_comparison(const struct report *report)
{
    bool own = false, other = false;
    for (size_t i = 0; i < report->count; i++) {
        const struct result *r = &report->at[i];
        own |= r->time.count && report_is_own(r);
        other |= r->time.count && !report_is_own(r) && !report_is_floor(r) && r->cpu_node < 0;
    }
    return own && other;
}

static void put_summary(const struct report *report, FILE *file)
{
    struct part part;
    if (!has_comparison(report))
        return;
    fputs(
        "<h2>hostmem beside the best of the others</h2>\n<p>Medians. The floors are left out: they "
        "do not manage memory. Where hostmem is ahead, the line is marked.</p>\n<table>"
        "<tr><th>work</th><th>size</th><th>hostmem</th><th>best other</th><th>which</th>"
        "<th>ratio</th></tr>\n",
        file);
    for (size_t first = 0; first < report->count; first = part.end) {
        part = report_part(report, first);
        put_summary_of(&part, file);
    }
    fputs("</table>\n", file);
}

void report_html(const struct report *report, FILE *file)
{
    struct part part;
    fprintf(file,
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head>"
        "<meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/>"
        "<title>hostmem bench %s</title>\n<style>%s</style></head>\n<body>\n<h1>hostmem bench: "
        "%s</h1>\n",
        report->command, style, report->command);
    put_machine(report, file);
    fputs("<p class=\"key\"><b style=\"background:#2b62ab\"></b>hostmem"
          "<b style=\"background:#b3c4d8\"></b>others<b style=\"background:#dcdcdc\"></b>floors: a "
          "free list, which manages nothing. Bars reach to the median on a logarithmic axis; the "
          "line goes from the least to the 99th percentile.</p>\n",
        file);
    put_summary(report, file);
    for (size_t first = 0; first < report->count; first = part.end) {
        part = report_part(report, first);
        html_work(&part, file);
    }
    fputs("</body></html>\n", file);
}
