/* SPDX-License-Identifier: MIT */
/*
 * The load of each node and of all together against a plain reading of the kernel's files, and
 * memory that another process takes of one node: it is heard there, within a sample period. Runs on
 * shapes where nodes 0 and 1 have memory.
 */
#include "guest.h"

#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pressure.h"

#define BEYOND 20 /* percent of a node that others take before it is Low */
#define SAMPLE 200
#define LATE   (2000 * MS) /* what an emulated machine on a busy host may be late by */

/* -- the kernel's figures -- */

struct figures {
    uint64_t total, available;
};

/* A node's own file, and its free huge pages, which MemFree leaves out. */
static struct figures figures_of(int node)
{
    char path[96], line[160], name[64];
    unsigned long value, available = 0, total = 0;
    snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Node %*d %63[^:]: %lu kB", name, &value) != 2)
            continue;
        total += strcmp(name, "MemTotal") == 0 ? value : 0;
        if (strcmp(name, "MemFree") == 0 || strcmp(name, "Active(file)") == 0 ||
            strcmp(name, "Inactive(file)") == 0)
            available += value;
    }
    fclose(file);
    return (struct figures){total * KIB, available * KIB + guest_huge_free(node) * FRAME};
}

static unsigned percent_of(struct figures figures)
{
    return (unsigned)((figures.total - figures.available) * 100 / figures.total);
}

#define SLACK (12 * MIB) /* what the rest of the guest may take or free meanwhile */

static bool are_near(const struct hostmem_load *load, struct figures want)
{
    unsigned percent = percent_of(want), off = (unsigned)(SLACK * 100 / want.total) + 1;
    must(load->percent <= 100 && load->limit == HOSTMEM_LIMIT_MEMORY);
    return load->available_bytes + SLACK - want.available <= 2 * SLACK &&
           load->percent + off - percent <= 2 * off;
}

/* Of each node, and of all together. */
static bool figures_are_the_kernels(void *manager)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes);
    struct figures sum = {0};
    struct hostmem_load load;
    bool near = true;
    for (size_t i = 0; i < count; i++) {
        struct figures want = figures_of(nodes[i]);
        must(hostmem_node_load(manager, nodes[i], &load) == 0);
        near &= are_near(&load, want);
        sum.total += want.total;
        sum.available += want.available;
    }
    must(hostmem_load(manager, &load) == 0);
    return near && are_near(&load, sum);
}

/* Each after memory was taken on one node; a sample that was taken meanwhile is corrected by the
 * next. */
static void figures_follow_commits(void)
{
    void *base;
    for (int node = 0; node < 2; node++) {
        guest_must_take(node, 8 * FRAME, &base);
        await_true(figures_are_the_kernels, guest_manager());
    }
}

static void watched_figures_are_those_of_the_kernel(void **state)
{
    (void)state;
    figures_follow_commits();
}

static void unwatched_figures_are_those_of_the_kernel(void **state)
{
    (void)state;
    guest_set("HOSTMEM_WATCH", "0");
    figures_follow_commits();
    assert_true(figures_are_the_kernels(guest_manager()));
}

/* -- memory that another process takes -- */

/* Takes memory of one node, in pages of 4 KiB, until it is ended; returns when it has it. */
static pid_t start_hog(int node, size_t size)
{
    int ready[2];
    char byte = 0;
    unsigned long nodes = 1ul << node;
    assert_int_equal(pipe(ready), 0);
    pid_t hog = fork();
    assert_true(hog >= 0);
    if (hog == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(base != MAP_FAILED && madvise(base, size, MADV_NOHUGEPAGE) == 0);
        must(mbind(base, size, MPOL_BIND, &nodes, sizeof(nodes) * 8, 0) == 0);
        must(madvise(base, size, MADV_POPULATE_WRITE) == 0);
        must(write(ready[1], &byte, 1) == 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return hog;
}

#define HOGS 4

struct hogs {
    pid_t pids[HOGS];
    size_t count;
};

/* What an ended process left in the lists of a CPU may come back meanwhile: then one is not enough.
 */
static struct hogs fill_node(int node, unsigned percent)
{
    struct hogs hogs = {.count = 0};
    struct figures now = figures_of(node);
    while (percent_of(now) + 1 < percent) {
        assert_in_range(hogs.count, 0, HOGS - 1);
        hogs.pids[hogs.count++] = start_hog(node, now.total / 100 * (percent - percent_of(now)));
        now = figures_of(node);
    }
    return hogs;
}

static void end_hogs(const struct hogs *hogs)
{
    for (size_t i = 0; i < hogs->count; i++) {
        assert_int_equal(kill(hogs->pids[i], SIGKILL), 0);
        assert_int_equal(waitpid(hogs->pids[i], NULL, 0), hogs->pids[i]);
    }
}

static void set_number(const char *name, uint64_t number, char text[24])
{
    snprintf(text, 24, "%llu", (unsigned long long)number);
    guest_set(name, text);
}

/*
 * Low begins somewhat above what is in use now, so that nothing is in danger of being killed. What
 * a process had may stay in the lists of its CPU when it has ended, 60 MiB were seen, and counts as
 * used: the end of Low is not much below its beginning.
 */
static unsigned low_is_near(char enter[24], char leave[24])
{
    unsigned percent = 0;
    for (int node = 0; node < 2; node++) {
        unsigned now = percent_of(figures_of(node));
        percent = now > percent ? now : percent;
    }
    assert_in_range(percent, 0, 70);
    set_number("HOSTMEM_LOW_ENTER", percent + BEYOND, enter);
    set_number("HOSTMEM_LOW_LEAVE", percent + BEYOND - 2, leave);
    return percent + BEYOND;
}

static struct ear *ear_at(int node)
{
    struct ear *ear = ear_subscribed(guest_manager(), node);
    assert_int_equal(ear_any(ear).level, HOSTMEM_NEUTRAL);
    return ear;
}

static void say(const char *what, uint64_t since, struct ear *ear)
{
    print_message("%s after %.1f ms\n", what, (double)(int64_t)(ear_time(ear) - since) / 1e6);
}

static void others_fill(int node, unsigned low)
{
    struct ear *near = ear_at(node), *far = ear_at(!node);
    struct hogs hogs = fill_node(node, low + 3);
    uint64_t then = live_now();
    struct hostmem_pressure low_now = ear_low(near);
    say("memory that others took is Low", then, near);
    assert_true(ear_time(near) < then + SAMPLE * MS + LATE);
    assert_int_equal(low_now.node, node);
    assert_int_equal(low_now.load.limit, HOSTMEM_LIMIT_MEMORY);
    assert_in_range(low_now.load.percent, low, low + 6);
    then = live_now();
    end_hogs(&hogs);
    assert_int_equal(ear_relief(near).level, HOSTMEM_NEUTRAL);
    say("its end", then, near);
    assert_true(ear_time(near) < then + SAMPLE * MS + LATE);
    assert_int_equal(ear_count(far), 1);
    ear_unsubscribe(near);
    ear_unsubscribe(far);
}

static void memory_that_others_take_is_heard_at_its_node(void **state)
{
    char enter[24], leave[24];
    (void)state;
    guest_set("HOSTMEM_SAMPLE_MS", "200");
    guest_set("HOSTMEM_HIGH_ENTER", "0");
    guest_set("HOSTMEM_HIGH_LEAVE", "0");
    guest_set("HOSTMEM_HOLD_MS", "0");
    unsigned low = low_is_near(enter, leave);
    others_fill(0, low);
    others_fill(1, low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(watched_figures_are_those_of_the_kernel),
        guest_test(unwatched_figures_are_those_of_the_kernel),
        guest_test(memory_that_others_take_is_heard_at_its_node),
    };
    return guest_run(tests);
}
