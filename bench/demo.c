/* SPDX-License-Identifier: MIT */
/*
 * The demo: a program that uses libhostmem as a runtime would, through IHostMemoryManager and the
 * public headers alone, and shows what it got and what it costs. Exit status: 0 when everything was
 * as it should be, 1 when something was not (each time said on stderr), 2 for wrong usage.
 */
#include <stdio.h>
#include <stdlib.h>

#include <hostmem/mscoree.h>

#include "bench/counting.h"
#include "bench/show.h"
#include "bench/side.h"
#include "bench/timing.h"
#include "bench/unexpected.h"
#include "bench/work.h"

enum { EXIT_USAGE = 2 };

#define SUGGESTED 128 /* huge pages of 2 MiB that hold all that the demo does */

static int usage(void)
{
    fputs("usage: demo\nIt takes no arguments; HOSTMEM_ variables configure it "
          "(docs/configuration.md).\n",
        stderr);
    return EXIT_USAGE;
}

static void show_work(IHostMemoryManager *manager)
{
    struct work work;
    work_hold(&work, manager);
    show_heading("What every region of the %zu threads got", work.count);
    work_show(&work);
    show_heading("The nodes while the threads hold this memory");
    show_nodes(manager);
    printf("  The threads made %llu calls.\n", (unsigned long long)work_end(&work));
}

static void print_side(const char *what, struct timing time)
{
    if (time.median >= 0)
        printf(" %s %.1f us", what, time.median);
    else
        printf(" %s none", what);
}

static void summarize(const struct timing times[SIDES], double system_calls)
{
    printf("\ndemo: %s; 2 MiB:", unexpected_count() ? "NOT AS EXPECTED" : "as expected");
    print_side("hostmem", times[SIDE_HOSTMEM]);
    if (system_calls >= 0)
        printf(" and %.3g system calls", system_calls);
    print_side("| MAP_HUGETLB", times[SIDE_HUGE]);
    print_side("| 4 KiB", times[SIDE_PLAIN]);
    putchar('\n');
}

static void show_all(IHostMemoryManager *manager)
{
    struct side sides[SIDES];
    struct timing times[SIDES];
    printf("hostmem %s\n", hostmem_version());
    show_heading("Configuration in effect");
    show_configuration(HostMemFromManager(manager));
    sides_open(manager, sides);
    if (sides[SIDE_HUGE].missing)
        printf("\nNo huge pages are free. Root reserves some with: sysctl vm.nr_hugepages=%d\n",
            SUGGESTED);
    show_work(manager);
    timing_show(sides, times);
    double system_calls = counting_show();
    show_heading("The nodes at the end");
    show_nodes(manager);
    summarize(times, system_calls);
}

int main(int argc, char **argv)
{
    IHostMemoryManager *manager;
    (void)argv;
    if (argc > 1)
        return usage();
    if (!went_well(HostMemCreateManager(&manager), "HostMemCreateManager"))
        return EXIT_FAILURE;
    show_all(manager);
    if (IHostMemoryManager_Release(manager) != 0)
        unexpected("the manager outlives its last reference");
    return unexpected_count() ? EXIT_FAILURE : EXIT_SUCCESS;
}
