/* SPDX-License-Identifier: MIT */
/* Memory that is committed step by step. No lock. */
#include "tools/taking.h"

#define STEPS     32                  /* that the whole is cut into, but for the bounds */
#define STEP_UNIT ((size_t)2 << 20)   /* so that a step is whole huge pages */
#define STEP_MOST ((size_t)256 << 20) /* bytes: it takes less than a tenth of a second */

_Static_assert(STEP_MOST % STEP_UNIT == 0 && TAKING_LEAST < STEP_UNIT, "steps are whole units");

static size_t first_step(size_t size)
{
    size_t step = (size / STEPS + STEP_UNIT - 1) / STEP_UNIT * STEP_UNIT;

    if (step < STEP_UNIT)
        return STEP_UNIT;
    return step < STEP_MOST ? step : STEP_MOST;
}

void taking_open(struct hostmem *manager, int node, size_t size, struct taking *ret_taking)
{
    struct hostmem_request request = {
        .size = size, .node = node, .protection = HOSTMEM_PROT_RW, .flags = 0};

    *ret_taking = (struct taking){.manager = manager, .asked = size, .step = first_step(size)};
    ret_taking->error = hostmem_reserve(manager, &request, &ret_taking->base, NULL);
    if (ret_taking->error < 0)
        ret_taking->step = 0;
}

void taking_close(struct taking *taking)
{
    if (taking->base != NULL)
        hostmem_release(taking->manager, taking->base);
    taking->base = NULL;
}

static int commit(struct taking *taking, size_t size)
{
    return hostmem_commit(taking->manager, (char *)taking->base + taking->got, size,
        HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, &taking->receipt);
}

size_t taking_step(struct taking *taking)
{
    while (taking->step >= TAKING_LEAST && taking->got < taking->asked) {
        size_t left = taking->asked - taking->got;
        size_t size = left < taking->step ? left : taking->step;
        int error = commit(taking, size);

        if (error == 0) {
            taking->got += size;
            return size;
        }
        taking->error = error;
        taking->step /= 2;
    }
    return 0;
}
