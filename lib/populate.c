/* SPDX-License-Identifier: MIT */
/* Memory from a certain node. Populating is followed by a look at where a sample of the pages lies,
 * because PREFERRED policies and unbound memory go elsewhere without a word. No lock. */
#include "lib/populate.h"

#include <errno.h>
#include <pthread.h>

#include "lib/log.h"
#include "lib/room.h"
#include "lib/units.h"
#include "numa/pin.h"

#define SAMPLE HP_LOCATE_MAX

/* One populating, done here or on a thread of its own. */
struct job {
    struct site site;
    bool replace;
    int error;
    uint64_t faults;
};

/* The kernel may make a transparent huge page, or 512 small ones; nowhere else is there a choice.
 */
static bool counts_faults(struct site site)
{
    return site.backing == HP_THP && site.node->manager->parts->faults;
}

static void *run_job(void *argument)
{
    struct job *job = argument;
    struct site s = job->site;
    struct hostmem *manager = s.node->manager;
    const struct hp_ops *ops = manager->ops[s.backing];
    uint64_t before = counts_faults(s) ? manager->parts->faults() : 0;
    if (job->replace)
        job->error = ops->replace(&manager->spec[s.backing], s.base, s.size, s.node->id, true);
    else
        job->error = ops->populate(s.base, s.size);
    job->faults = counts_faults(s) ? manager->parts->faults() - before : UINT64_MAX;
    return NULL;
}

/* The CPUs of a node, or NULL if it has none. */
static const struct nn_set *cpus_of(const struct node *node)
{
    const struct nn_set *cpus = &nn_topology_find(node->manager->topology, node->id)->cpus;
    return nn_set_count(cpus) ? cpus : NULL;
}

/* On the node's CPUs the kernel's default policy takes the node's memory first. */
static int run_pinned(struct job *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);
    if (error)
        return -error;
    error = nn_pin_attributes(cpus_of(job->site.node), &attributes);
    if (!error)
        error = -pthread_create(&thread, &attributes, run_job, job);
    pthread_attr_destroy(&attributes);
    if (error)
        return error == -EAGAIN ? -ENOMEM : error;
    pthread_join(thread, NULL);
    return job->error;
}

int populate_error(int error)
{
    return error == -EPERM || error == -EINVAL || error == -EIO ? -ENOMEM : error;
}

/* Where binding is refused: a thread has to run there, which it cannot on a node without CPUs. */
static bool needs_pinning(const struct hostmem *manager)
{
    return !manager_binds(manager) && manager->here && manager->node_count > 1;
}

static int run_somewhere(struct job *job)
{
    bool pinned = needs_pinning(job->site.node->manager);
    if (pinned && !cpus_of(job->site.node))
        return -ENOMEM;
    if (pinned)
        return populate_error(run_pinned(job));
    run_job(job);
    return populate_error(job->error);
}

static int run(struct job *job)
{
    struct site s = job->site;
    struct promise promise;
    int error = room_begin(s.node, s.backing, s.size, s.priority, &promise);
    if (error)
        return error;
    error = run_somewhere(job);
    room_end(&promise);
    return error;
}

/*
 * Addresses of the range, evenly spread, the first and the last page among them: pages are made in
 * order, so a node that runs dry shows at the end.
 */
static size_t sample_pages(struct site site, void *ret_pages[SAMPLE])
{
    size_t unit = site.node->manager->spec[site.backing].page_size, all = site.size / unit;
    size_t count = min_size(all, SAMPLE);
    for (size_t i = 0; i < count; i++)
        ret_pages[i] = site.base + i * (all - 1) / max_size(count - 1, 1) * unit;
    return count;
}

/* Whether a sample of the pages lies on the node; true where the kernel does not tell. */
static bool on_node(struct site site)
{
    struct hostmem *manager = site.node->manager;
    void *pages[SAMPLE] = {0};
    int nodes[SAMPLE];
    if (!manager_locates(manager))
        return true;
    size_t count = sample_pages(site, pages);
    if (manager->parts->locate(pages, count, nodes)) {
        atomic_store(&manager->locate_refused, true);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (nodes[i] >= 0 && nodes[i] != site.node->id)
            return false;
    return true;
}

static int seen_on_node(struct site site)
{
    struct hostmem *manager = site.node->manager;
    if (on_node(site))
        return 0;
    log_line(
        &manager->log, 2, "node %d: %zu bytes came from another node", site.node->id, site.size);
    manager->ops[site.backing]->discard(site.base, site.size);
    return -ENOMEM;
}

int populate_site(struct site site, uint64_t *ret_faults)
{
    struct job job = {.site = site};
    int error = run(&job);
    if (error) {
        site.node->manager->ops[site.backing]->discard(site.base, site.size);
        return error;
    }
    error = seen_on_node(site);
    if (!error)
        *ret_faults = job.faults;
    return error;
}

int populate_in_place_of(struct site site)
{
    struct job job = {.site = site, .replace = true};
    int error = run(&job);
    return error ? error : seen_on_node(site);
}
