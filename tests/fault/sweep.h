/* SPDX-License-Identifier: MIT */
/*
 * The sweep: the 1st, 2nd, ... call that a scenario makes fails, until it makes no more. After a
 * failure nothing may have changed: the state, protection and contents of all pages, the budgets,
 * the memory in use. A failure that the library absorbs must leave what success leaves. In both
 * cases the same call must then succeed. Deviations are printed as they come and counted. One
 * thread.
 */
#ifndef HOSTMEM_TESTS_SWEEP_H
#define HOSTMEM_TESTS_SWEEP_H

#include "lib/manager.h"
#include "scenario.h"

/* One case. */
struct trial {
    const struct rig *rig;
    const struct scenario *scenario;
    const char *backings; /* HOSTMEM_BACKING */
    int error;            /* what the failing call is to say, in the rig's own terms */
    unsigned long nth;    /* the call that fails; 0: none */
};

/* Where calls are made to fail, and what can be known there. */
struct rig {
    int (*open)(const struct trial *trial, struct hostmem **ret_manager);
    void (*leave)(struct stage *stage, size_t bytes);
    void (*arm)(const struct trial *trial); /* counts anew; nth 0: none fails */
    void (*disarm)(void);
    bool (*failed)(void);                                          /* since then */
    const char *(*name)(unsigned long nth);                        /* of the call that failed */
    void (*check)(const struct trial *trial, struct stage *stage); /* memory while it is open */
    void (*end)(const struct trial *trial);                        /* and when it is closed */
    bool poor; /* one node: where nothing fails -ENOMEM may be right, and ends the trial */
};

/* Sweeps all scenarios that mean something for the first of the backings; how often it deviated. */
int sweep_all(const struct rig *rig, const char *backings, int error);

/* Prints and counts a deviation. */
void sweep_deviates(const struct trial *trial, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
