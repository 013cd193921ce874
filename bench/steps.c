/* SPDX-License-Identifier: MIT */
/* The operations whose system calls are counted. See steps.h. */
#include "bench/steps.h"

#include <stdlib.h>

#include "bench/unexpected.h"

#define PAGE    ((size_t)4096)
#define MIB     ((size_t)1 << 20)
#define REGION  (256 * MIB)
#define COLD    (128 * MIB) /* of the region: from here on nothing was ever committed */
#define GUARDED (64 * MIB)
#define TIMES   32
#define RARE    8 /* times of what needs new memory each time */

_Static_assert(COLD + (RARE + 1) * STEPS_WARM <= REGION, "room for the cold commits");

static HRESULT allocate(struct step *step, void *at, size_t size, DWORD type, DWORD protect)
{
    void *base;
    return IHostMemoryManager_VirtualAlloc(
        step->steps->manager, at, size, type, protect, eTaskCritical, &base);
}

static HRESULT decommit(struct step *step, void *at, size_t size)
{
    return IHostMemoryManager_VirtualFree(step->steps->manager, at, size, MEM_DECOMMIT);
}

static bool compare(struct step *step)
{
    void *base = side_get(step->side, step->size);
    if (!base)
        return false;
    bool zero = side_use(base, step->size, PAGE);
    side_give(step->side, base, step->size);
    return zero;
}

static bool nothing(struct step *step)
{
    return step->steps != NULL;
}

static bool reserve(struct step *step)
{
    IHostMemoryManager *manager = step->steps->manager;
    void *base;
    HRESULT result = IHostMemoryManager_VirtualAlloc(
        manager, NULL, REGION, MEM_RESERVE, PAGE_READWRITE, eTaskCritical, &base);
    return SUCCEEDED(result) &&
           SUCCEEDED(IHostMemoryManager_VirtualFree(manager, base, 0, MEM_RELEASE));
}

static bool commit_at(struct step *step, char *at)
{
    return SUCCEEDED(allocate(step, at, STEPS_WARM, MEM_COMMIT, PAGE_READWRITE)) &&
           side_use(at, STEPS_WARM, PAGE) && SUCCEEDED(decommit(step, at, STEPS_WARM));
}

static bool commit_warm(struct step *step)
{
    return commit_at(step, step->steps->region);
}

static bool commit_cold(struct step *step)
{
    char *at = step->steps->region + step->steps->cold;
    step->steps->cold += STEPS_WARM;
    return commit_at(step, at);
}

/* The frame behind the first one is kept committed for it. */
static bool protect(struct step *step)
{
    IHostMemoryManager *manager = step->steps->manager;
    char *at = step->steps->region + STEPS_WARM;
    DWORD old;
    return SUCCEEDED(
               IHostMemoryManager_VirtualProtect(manager, at, STEPS_WARM, PAGE_READONLY, &old)) &&
           SUCCEEDED(
               IHostMemoryManager_VirtualProtect(manager, at, STEPS_WARM, PAGE_READWRITE, &old));
}

static bool query(struct step *step, void *at, DWORD type)
{
    MEMORY_BASIC_INFORMATION information;
    SIZE_T length;
    HRESULT result = IHostMemoryManager_VirtualQuery(
        step->steps->manager, at, &information, sizeof(information), &length);
    return SUCCEEDED(result) && information.Type == type;
}

static bool query_region(struct step *step)
{
    return query(step, step->steps->region + STEPS_WARM, MEM_PRIVATE);
}

static bool query_program(struct step *step)
{
    static char page[1] = {1};
    return query(step, page, MEM_IMAGE);
}

static bool commit_page(struct step *step)
{
    char *at = step->steps->guarded;
    if (FAILED(allocate(step, at, PAGE, MEM_COMMIT, PAGE_READWRITE)))
        return false;
    bool zero = side_use(at, PAGE, PAGE);
    return SUCCEEDED(decommit(step, at, PAGE)) && zero;
}

static bool load(struct step *step)
{
    DWORD percent;
    SIZE_T available;
    return SUCCEEDED(IHostMemoryManager_GetMemoryLoad(step->steps->manager, &percent, &available));
}

static struct step *add(
    struct steps *steps, const char *what, bool (*run)(struct step *), unsigned times)
{
    struct step *step = &steps->at[steps->count++];
    *step = (struct step){.what = what, .run = run, .steps = steps, .times = times};
    return step;
}

static void add_compared(struct steps *steps, size_t size)
{
    for (int i = 0; i < SIDES; i++) {
        struct step *step = add(steps, steps->sides[i].title, compare, TIMES);
        step->side = &steps->sides[i];
        step->size = size;
        step->missing = steps->sides[i].missing;
    }
}

static void add_all(struct steps *steps)
{
    add_compared(steps, (size_t)64 << 10);
    add_compared(steps, STEPS_WARM);
    add_compared(steps, SIDE_LARGEST);
    steps->compared = steps->count;
    add(steps, "nothing (what the counting itself takes)", nothing, TIMES);
    add(steps, "reserve 256 MiB, release it", reserve, TIMES);
    add(steps, "commit 2 MiB that is warm, decommit it", commit_warm, TIMES);
    add(steps, "commit 2 MiB for the first time, decommit it", commit_cold, RARE);
    add(steps, "protect 2 MiB read-only, and read-write again", protect, TIMES);
    add(steps, "query a page of a region", query_region, TIMES);
    add(steps, "query a page of the program itself", query_program, TIMES);
    add(steps, "commit 4 KiB in a no-access region, decommit it", commit_page, TIMES);
    add(steps, "GetMemoryLoad", load, TIMES);
}

/* What the operations need; each has its memory or fails. */
static bool make_regions(struct steps *steps)
{
    void *region, *guarded;
    IHostMemoryManager *m = steps->manager;
    steps->cold = COLD;
    if (!went_well(IHostMemoryManager_VirtualAlloc(
                       m, NULL, REGION, MEM_RESERVE, PAGE_READWRITE, eTaskCritical, &region),
            "counting: reserve") ||
        !went_well(IHostMemoryManager_VirtualAlloc(
                       m, NULL, GUARDED, MEM_RESERVE, PAGE_NOACCESS, eTaskCritical, &guarded),
            "counting: reserve"))
        return false;
    steps->region = region;
    steps->guarded = guarded;
    void *frame = steps->region + STEPS_WARM;
    return went_well(IHostMemoryManager_VirtualAlloc(
                         m, frame, STEPS_WARM, MEM_COMMIT, PAGE_READWRITE, eTaskCritical, &frame),
        "counting: commit");
}

/* What HOSTMEM_PREFAULT asks for, the parent's manager has already, and it has said what it is. */
bool steps_open(struct steps *steps)
{
    unsetenv("HOSTMEM_PREFAULT");
    unsetenv("HOSTMEM_VERBOSE");
    if (!went_well(HostMemCreateManager(&steps->manager), "counting: HostMemCreateManager"))
        return false;
    if (!make_regions(steps)) {
        steps_close(steps);
        return false;
    }
    sides_open(steps->manager, steps->sides);
    add_all(steps);
    return true;
}

void steps_close(struct steps *steps)
{
    IHostMemoryManager_Release(steps->manager);
}
