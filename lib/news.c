/* SPDX-License-Identifier: MIT */
/* Arming, reading and reporting the sources of news about pressure. Invariant: see news.h. No lock.
 */
#include "lib/news.h"

#include <stdlib.h>

#include "lib/manager.h"

static void publish(struct news *news)
{
    for (int kind = 0; kind < NN_SOURCE_KINDS; kind++)
        atomic_store_explicit(
            &news->states[kind], (int)news->sources.refused[kind], memory_order_relaxed);
}

/* To arm a source is to write to the kernel's files; a recorded machine's are left alone. */
void news_arm(struct hostmem *manager)
{
    struct news *news = &manager->watch.news;
    if (!manager->here)
        return;
    nn_sources_close(&news->sources);
    nn_sources_arm(
        &manager->root, membership_now(&manager->membership), &news->environment, &news->sources);
    publish(news);
    for (int kind = 0; kind < NN_SOURCE_KINDS; kind++)
        log_line(&manager->log, LOG_NOTE, "pressure source %s: %s",
            nn_source_name((enum nn_source_kind)kind),
            nn_refusal_text(news->sources.refused[kind]));
}

/* The program may change its environment later, on another thread. */
void news_open(struct hostmem *manager)
{
    manager->watch.news.environment = (struct nn_pressure_env){
        .watch = secure_getenv("MEMORY_PRESSURE_WATCH"),
        .payload = secure_getenv("MEMORY_PRESSURE_WRITE"),
    };
    news_arm(manager);
}

void news_close(struct news *news)
{
    nn_sources_close(&news->sources);
}

size_t news_files(const struct news *news, struct pollfd ret_files[NN_SOURCES])
{
    for (size_t i = 0; i < news->sources.count; i++)
        ret_files[i] = (struct pollfd){news->sources.at[i].fd, news->sources.at[i].events, 0};
    return news->sources.count;
}

/* The cgroup was at its limit. Mere stalls (PSI) are a reason to look, which is done in any case.
 */
static bool is_hard(const struct nn_event *event)
{
    return event->happened && (event->grown.max > 0 || event->grown.oom > 0);
}

bool news_take(struct hostmem *manager, unsigned happened)
{
    struct news *news = &manager->watch.news;
    const struct nn_cgroups *cgroups = membership_now(&manager->membership);
    struct nn_event event;
    bool hard = false;
    for (size_t i = 0; i < news->sources.count; i++) {
        if (!(happened & 1u << i))
            continue;
        if (nn_sources_take(cgroups, &news->sources, i, &event) == 0)
            hard |= is_hard(&event);
        else
            publish(news);
    }
    return hard;
}

/* -- the report -- */

#define OWN_SOURCES 2 /* the timer and the allocations */

/* Both are there with the threads. */
static struct hostmem_source own_source(const struct hostmem *manager, size_t i)
{
    static const char *const names[OWN_SOURCES] = {"timer", "allocations"};
    bool live = manager->watch.count > 0;
    return (struct hostmem_source){
        .name = names[i], .state = live ? "live" : "no watcher threads", .live = live};
}

static struct hostmem_source kernel_source(struct hostmem *manager, enum nn_source_kind kind)
{
    struct news *news = &manager->watch.news;
    int state = atomic_load_explicit(&news->states[kind], memory_order_relaxed);
    if (manager->watch.count == 0)
        return (struct hostmem_source){nn_source_name(kind), "no watcher threads", 0};
    if (!manager->here)
        return (struct hostmem_source){nn_source_name(kind), "a recorded machine", 0};
    return (struct hostmem_source){
        nn_source_name(kind), nn_refusal_text((enum nn_refusal)state), state == NN_LIVE};
}

size_t news_report(struct hostmem *manager, size_t count, struct hostmem_source *ret_sources)
{
    for (size_t i = 0; i < count && i < OWN_SOURCES + NN_SOURCE_KINDS; i++)
        ret_sources[i] = i < OWN_SOURCES
                             ? own_source(manager, i)
                             : kernel_source(manager, (enum nn_source_kind)(i - OWN_SOURCES));
    return OWN_SOURCES + NN_SOURCE_KINDS;
}
