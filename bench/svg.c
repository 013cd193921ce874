/* SPDX-License-Identifier: MIT */
/* The plots. Lengths are in the plot's own units, about a pixel each. See svg.h. */
#include "bench/svg.h"

#include <math.h>

#include "bench/report.h"

#define WIDTH     560
#define LABELS    176 /* from here on bars */
#define VALUES    74  /* kept free at the right for a figure */
#define ROW       17
#define AXIS      20
#define TINY      0.001 /* microseconds and such: where an axis begins at the earliest */
#define CELL      64
#define CELL_TOP  26
#define BIN       18
#define BINS_TOP  120
#define BINS_LEFT 20

void svg_text(const char *text, FILE *file)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", file);
        else if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '>')
            fputs("&gt;", file);
        else if (*text == '"')
            fputs("&quot;", file);
        else
            fputc(*text, file);
    }
}

static const char *const classes[] = {
    [SVG_OWN] = "own", [SVG_PEER] = "peer", [SVG_FLOOR] = "floor"};

static void begin(double width, double height, FILE *file)
{
    fprintf(file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
        "height=\"%.0f\" role=\"img\">\n",
        width, height, width, height);
}

static void end(FILE *file)
{
    fputs("</svg>\n", file);
}

static void put_text(
    double x, double y, const char *anchor, const char *class, const char *text, FILE *file)
{
    fprintf(
        file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, class);
    svg_text(text, file);
    fputs("</text>\n", file);
}

static void put_line(double x1, double y1, double x2, double y2, const char *class, FILE *file)
{
    fprintf(file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1,
        x2, y2, class);
}

static void put_box(double x, double y, double width, double height, const char *class, FILE *file)
{
    fprintf(file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>\n", x,
        y, width, height, class);
}

/* -- bars -- */

/* Powers of ten that the axis goes over. */
struct axis {
    double low, high;
};

static struct axis axis_of(const struct svg_bar *bars, size_t count)
{
    struct axis axis = {INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++) {
        if (bars[i].median <= 0)
            continue;
        axis.low = fmin(axis.low, fmax(bars[i].least, TINY));
        axis.high = fmax(axis.high, fmax(bars[i].median, bars[i].p99));
    }
    if (axis.low > axis.high)
        axis = (struct axis){1, 10};
    axis.low = floor(log10(axis.low) - 0.05);
    axis.high = fmax(ceil(log10(axis.high)), axis.low + 1);
    return axis;
}

static double place(struct axis axis, double value)
{
    double part = (log10(fmax(value, TINY)) - axis.low) / (axis.high - axis.low);
    return LABELS + fmin(fmax(part, 0), 1) * (WIDTH - LABELS - VALUES);
}

static void put_axis(struct axis axis, double height, const char *unit, FILE *file)
{
    char text[REPORT_FIGURE];
    put_text(LABELS - 26, AXIS - 8, "end", "axis", unit, file);
    for (double decade = axis.low; decade <= axis.high; decade++) {
        double x = place(axis, pow(10, decade));
        put_line(x, AXIS - 4, x, height, "grid", file);
        snprintf(text, sizeof(text), decade > 3 ? "%gk" : "%g",
            pow(10, decade > 3 ? decade - 3 : decade));
        put_text(x, AXIS - 8, "middle", "axis", text, file);
    }
}

static void put_bar(const struct svg_bar *bar, struct axis axis, double y, FILE *file)
{
    char text[REPORT_FIGURE];
    double middle = y + ROW / 2.0, x = place(axis, bar->median);
    put_text(LABELS - 8, middle + 4, "end", bar->kind == SVG_OWN ? "label strong" : "label",
        bar->label, file);
    if (bar->median <= 0) {
        put_text(LABELS + 4, middle + 4, "start", "missing",
            bar->missing && bar->missing[0] ? bar->missing : "no figures", file);
        return;
    }
    double worst = place(axis, bar->p99);
    put_box(LABELS, y + 3, fmax(x - LABELS, 1), ROW - 6, classes[bar->kind], file);
    put_line(place(axis, bar->least), middle, worst, middle, "range", file);
    put_line(x, y + 2, x, y + ROW - 2, "median", file);
    put_text(fmax(x, worst) + 5, middle + 4, "start",
        bar->kind == SVG_OWN ? "value strong" : "value", report_figure(bar->median, text), file);
}

void svg_bars(const struct svg_bar *bars, size_t count, const char *unit, FILE *file)
{
    struct axis axis = axis_of(bars, count);
    double height = AXIS + (double)count * ROW + 2;
    begin(WIDTH, height, file);
    put_axis(axis, height, unit, file);
    for (size_t i = 0; i < count; i++)
        put_bar(&bars[i], axis, AXIS + (double)i * ROW, file);
    end(file);
}

/* -- a matrix -- */

static double largest(const struct svg_cell *cells, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, cells[i].value);
    return most > 0 ? most : 1;
}

static void put_cell(double value, double most, double x, double y, FILE *file)
{
    char text[REPORT_FIGURE];
    double shade = value > 0 ? 0.08 + 0.37 * value / most : 0;
    fprintf(file,
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"#1f4e8c\" "
        "fill-opacity=\"%.3f\" stroke=\"#999\" stroke-width=\"0.5\"/>\n",
        x, y, CELL, CELL / 2, shade);
    put_text(x + CELL / 2.0, y + CELL / 4.0 + 4, "middle", "value",
        value >= 0 ? report_figure(value, text) : "-", file);
}

static void put_node(double x, double y, const char *anchor, const char *what, int node, FILE *file)
{
    char text[32];
    snprintf(text, sizeof(text), "%s %d", what, node);
    put_text(x, y, anchor, "label", text, file);
}

void svg_matrix(const struct svg_cell *cells, const int *rows, size_t row_count, const int *columns,
    size_t column_count, FILE *file)
{
    double left = 84, most = largest(cells, row_count * column_count);
    begin(
        left + (double)column_count * CELL + 24, CELL_TOP + (double)row_count * CELL / 2 + 2, file);
    for (size_t c = 0; c < column_count; c++)
        put_node(
            left + ((double)c + 0.5) * CELL, CELL_TOP - 8, "middle", "memory", columns[c], file);
    for (size_t r = 0; r < row_count; r++) {
        double y = CELL_TOP + (double)r * CELL / 2;
        put_node(left - 8, y + CELL / 4.0 + 4, "end", "CPUs of", rows[r], file);
        for (size_t c = 0; c < column_count; c++)
            put_cell(cells[r * column_count + c].value, most, left + (double)c * CELL, y, file);
    }
    end(file);
}

/* -- a histogram -- */

static void put_bin(unsigned count, unsigned most, size_t exponent, const char *class, FILE *file)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    char text[16];
    double x = BINS_LEFT + BIN * (double)exponent;
    double height = count ? (BINS_TOP - 20) * (log2(count) + 1) / (log2(most) + 1) : 0;
    if (count) {
        put_box(x + 1, BINS_TOP - height, BIN - 2, height, class, file);
        snprintf(text, sizeof(text), count < 1000 ? "%.0f" : "%.0fk",
            count < 1000 ? count : count / 1000.0);
        put_text(x + BIN / 2.0, BINS_TOP - height - 3, "middle", "axis", text, file);
    }
    if (exponent % 5 == 0) {
        snprintf(text, sizeof(text), "%d %s", 1 << exponent % 10, units[exponent / 10 % 4]);
        put_line(x, BINS_TOP, x, BINS_TOP + 4, "median", file);
        put_text(x, BINS_TOP + 15, "middle", "axis", text, file);
    }
}

void svg_histogram(const unsigned *counts, size_t count, enum svg_kind kind, FILE *file)
{
    unsigned most = 1;
    size_t last = 24; /* up to 16 ms, so that plots can be laid beside each other */
    for (size_t i = 0; i < count; i++) {
        most = counts[i] > most ? counts[i] : most;
        last = counts[i] && i > last ? i : last;
    }
    begin(BIN * (double)(last + 2) + BINS_LEFT, BINS_TOP + 20, file);
    put_line(BINS_LEFT, BINS_TOP, BINS_LEFT + BIN * (double)(last + 1), BINS_TOP, "median", file);
    for (size_t i = 0; i <= last; i++)
        put_bin(counts[i], most, i, classes[kind], file);
    end(file);
}
