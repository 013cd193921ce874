/* SPDX-License-Identifier: MIT */
/*
 * The watcher threads: sample, relieve, decide, announce, call, sleep. A watcher sleeps until its
 * period is over, a pressure source fires, or an allocation passes one of the marks that it left at
 * the pools (marks.h). Locks: see watcher.h.
 */
#include "lib/watcher.h"

#include <time.h>

#include "lib/frame.h"
#include "lib/load.h"
#include "lib/manager.h"
#include "lib/marks.h"
#include "lib/units.h"

#define NS_PER_MS UINT64_C(1000000)

_Static_assert((int)PRESSURE_LOW == HOSTMEM_LOW && (int)PRESSURE_HIGH == HOSTMEM_HIGH,
    "levels are passed on as they are");
_Static_assert(NN_SOURCES <= NN_WAITER_FILES, "all sources are slept on");

uint64_t watcher_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 * NS_PER_MS + (uint64_t)t.tv_nsec;
}

struct pressure_rules watcher_rules(const struct config *config)
{
    return (struct pressure_rules){
        .low_enter = (unsigned)config->low_enter,
        .low_leave = (unsigned)config->low_leave,
        .high_enter = (unsigned)config->high_enter,
        .high_leave = (unsigned)config->high_leave,
        .hold_ms = (unsigned)config->hold_ms,
        .repeat_ms = (unsigned)config->low_repeat_ms,
    };
}

static bool is_first(const struct watcher *watcher)
{
    return watcher == watcher->manager->watch.watchers;
}

/* -- one look -- */

static struct hostmem_pressure announcement(
    const struct watched *watched, int node, const struct hostmem_load *load, uint64_t now)
{
    return (struct hostmem_pressure){
        .node = node,
        .level = (enum hostmem_level)watched->state.level,
        .load = *load,
        .sequence = watched->state.sequence,
        .time_ns = now,
    };
}

static void step(struct watcher *watcher, struct watched *watched, int node,
    const struct hostmem_load *load, bool urgent)
{
    struct hostmem *manager = watcher->manager;
    struct pressure_rules rules = watcher_rules(&manager->config);
    uint64_t now = watcher_clock();
    struct pressure_sample sample = {.percent = load->percent, .urgent = urgent};
    bool news = pressure_step(&watched->state, &rules, now, sample);
    atomic_store(&watched->said, (int)watched->state.level);
    if (news)
        atomic_store(&watched->held_until, watched->state.changed_at + rules.hold_ms * NS_PER_MS);
    struct hostmem_pressure pressure = announcement(watched, node, load, now);
    if (news)
        topic_announce(&manager->watch.notifier, &watched->topic, &pressure);
    else
        topic_refresh(&manager->watch.notifier, &watched->topic, &pressure);
}

/* Idle frames go back to the kernel before anybody is told that memory is short. */
static bool relieve(struct node *node)
{
    size_t freed = 0;
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        freed += frame_drain(node, b, SIZE_MAX);
    return freed > 0;
}

/* Looks until a sample is published although it was taken while memory was being populated. */
#define BLURRED_MOST 64
/* After such a look the next comes in this part of a period. */
#define BLURRED_PART 8

/*
 * Of memory that is just being populated nobody can tell whether the kernel has counted it. The
 * last clear sample, corrected by what was committed since, is better than one of such a moment.
 */
static bool is_clear(struct watched *watched, struct sample *sample)
{
    if (sample->populating && watched->blurred < BLURRED_MOST) {
        watched->blurred++;
        return !sample_read(&watched->book, sample);
    }
    watched->blurred = 0;
    return true;
}

/*
 * Where the files cannot be read (a process out of descriptors is under pressure more than others),
 * the last sample has to do, and where there is none the pool alone.
 */
static void look_at(struct node *node, const struct shared *shared, struct sample *ret_sample,
    struct hostmem_load *ret_load)
{
    struct watched *watched = &node->watched;
    if (sample_take(node, shared, ret_sample) == 0) {
        if (is_clear(watched, ret_sample))
            sample_write(&watched->book, ret_sample);
    } else if (!sample_read(&watched->book, ret_sample)) {
        *ret_sample = sample_unknown();
    }
    if (atomic_load(&node->huge) == 0)
        node_count_huge(node);
    struct sample_now now = load_now_of_node(node, ret_sample);
    *ret_load = sample_judge(ret_sample, &now);
}

static bool turns_low(
    const struct watched *watched, const struct hostmem_load *load, bool urgent, unsigned low_enter)
{
    return watched->state.level != PRESSURE_LOW && (urgent || load->percent >= low_enter);
}

/* Of a pool that is spent nothing is to be had by giving idle memory back. */
static bool is_told_again(const struct watched *watched, const struct pressure_rules *rules,
    const struct hostmem_load *load)
{
    return watched->state.level == PRESSURE_LOW && load->limit != HOSTMEM_LIMIT_POOL &&
           pressure_wait(&watched->state, rules, watcher_clock(), load->percent) == 0;
}

/*
 * Whether a crossing is to be told at once. To wake this thread is a system call, which nobody is
 * to pay on the warm path who has not asked for it.
 */
static bool is_heard(struct node *node)
{
    return atomic_load(&node->watched.topic.members) ||
           atomic_load(&node->manager->watch.machine.topic.members);
}

static void tend_node(struct watcher *watcher, struct node *node, const struct shared *shared)
{
    struct pressure_rules rules = watcher_rules(&watcher->manager->config);
    struct sample sample;
    struct hostmem_load load;
    bool urgent = atomic_exchange(&node->watched.shortage, false);
    look_at(node, shared, &sample, &load);
    bool tells_low = turns_low(&node->watched, &load, urgent, rules.low_enter) ||
                     is_told_again(&node->watched, &rules, &load);
    if (tells_low && relieve(node)) {
        struct shared relieved = sample_shared(node->manager);
        look_at(node, &relieved, &sample, &load);
    }
    step(watcher, &node->watched, node->id, &load, urgent);
    if (marks_hold_left(&node->watched, &rules) || !is_heard(node))
        pool_mark(&node->pool, 0, UINT64_MAX);
    else
        marks_leave(node, &sample, &rules);
}

/* Marks are left anew at all nodes: what changes the level of all is something else now. */
static void renew_marks(struct hostmem *manager)
{
    manager->watch.machine.stale = false;
    for (size_t i = 0; i < manager->node_count; i++)
        watch_stir(&manager->nodes[i].watched);
}

static void tend_machine(struct watcher *watcher)
{
    struct hostmem *manager = watcher->manager;
    struct pressure_rules rules = watcher_rules(&manager->config);
    struct watched *machine = &manager->watch.machine;
    struct hostmem_load load;
    bool urgent = atomic_exchange(&machine->shortage, false);
    load_sum_up(manager);
    if (load_of_machine(manager, &load))
        return;
    if (turns_low(machine, &load, urgent, manager->config.low_enter))
        for (size_t i = 0; i < manager->node_count; i++)
            relieve(&manager->nodes[i]);
    enum pressure_level before = machine->state.level;
    step(watcher, machine, HOSTMEM_NODE_ALL, &load, urgent);
    machine->stale |= machine->state.level != before;
    if (machine->stale && marks_hold_left(machine, &rules) == 0)
        renew_marks(manager);
}

static void tend(struct watcher *watcher)
{
    struct hostmem *manager = watcher->manager;
    bool stirred = atomic_exchange(&watcher->stirred, false);
    if (is_first(watcher) && membership_follow(&manager->membership, &manager->root))
        news_arm(manager);
    struct shared shared = sample_shared(manager);
    for (size_t i = 0; i < manager->node_count; i++)
        if (manager->nodes[i].watched.watcher == watcher)
            tend_node(watcher, &manager->nodes[i], &shared);
    for (size_t i = 0; i < manager->node_count; i++)
        if (manager->nodes[i].watched.watcher == watcher)
            scrubber_tend(&manager->nodes[i]);
    if (is_first(watcher))
        tend_machine(watcher);
    else if (stirred)
        watch_stir(&manager->watch.machine);
}

static void deliver(struct watcher *watcher)
{
    struct hostmem *manager = watcher->manager;
    struct watch *watch = &manager->watch;
    for (size_t i = 0; i < manager->node_count; i++)
        if (manager->nodes[i].watched.watcher == watcher)
            topic_deliver(&watch->notifier, &manager->nodes[i].watched.topic, &watch->ended);
    if (is_first(watcher))
        topic_deliver(&watch->notifier, &watch->machine.topic, &watch->ended);
}

/* -- sleeping -- */

/*
 * Also the end of a hold: from then on crossings are waited for. What is overdue although a step
 * was just taken is a level that failing allocations keep from changing: the next sample is soon
 * enough.
 */
static uint64_t wait_of(const struct watched *watched, const struct pressure_rules *rules)
{
    unsigned percent = watched->topic.last.load.percent;
    uint64_t wait = pressure_wait(&watched->state, rules, watcher_clock(), percent);
    uint64_t hold = marks_hold_left(watched, rules);
    if (hold)
        wait = min_size(wait, hold);
    return wait ? wait : UINT64_MAX;
}

static uint64_t wait_of_node(
    const struct node *node, const struct pressure_rules *rules, uint64_t period)
{
    uint64_t wait = wait_of(&node->watched, rules);
    return node->watched.blurred ? min_size(wait, period / BLURRED_PART) : wait;
}

static uint64_t sleep_time(struct watcher *watcher)
{
    struct hostmem *manager = watcher->manager;
    struct pressure_rules rules = watcher_rules(&manager->config);
    uint64_t period = (uint64_t)manager->config.sample_ms * NS_PER_MS, time = period;
    for (size_t i = 0; i < manager->node_count; i++)
        if (manager->nodes[i].watched.watcher == watcher)
            time = min_size(time, wait_of_node(&manager->nodes[i], &rules, period));
    if (is_first(watcher))
        time = min_size(time, wait_of(&manager->watch.machine, &rules));
    return time;
}

/* A cgroup stood at its limit: that is Low, whatever the figures say. */
static void take_news(struct hostmem *manager, unsigned happened)
{
    if (!news_take(manager, happened))
        return;
    for (size_t i = 0; i < manager->node_count; i++)
        watch_shortage(&manager->nodes[i].watched);
    watch_shortage(&manager->watch.machine);
}

static void rest(struct watcher *watcher)
{
    struct hostmem *manager = watcher->manager;
    struct pollfd files[NN_SOURCES];
    size_t count = is_first(watcher) ? news_files(&manager->watch.news, files) : 0;
    unsigned happened = nn_waiter_sleep(&watcher->waiter, files, count, sleep_time(watcher));
    if (is_first(watcher))
        take_news(manager, happened & ~NN_WOKEN);
}

/* -- the thread -- */

void *watcher_run(void *argument)
{
    struct watcher *watcher = argument;
    struct hostmem *manager = watcher->manager;
    struct watch *watch = &manager->watch;
    while (!atomic_load(&watch->ended)) {
        tend(watcher);
        deliver(watcher);
        if (!atomic_load(&watch->ended))
            rest(watcher);
    }
    if (watch->deferred && pthread_equal(watch->closer, pthread_self())) {
        pthread_detach(pthread_self());
        manager_dismantle(manager);
    }
    return NULL;
}
