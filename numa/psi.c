/* SPDX-License-Identifier: MIT */
/* PSI triggers: one per descriptor; closing it disarms. No lock. */
#include "numa/psi.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "numa/base64.h"
#include "numa/number.h"

#define PSI_TEXT    256 /* bytes: two lines of 60 to 80 */
#define PAYLOAD_MAX 256 /* bytes of what MEMORY_PRESSURE_WRITE asks to write */

/*
 * 100 ms of stall in 1 s; without CAP_SYS_RESOURCE windows have to be multiples of 2 s. The NUL at
 * the end is part of what is written: the kernel overwrites the last byte.
 */
struct trigger {
    const char *text;
    uint64_t stall_us, window_us;
};
static const struct trigger triggers[] = {
    {"some 100000 1000000", 100000, 1000000},
    {"some 100000 2000000", 100000, 2000000},
};

static ssize_t read_at_start(int fd, char *buffer, size_t size)
{
    ssize_t length = pread(fd, buffer, size, 0);

    return length < 0 ? -errno : length;
}

static int parse_total(const char *text, uint64_t *ret_total_us)
{
    const char *total = strncmp(text, "some ", 5) == 0 ? strstr(text, " total=") : NULL;

    if (total == NULL)
        return -EBADMSG;
    total += strlen(" total=");
    return nn_number_scan(&total, UINT64_MAX, ret_total_us) < 0 ? -EBADMSG : 0;
}

static int read_total(int fd, uint64_t *ret_total_us)
{
    char text[PSI_TEXT];
    ssize_t length = read_at_start(fd, text, sizeof(text) - 1);

    if (length < 0)
        return (int)length;
    text[length] = '\0';
    return parse_total(text, ret_total_us);
}

int nn_psi_total(const struct nn_source *source, uint64_t *ret_total_us)
{
    return read_total(source->fd, ret_total_us);
}

/* send() where it can, since a socket that nobody reads would raise SIGPIPE on write(). */
static int write_whole(int fd, const void *bytes, size_t size)
{
    ssize_t written = send(fd, bytes, size, MSG_NOSIGNAL);

    if (written < 0 && errno == ENOTSOCK)
        written = write(fd, bytes, size);
    if (written < 0)
        return -errno;
    return (size_t)written == size ? 0 : -EIO;
}

static int set_trigger(int fd, struct nn_source *source)
{
    int r = -EINVAL;

    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        r = write_whole(fd, triggers[i].text, strlen(triggers[i].text) + 1);
        if (r < 0)
            continue;
        source->stall_us = triggers[i].stall_us;
        source->window_us = triggers[i].window_us;
        return 0;
    }
    return r;
}

/* Reading first: where PSI is switched off the file can be opened, and says so when it is read. */
static int set_own_trigger(int fd, struct nn_source *source)
{
    int r = read_total(fd, &source->total_us);

    return r < 0 ? r : set_trigger(fd, source);
}

static int open_below(const struct nn_root *directory, const char *path)
{
    int fd = openat(directory->fd, path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int arm(const struct nn_root *directory, const char *path, enum nn_source_kind kind,
    struct nn_source *ret_source)
{
    struct nn_source source = {.events = POLLPRI, .kind = kind, .fresh = true};
    int r = source.fd = open_below(directory, path);

    if (r < 0)
        return r;
    r = set_own_trigger(source.fd, &source);
    if (r < 0) {
        nn_source_close(&source);
        return r;
    }
    *ret_source = source;
    return 0;
}

int nn_psi_arm_cgroup(const struct nn_cgroups *cgroups, struct nn_source *ret_source)
{
    int r;

    if (cgroups->unified.own.fd < 0)
        return -ENOENT;
    r = arm(&cgroups->unified.own, "memory.pressure", NN_SOURCE_PSI_CGROUP, ret_source);
    if (r == 0)
        nn_source_note(ret_source, cgroups->unified.path, 0, "memory.pressure");
    return r;
}

int nn_psi_arm_machine(const struct nn_root *root, struct nn_source *ret_source)
{
    int r = arm(root, "proc/pressure/memory", NN_SOURCE_PSI_MACHINE, ret_source);

    if (r == 0)
        nn_source_note(ret_source, "/proc/pressure", 0, "memory");
    return r;
}

/* Through its O_PATH descriptor, since the path of a socket has 108 bytes at most. */
static int connect_through(int fd, int place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen("/proc/self/fd/");

    memcpy(address.sun_path, "/proc/self/fd/", length);
    nn_number_print((uint64_t)place, address.sun_path + length);
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}
static_assert(
    sizeof(((struct sockaddr_un *)0)->sun_path) > sizeof("/proc/self/fd/") + NN_NUMBER_SIZE,
    "the path of a descriptor fits");

static int open_socket(const struct nn_root *root, const char *path)
{
    int place = openat(root->fd, path, O_PATH | O_CLOEXEC);
    int fd, r;

    if (place < 0)
        return -errno;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    r = fd < 0 ? -errno : connect_through(fd, place);
    close(place);
    if (r < 0 && fd >= 0)
        close(fd);
    return r < 0 ? r : fd;
}

static int write_payload(int fd, const char *payload)
{
    uint8_t bytes[PAYLOAD_MAX];
    size_t size;
    int r = nn_base64_decode(payload, sizeof(bytes), bytes, &size);

    if (r < 0)
        return -EINVAL;
    return size == 0 ? 0 : write_whole(fd, bytes, size);
}

/* Threshold and window of a payload are its author's affair: they stay 0. */
static int write_given(struct nn_source *source, const char *payload)
{
    return payload == NULL || payload[0] == '\0' ? 0 : write_payload(source->fd, payload);
}

/* Nothing is written into a file that is no pressure file. */
static int set_file(struct nn_source *source, const char *payload)
{
    int r = read_total(source->fd, &source->total_us);

    if (r < 0)
        return r;
    return payload == NULL || payload[0] == '\0' ? set_trigger(source->fd, source)
                                                 : write_payload(source->fd, payload);
}

int nn_psi_arm_watch(const struct nn_root *root, const char *watch, const char *payload,
    struct nn_source *ret_source)
{
    struct nn_source source = {.kind = NN_SOURCE_WATCH, .fresh = true};
    const char *path = watch + strspn(watch, "/");
    struct stat status;
    int r;

    if (watch[0] != '/' || path[0] == '\0')
        return -EINVAL;
    if (fstatat(root->fd, path, &status, 0) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode))
        return -EINVAL;
    source.events = S_ISREG(status.st_mode) ? POLLPRI : POLLIN;
    r = source.fd = S_ISSOCK(status.st_mode) ? open_socket(root, path) : open_below(root, path);
    if (r < 0)
        return r;
    r = S_ISREG(status.st_mode) ? set_file(&source, payload) : write_given(&source, payload);
    if (r < 0) {
        nn_source_close(&source);
        return r;
    }
    nn_source_note(&source, "", 0, path);
    *ret_source = source;
    return 0;
}

static int take_trigger(struct nn_source *source, struct nn_event *ret_event)
{
    uint64_t total_us, grown_us, least_us = source->fresh ? source->stall_us : 0;
    int r = read_total(source->fd, &total_us);

    if (r < 0)
        return r;
    grown_us = total_us > source->total_us ? total_us - source->total_us : 0;
    source->total_us = total_us;
    source->fresh = false;
    ret_event->stall_us = grown_us;
    ret_event->happened = grown_us > 0 && grown_us >= least_us;
    return 0;
}

/* What is said there is not for us; a writer that never stops is left for the next time. */
static int take_bytes(const struct nn_source *source, struct nn_event *ret_event)
{
    char bytes[512];

    for (unsigned i = 0; i < 16; i++) {
        ssize_t size = read(source->fd, bytes, sizeof(bytes));

        if (size < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (size == 0)
            return -EPIPE;
        ret_event->happened = true;
    }
    return 0;
}

int nn_psi_take(struct nn_source *source, struct nn_event *ret_event)
{
    struct nn_event event = {.kind = source->kind, .level = source->level};
    int r = source->events == POLLPRI ? take_trigger(source, &event) : take_bytes(source, &event);

    if (r == 0)
        *ret_event = event;
    return r;
}
