/* SPDX-License-Identifier: MIT */
/* Works that get memory and give it back, and the sides that do them. See works.h. */
#include "bench/works.h"

#include <stdio.h>
#include <string.h>

#define KIB          ((size_t)1 << 10)
#define MIB          ((size_t)1 << 20)
#define CLEANING     0.5 /* nanoseconds a byte: the pause in which memory is cleaned */
#define PAUSE_LEAST  1000000
#define STOCK        (64 * MIB) /* that is cleaned in a pause, */
#define STOCK_QUICK  (16 * MIB)
#define STOCK_MOST   32 /* in so many regions at most */
#define PLACES_OPS   4  /* of work B after a pause: so few seldom meet a place twice */
#define PAUSE_PLACES 6000000
#define TAIL_SAMPLES 1000
#define TAIL_QUICK   200
#define CLEAN_STOCK  " Before each sample there is a pause in which memory may be cleaned."
#define GIVEN_AT_ONCE                                                                              \
    "The whole region is there and zero before it is handed out, unless the "                      \
    "side gets pages at the first touch."

static const struct work a1 = {
    "A1", "A1: get a zeroed region, write one word, release it", GIVEN_AT_ONCE, UNIT_US};
static const struct work a1_clean = {
    "A1-clean", "A1 with pauses: the stock is clean", GIVEN_AT_ONCE CLEAN_STOCK, UNIT_US};
static const struct work a2 = {"A2",
    "A2: get a zeroed region, write a word in each 4 KiB, release it",
    "16M cold: eight regions are alive, so that the one which comes next has left the cache.",
    UNIT_US};
static const struct work a2_clean = {
    "A2-clean", "A2 with pauses: the stock is clean", "As above." CLEAN_STOCK, UNIT_US};
static const struct work first = {"first-page",
    "Reserve 256 MiB, commit its first page, write it, release",
    "Sides that cannot reserve get all of it; those of the kernel give pages as they are touched.",
    UNIT_US};
static const struct work block = {"B",
    "B: commit 2 MiB at a random place of 64 GiB, write a word in "
    "each 4 KiB, decommit",
    "1 alive: over 32 places; 64 alive: over 128; each is met again and again, as in a heap that "
    "breathes.",
    UNIT_US};
static const struct work block_clean = {
    "B-clean", "B with pauses: the stock is clean", "As above." CLEAN_STOCK, UNIT_US};
static const struct work tail = {"tail", "Reserve and commit 2 MiB: each call by itself",
    "The release is not timed. 'clean' has a pause before each call, 'busy' has none. MAP_HUGETLB is "
    "not comparable: it gives its memory at the first touch, after the call.",
    UNIT_US};
static const struct work query = {"query", "What an address is, and how full memory is",
    "hostmem_query() of its own memory and hostmem_load(), beside the system calls that come nearest.",
    UNIT_NS};
static const struct work footprint = {"footprint",
    "Resident memory that a reservation of 1 TiB costs", "Nothing of it is committed.", UNIT_KIB};
static const struct work threads_small = {"threads-64K",
    "A2 at 64 KiB by several threads: time of an operation as each thread sees it", NULL, UNIT_US};
static const struct work threads_large = {"threads-2M",
    "A2 at 2 MiB by several threads: time of an operation as each thread sees it", NULL, UNIT_US};

struct size {
    const char *label;
    size_t bytes;
    unsigned alive;
};
static const struct size sizes[] = {{"64K", 64 * KIB, 1}, {"2M", 2 * MIB, 1}, {"16M", 16 * MIB, 1},
    {"16M cold", 16 * MIB, 8}, {"256M", 256 * MIB, 1}};
#define SIZES       (sizeof(sizes) / sizeof(sizes[0]))
#define SIZES_QUICK 3

/* -- the sides, by name -- */

static const char *const few[] = {
    "hostmem", "mmap", "thp", "hugetlb", "floor-memset", "floor-zero"};
static const char *const all[] = {"hostmem", "mmap", "libnuma", "thp", "hugetlb", "libhugetlbfs",
    "memkind", "dpdk", "glibc", "glibc-keeps", "jemalloc", "jemalloc-keeps", "mimalloc", "tcmalloc",
    "tbb", "floor-memset", "floor-stream", "floor-zero"};
static const char *const blocks[] = {"hostmem", "commit-mmap", "commit-thp", "commit-hugetlb",
    "commit-populate", "commit-stream", "commit-zero"};
static const char *const busy[] = {
    "hostmem", "thp", "hugetlb", "glibc", "floor-memset", "floor-zero"};
static const char *const calls_alone[] = {
    "hostmem", "hugetlb", "glibc", "floor-memset", "floor-zero"};
static const char *const one[] = {"hostmem"};
static const char *const asked[] = {"hostmem", "kernel"};

struct sides {
    const struct peer *at[PLAN_SIDES + 1]; /* up to a NULL */
};

static struct sides sides_named(const char *const *names, size_t count)
{
    struct sides sides = {{0}};
    for (size_t i = 0; i < count && i < PLAN_SIDES; i++)
        sides.at[i] = peer_find(names[i]);
    return sides;
}
#define SIDES(names) sides_named(names, sizeof(names) / sizeof((names)[0]))

/* -- works A -- */

static bool fits(const struct plan *plan, size_t number)
{
    return !plan->options->quick || number < SIZES_QUICK;
}

/* After a pause there are so many clean regions, and a sample uses each of them once. */
static void set_clean(const struct plan *plan, struct order *order)
{
    size_t stock = (plan->options->quick ? STOCK_QUICK : STOCK) / order->size;
    order->ops = stock < 1 ? 1 : stock > STOCK_MOST ? STOCK_MOST : (unsigned)stock;
    order->stocked = true;
    order->pause_ns = PAUSE_LEAST + (uint64_t)(CLEANING * (double)(order->ops * order->size));
}

static void churn_size(struct plan *plan, const struct work *work, enum touch touch, bool clean,
    const struct size *size, struct sides sides)
{
    struct column column = {.work = work, .label = size->label, .count = !clean};
    column.order =
        (struct order){.job = JOB_CHURN, .touch = touch, .size = size->bytes, .alive = size->alive};
    plan_place(plan, 0, &column.order);
    if (clean)
        set_clean(plan, &column.order);
    plan_column(plan, &column, sides.at);
}

static void churn(
    struct plan *plan, const struct work *work, enum touch touch, bool clean, struct sides sides)
{
    for (size_t i = 0; i < SIZES && fits(plan, i); i++)
        if (sizes[i].alive == 1 || work == &a2)
            churn_size(plan, work, touch, clean, &sizes[i], sides);
}

static void first_page(struct plan *plan, struct sides sides)
{
    struct column column = {.work = &first, .label = "256M", .count = true};
    column.order = (struct order){.job = JOB_FIRST, .size = 256 * MIB};
    plan_place(plan, 0, &column.order);
    plan_column(plan, &column, sides.at);
}

static void churn_all(struct plan *plan, struct sides sides)
{
    churn(plan, &a1, TOUCH_FIRST, false, sides);
    churn(plan, &a1_clean, TOUCH_FIRST, true, sides);
    churn(plan, &a2, TOUCH_PAGES, false, sides);
    churn(plan, &a2_clean, TOUCH_PAGES, true, sides);
    if (!plan->options->quick)
        first_page(plan, sides);
}

/* Who names sides may name any. */
void works_churn(struct plan *plan)
{
    churn_all(plan, plan->options->sides ? SIDES(all) : SIDES(few));
}

/* -- threads -- */

/* The first of each node in turn, so that few threads are on many sockets; or node by node. */
static void place_threads(
    const struct plan *plan, unsigned threads, bool spread, struct order *order)
{
    const struct machine *m = &plan->report->machine;
    unsigned placed = 0;
    order->threads = threads;
    for (unsigned turn = 0; placed < threads && turn < ORDER_CPUS; turn++)
        for (unsigned n = 0; spread && n < m->nodes && placed < threads; n++)
            if (turn < m->node[n].cpus)
                order->cpus[placed++] = m->node[n].cpu[turn];
    for (unsigned n = 0; !spread && n < m->nodes; n++)
        for (unsigned i = 0; i < m->node[n].cpus && placed < threads; i++)
            order->cpus[placed++] = m->node[n].cpu[i];
}

static void threads_column(struct plan *plan, const struct work *work, size_t size,
    unsigned threads, bool spread, struct sides sides)
{
    char label[24];
    struct column column = {.work = work, .label = label};
    snprintf(label, sizeof(label), spread ? "%u spread" : "%u", threads);
    column.order = (struct order){.job = JOB_THREADS, .touch = TOUCH_PAGES, .size = size};
    plan_place(plan, 0, &column.order);
    place_threads(plan, threads, spread, &column.order);
    plan_column(plan, &column, sides.at);
}

/* 1, 2, 4... and all of them; spread over the nodes as well where there are several. */
static void threads_work(
    struct plan *plan, const struct work *work, size_t size, unsigned most, struct sides sides)
{
    for (unsigned threads = 1; threads <= most; threads *= 2) {
        threads_column(plan, work, size, threads, false, sides);
        if (threads > 1 && plan->report->machine.nodes > 1)
            threads_column(plan, work, size, threads, true, sides);
        if (threads < most && threads * 2 > most)
            threads_column(plan, work, size, most, false, sides);
    }
}

void works_scale(struct plan *plan)
{
    unsigned cpus = plan->report->machine.cpus;
    unsigned most = plan->options->quick && cpus > 2 ? 2 : cpus;
    threads_work(plan, &threads_small, 64 * KIB, most, SIDES(busy));
    threads_work(plan, &threads_large, 2 * MIB, most, SIDES(busy));
}

/* -- work B -- */

static void commit_column(
    struct plan *plan, const char *label, unsigned alive, unsigned places, bool clean)
{
    struct column column = {.work = clean ? &block_clean : &block, .label = label, .count = !clean};
    column.order =
        (struct order){.job = JOB_COMMIT, .size = 2 * MIB, .alive = alive, .places = places};
    plan_place(plan, 0, &column.order);
    if (clean) {
        column.order.ops = PLACES_OPS;
        column.order.pause_ns = PAUSE_PLACES;
    }
    plan_column(plan, &column, SIDES(blocks).at);
}

void works_commit(struct plan *plan)
{
    bool quick = plan->options->quick;
    commit_column(plan, "1 alive", 1, quick ? 8 : 32, false);
    commit_column(plan, quick ? "8 alive" : "64 alive", quick ? 8 : 64, quick ? 16 : 128, false);
    commit_column(plan, "1 alive", 1, quick ? 8 : 32, true);
    commit_column(plan, quick ? "8 alive" : "64 alive", quick ? 8 : 64, quick ? 16 : 128, true);
}

/* -- what only hostmem is asked -- */

static void tail_column(struct plan *plan, const char *label, bool clean)
{
    struct column column = {.work = &tail, .label = label};
    column.order = (struct order){.job = JOB_TAIL,
        .touch = TOUCH_PAGES,
        .size = 2 * MIB,
        .samples = plan->options->quick ? TAIL_QUICK : TAIL_SAMPLES};
    plan_place(plan, 0, &column.order);
    if (clean)
        column.order.pause_ns = PAUSE_LEAST;
    column.order.budget_ns = UINT64_C(30000000000);
    plan_column(plan, &column, SIDES(calls_alone).at);
}

void works_tail(struct plan *plan)
{
    tail_column(plan, "busy", false);
    tail_column(plan, "clean", true);
}

static void query_column(struct plan *plan, const char *label, enum job job)
{
    struct column column = {.work = &query, .label = label, .count = true};
    column.order = (struct order){.job = job, .size = 64 * MIB};
    plan_place(plan, 0, &column.order);
    plan_column(plan, &column, SIDES(asked).at);
}

void works_query(struct plan *plan)
{
    struct column column = {.work = &footprint, .label = "1T"};
    column.order = (struct order){.job = JOB_FOOTPRINT, .size = 2 * MIB, .samples = 1};
    plan_place(plan, 0, &column.order);
    query_column(plan, "VirtualQuery", JOB_QUERY);
    query_column(plan, "GetMemoryLoad", JOB_LOAD);
    plan_column(plan, &column, SIDES(one).at);
}

/* -- counting alone -- */

void works_calls(struct plan *plan)
{
    static const struct work counted = {"calls",
        "System calls and page faults per operation (A2), counted under ptrace", NULL, UNIT_US};
    for (size_t i = 0; i < SIZES && fits(plan, i); i++) {
        struct column column = {.work = &counted, .label = sizes[i].label, .only_count = true};
        column.order = (struct order){.job = JOB_CHURN,
            .touch = TOUCH_PAGES,
            .size = sizes[i].bytes,
            .alive = sizes[i].alive};
        plan_place(plan, 0, &column.order);
        plan_column(plan, &column, SIDES(all).at);
    }
}

/* -- several of them -- */

static void compare_all(struct plan *plan)
{
    churn_all(plan, SIDES(all));
    works_commit(plan);
    works_tail(plan);
    works_query(plan);
}

void works_peers(struct plan *plan)
{
    unsigned cpus = plan->report->machine.cpus, most = cpus > 2 ? 2 : cpus;
    compare_all(plan);
    threads_work(plan, &threads_small, 64 * KIB, most, SIDES(all));
    threads_work(plan, &threads_large, 2 * MIB, most, SIDES(all));
}

void works_all(struct plan *plan)
{
    compare_all(plan);
    works_scale(plan);
    works_chase(plan);
    works_stream(plan);
}
