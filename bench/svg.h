/* SPDX-License-Identifier: MIT */
/*
 * Plots as inline SVG: bars over a logarithmic axis, a matrix, a histogram. Colours are light
 * enough for paper, and what matters is said in text as well. Pure output; no lock.
 */
#ifndef HOSTMEM_BENCH_SVG_H
#define HOSTMEM_BENCH_SVG_H

#include <stddef.h>
#include <stdio.h>

/* Text in which the marks of XML are spelled out. */
void svg_text(const char *text, FILE *file);

enum svg_kind { SVG_OWN, SVG_PEER, SVG_FLOOR };

struct svg_bar {
    char label[80];
    enum svg_kind kind;
    double least, median, p99; /* median 0 or less: there is none, */
    const char *missing;       /* for this reason */
};

/* Labels at the left, bars up to the median, a line from the least to the 99th percentile. */
void svg_bars(const struct svg_bar *bars, size_t count, const char *unit, FILE *file);

struct svg_cell {
    double value; /* negative: there is none */
};

/* count_rows x count_columns cells, row by row; the darker, the larger. */
void svg_matrix(const struct svg_cell *cells, const int *rows, size_t row_count, const int *columns,
    size_t column_count, FILE *file);

/* counts[i] is of times in [2^i, 2^(i+1)) ns; heights are logarithmic. */
void svg_histogram(const unsigned *counts, size_t count, enum svg_kind kind, FILE *file);

#endif
