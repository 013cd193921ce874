/* SPDX-License-Identifier: MIT */
/* The C face of load, pressure and figures: every argument is checked here and nowhere else, then
 * the call goes to the module that does it. What the calls promise is in <hostmem/hostmem.h>. No
 * lock. */
#include <hostmem/hostmem.h>

#include <errno.h>

#include "lib/load.h"
#include "lib/manager.h"
#include "lib/units.h"

/* -- load and pressure -- */

int hostmem_node_load(struct hostmem *manager, int node, struct hostmem_load *ret_load)
{
    struct node *found;
    if (!manager || !ret_load)
        return -EINVAL;
    int error = manager_usable(manager);
    if (!error)
        error = node_pick(manager, node, &found);
    return error ? error : load_of_node(found, ret_load);
}

int hostmem_load(struct hostmem *manager, struct hostmem_load *ret_load)
{
    if (!manager || !ret_load)
        return -EINVAL;
    int error = manager_usable(manager);
    return error ? error : load_of_machine(manager, ret_load);
}

static int topic_node(struct hostmem *manager, int node, struct node **ret_node)
{
    *ret_node = NULL;
    return node == HOSTMEM_NODE_ALL ? 0 : node_pick(manager, node, ret_node);
}

int hostmem_subscribe(struct hostmem *manager, int node, hostmem_pressure_callback *callback,
    void *context, struct hostmem_subscription **ret_subscription)
{
    struct node *found;
    if (!manager || !callback || !ret_subscription)
        return -EINVAL;
    int error = manager_usable(manager);
    if (!error)
        error = topic_node(manager, node, &found);
    return error ? error : watch_subscribe(manager, found, callback, context, ret_subscription);
}

void hostmem_unsubscribe(struct hostmem *manager, struct hostmem_subscription *subscription)
{
    if (manager && subscription && manager_usable(manager) == 0)
        watch_unsubscribe(manager, subscription);
}

size_t hostmem_sources(struct hostmem *manager, size_t count, struct hostmem_source *ret_sources)
{
    if (!manager || manager_usable(manager) != 0)
        return 0;
    return news_report(manager, ret_sources ? count : 0, ret_sources);
}

/* -- memory that others take -- */

int hostmem_external_needs(struct hostmem *manager, size_t size)
{
    if (!manager)
        return -EINVAL;
    int error = manager_usable(manager);
    return error ? error : ledger_needs(&manager->ledger, size);
}

int hostmem_external_acquired(struct hostmem *manager, const void *base, size_t size)
{
    if (!manager)
        return -EINVAL;
    int error = manager_usable(manager);
    return error ? error : ledger_acquired(&manager->ledger, (uintptr_t)base, size);
}

int hostmem_external_released(struct hostmem *manager, const void *base)
{
    if (!manager)
        return -EINVAL;
    int error = manager_usable(manager);
    if (!error)
        ledger_released(&manager->ledger, (uintptr_t)base);
    return error;
}

/* -- figures -- */

size_t hostmem_nodes(struct hostmem *manager, size_t count, int *ret_nodes)
{
    if (!manager)
        return 0;
    for (size_t i = 0; ret_nodes && i < min_size(count, manager->node_count); i++)
        ret_nodes[i] = manager->nodes[i].id;
    return manager->node_count;
}

int hostmem_node_stats(struct hostmem *manager, int node, struct hostmem_node_stats *ret_stats)
{
    struct node *found;
    if (!manager || !ret_stats)
        return -EINVAL;
    int error = manager_usable(manager);
    if (!error)
        error = node_pick(manager, node, &found);
    if (!error)
        load_stats(found, ret_stats);
    return error;
}
