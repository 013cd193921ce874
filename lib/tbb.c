/* SPDX-License-Identifier: MIT */
/* Finding the functions of libtbbmalloc, once. Invariant and lock: see tbb.h. */
#include "lib/tbb.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define POLICY_VERSION 1

/* rml::MemPoolPolicy of version 1; 0 in `flags`: regions that are empty are given back. */
struct policy {
    tbb_take *take;
    tbb_give *give;
    size_t granularity; /* 0: sizes as they come */
    int version;
    unsigned flags;
};
_Static_assert(sizeof(struct policy) == 32, "as a C++ compiler lays it out");

typedef int create_v1(intptr_t id, const struct policy *policy, struct tbb_pool **ret_pool);

static struct tbb functions;
static create_v1 *create;
static char missing[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct tbb_pool *create_pool(intptr_t id, tbb_take *take, tbb_give *give)
{
    struct policy policy = {.take = take, .give = give, .version = POLICY_VERSION};
    struct tbb_pool *pool = NULL;
    return create(id, &policy, &pool) == 0 ? pool : NULL;
}

static bool find(void *library, const char *name, void *ret_function)
{
    *(void **)ret_function = dlsym(library, name);
    return *(void **)ret_function != NULL;
}

static bool find_all(void *library)
{
    return find(library, "_ZN3rml14pool_create_v1ElPKNS_13MemPoolPolicyEPPNS_10MemoryPoolE",
               &create) &&
           find(library, "_ZN3rml12pool_destroyEPNS_10MemoryPoolE", &functions.destroy) &&
           find(library, "_ZN3rml11pool_mallocEPNS_10MemoryPoolEm", &functions.alloc) &&
           find(library, "_ZN3rml9pool_freeEPNS_10MemoryPoolEPv", &functions.free);
}

static void load(void)
{
    void *library = dlopen(TBB_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library != NULL && find_all(library)) {
        functions.create = create_pool;
        return;
    }
    const char *reason = dlerror();
    snprintf(missing, sizeof(missing), "%s", reason != NULL ? reason : TBB_LIBRARY);
}

int tbb_load(const struct tbb **ret_tbb)
{
    pthread_once(&once, load);
    if (functions.create == NULL)
        return -ELIBACC;
    *ret_tbb = &functions;
    return 0;
}

const char *tbb_missing(void)
{
    return missing;
}
