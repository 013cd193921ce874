/* SPDX-License-Identifier: MIT */
/*
 * memory.events. Each descriptor has its own mark of what it has seen, which a read from the
 * beginning moves on: so it is read once when it is armed, and after each poll. No lock.
 */
#include "numa/memevents.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "numa/keyed.h"

#define EVENTS_TEXT 512 /* bytes: a line for each of some seven counters */

static uint64_t count(const char *text, const char *key)
{
    uint64_t number = 0;

    (void)nn_keyed_find(text, key, &number);
    return number;
}

/* Counters that an old kernel does not have stay 0; without "max" it is another file. */
static int parse(const char *text, struct nn_memory_events *ret_counts)
{
    uint64_t max;

    if (nn_keyed_find(text, "max", &max) < 0)
        return -EBADMSG;
    *ret_counts = (struct nn_memory_events){
        .low = count(text, "low"),
        .high = count(text, "high"),
        .max = max,
        .oom = count(text, "oom"),
        .oom_kill = count(text, "oom_kill"),
    };
    return 0;
}

static int read_counts(int fd, struct nn_memory_events *ret_counts)
{
    char text[EVENTS_TEXT];
    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

    if (length < 0)
        return -errno;
    text[length] = '\0';
    return parse(text, ret_counts);
}

static int open_in(const struct nn_root *directory, const char *name)
{
    int fd = openat(directory->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int open_level(const struct nn_cgroup *cgroup, unsigned level, const char *name)
{
    struct nn_root directory;
    int r = nn_cgroup_level(cgroup, level, &directory);

    if (r < 0)
        return r;
    r = open_in(&directory, name);
    nn_root_close(&directory);
    return r;
}

int nn_memevents_arm(const struct nn_cgroups *cgroups, unsigned level, struct nn_source *ret_source)
{
    struct nn_source source = {.events = POLLPRI, .kind = NN_SOURCE_EVENTS};
    const char *name = "memory.events.local";
    int r = open_level(&cgroups->unified, level, name);

    if (r == -ENOENT && level == 0) {
        name = "memory.events";
        r = open_level(&cgroups->unified, level, name);
    }
    if (r < 0)
        return r;
    source.fd = r;
    r = read_counts(source.fd, &source.counts);
    if (r < 0) {
        nn_source_close(&source);
        return r;
    }
    nn_source_note(&source, cgroups->unified.path, level, name);
    *ret_source = source;
    return 0;
}

static uint64_t growth(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

int nn_memevents_take(struct nn_source *source, struct nn_event *ret_event)
{
    struct nn_event event = {.kind = source->kind, .level = source->level};
    struct nn_memory_events now = {0}, *grown = &event.grown, *before = &source->counts;
    int r = read_counts(source->fd, &now);

    if (r < 0)
        return r;
    grown->low = growth(now.low, before->low);
    grown->high = growth(now.high, before->high);
    grown->max = growth(now.max, before->max);
    grown->oom = growth(now.oom, before->oom);
    grown->oom_kill = growth(now.oom_kill, before->oom_kill);
    event.happened = (grown->low | grown->high | grown->max | grown->oom | grown->oom_kill) != 0;
    source->counts = now;
    *ret_event = event;
    return 0;
}
