/* SPDX-License-Identifier: MIT */
/* Ears and watcher threads; see pressure.h. Lock: each ear's own. */
#include "pressure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WATCHER_NAME "hm-watch/"

/* -- ears -- */

struct ear *ear_new(struct hostmem *manager)
{
    struct ear *ear = calloc(1, sizeof(*ear));
    pthread_condattr_t attributes;
    must(ear != NULL);
    ear->manager = manager;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ear->news, &attributes);
    pthread_mutex_init(&ear->lock, NULL);
    pthread_condattr_destroy(&attributes);
    return ear;
}

struct ear *ear_subscribed(struct hostmem *manager, int node)
{
    struct ear *ear = ear_new(manager);
    must(hostmem_subscribe(manager, node, ear_hear, ear, &ear->subscription) == 0);
    return ear;
}

void ear_free(struct ear *ear)
{
    pthread_cond_destroy(&ear->news);
    pthread_mutex_destroy(&ear->lock);
    free(ear);
}

void ear_unsubscribe(struct ear *ear)
{
    hostmem_unsubscribe(ear->manager, ear->subscription);
    ear_free(ear);
}

void ear_hear(void *context, const struct hostmem_pressure *pressure)
{
    struct ear *ear = context;
    uint64_t now = live_now();
    pthread_mutex_lock(&ear->lock);
    void (*then)(struct ear *) = ear->then;
    ear->then = NULL;
    must(ear->count < HEARD);
    ear->heard[ear->count] = *pressure;
    ear->at[ear->count] = now;
    ear->count++;
    pthread_cond_broadcast(&ear->news);
    pthread_mutex_unlock(&ear->lock);
    if (then)
        then(ear);
}

void ear_then(struct ear *ear, void (*then)(struct ear *ear), void *with)
{
    pthread_mutex_lock(&ear->lock);
    ear->then = then;
    ear->with = with;
    pthread_mutex_unlock(&ear->lock);
}

static bool anything(const struct hostmem_pressure *pressure)
{
    return true;
}

static bool is_low(const struct hostmem_pressure *pressure)
{
    return pressure->level == HOSTMEM_LOW;
}

static bool is_relief(const struct hostmem_pressure *pressure)
{
    return pressure->level != HOSTMEM_LOW;
}

static struct timespec in(uint64_t ns)
{
    uint64_t then = live_now() + ns;
    return (struct timespec){(time_t)(then / (1000 * MS)), (long)(then % (1000 * MS))};
}

static struct hostmem_pressure await(
    struct ear *ear, bool (*fits)(const struct hostmem_pressure *), const char *what)
{
    struct timespec until = in(DEADLINE);
    live_note(what);
    pthread_mutex_lock(&ear->lock);
    for (;;) {
        while (ear->next == ear->count)
            must(pthread_cond_timedwait(&ear->news, &ear->lock, &until) == 0);
        if (fits(&ear->heard[ear->next++]))
            break;
    }
    struct hostmem_pressure found = ear->heard[ear->next - 1];
    pthread_mutex_unlock(&ear->lock);
    live_note(NULL);
    return found;
}

struct hostmem_pressure ear_any(struct ear *ear)
{
    return await(ear, anything, "an announcement was awaited");
}

struct hostmem_pressure ear_low(struct ear *ear)
{
    return await(ear, is_low, "Low was awaited");
}

struct hostmem_pressure ear_relief(struct ear *ear)
{
    return await(ear, is_relief, "the end of Low was awaited");
}

uint64_t ear_time(struct ear *ear)
{
    pthread_mutex_lock(&ear->lock);
    uint64_t time = ear->next ? ear->at[ear->next - 1] : 0;
    pthread_mutex_unlock(&ear->lock);
    return time;
}

size_t ear_count(struct ear *ear)
{
    pthread_mutex_lock(&ear->lock);
    size_t count = ear->count;
    pthread_mutex_unlock(&ear->lock);
    return count;
}

/* -- threads and files as the kernel shows them -- */

void await_true(bool (*is_true)(void *), void *argument)
{
    uint64_t until = live_now() + DEADLINE;
    while (!is_true(argument)) {
        must(live_now() < until);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static bool is_watcher(const char *thread)
{
    char path[sizeof("/proc/self/task//comm") + 256], name[32] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (!fgets(name, sizeof(name), file))
        name[0] = 0;
    fclose(file);
    return strncmp(name, WATCHER_NAME, sizeof(WATCHER_NAME) - 1) == 0;
}

size_t watcher_threads(size_t count, int *ret_threads)
{
    DIR *tasks = opendir("/proc/self/task");
    size_t found = 0;
    must(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks));) {
        if (task->d_name[0] == '.' || !is_watcher(task->d_name))
            continue;
        if (found < count)
            ret_threads[found] = atoi(task->d_name);
        found++;
    }
    closedir(tasks);
    return found;
}

static bool are_watchers(void *count)
{
    return watcher_threads(0, NULL) == *(size_t *)count;
}

void await_watchers(size_t count)
{
    await_true(are_watchers, &count);
}

uint64_t thread_mask(int thread, const char *field)
{
    char path[64], line[256];
    uint64_t mask = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread);
    FILE *file = fopen(path, "re");
    must(file != NULL);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, field, strlen(field)) == 0)
            mask = strtoull(line + strlen(field), NULL, 16);
    fclose(file);
    return mask;
}

size_t open_files(void)
{
    DIR *files = opendir("/proc/self/fd");
    size_t found = 0;
    must(files != NULL);
    while (readdir(files))
        found++;
    closedir(files);
    return found;
}
