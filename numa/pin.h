/* SPDX-License-Identifier: MIT */
/* Threads that run on certain CPUs from their first instruction. No state; no lock. */
#ifndef NUMA_PIN_H
#define NUMA_PIN_H

#include <pthread.h>

#include "numa/cpulist.h"

/*
 * Makes threads that are created with these attributes run on the CPUs of the set alone. An empty
 * set leaves them where the creator runs. -ENOMEM.
 */
int nn_pin_attributes(const struct nn_set *cpus, pthread_attr_t *attributes);

/*
 * The calling thread runs only when a CPU has nothing else to do (SCHED_IDLE), and like any other
 * again: that takes CAP_SYS_NICE or an RLIMIT_NICE of 20. -EPERM: it stays as it is.
 */
int nn_run_when_idle(void);
int nn_run_like_others(void);

#endif
