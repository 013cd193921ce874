/* SPDX-License-Identifier: MIT */
/* Sleeping until something happens, with ppoll and an eventfd. No lock. */
#include "numa/waiter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

int nn_waiter_open(struct nn_waiter *ret_waiter)
{
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0)
        return -errno;
    ret_waiter->event = event;
    return 0;
}

void nn_waiter_close(struct nn_waiter *waiter)
{
    close(waiter->event);
}

void nn_waiter_wake(struct nn_waiter *waiter)
{
    uint64_t one = 1;
    int kept = errno;
    /* It fails when the counter is full: then a wake-up is pending by all means. */
    ssize_t written = write(waiter->event, &one, sizeof(one));
    (void)written;
    errno = kept;
}

static bool take_wake(const struct nn_waiter *waiter)
{
    uint64_t count;
    return read(waiter->event, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

unsigned nn_waiter_sleep(
    struct nn_waiter *waiter, const struct pollfd *files, size_t count, uint64_t timeout_ns)
{
    struct pollfd all[NN_WAITER_FILES + 1];
    struct timespec time = {(time_t)(timeout_ns / NS_PER_S), (long)(timeout_ns % NS_PER_S)};
    unsigned happened = 0;
    if (count)
        memcpy(all, files, count * sizeof(*files));
    all[count] = (struct pollfd){.fd = waiter->event, .events = POLLIN};
    if (ppoll(all, count + 1, timeout_ns == UINT64_MAX ? NULL : &time, NULL) <= 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        happened |= all[i].revents ? 1u << i : 0;
    if (all[count].revents && take_wake(waiter))
        happened |= NN_WOKEN;
    return happened;
}
