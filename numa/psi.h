/* SPDX-License-Identifier: MIT */
/*
 * Triggers on pressure stall information: the kernel wakes a poller when tasks were stalled for
 * memory longer than so much of a window. Whether short windows are allowed is found out by asking
 * for one, never from a version. No malloc, no lock.
 */
#ifndef NUMA_PSI_H
#define NUMA_PSI_H

#include <stdint.h>

#include "numa/cgroup.h"
#include "numa/root.h"
#include "numa/source.h"

/*
 * -ENOENT, -EROFS, -EACCES, -EPERM: the file. -EOPNOTSUPP: the kernel has PSI switched off.
 * -EINVAL: it took none of our triggers. -EBADMSG: this is no pressure file.
 */
int nn_psi_arm_cgroup(const struct nn_cgroups *cgroups, struct nn_source *ret_source);
int nn_psi_arm_machine(const struct nn_root *root, struct nn_source *ret_source);

/*
 * systemd's protocol. `watch`: an absolute path to a pressure file, a FIFO or a socket; `payload`:
 * in base64, what to write into it, NULL or "" for nothing. A pressure file without payload gets
 * our own trigger: without any the kernel reports an error at each poll. -EINVAL: the variables are
 * garbage. "/dev/null" is for the caller to see. The paths of sockets are connected to through
 * /proc, so this one is of the real machine, whatever the root.
 */
int nn_psi_arm_watch(const struct nn_root *root, const char *watch, const char *payload,
    struct nn_source *ret_source);

/* Microseconds for which some task stalled, since boot or the making of the cgroup. */
int nn_psi_total(const struct nn_source *source, uint64_t *ret_total_us);

/*
 * Reads what a poll reported. A new trigger of an unprivileged process may fire at the first stall
 * of any length: that first event is a false alarm unless the stall has grown by what was asked
 * for. -ENODEV: the cgroup was removed. -EPIPE: nobody writes to the FIFO or socket any more.
 */
int nn_psi_take(struct nn_source *source, struct nn_event *ret_event);

#endif
