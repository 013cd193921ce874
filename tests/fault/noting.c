/* SPDX-License-Identifier: MIT */
/* Notes of the calls of fakes. The two fakes differ in map and replace alone. No lock: one thread.
 */
#include "noting.h"

#include "fakes.h"
#include "hp_failing.h"

#define NOTES 1024

static const char *names[NOTES];
static unsigned long count;
static bool noting;

static void note(const char *name)
{
    if (noting && count < NOTES)
        names[count++] = name;
}

static int rw_map(const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    note("map");
    return fakes_rw.map(spec, at, size, align, ret_base);
}

static int none_map(
    const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    note("map base");
    return fakes_none.map(spec, at, size, align, ret_base);
}

static int unmap(void *base, size_t size)
{
    note("unmap");
    return fakes_rw.unmap(base, size);
}

static int bind(void *base, size_t size, int node)
{
    note("bind");
    return fakes_rw.bind(base, size, node);
}

static int populate(void *base, size_t size)
{
    note("populate");
    return fakes_rw.populate(base, size);
}

static int discard(void *base, size_t size)
{
    note("discard");
    return fakes_rw.discard(base, size);
}

static int protect(void *base, size_t size, unsigned access)
{
    note("protect");
    return fakes_rw.protect(base, size, access);
}

static int rw_replace(const struct hp_spec *spec, void *at, size_t size, int node, bool populated)
{
    note("replace");
    return fakes_rw.replace(spec, at, size, node, populated);
}

static int none_replace(const struct hp_spec *spec, void *at, size_t size, int node, bool populated)
{
    note("replace by base");
    return fakes_none.replace(spec, at, size, node, populated);
}

static const struct hp_ops rw = {
    "noted fake", rw_map, unmap, bind, populate, discard, protect, rw_replace, HP_RW};
static const struct hp_ops none = {
    "noted fake base", none_map, unmap, bind, populate, discard, protect, none_replace, HP_NONE};

void noting_wrap(struct manager_parts *parts)
{
    parts->ops[HP_HUGETLB] = hp_failing_wrap(HP_HUGETLB, &rw);
    parts->ops[HP_THP] = hp_failing_wrap(HP_THP, &rw);
    parts->ops[HP_BASE] = hp_failing_wrap(HP_BASE, &none);
}

void noting_begin(void)
{
    count = 0;
    noting = true;
}

void noting_end(void)
{
    noting = false;
}

const char *noting_name(unsigned long nth)
{
    return nth >= 1 && nth <= count ? names[nth - 1] : "later";
}
