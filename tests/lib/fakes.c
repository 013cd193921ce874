/* SPDX-License-Identifier: MIT */
/* A manager on fake backings. No lock: managers are opened by one thread. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/window.h"

struct hp_ops fakes_rw, fakes_none;

/* The variables of the manager that is being opened. */
struct variables {
    const char *sysroot;
    const struct setting_text *settings;
};

static struct hp_caps probe(int node)
{
    return (struct hp_caps){.bind = true, .locate = true};
}

static size_t sizes(size_t ret_sizes[2], size_t *ret_default)
{
    ret_sizes[0] = *ret_default = 2 * MIB;
    return 1;
}

/* The fakes look at every page of what is unmapped, so windows are kept small. */
static int rw_map(const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    return size > FAKES_MAP ? -ENOMEM : hp_fake.map(spec, at, size, align, ret_base);
}

static int none_map(
    const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    return size > FAKES_MAP ? -ENOMEM : hp_fake_base.map(spec, at, size, align, ret_base);
}

static int is_huge(void *base, bool *ret_huge)
{
    *ret_huge = true;
    return 0;
}

struct manager_parts fakes_parts = {
    .ops = {[HP_HUGETLB] = &fakes_rw, [HP_THP] = &fakes_rw, [HP_BASE] = &fakes_none},
    .probe = probe,
    .sizes = sizes,
    .locate = hp_fake_locate,
    .is_huge = is_huge,
};

static void make_operations(void)
{
    fakes_rw = hp_fake;
    fakes_rw.map = rw_map;
    fakes_none = hp_fake_base;
    fakes_none.map = none_map;
}

void fakes_reset(size_t bytes)
{
    size_t of_node[HP_FAKE_NODES];
    for (int node = 0; node < HP_FAKE_NODES; node++)
        of_node[node] = bytes;
    hp_fake_reset(of_node, HP_FAKE_NODES);
    make_operations();
}

static const char *get(const char *name, void *context)
{
    const struct variables *variables = context;
    name += strlen("HOSTMEM_");
    if (strcmp(name, "SYSROOT") == 0)
        return variables->sysroot;
    for (const struct setting_text *s = variables->settings; s && s->name; s++)
        if (strcmp(name, s->name) == 0)
            return s->value;
    /* Fakes count calls: no thread but the test's may make any, unless a test asks for it. */
    return strcmp(name, "WATCH") == 0 ? "0" : NULL;
}

int fakes_open(
    const char *sysroot, const struct setting_text *settings, struct hostmem **ret_manager)
{
    static struct config config;
    struct variables variables = {sysroot, settings};
    char message[CONFIG_MESSAGE];
    int error = config_parse(get, &variables, &config, message, sizeof(message));
    if (error) {
        fprintf(stderr, "%s\n", message);
        return error;
    }
    error = manager_open(&config, &fakes_parts, ret_manager);
    /* Of a machine that is not this one nothing is probed. */
    if (!error)
        (*ret_manager)->caps = probe(0);
    return error;
}

static size_t committed(struct node *node)
{
    return pool_figure(&node->pool.committed);
}

static size_t warm(struct node *node)
{
    size_t sum = 0;
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        sum += pool_figure(&node->pool.warm[b]);
    return sum;
}

static size_t sum_of(struct hostmem *manager, int index, size_t (*of)(struct node *))
{
    size_t sum = 0;
    for (size_t i = 0; i < manager->node_count; i++)
        if (index < 0 || (size_t)index == i)
            sum += of(&manager->nodes[i]);
    return sum;
}

size_t fakes_committed(struct hostmem *manager, int index)
{
    return sum_of(manager, index, committed);
}

size_t fakes_warm(struct hostmem *manager, int index)
{
    return sum_of(manager, index, warm);
}

int fakes_unsound(struct hostmem *manager)
{
    int count = 0;
    struct window *window = atomic_load(&manager->windows);
    for (; window; window = window->next_all)
        count += window_check(window) != 0;
    return count;
}
