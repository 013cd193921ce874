/* SPDX-License-Identifier: MIT */
/* Opening the cgroups of the process, and opening them again. Invariant: see membership.h. No lock.
 */
#include "lib/membership.h"

#include <errno.h>

/* A move is rare, and to look for one takes a file. */
#define LOOKS_EACH 4

static int open_next(struct membership *membership, const struct nn_root *root)
{
    int error = nn_cgroups_open(root, &membership->at[membership->count]);
    if (error)
        return error;
    atomic_store_explicit(&membership->current, membership->count, memory_order_release);
    membership->count++;
    return 0;
}

int membership_open(struct membership *membership, const struct nn_root *root)
{
    return open_next(membership, root) ? -ENOMEM : 0;
}

void membership_close(struct membership *membership)
{
    while (membership->count > 0)
        nn_cgroups_close(&membership->at[--membership->count]);
}

/* A failure is no news: the next look tries again. */
bool membership_follow(struct membership *membership, const struct nn_root *root)
{
    if (membership->looks++ % LOOKS_EACH || membership->count == MEMBERSHIPS)
        return false;
    if (nn_cgroups_moved(root, membership_now(membership)) != 1)
        return false;
    return open_next(membership, root) == 0;
}
