/* SPDX-License-Identifier: MIT */
/*
 * The fakes behind hp_failing, with a note of which operation came as which call, so that a sweep
 * can say what its n-th call was. One thread.
 */
#ifndef HOSTMEM_TESTS_NOTING_H
#define HOSTMEM_TESTS_NOTING_H

#include "lib/manager.h"

/* Puts failing, noted fakes into the parts. */
void noting_wrap(struct manager_parts *parts);

/* Notes calls from now on, as number 1 and so on, until the end. */
void noting_begin(void);
void noting_end(void);

/* The operation of a call that was noted; "later" beyond them. */
const char *noting_name(unsigned long nth);

#endif
