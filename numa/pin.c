/* SPDX-License-Identifier: MIT */
/* Threads on certain CPUs: the kernel's mask is made for the highest CPU there is, because glibc's
 * own cpu_set_t ends at 1,024. No lock. */
#include "numa/pin.h"

#include <errno.h>
#include <sched.h>

int nn_pin_attributes(const struct nn_set *cpus, pthread_attr_t *attributes)
{
    if (nn_set_count(cpus) == 0)
        return 0;
    size_t size = CPU_ALLOC_SIZE(NN_CPUS);
    cpu_set_t *mask = CPU_ALLOC(NN_CPUS);
    if (!mask)
        return -ENOMEM;
    CPU_ZERO_S(size, mask);
    for (int cpu = nn_set_next(cpus, 0); cpu >= 0; cpu = nn_set_next(cpus, (unsigned)cpu + 1))
        CPU_SET_S((size_t)cpu, size, mask);
    int error = pthread_attr_setaffinity_np(attributes, size, mask);
    CPU_FREE(mask);
    return -error;
}

static int schedule(int policy)
{
    struct sched_param none = {0};
    return sched_setscheduler(0, policy, &none) ? -errno : 0;
}

int nn_run_when_idle(void)
{
    return schedule(SCHED_IDLE);
}

int nn_run_like_others(void)
{
    return schedule(SCHED_OTHER);
}
