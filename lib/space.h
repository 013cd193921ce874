/* SPDX-License-Identifier: MIT */
/*
 * Address space of windows: finding, claiming and freeing it, in granules. Whole frames belong to
 * one region; a frame of which a region needs only a part becomes a share. Lock: the window's
 * node's space lock is held by all of these; none makes a system call.
 */
#ifndef HOSTMEM_SPACE_H
#define HOSTMEM_SPACE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/lock.h"
#include "lib/window.h"

/*
 * Takes the space lock of the window's node, with enough spare shares made for one claim. -ENOMEM:
 * the lock is not held then.
 */
int space_enter(struct window *window) UNCHECKED_LOCKING;
void space_leave(struct window *window) UNCHECKED_LOCKING;

/*
 * An address for `size` bytes: within a share for less than a frame, else at the start of a frame.
 * Where idle memory is preferred. 0: the window has no room.
 */
uintptr_t space_find(struct window *window, size_t size);

/* Claims the granules of a range. -EADDRNOTAVAIL: some are taken; nothing is claimed then. */
int space_claim(struct window *window, uintptr_t base, size_t size);

/* Frees the granules of a range that was claimed in one piece. */
void space_free(struct window *window, uintptr_t base, size_t size);

#endif
