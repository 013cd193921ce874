/* SPDX-License-Identifier: MIT */
/* Beginning and ending the watch, and the subscribers' side of it. Invariant and lock: see watch.h.
 */
#include "lib/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/load.h"
#include "lib/manager.h"
#include "lib/units.h"
#include "numa/pin.h"

/* Callbacks run on it; looking at the kernel's files takes up to 24 KiB of it. */
#define STACK_BYTES ((size_t)256 << 10)

/* -- which watchers there are -- */

static const struct nn_node *topology_node(const struct node *node)
{
    return nn_topology_find(node->manager->topology, node->id);
}

static struct watcher *watcher_of_socket(struct watch *watch, int socket)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->watchers[i].socket == socket)
            return &watch->watchers[i];
    return NULL;
}

static void add_cpus(struct nn_set *cpus, const struct nn_set *more)
{
    for (size_t i = 0; i < sizeof(cpus->words) / sizeof(cpus->words[0]); i++)
        cpus->words[i] |= more->words[i];
}

const struct nn_set *watch_cpus(const struct node *node)
{
    const struct nn_topology *topology = node->manager->topology;
    size_t at = (size_t)(topology_node(node) - topology->nodes);
    return &topology->nodes[nn_topology_nearest_with_cpus(topology, at)].cpus;
}

static void assign(struct hostmem *manager, struct node *node)
{
    struct watch *watch = &manager->watch;
    int socket = topology_node(node)->socket;
    struct watcher *watcher = watcher_of_socket(watch, socket);
    if (!watcher) {
        watcher = &watch->watchers[watch->count++];
        watcher->manager = manager;
        watcher->socket = socket;
    }
    node->watched.watcher = watcher;
    add_cpus(&watcher->cpus, watch_cpus(node));
}

/* What it would have brought up to date is not to be read. */
static void forget_watcher(struct watched *watched)
{
    watched->watcher = NULL;
    sample_forget(&watched->book);
}

static void unassign_all(struct hostmem *manager)
{
    for (size_t i = 0; i < manager->node_count; i++)
        forget_watcher(&manager->nodes[i].watched);
    forget_watcher(&manager->watch.machine);
    manager->watch.count = 0;
}

/* -- threads -- */

static int create(struct watcher *watcher, const struct nn_set *cpus)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = -pthread_attr_init(&attributes);
    if (error)
        return error;
    error = nn_pin_attributes(cpus, &attributes);
    if (!error)
        error = -pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!error)
        error = -pthread_create(&watcher->thread, &attributes, watcher_run, watcher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static void name(struct watcher *watcher)
{
    char text[32];
    snprintf(text, sizeof(text), "hm-watch/%d", watcher->socket < 0 ? 0 : watcher->socket);
    text[15] = 0; /* the kernel's limit */
    pthread_setname_np(watcher->thread, text);
}

/* CPUs that the process may not use (a cpuset) are no reason not to watch. */
static int start(struct watcher *watcher)
{
    static const struct nn_set anywhere;
    int error = create(watcher, &watcher->cpus);
    if (error == -EINVAL)
        error = create(watcher, &anywhere);
    if (!error)
        name(watcher);
    return error;
}

static void stop(struct watcher *watcher)
{
    nn_waiter_wake(&watcher->waiter);
    pthread_join(watcher->thread, NULL);
}

static void close_waiters(struct watch *watch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        nn_waiter_close(&watch->watchers[i].waiter);
}

/* All of them before the first thread, because watchers wake each other. */
static int open_waiters(struct watch *watch)
{
    int error = 0;
    size_t opened = 0;
    while (opened < watch->count && !(error = nn_waiter_open(&watch->watchers[opened].waiter)))
        opened++;
    if (error)
        close_waiters(watch, opened);
    return error;
}

/* All, or none. */
static int start_threads(struct watch *watch)
{
    int error = 0;
    size_t started = 0;
    while (started < watch->count && !(error = start(&watch->watchers[started])))
        started++;
    if (!error)
        return 0;
    atomic_store(&watch->ended, true);
    for (size_t i = 0; i < started; i++)
        stop(&watch->watchers[i]);
    atomic_store(&watch->ended, false);
    close_waiters(watch, watch->count);
    return error;
}

static void start_all(struct hostmem *manager)
{
    struct watch *watch = &manager->watch;
    int error = open_waiters(watch);
    if (!error)
        error = start_threads(watch);
    if (!error)
        return;
    log_line(&manager->log, LOG_NOTE,
        "no watcher threads (error %d): levels are computed when asked", -error);
    unassign_all(manager);
}

static void begin(struct watched *watched, int node)
{
    watched->state = pressure_begin();
    atomic_init(&watched->said, (int)watched->state.level);
    watched->topic.last = (struct hostmem_pressure){.node = node, .level = HOSTMEM_NEUTRAL};
}

/* So that a load can be read without a file from the beginning. */
static void look_once(struct hostmem *manager)
{
    struct sample sample;
    struct shared shared = sample_shared(manager);
    for (size_t i = 0; i < manager->node_count; i++)
        if (sample_take(&manager->nodes[i], &shared, &sample) == 0)
            sample_write(&manager->nodes[i].watched.book, &sample);
    load_sum_up(manager);
}

int watch_open(struct hostmem *manager)
{
    struct watch *watch = &manager->watch;
    notifier_open(&watch->notifier);
    begin(&watch->machine, HOSTMEM_NODE_ALL);
    for (size_t i = 0; i < manager->node_count; i++)
        begin(&manager->nodes[i].watched, manager->nodes[i].id);
    watch->watchers = calloc(max_size(manager->node_count, 1), sizeof(*watch->watchers));
    if (!watch->watchers)
        return -ENOMEM;
    if (!manager->config.watch)
        return 0;
    for (size_t i = 0; i < manager->node_count; i++)
        assign(manager, &manager->nodes[i]);
    watch->machine.watcher = &watch->watchers[0];
    look_once(manager);
    news_open(manager);
    start_all(manager);
    return 0;
}

/* -- the end -- */

static bool is_watcher(const struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        if (pthread_equal(watch->watchers[i].thread, pthread_self()))
            return true;
    return false;
}

bool watch_stop(struct hostmem *manager)
{
    struct watch *watch = &manager->watch;
    watch->deferred = is_watcher(watch);
    watch->closer = pthread_self();
    atomic_store(&watch->ended, true);
    for (size_t i = 0; i < watch->count; i++)
        if (!pthread_equal(watch->watchers[i].thread, pthread_self()))
            stop(&watch->watchers[i]);
    return watch->deferred;
}

/* Not in a child of fork(): a thread that has stayed behind may have been in a callback, or the
 * lock. */
static void close_topics(struct hostmem *manager)
{
    struct notifier *notifier = &manager->watch.notifier;
    topic_close(notifier, &manager->watch.machine.topic);
    for (size_t i = 0; i < manager->node_count; i++)
        topic_close(notifier, &manager->nodes[i].watched.topic);
    notifier_close(notifier);
}

void watch_close(struct hostmem *manager)
{
    struct watch *watch = &manager->watch;
    if (!watch->watchers)
        return;
    if (manager_usable(manager) == 0)
        close_topics(manager);
    close_waiters(watch, watch->count);
    news_close(&watch->news);
    free(watch->watchers);
}

/* -- waking -- */

void watch_stir(struct watched *watched)
{
    struct watcher *watcher = watched->watcher;
    if (watcher && !atomic_exchange(&watcher->stirred, true))
        nn_waiter_wake(&watcher->waiter);
}

/* What has been told, or may not be told yet, is no reason to wake anybody. */
void watch_shortage(struct watched *watched)
{
    atomic_store(&watched->shortage, true);
    if (atomic_load(&watched->said) != PRESSURE_LOW &&
        watcher_clock() >= atomic_load(&watched->held_until))
        watch_stir(watched);
}

void watch_failure(struct node *node)
{
    watch_shortage(&node->watched);
    watch_shortage(&node->manager->watch.machine);
}

/* -- subscribers -- */

/* The level is to be told now, and crossings from now on. */
static void stir_all(struct hostmem *manager)
{
    for (size_t i = 0; i < manager->node_count; i++)
        watch_stir(&manager->nodes[i].watched);
}

/* Nobody watches: the level as it is, told by the caller's own thread. */
static int tell_once(
    struct hostmem *manager, struct node *node, hostmem_pressure_callback *callback, void *context)
{
    struct pressure_rules rules = watcher_rules(&manager->config);
    struct pressure state = pressure_begin();
    struct hostmem_pressure pressure = {
        .node = node ? node->id : HOSTMEM_NODE_ALL, .time_ns = watcher_clock()};
    int error =
        node ? load_of_node(node, &pressure.load) : load_of_machine(manager, &pressure.load);
    if (error)
        return error;
    struct pressure_sample sample = {.percent = pressure.load.percent};
    pressure_step(&state, &rules, pressure.time_ns, sample);
    pressure.level = (enum hostmem_level)state.level;
    pressure.sequence = state.sequence;
    callback(context, &pressure);
    return 0;
}

int watch_subscribe(struct hostmem *manager, struct node *node, hostmem_pressure_callback *callback,
    void *context, struct hostmem_subscription **ret_subscription)
{
    struct watched *watched = node ? &node->watched : &manager->watch.machine;
    struct notifier *notifier = &manager->watch.notifier;
    int error = topic_subscribe(notifier, &watched->topic, callback, context, ret_subscription);
    if (error)
        return error;
    if (watched->watcher) {
        stir_all(manager);
        return 0;
    }
    struct hostmem_subscription *made = *ret_subscription;
    error = tell_once(manager, node, callback, context);
    if (error)
        topic_unsubscribe(notifier, made);
    return error;
}

void watch_unsubscribe(struct hostmem *manager, struct hostmem_subscription *subscription)
{
    topic_unsubscribe(&manager->watch.notifier, subscription);
}
