/* SPDX-License-Identifier: MIT */
/*
 * The machine that a command looks at: HOSTMEM_SYSROOT, a directory with a recorded sys/ and proc/,
 * else this one. No lock.
 */
#ifndef TOOLS_SYSROOT_H
#define TOOLS_SYSROOT_H

#include "numa/root.h"

/* 0 or -errno, after a line on stderr. */
int sysroot_open(struct nn_root *ret_root);

#endif
