/* SPDX-License-Identifier: MIT */
/*
 * The calling thread's CPU. glibc reads it from the rseq area that the kernel keeps up to date, and
 * where there is none from the vDSO. No lock, no system call.
 */
#include "numa/current.h"

#include <sched.h>

int nn_current_cpu(void)
{
    return sched_getcpu();
}
