/* SPDX-License-Identifier: MIT */
/*
 * Cleaning in the background. A frame is cleaned when it was idle and dirty in two looks in a row,
 * so that memory which is put back and taken again all the time is left alone. Invariant: see
 * scrubber.h. No lock.
 */
#include "lib/scrubber.h"

#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "lib/manager.h"
#include "lib/units.h"
#include "lib/window.h"
#include "numa/pin.h"

#define NS_PER_S       UINT64_C(1000000000)
#define TICK_NS        UINT64_C(2000000) /* between two looks while there is something to do */
#define QUIET_MOST     50                /* looks without work before it sleeps until it is woken */
#define STACK_SIZE     ((size_t)64 << 10)
#define EQUAL_GRANULES 32     /* in a look of a thread that is like any other: 1 GiB in a second */
#define SPINS          200000 /* turns of waiting without a system call: 10 ms or so */

void scrubber_open(struct scrubber *scrubber)
{
    sem_init(&scrubber->news, 0, 0);
}

void scrubber_close(struct scrubber *scrubber)
{
    sem_destroy(&scrubber->news);
}

/* -- what there is to clean -- */

static uint64_t dirty_of(const struct window *window, size_t word)
{
    return bits_word(window->idle, word) &
           (bits_word(window->dirty.all, word) | bits_word(window->dirty.some, word));
}

static size_t words_of(const struct window *window)
{
    return bits_words(atomic_load_explicit(&window->high, memory_order_relaxed));
}

static bool window_is_dirty(const struct window *window)
{
    for (size_t word = 0; word < words_of(window); word++)
        if (dirty_of(window, word))
            return true;
    return false;
}

static bool node_is_dirty(struct node *node)
{
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        for (struct window *w = atomic_load(&node->windows[b]); w; w = w->next)
            if (window_is_dirty(w))
                return true;
    return false;
}

uint64_t scrubber_clean_bytes(struct node *node)
{
    uint64_t bytes = 0;
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        for (struct window *w = atomic_load(&node->windows[b]); w; w = w->next)
            for (size_t word = 0; word < words_of(w); word++)
                bytes +=
                    (size_t)__builtin_popcountll(bits_word(w->idle, word) & ~dirty_of(w, word)) *
                    w->frame_bytes;
    return bytes;
}

/* -- one look -- */

/* A look at the node: it ends when others write to much memory there, or wait. */
struct look {
    struct node *node;
    uint64_t written; /* by others, when it began */
    size_t granules;  /* that may be cleaned in it */
    bool has_worked;
};

static uint64_t written_by_others(struct node *node)
{
    return pool_figure(&node->pool.zeroed) + pool_figure(&node->pool.populated);
}

static bool may_go_on(void *context)
{
    struct look *look = context;
    struct scrubber *scrubber = &look->node->scrubber;
    if (look->granules == 0)
        return false;
    look->granules--;
    return !atomic_load_explicit(&scrubber->wanted, memory_order_relaxed) &&
           written_by_others(look->node) == look->written;
}

/* Nothing to a thread that is like any other in any case. */
static void be_idle(struct node *node, bool idle)
{
    if (atomic_load_explicit(&node->scrubber.equal, memory_order_relaxed))
        return;
    if (idle)
        nn_run_when_idle();
    else
        nn_run_like_others();
}

/*
 * Nobody else has the frame while its idle bit is clear, and a thread that only runs when a CPU has
 * nothing to do may be kept from running for ever: it must not be one meanwhile. false: the look is
 * over.
 */
static bool scrub_frame(struct look *look, struct window *window, size_t frame)
{
    size_t cleaned = 0;
    uint64_t bit = UINT64_C(1) << (frame % 64);
    be_idle(look->node, false);
    if (!bits_clear_mask(window->idle, frame / 64, bit)) {
        be_idle(look->node, true);
        return true;
    }
    bool whole = dirty_scrub(&window->dirty, frame, may_go_on, look, &cleaned);
    pool_count(&look->node->scrubber.cleaned, cleaned);
    bits_set_mask(window->idle, frame / 64, bit);
    be_idle(look->node, true);
    look->has_worked = true;
    return whole;
}

/* What was dirty at the last look is cleaned, the rest remembered for the next one. */
static bool scrub_word(struct look *look, struct window *window, size_t word)
{
    uint64_t dirty = dirty_of(window, word), aged = bits_word(window->aged, word);
    uint64_t ready = dirty & aged;
    if (dirty != aged) {
        bits_clear_mask(window->aged, word, aged & ~dirty);
        bits_set_mask(window->aged, word, dirty);
        look->has_worked = true;
    }
    for (; ready; ready &= ready - 1)
        if (!scrub_frame(look, window, word * 64 + (size_t)__builtin_ctzll(ready)))
            return false;
    return true;
}

static bool scrub_window(struct look *look, struct window *window)
{
    for (size_t word = 0; word < words_of(window); word++)
        if (!scrub_word(look, window, word))
            return false;
    return true;
}

/* true: there was something to do, or there may be soon. */
static bool scrub(struct node *node)
{
    bool equal = atomic_load(&node->scrubber.equal);
    struct look look = {.node = node,
        .written = written_by_others(node),
        .granules = equal ? EQUAL_GRANULES : SIZE_MAX};
    bool go_on = true;
    atomic_store(&node->scrubber.wanted, false);
    for (enum hp_backing b = 0; b < HP_BACKINGS && go_on; b++)
        for (struct window *w = atomic_load(&node->windows[b]); w && go_on; w = w->next)
            go_on = scrub_window(&look, w);
    return look.has_worked;
}

/* -- the thread -- */

/* One that is idle priority and cannot become like others would stay so with a frame in its hands.
 */
static bool may_be_idle(void)
{
    return nn_run_when_idle() == 0 && nn_run_like_others() == 0 && nn_run_when_idle() == 0;
}

static bool has_ended(struct scrubber *scrubber)
{
    return atomic_load(&scrubber->ended);
}

static bool await_work(struct scrubber *scrubber)
{
    while (!has_ended(scrubber) && !atomic_exchange(&scrubber->woken, false))
        sem_wait(&scrubber->news);
    return !has_ended(scrubber);
}

/* One tick; false: the end came. */
static bool pause_between(struct scrubber *scrubber)
{
    uint64_t until = watcher_clock() + TICK_NS;
    struct timespec time = {(time_t)(until / NS_PER_S), (long)(until % NS_PER_S)};
    while (!has_ended(scrubber) && sem_clockwait(&scrubber->news, CLOCK_MONOTONIC, &time) == 0)
        ;
    return !has_ended(scrubber);
}

static void *run(void *argument)
{
    struct node *node = argument;
    struct scrubber *scrubber = &node->scrubber;
    if (!atomic_load(&scrubber->equal) && !may_be_idle()) {
        atomic_store(&scrubber->equal, true);
        return NULL;
    }
    while (await_work(scrubber)) {
        unsigned quiet = 0;
        do
            quiet = scrub(node) ? 0 : quiet + 1;
        while (quiet < QUIET_MOST && pause_between(scrubber));
    }
    return NULL;
}

static int create(struct node *node)
{
    struct scrubber *scrubber = &node->scrubber;
    pthread_attr_t attributes;
    int error = -pthread_attr_init(&attributes);
    if (error)
        return error;
    error = nn_pin_attributes(watch_cpus(node), &attributes);
    if (!error)
        error = -pthread_attr_setstacksize(&attributes, STACK_SIZE);
    if (!error)
        error = -pthread_create(&scrubber->thread, &attributes, run, node);
    pthread_attr_destroy(&attributes);
    return error;
}

/* By the node's watcher, from which the thread inherits that all signals are blocked. */
static void start(struct node *node)
{
    char name[32];
    if (create(node))
        return;
    snprintf(name, sizeof(name), "hm-scrub/%d", node->id);
    name[15] = 0; /* the kernel's limit */
    pthread_setname_np(node->scrubber.thread, name);
    node->scrubber.started = true;
}

static void set(struct scrubber *scrubber, _Atomic bool *flag)
{
    if (!atomic_exchange(flag, true))
        sem_post(&scrubber->news);
}

/* Once: the first thread has found out that it may not be what it should be. */
static void start_equal(struct node *node)
{
    struct scrubber *scrubber = &node->scrubber;
    pthread_join(scrubber->thread, NULL);
    scrubber->started = false;
    scrubber->replaced = true;
    start(node);
}

void scrubber_tend(struct node *node)
{
    struct scrubber *scrubber = &node->scrubber;
    if (!node->manager->config.scrub || !node_is_dirty(node))
        return;
    if (!scrubber->started)
        start(node);
    else if (atomic_load(&scrubber->equal) && !scrubber->replaced)
        start_equal(node);
    set(scrubber, &scrubber->woken);
}

void scrubber_stop(struct node *node)
{
    struct scrubber *scrubber = &node->scrubber;
    if (!scrubber->started)
        return;
    set(scrubber, &scrubber->ended);
    pthread_join(scrubber->thread, NULL);
    scrubber->started = false;
}

/* Who has the frame is about to let go of it: that it was preempted just now is rare. */
void scrubber_await(struct node *node, unsigned turns)
{
    atomic_store_explicit(&node->scrubber.wanted, true, memory_order_relaxed);
    if (turns >= SPINS)
        sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}
