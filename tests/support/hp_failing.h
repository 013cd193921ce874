/* SPDX-License-Identifier: MIT */
/*
 * A backing for fault tests: hands every operation on to another one, counts them all in the order
 * in which they come, and fails the n-th without doing it. Three may stand in the place of three
 * backings; they share the count. The counters are atomic.
 */
#ifndef HOSTMEM_TESTS_HP_FAILING_H
#define HOSTMEM_TESTS_HP_FAILING_H

#include "hugepage/hp.h"

/* The table to use in the place of `inner`, the same for the same backing until it is wrapped
 * again. */
const struct hp_ops *hp_failing_wrap(enum hp_backing backing, const struct hp_ops *inner);

/* Starts counting at 0; the nth call from now (1 is the next) gives `error`. nth 0: none fails. */
void hp_failing_at(unsigned long nth, int error);

/* Calls since hp_failing_at, the failed one among them. */
unsigned long hp_failing_seen(void);

#endif
