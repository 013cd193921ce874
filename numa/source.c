/* SPDX-License-Identifier: MIT */
/* Names of sources and refusals. No lock. */
#include "numa/source.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

const char *nn_source_name(enum nn_source_kind kind)
{
    static const char *const names[NN_SOURCE_KINDS] = {
        [NN_SOURCE_WATCH] = "psi-watch",
        [NN_SOURCE_PSI_CGROUP] = "psi-cgroup",
        [NN_SOURCE_PSI_MACHINE] = "psi-machine",
        [NN_SOURCE_EVENTS] = "memory.events",
        [NN_SOURCE_LEVEL] = "memory.pressure_level",
    };

    return names[kind];
}

const char *nn_refusal_text(enum nn_refusal refusal)
{
    static const char *const texts[NN_REFUSALS] = {
        [NN_LIVE] = "live",
        [NN_REFUSED_NOT_NEEDED] = "not needed",
        [NN_REFUSED_NOT_ASKED] = "not asked for",
        [NN_REFUSED_OFF] = "switched off by MEMORY_PRESSURE_WATCH",
        [NN_REFUSED_ABSENT] = "no such file",
        [NN_REFUSED_READ_ONLY] = "read-only file system",
        [NN_REFUSED_DENIED] = "no permission",
        [NN_REFUSED_DISABLED] = "disabled in the kernel",
        [NN_REFUSED_INVALID] = "trigger not accepted",
        [NN_REFUSED_GONE] = "cgroup removed",
        [NN_REFUSED_FAILED] = "failed",
    };

    return texts[refusal];
}

enum nn_refusal nn_refusal_of(int error)
{
    switch (-error) {
    case 0:
        return NN_LIVE;
    case ENOENT:
    case ENOTDIR:
        return NN_REFUSED_ABSENT;
    case EROFS:
        return NN_REFUSED_READ_ONLY;
    case EACCES:
    case EPERM:
        return NN_REFUSED_DENIED;
    case EOPNOTSUPP:
        return NN_REFUSED_DISABLED;
    case EINVAL:
    case EBADMSG:
        return NN_REFUSED_INVALID;
    case ENODEV:
    case EPIPE:
        return NN_REFUSED_GONE;
    default:
        return NN_REFUSED_FAILED;
    }
}

void nn_source_close(struct nn_source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

/* Adds to the end, and drops from the beginning what does not fit. */
static void append(char *path, const char *text)
{
    size_t length = strlen(path), more = strlen(text);
    size_t skip = more < NN_SOURCE_PATH ? 0 : more - NN_SOURCE_PATH + 1;
    size_t room = NN_SOURCE_PATH - 1 - (more - skip);
    size_t drop = length > room ? length - room : 0;

    memmove(path, path + drop, length - drop);
    memcpy(path + length - drop, text + skip, more - skip + 1);
}

void nn_source_note(
    struct nn_source *source, const char *directory, unsigned level, const char *name)
{
    source->level = level;
    source->path[0] = '\0';
    append(source->path, directory);
    append(source->path, "/");
    while (level-- > 0)
        append(source->path, "../");
    append(source->path, name);
}
