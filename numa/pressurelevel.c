/* SPDX-License-Identifier: MIT */
/*
 * The eventfd is registered by writing "EVENTFD PRESSURE_FD medium" into cgroup.event_control; the
 * kernel keeps the eventfd, and drops it when we close ours. No lock.
 */
#include "numa/pressurelevel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "numa/number.h"

#define LEVEL_FILE   "memory.pressure_level"
#define CONTROL_FILE "cgroup.event_control"
#define LEVEL        "medium"

static int open_in(const struct nn_cgroup *cgroup, const char *name, int flags)
{
    int fd = openat(cgroup->own.fd, name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int write_request(int control, int event, int pressure)
{
    char text[2 * NN_NUMBER_SIZE + sizeof(LEVEL)];
    size_t length = nn_number_print((uint64_t)event, text);
    ssize_t written;

    text[length++] = ' ';
    length += nn_number_print((uint64_t)pressure, text + length);
    text[length++] = ' ';
    memcpy(text + length, LEVEL, sizeof(LEVEL));
    length += sizeof(LEVEL) - 1;
    written = write(control, text, length);
    if (written < 0)
        return -errno;
    return (size_t)written == length ? 0 : -EIO;
}

static int enlist(const struct nn_cgroup *cgroup, int event)
{
    int pressure, control = open_in(cgroup, CONTROL_FILE, O_WRONLY);
    int r = control;

    if (control < 0)
        return r;
    r = pressure = open_in(cgroup, LEVEL_FILE, O_RDONLY);
    if (pressure >= 0) {
        r = write_request(control, event, pressure);
        close(pressure);
    }
    close(control);
    return r;
}

int nn_pressurelevel_arm(const struct nn_cgroups *cgroups, struct nn_source *ret_source)
{
    struct nn_source source = {.events = POLLIN, .kind = NN_SOURCE_LEVEL};
    int r;

    if (cgroups->memory.own.fd < 0)
        return -ENOENT;
    source.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (source.fd < 0)
        return -errno;
    r = enlist(&cgroups->memory, source.fd);
    if (r < 0) {
        nn_source_close(&source);
        return r;
    }
    nn_source_note(&source, cgroups->memory.path, 0, LEVEL_FILE);
    *ret_source = source;
    return 0;
}

int nn_pressurelevel_take(
    const struct nn_cgroups *cgroups, struct nn_source *source, struct nn_event *ret_event)
{
    uint64_t signals = 0;

    if (faccessat(cgroups->memory.own.fd, LEVEL_FILE, F_OK, 0) < 0)
        return -ENODEV;
    if (read(source->fd, &signals, sizeof(signals)) < 0 && errno != EAGAIN && errno != EINTR)
        return -errno;
    *ret_event = (struct nn_event){
        .kind = source->kind,
        .level = source->level,
        .happened = signals > 0,
        .signals = signals,
    };
    return 0;
}
