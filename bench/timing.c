/* SPDX-License-Identifier: MIT */
/* Times of the sides. Each round gives every side its turn; a turn is as many operations as make
 * some hundred microseconds. No lock. */
#include "bench/timing.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/cpus.h"
#include "bench/show.h"
#include "bench/unexpected.h"

#define ROUNDS 31
#define TURN   ((size_t)4 << 20) /* bytes that a turn gets, or one operation's */
#define PAGE   ((size_t)4096)

static const size_t sizes[] = {(size_t)64 << 10, (size_t)2 << 20, SIDE_LARGEST};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))
#define KEPT  1 /* the size whose times are returned */

struct samples {
    double at[ROUNDS]; /* microseconds */
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool operate(const struct side *side, size_t size, size_t step)
{
    void *base = side_get(side, size);
    if (!base && side->kind != SIDE_HUGE)
        unexpected("%s: no memory", side->title);
    if (!base)
        return false;
    if (!side_use(base, size, step))
        unexpected("%s: memory is not zero", side->title);
    side_give(side, base, size);
    return true;
}

/* Microseconds of an operation, or -1. */
static double turn(const struct side *side, size_t size, size_t step)
{
    size_t count = size < TURN ? TURN / size : 1;
    double begin = now_us();
    for (size_t i = 0; i < count; i++)
        if (!operate(side, size, step))
            return -1;
    return (now_us() - begin) / (double)count;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static struct timing evaluate(struct samples *samples)
{
    qsort(samples->at, ROUNDS, sizeof(samples->at[0]), compare);
    return (struct timing){samples->at[0], samples->at[ROUNDS / 2]};
}

/* The round before the first warms up. */
static void measure(
    const struct side sides[SIDES], size_t size, size_t step, struct timing ret_times[SIDES])
{
    static struct samples samples[SIDES];
    for (int round = -1; round < ROUNDS; round++)
        for (int i = 0; i < SIDES; i++) {
            double us = sides[i].missing ? -1 : turn(&sides[i], size, step);
            if (round >= 0)
                samples[i].at[round] = us;
        }
    for (int i = 0; i < SIDES; i++)
        ret_times[i] = evaluate(&samples[i]);
}

static void print_row(const struct side sides[SIDES], size_t size, const struct timing times[SIDES])
{
    char text[SHOW_AMOUNT];
    printf("  %-8s", show_amount(size, text));
    for (int i = 0; i < SIDES; i++) {
        if (sides[i].missing || times[i].least < 0)
            printf("  %21s", sides[i].missing ? sides[i].missing : "none left");
        else
            printf("  %9.2f / %9.2f", times[i].least, times[i].median);
    }
    putchar('\n');
}

static void print_table(const struct side sides[SIDES], const char *title, bool every_page,
    struct timing ret_times[SIDES])
{
    struct timing times[SIDES];
    printf("  %s\n  %-8s", title, "size");
    for (int i = 0; i < SIDES; i++)
        printf("  %21s", sides[i].title);
    putchar('\n');
    for (size_t i = 0; i < SIZES; i++) {
        measure(sides, sizes[i], every_page ? PAGE : sizes[i], times);
        print_row(sides, sizes[i], times);
        for (int k = 0; i == KEPT && k < SIDES; k++)
            ret_times[k] = times[k];
    }
}

void timing_show(const struct side sides[SIDES], struct timing ret_times[SIDES])
{
    struct timing others[SIDES];
    int cpu = sched_getcpu();
    cpus_pin(cpu);
    show_heading(
        "Microseconds per operation, least / median of %d rounds, the sides in turn, CPU %d",
        ROUNDS, cpu);
    printf("  An operation: get zeroed memory, write to it, give it back.\n");
    print_table(sides, "Written: a word in each 4 KiB", true, ret_times);
    print_table(sides, "Written: one word in all", false, others);
    printf(
        "  hostmem's memory is there and zero as a whole before it is handed out, so what is not\n"
        "  written costs as much as what is; mmap's costs at the first touch.\n");
    if (sides[SIDE_PLAIN].decline)
        printf("  Transparent huge pages are 'always' here: the last column declines them.\n");
}
