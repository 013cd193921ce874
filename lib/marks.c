/* SPDX-License-Identifier: MIT */
/* How far it is to the next change of a level, in committed bytes. Where several nodes may cause
 * it, each gets its part of the way. No lock: see marks.h. */
#include "lib/marks.h"

#include "lib/load.h"
#include "lib/manager.h"
#include "lib/units.h"

#define NS_PER_MS UINT64_C(1000000)

uint64_t marks_hold_left(const struct watched *watched, const struct pressure_rules *rules)
{
    uint64_t hold = rules->hold_ms * NS_PER_MS, gone = watcher_clock() - watched->state.changed_at;
    return watched->state.sequence && gone < hold ? hold - gone : 0;
}

/* How much may be committed more, and given back, until the level changes; UINT64_MAX: any amount.
 */
struct margin {
    uint64_t more, less;
};

static struct margin margin_of(const struct sample *sample, const struct sample_now *now,
    enum pressure_level level, const struct pressure_rules *rules)
{
    struct margin margin = {UINT64_MAX, UINT64_MAX};
    unsigned up = level == PRESSURE_HIGH ? rules->high_leave : rules->low_enter;
    unsigned down = level == PRESSURE_LOW ? rules->low_leave : rules->high_enter;
    if (level != PRESSURE_LOW)
        margin.more = sample_distance(sample, now, up);
    if (level != PRESSURE_HIGH)
        margin.less = sample_excess(sample, now, down);
    return margin;
}

/* A node's part, unless the crossing has happened: then it is the first watcher's turn. */
static uint64_t part(uint64_t bytes, size_t nodes)
{
    return bytes == 0 || bytes == UINT64_MAX ? UINT64_MAX : (bytes - 1) / nodes + 1;
}

/* Of the level of all nodes together, which any of them may change. */
static struct margin margin_of_machine(struct hostmem *manager, const struct pressure_rules *rules)
{
    struct watched *machine = &manager->watch.machine;
    struct margin margin = {UINT64_MAX, UINT64_MAX};
    struct sample sample;
    if (manager->node_count == 1 || !sample_read(&machine->book, &sample))
        return margin;
    struct sample_now now = load_now_of_machine(manager);
    margin = margin_of(&sample, &now, (enum pressure_level)atomic_load(&machine->said), rules);
    return (struct margin){
        part(margin.more, manager->node_count), part(margin.less, manager->node_count)};
}

void marks_leave(struct node *node, const struct sample *sample, const struct pressure_rules *rules)
{
    struct sample_now now = load_now_of_node(node, sample);
    struct margin own = margin_of(sample, &now, node->watched.state.level, rules);
    struct margin all = margin_of_machine(node->manager, rules);
    uint64_t more = min_size(own.more, all.more), less = min_size(own.less, all.less);
    pool_mark(&node->pool, less < now.committed ? now.committed - less : 0,
        more > UINT64_MAX - now.committed ? UINT64_MAX : now.committed + more);
    /* A commit may have passed the place of the mark before the mark was there. */
    if (pool_passed(&node->pool))
        watch_stir(&node->watched);
}
