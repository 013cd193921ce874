/* SPDX-License-Identifier: MIT */
/*
 * Operations have no context to tell which backing was wrapped, so each of the three has functions
 * of its own, made by one macro. Invariant: every call passes trip() once. No lock; the counters
 * are atomic, and wrapping is done before threads begin.
 */
#include "hp_failing.h"

#include <assert.h>
#include <stdatomic.h>

static_assert(HP_BACKINGS == 3, "one set of functions for each backing");

static const struct hp_ops *inner_of[HP_BACKINGS];
static struct hp_ops outer_of[HP_BACKINGS];
static atomic_ulong seen, fatal;
static atomic_int fatal_error;

/* 0, or the error of this call. */
static int trip(void)
{
    unsigned long number = atomic_fetch_add(&seen, 1) + 1;
    return number == atomic_load(&fatal) ? atomic_load(&fatal_error) : 0;
}

#define FAILING(i)                                                                                 \
    static int map_##i(                                                                            \
        const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)          \
    {                                                                                              \
        int r = trip();                                                                            \
        return r < 0 ? r : inner_of[i]->map(spec, at, size, align, ret_base);                      \
    }                                                                                              \
    static int unmap_##i(void *base, size_t size)                                                  \
    {                                                                                              \
        int r = trip();                                                                            \
        return r < 0 ? r : inner_of[i]->unmap(base, size);                                         \
    }                                                                                              \
    static int bind_##i(void *base, size_t size, int node)                                         \
    {                                                                                              \
        int r = trip();                                                                            \
        return r < 0 ? r : inner_of[i]->bind(base, size, node);                                    \
    }                                                                                              \
    static int populate_##i(void *base, size_t size)                                               \
    {                                                                                              \
        int r = trip();                                                                            \
        return r < 0 ? r : inner_of[i]->populate(base, size);                                      \
    }                                                                                              \
    static int discard_##i(void *base, size_t size)                                                \
    {                                                                                              \
        int r = trip();                                                                            \
        return r < 0 ? r : inner_of[i]->discard(base, size);                                       \
    }                                                                                              \
    static int protect_##i(void *base, size_t size, unsigned access)                               \
    {                                                                                              \
        int r = trip();                                                                            \
        return r < 0 ? r : inner_of[i]->protect(base, size, access);                               \
    }                                                                                              \
    static int replace_##i(                                                                        \
        const struct hp_spec *spec, void *at, size_t size, int node, bool populate)                \
    {                                                                                              \
        int r = trip();                                                                            \
        return r < 0 ? r : inner_of[i]->replace(spec, at, size, node, populate);                   \
    }

#define TABLE(i)                                                                                   \
    {                                                                                              \
        .map = map_##i, .unmap = unmap_##i, .bind = bind_##i, .populate = populate_##i,            \
        .discard = discard_##i, .protect = protect_##i, .replace = replace_##i,                    \
    }

FAILING(0)
FAILING(1)
FAILING(2)

static const struct hp_ops functions[HP_BACKINGS] = {TABLE(0), TABLE(1), TABLE(2)};

const struct hp_ops *hp_failing_wrap(enum hp_backing backing, const struct hp_ops *inner)
{
    inner_of[backing] = inner;
    outer_of[backing] = functions[backing];
    outer_of[backing].name = inner->name;
    outer_of[backing].at_rest = inner->at_rest;
    return &outer_of[backing];
}

void hp_failing_at(unsigned long nth, int error)
{
    atomic_store(&fatal_error, error);
    atomic_store(&fatal, nth);
    atomic_store(&seen, 0);
}

unsigned long hp_failing_seen(void)
{
    return atomic_load(&seen);
}
