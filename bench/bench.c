/* SPDX-License-Identifier: MIT */
/*
 * hostmem bench: measures hostmem beside other ways to get memory, on the machine at hand. Finds
 * the subcommand in a table, measures, writes the report. Exit status: 0 done, 1 it did not work, 2
 * wrong usage. With CHILD_OPTION it is the process of a side instead. One thread.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/child.h"
#include "bench/options.h"
#include "bench/progress.h"
#include "bench/report.h"
#include "bench/worker.h"
#include "bench/works.h"

enum { EXIT_USAGE = 2 };

static const struct command {
    const char *name, *help;
    void (*run)(struct plan *plan);
} commands[] = {
    {"churn", "works A1 and A2: get zeroed regions, write to them, release them", works_churn},
    {"commit", "work B: commit and decommit within a large reservation", works_commit},
    {"tail", "how long single calls take: median, 99%, 99.9%, worst", works_tail},
    {"scale", "work A2 from one CPU to all, and across sockets", works_scale},
    {"query", "VirtualQuery, GetMemoryLoad, the cost of reserved address space", works_query},
    {"calls", "system calls and page faults of an operation", works_calls},
    {"chase", "latency of memory, node by node and by size of page", works_chase},
    {"stream", "bandwidth of memory, node by node", works_stream},
    {"peers", "churn, two threads, commit, tail and query over every side there is", works_peers},
    {"all", "everything", works_all},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
    puts("usage: hostmem bench COMMAND [OPTION...]\n\ncommands:");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].help);
    puts("\noptions:\n"
         "  --json FILE      the results as JSON; - for stdout, in place of the table\n"
         "  --html FILE      the results as a page with plots\n"
         "  --sides A,B,...  only these sides (their names are in the JSON)\n"
         "  --rounds N       how often the sides take turns (9)\n"
         "  --quick          a few seconds, for a look; not to be judged by\n"
         "  --progress       say on stderr what is being measured, a line each");
    return EXIT_SUCCESS;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Goes through the plan without measuring; says what the machine lacks for it. */
static void prepare(struct plan *plan, const struct command *command)
{
    plan->dry = true;
    command->run(plan);
    plan->dry = false;
    progress_expect(plan->steps);
    if (plan->pages <= plan->report->machine.free_2m)
        return;
    fprintf(stderr,
        "hostmem bench: %llu huge pages of 2 MiB are free, all sides together may use %llu; root "
        "reserves them with: sysctl vm.nr_hugepages=%llu. Going on; sides that get none say so.\n",
        (unsigned long long)plan->report->machine.free_2m, (unsigned long long)plan->pages,
        (unsigned long long)plan->pages);
}

static int lost(const char *path)
{
    fprintf(stderr, "hostmem bench: cannot write %s: %s\n", path, strerror(errno ? errno : EIO));
    return EXIT_FAILURE;
}

static int write_to(
    const char *path, const struct report *report, void (*form)(const struct report *, FILE *))
{
    errno = 0;
    FILE *file = fopen(path, "we");
    if (!file)
        return lost(path);
    form(report, file);
    bool bad = ferror(file);
    return fclose(file) || bad ? lost(path) : EXIT_SUCCESS;
}

/* A file that cannot be written is better known before hours of measuring than after. */
static int try_file(const char *path)
{
    FILE *file = path && strcmp(path, "-") != 0 ? fopen(path, "ae") : stdout;
    if (!file)
        return lost(path);
    if (file != stdout)
        fclose(file);
    return EXIT_SUCCESS;
}

static int write_report(const struct options *options, const struct report *report)
{
    int status = EXIT_SUCCESS;
    bool plain = !options->json || strcmp(options->json, "-") != 0;
    errno = 0;
    if (plain)
        report_table(report, stdout);
    else
        report_json(report, stdout);
    if (fflush(stdout) || ferror(stdout))
        status = lost("the output");
    if (options->json && plain)
        status |= write_to(options->json, report, report_json);
    if (options->html)
        status |= write_to(options->html, report, report_html);
    return status;
}

static int run(const struct options *options, const struct command *command)
{
    static struct report report;
    struct plan plan = {.options = options, .report = &report};
    if (try_file(options->json) || try_file(options->html))
        return EXIT_FAILURE;
    report.command = command->name;
    report.quick = options->quick;
    machine_read(&report.machine);
    progress_open(options->progress);
    prepare(&plan, command);
    command->run(&plan);
    progress_close();
    int status = write_report(options, &report);
    report_free(&report);
    return status;
}

static int usage(const char *what, const char *name)
{
    fprintf(stderr, "hostmem bench: %s%s (hostmem bench --help lists them)\n", what, name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options options;
    if (argc == 3 && strcmp(argv[1], CHILD_OPTION) == 0)
        return worker_main(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    if (!options_parse(argc, argv, &options))
        return EXIT_USAGE;
    if (options.help)
        return help();
    if (!options.command)
        return usage("no command given", "");
    if (!find(options.command))
        return usage("unknown command ", options.command);
    return run(&options, find(options.command));
}
