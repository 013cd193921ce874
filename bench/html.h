/* SPDX-License-Identifier: MIT */
/* Pieces of the page that report_html() writes. Pure output; no lock. */
#ifndef HOSTMEM_BENCH_HTML_H
#define HOSTMEM_BENCH_HTML_H

#include <stdio.h>

#include "bench/report.h"

/* An element that holds a text. */
void html_element(const char *name, const char *text, FILE *file);

/* A work: heading, note, plots or a matrix, figures, counts. */
void html_work(const struct part *part, FILE *file);

#endif
