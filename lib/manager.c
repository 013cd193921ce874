/* SPDX-License-Identifier: MIT */
/* Making and ending managers: the machine is read, the configuration is held against it, and what
 * belongs to all nodes is set up. No lock: nobody else knows the manager yet, or any more. */
#include "lib/manager.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/populate.h"
#include "lib/prefault.h"
#include "lib/region.h"
#include "lib/units.h"
#include "lib/window.h"

const struct manager_parts manager_parts_real = {
    .ops = {[HP_HUGETLB] = &hp_hugetlb, [HP_THP] = &hp_thp, [HP_BASE] = &hp_base},
    .probe = hp_probe,
    .sizes = hp_hugetlb_sizes,
    .locate = hp_locate,
    .is_huge = hp_is_huge,
    .faults = hp_faults,
};

/* -- forks -- */

static _Atomic unsigned forks;
static pthread_once_t forks_once = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

int manager_usable(const struct hostmem *manager)
{
    unsigned now = atomic_load_explicit(&forks, memory_order_relaxed);
    return now == manager->fork_count ? 0 : -ENODEV;
}

int manager_bind(
    struct hostmem *manager, enum hp_backing backing, void *base, size_t size, int node)
{
    if (!manager_binds(manager))
        return 0;
    int error = manager->ops[backing]->bind(base, size, node);
    if (error != -EPERM)
        return populate_error(error);
    atomic_store(&manager->bind_refused, true);
    return 0;
}

/* -- backings -- */

static size_t hugetlb_frame(const struct hostmem *manager, const struct manager_parts *parts)
{
    size_t sizes[2], fallback, wanted = config_page_size(&manager->config);
    size_t count = parts->sizes(sizes, &fallback);
    if (!wanted)
        wanted = fallback;
    for (size_t i = 0; i < count; i++)
        if (sizes[i] == wanted)
            return wanted;
    return 0;
}

/* Whether madvise() makes transparent huge pages here. */
static bool has_thp(const struct hostmem *manager)
{
    char text[64];
    int error = nn_root_read(
        &manager->root, "sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));
    return !error && !strstr(text, "[never]");
}

static struct hp_spec spec_for(const struct hostmem *manager, size_t page_size)
{
    return (struct hp_spec){
        .page_size = page_size,
        .fd = -1,
        .fork = manager->config.fork == FORK_COW,
        .dump = manager->config.dump,
    };
}

/* A value that this machine does not allow: variable, value, and what is allowed. */
static int refuse(struct hostmem *manager, enum config_variable variable, const char *allowed)
{
    const struct setting *setting = &config_settings[variable];
    char value[CONFIG_MESSAGE];
    struct text text = text_begin(value, sizeof(value));
    setting_print(setting, (const char *)&manager->config + setting->offset, &text);
    log_line(&manager->log, LOG_ERROR, "%s=%s is not to be had here; allowed: %s", setting->name,
        value, allowed);
    return -EINVAL;
}

static int open_hugetlbfs(struct hostmem *manager)
{
    struct hp_spec *spec = &manager->spec[HP_HUGETLB];
    int error = 0;
    if (manager->config.hugetlbfs && spec->page_size)
        error = hp_hugetlbfs_open(spec->page_size, &spec->fd);
    return error ? refuse(manager, CONFIG_HUGETLBFS,
                       "0, or 1 where a hugetlbfs of that page size is mounted for this process")
                 : 0;
}

static int open_backings(struct hostmem *manager, const struct manager_parts *parts)
{
    size_t huge = hugetlb_frame(manager, parts);
    memcpy(manager->ops, parts->ops, sizeof(manager->ops));
    manager->spec[HP_HUGETLB] = spec_for(manager, huge);
    manager->spec[HP_THP] = manager->spec[HP_BASE] = spec_for(manager, PAGE_BYTES);
    manager->frame_bytes[HP_HUGETLB] = huge;
    manager->frame_bytes[HP_THP] = has_thp(manager) ? SPAN_BYTES : 0;
    manager->frame_bytes[HP_BASE] = SPAN_BYTES;
    return open_hugetlbfs(manager);
}

/* -- holding the configuration against the machine -- */

static int check_backings(struct hostmem *manager)
{
    for (enum hp_backing b = 0; b < HP_BACKINGS; b++)
        if (config_has_backing(&manager->config, b) && manager->frame_bytes[b])
            return 0;
    return refuse(manager, CONFIG_BACKING, "a list with base, which every machine has");
}

static bool bind_names_a_node(struct hostmem *manager)
{
    for (size_t i = 0; i < manager->node_count; i++)
        if (nn_set_has(&manager->config.policy.bind, (unsigned)manager->nodes[i].id))
            return true;
    return false;
}

static int refuse_nodes(
    struct hostmem *manager, enum config_variable variable, const struct nn_set *nodes)
{
    char list[NN_SET_TEXT(NN_NODES)], allowed[sizeof(list) + 8];
    nn_set_print(nodes, list, sizeof(list));
    struct text text = text_begin(allowed, sizeof(allowed));
    text_add(&text, "nodes %s", list);
    return refuse(manager, variable, allowed);
}

static int refuse_policy(struct hostmem *manager)
{
    struct nn_set nodes = {0};
    for (size_t i = 0; i < manager->node_count; i++)
        nn_set_add(&nodes, (unsigned)manager->nodes[i].id);
    return refuse_nodes(manager, CONFIG_POLICY, &nodes);
}

/* A list may name nodes that this process may not use, but none that the machine has not. */
static int check_list(struct hostmem *manager, enum config_variable variable)
{
    const struct setting *setting = &config_settings[variable];
    const struct node_amounts *amounts =
        (const void *)((const char *)&manager->config + setting->offset);
    struct nn_set nodes = {0};
    bool known = true;
    for (size_t i = 0; i < manager->topology->node_count; i++)
        nn_set_add(&nodes, (unsigned)manager->topology->nodes[i].id);
    for (size_t i = 0; i < amounts->listed; i++)
        known &= nn_set_has(&nodes, (unsigned)amounts->list[i].node);
    return known ? 0 : refuse_nodes(manager, variable, &nodes);
}

static int check_lists(struct hostmem *manager)
{
    int error = check_list(manager, CONFIG_POOL);
    if (!error)
        error = check_list(manager, CONFIG_PREFAULT);
    if (!error)
        error = check_list(manager, CONFIG_RESERVE);
    return error ? error : check_list(manager, CONFIG_WARM);
}

static int check_policy(struct hostmem *manager)
{
    const struct policy *policy = &manager->config.policy;
    bool fits = true;
    if (policy->kind == POLICY_BIND)
        fits = bind_names_a_node(manager);
    else if (policy->kind == POLICY_PREFERRED)
        fits = node_by_id(manager, policy->preferred) != NULL;
    return fits ? 0 : refuse_policy(manager);
}

static void say_unknown(const char *name, const char *nearest, void *context)
{
    log_line(context, LOG_NOTE, "%s is not a variable of hostmem%s%s", name,
        nearest ? "; did you mean " : "", nearest ? nearest : "");
}

static void say_configuration(struct hostmem *manager)
{
    if (manager->log.verbosity < LOG_NOTE)
        return;
    size_t size = config_print(&manager->config, NULL, 0) + 1;
    char *text = malloc(size);
    if (!text)
        return;
    config_print(&manager->config, text, size);
    log_text(&manager->log, LOG_NOTE, text);
    free(text);
    config_unknown(say_unknown, &manager->log);
}

/* -- making and ending -- */

static int open_machine(struct hostmem *manager)
{
    const char *path = manager->config.sysroot.text;
    int error = nn_root_open(path, &manager->root);
    manager->here = strcmp(path, "/") == 0;
    if (error) {
        manager->root.fd = -1;
        log_line(&manager->log, LOG_ERROR, "HOSTMEM_SYSROOT=%s: %s", path, strerror(-error));
        return -EINVAL;
    }
    error = membership_open(&manager->membership, &manager->root);
    return error ? error : nn_topology_read(&manager->root, &manager->topology);
}

static int open_parts(struct hostmem *manager, const struct manager_parts *parts)
{
    int error = open_backings(manager, parts);
    if (!error)
        error = check_backings(manager);
    if (!error)
        error = nodes_open(manager);
    if (!error)
        error = check_policy(manager);
    if (!error)
        error = check_lists(manager);
    if (error)
        return error;
    if (manager->here)
        manager->caps = parts->probe(manager->nodes[0].id);
    manager->caps.bind &= manager->node_count > 1;
    error = table_open(&manager->table, &manager->store);
    if (!error)
        error = ledger_open(&manager->ledger, &manager->store, manager->config.external_max);
    if (!error)
        error = prefault_all(manager);
    return error ? error : watch_open(manager);
}

int manager_open(
    const struct config *config, const struct manager_parts *parts, struct hostmem **ret_manager)
{
    struct hostmem *manager = calloc(1, sizeof(*manager));
    if (!manager)
        return -ENOMEM;
    pthread_once(&forks_once, watch_forks);
    manager->config = *config;
    manager->parts = parts;
    manager->log.verbosity = config->verbose;
    manager->fork_count = atomic_load(&forks);
    manager->spec[HP_HUGETLB].fd = -1;
    store_open(&manager->store, parts->ops[HP_BASE]);
    critical_open(&manager->critical);
    say_configuration(manager);
    int error = open_machine(manager);
    if (!error)
        error = open_parts(manager, parts);
    if (error) {
        manager_close(manager);
        return error;
    }
    *ret_manager = manager;
    return 0;
}

/* Mappings of their own are known to the table alone. */
static void unmap_own_regions(struct hostmem *manager)
{
    if (!manager->table.gib)
        return;
    uintptr_t at = table_next(&manager->table, USER_LOWEST, USER_END);
    while (at < USER_END) {
        struct region *region = table_get(&manager->table, at);
        size_t size = region_pages(region) * PAGE_BYTES;
        uintptr_t end = align_up(region_base(region) + size, GRANULE_BYTES);
        if (!region->window)
            manager->ops[HP_BASE]->unmap((void *)region_base(region), size);
        at = table_next(&manager->table, end, USER_END);
    }
}

/* In a child the pools were not inherited, or are the child's own copy: both may be unmapped, but
 * what the child has mapped in the holes since then must stay. */
static bool owns_mappings(const struct hostmem *manager)
{
    return manager_usable(manager) == 0 || manager->config.fork == FORK_COW;
}

/*
 * A child has no watchers: fork() leaves threads behind. What they may have been waiting on must
 * not be destroyed there: that would wait for them.
 */
void manager_close(struct hostmem *manager)
{
    if (manager_usable(manager) != 0 || !watch_stop(manager))
        manager_dismantle(manager);
}

void manager_dismantle(struct hostmem *manager)
{
    watch_close(manager);
    for (size_t i = 0; i < manager->node_count && manager_usable(manager) == 0; i++)
        scrubber_stop(&manager->nodes[i]);
    if (owns_mappings(manager)) {
        unmap_own_regions(manager);
        struct window *window = atomic_load(&manager->windows);
        for (; window; window = window->next_all)
            window_close(window);
    }
    if (manager->table.gib)
        ledger_close(&manager->ledger);
    if (manager_usable(manager) == 0)
        critical_close(&manager->critical);
    store_close(&manager->store);
    nodes_close(manager);
    nn_topology_free(manager->topology);
    membership_close(&manager->membership);
    if (manager->root.fd >= 0)
        nn_root_close(&manager->root);
    if (manager->spec[HP_HUGETLB].fd >= 0)
        hp_hugetlbfs_close(manager->spec[HP_HUGETLB].fd);
    free(manager);
}
