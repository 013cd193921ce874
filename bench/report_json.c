/* SPDX-License-Identifier: MIT */
/* The results as JSON, format 1: what is there keeps its name and its meaning. See report.h. */
#include "bench/report.h"

#include <hostmem/version.h>

/* Bytes that are not ASCII stay as they are: names of CPUs are UTF-8 if anything. */
static void put_text(const char *text, FILE *file)
{
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(file, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, file);
    }
    fputc('"', file);
}

static void put_field(const char *name, const char *text, FILE *file)
{
    fprintf(file, "\"%s\": ", name);
    put_text(text, file);
    fputs(", ", file);
}

static void put_node(const struct machine *m, unsigned i, FILE *file)
{
    const struct machine_node *n = &m->node[i];
    fprintf(file,
        "%s\n    {\"node\": %d, \"cpus\": %u, \"memory\": %llu, \"free_2m\": %llu, "
        "\"free_1g\": %llu, \"distances\": [",
        i ? "," : "", n->number, n->cpus, (unsigned long long)n->memory,
        (unsigned long long)n->free_2m, (unsigned long long)n->free_1g);
    for (unsigned k = 0; k < m->nodes; k++)
        fprintf(file, "%s%u", k ? ", " : "", m->distance[i][k]);
    fputs("]}", file);
}

static void put_machine(const struct machine *m, FILE *file)
{
    fputs("  \"machine\": {", file);
    put_field("cpu", m->cpu, file);
    put_field("kernel", m->kernel, file);
    put_field("thp", m->thp, file);
    put_field("governor", m->governor, file);
    put_field("time", m->time, file);
    fprintf(file, "\"guest\": %s, \"cpus\": %u, \"memory\": %llu, \"nodes\": [",
        m->guest ? "true" : "false", m->cpus, (unsigned long long)m->memory);
    for (unsigned i = 0; i < m->nodes; i++)
        put_node(m, i, file);
    fputs("]},\n", file);
}

static void put_time(const struct summary *t, FILE *file)
{
    fprintf(file,
        ", \"samples\": %zu, \"min\": %.6g, \"median\": %.6g, \"p99\": %.6g, \"p999\": %.6g, "
        "\"max\": %.6g",
        t->count, t->least, t->median, t->p99, t->p999, t->most);
}

static void put_buckets(const struct result *r, FILE *file)
{
    fputs(", \"buckets_log2_ns\": [", file);
    for (unsigned i = 0; i < REPORT_BUCKETS; i++)
        fprintf(file, "%s%u", i ? ", " : "", r->buckets[i]);
    fputc(']', file);
}

static void put_result(const struct result *r, FILE *file)
{
    fputs("    {", file);
    put_field("work", r->work->name, file);
    put_field("column", r->column, file);
    put_field("side", r->side, file);
    put_field("unit", report_unit(r->work->unit), file);
    fprintf(file, "\"better\": \"%s\"", report_more_is_better(r->work->unit) ? "more" : "less");
    if (r->cpu_node >= 0)
        fprintf(file, ", \"cpu_node\": %d, \"memory_node\": %d", r->cpu_node, r->memory_node);
    if (r->time.count)
        put_time(&r->time, file);
    if (r->counted)
        fprintf(file, ", \"calls\": %.6g, \"faults\": %.6g", r->calls, r->faults);
    if (r->has_buckets)
        put_buckets(r, file);
    fprintf(file, ", \"%s\": ", r->time.count || r->counted ? "backing" : "missing");
    put_text(r->said, file);
    fputc('}', file);
}

void report_json(const struct report *report, FILE *file)
{
    fprintf(file, "{\n  \"format\": 1,\n  \"hostmem\": \"%s\",\n  ", HOSTMEM_VERSION_STRING);
    put_field("command", report->command, file);
    fprintf(file, "\"quick\": %s,\n", report->quick ? "true" : "false");
    put_machine(&report->machine, file);
    fputs("  \"results\": [", file);
    for (size_t i = 0; i < report->count; i++) {
        fputs(i ? ",\n" : "\n", file);
        put_result(&report->at[i], file);
    }
    fputs("\n  ]\n}\n", file);
}
