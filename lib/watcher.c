/* SPDX-License-Identifier: MIT */
/*
 * The watcher threads: sample, relieve, decide, announce, call, sleep. A watcher sleeps until its
 * period is over, a pressure source fires, or an allocation passes one of the marks that it left at
 * the pools: the committed bytes at which the level would change. So a crossing that our own
 * allocations cause is told at once, and costs the warm path two comparisons. Locks: see watcher.h.
 */
#include "lib/watcher.h"

#include <time.h>

#include "lib/frame.h"
#include "lib/load.h"
#include "lib/manager.h"
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

/* -- marks -- */

/* Until the hold is over no crossing is of interest: it would be told then in any case. */
static uint64_t hold_left(const struct watched *watched, const struct pressure_rules *rules)
{
    uint64_t hold = rules->hold_ms * NS_PER_MS, gone = watcher_clock() - watched->state.changed_at;
    return watched->state.sequence && gone < hold ? hold - gone : 0;
}

/* How much may be committed more, and given back, until the level changes; UINT64_MAX: any amount.
 */
struct margin {
    uint64_t more, less;
};

static struct margin margin_of(const struct sample *sample, const struct sample_now *now,
    enum pressure_level level, const struct pressure_rules *rules)
{
    struct margin margin = {UINT64_MAX, UINT64_MAX};
    unsigned up = level == PRESSURE_HIGH ? rules->high_leave : rules->low_enter;
    unsigned down = level == PRESSURE_LOW ? rules->low_leave : rules->high_enter;
    if (level != PRESSURE_LOW)
        margin.more = sample_distance(sample, now, up);
    if (level != PRESSURE_HIGH)
        margin.less = sample_excess(sample, now, down);
    return margin;
}

/* A node's part, unless the crossing has happened: then it is the first watcher's turn. */
static uint64_t part(uint64_t bytes, size_t nodes)
{
    return bytes == 0 || bytes == UINT64_MAX ? UINT64_MAX : (bytes - 1) / nodes + 1;
}

/* Of the level of all nodes together, which any of them may change. */
static struct margin margin_of_machine(struct hostmem *manager, const struct pressure_rules *rules)
{
    struct watched *machine = &manager->watch.machine;
    struct margin margin = {UINT64_MAX, UINT64_MAX};
    struct sample sample;
    if (manager->node_count == 1 || !sample_read(&machine->book, &sample))
        return margin;
    struct sample_now now = load_now_of_machine(manager);
    margin = margin_of(&sample, &now, (enum pressure_level)atomic_load(&machine->said), rules);
    return (struct margin){
        part(margin.more, manager->node_count), part(margin.less, manager->node_count)};
}

/* The committed bytes between which no level changes. */
static void leave_marks(
    struct node *node, const struct sample *sample, const struct pressure_rules *rules)
{
    struct sample_now now = load_now_of_node(node);
    struct margin own = margin_of(sample, &now, node->watched.state.level, rules);
    struct margin all = margin_of_machine(node->manager, rules);
    uint64_t more = min_size(own.more, all.more), less = min_size(own.less, all.less);
    pool_mark(&node->pool, less < now.committed ? now.committed - less : 0,
        more > UINT64_MAX - now.committed ? UINT64_MAX : now.committed + more);
    /* A commit may have passed the place of the mark before the mark was there. */
    if (pool_passed(&node->pool))
        watch_stir(&node->watched);
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
#define BLURRED_MOST 8

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

static int look_at(struct node *node, struct sample *ret_sample, struct hostmem_load *ret_load)
{
    struct sample_now now;
    int error = sample_take(node, ret_sample);
    if (error)
        return error;
    if (is_clear(&node->watched, ret_sample))
        sample_write(&node->watched.book, ret_sample);
    if (atomic_load(&node->huge) == 0)
        node_count_huge(node);
    now = load_now_of_node(node);
    *ret_load = sample_judge(ret_sample, &now);
    return 0;
}

static bool turns_low(
    const struct watched *watched, const struct hostmem_load *load, bool urgent, unsigned low_enter)
{
    return watched->state.level != PRESSURE_LOW && (urgent || load->percent >= low_enter);
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

static void tend_node(struct watcher *watcher, struct node *node)
{
    struct pressure_rules rules = watcher_rules(&watcher->manager->config);
    struct sample sample;
    struct hostmem_load load;
    bool urgent = atomic_exchange(&node->watched.shortage, false);
    if (look_at(node, &sample, &load))
        return;
    if (turns_low(&node->watched, &load, urgent, rules.low_enter) && relieve(node) &&
        look_at(node, &sample, &load))
        return;
    step(watcher, &node->watched, node->id, &load, urgent);
    if (hold_left(&node->watched, &rules) || !is_heard(node))
        pool_mark(&node->pool, 0, UINT64_MAX);
    else
        leave_marks(node, &sample, &rules);
}

static void tend_machine(struct watcher *watcher)
{
    struct hostmem *manager = watcher->manager;
    struct watched *machine = &manager->watch.machine;
    struct hostmem_load load;
    bool urgent = atomic_exchange(&machine->shortage, false);
    if (load_sum_up(manager) || load_of_machine(manager, &load))
        return;
    if (turns_low(machine, &load, urgent, manager->config.low_enter))
        for (size_t i = 0; i < manager->node_count; i++)
            relieve(&manager->nodes[i]);
    step(watcher, machine, HOSTMEM_NODE_ALL, &load, urgent);
}

static void tend(struct watcher *watcher)
{
    struct hostmem *manager = watcher->manager;
    bool stirred = atomic_exchange(&watcher->stirred, false);
    if (is_first(watcher) && membership_follow(&manager->membership, &manager->root))
        news_arm(manager);
    for (size_t i = 0; i < manager->node_count; i++)
        if (manager->nodes[i].watched.watcher == watcher)
            tend_node(watcher, &manager->nodes[i]);
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

/* Also the end of a hold: from then on crossings are waited for. */
static uint64_t wait_of(const struct watched *watched, const struct pressure_rules *rules)
{
    unsigned percent = watched->topic.last.load.percent;
    uint64_t wait = pressure_wait(&watched->state, rules, watcher_clock(), percent);
    uint64_t hold = hold_left(watched, rules);
    return hold ? min_size(wait, hold) : wait;
}

static uint64_t wait_of_node(
    const struct node *node, const struct pressure_rules *rules, uint64_t period)
{
    uint64_t wait = wait_of(&node->watched, rules);
    return node->watched.blurred ? min_size(wait, period / BLURRED_MOST) : wait;
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
