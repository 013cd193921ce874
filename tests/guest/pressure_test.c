/* SPDX-License-Identifier: MIT */
/*
 * Pressure that commits make on one node of several: those who listen to that node hear it, with
 * the cause, and nobody who listens to another. High is switched off, so that what is heard is Low
 * and its end. Runs on shapes where nodes 0 and 1 have memory.
 */
#include "guest.h"

#include <errno.h>
#include <stdio.h>

#include "pressure.h"

#define POOL_FRAMES 8
#define BELOW       6 /* frames of it: 75 %, less than where Low ends */

/* Ears at nodes 0, 1 and all together; each has heard how things are. */
struct scene {
    struct ear *node[2], *all;
};

static void without_high(void)
{
    guest_set("HOSTMEM_HIGH_ENTER", "0");
    guest_set("HOSTMEM_HIGH_LEAVE", "0");
    guest_set("HOSTMEM_HOLD_MS", "0");
}

static struct scene begin(void)
{
    struct scene scene;
    for (int node = 0; node < 2; node++) {
        scene.node[node] = ear_subscribed(guest_manager(), node);
        assert_int_equal(ear_any(scene.node[node]).level, HOSTMEM_NEUTRAL);
    }
    scene.all = ear_subscribed(guest_manager(), HOSTMEM_NODE_ALL);
    assert_int_equal(ear_any(scene.all).level, HOSTMEM_NEUTRAL);
    return scene;
}

static void end(struct scene *scene)
{
    for (int node = 0; node < 2; node++)
        ear_unsubscribe(scene->node[node]);
    ear_unsubscribe(scene->all);
}

static void say(const char *what, uint64_t since, struct ear *ear)
{
    print_message("%s after %.1f ms\n", what, (double)(int64_t)(ear_time(ear) - since) / 1e6);
}

static char *reserve(int node, size_t size)
{
    struct hostmem_request request = {.size = size, .node = node, .protection = HOSTMEM_PROT_RW};
    void *base;
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
    return base;
}

static int commit(void *base, size_t size)
{
    return hostmem_commit(
        guest_manager(), base, size, HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, NULL);
}

/* -- pools -- */

/* Without a timer: the commits alone tell. */
static void fill_the_pool_of(int node)
{
    struct scene scene = begin();
    struct ear *near = scene.node[node], *far = scene.node[!node];
    char *base = reserve(node, POOL_FRAMES * FRAME);
    assert_int_equal(commit(base, BELOW * FRAME), 0);
    assert_int_equal(ear_count(near), 1);
    uint64_t then = live_now();
    assert_int_equal(commit(base + BELOW * FRAME, (POOL_FRAMES - BELOW) * FRAME), 0);
    struct hostmem_pressure low = ear_low(near);
    say("a spent pool is Low", then, near);
    assert_int_equal(low.node, node);
    assert_int_equal(low.load.limit, HOSTMEM_LIMIT_POOL);
    assert_int_equal(low.load.percent, 100);
    assert_int_equal(low.load.available_bytes, 0);
    then = live_now();
    assert_int_equal(hostmem_release(guest_manager(), base), 0);
    assert_int_equal(ear_relief(near).level, HOSTMEM_NEUTRAL);
    say("its end", then, near);
    assert_int_equal(ear_count(far), 1);
    assert_int_equal(ear_count(scene.all), 1);
    end(&scene);
}

static void a_spent_pool_is_heard_at_its_node_alone(void **state)
{
    (void)state;
    guest_set("HOSTMEM_POOL", "0=16M,1=16M");
    guest_set("HOSTMEM_SPILL", "0");
    guest_set("HOSTMEM_SAMPLE_MS", "60000");
    without_high();
    fill_the_pool_of(0);
    fill_the_pool_of(1);
}

static void pools_of_unequal_size_are_judged_each(void **state)
{
    (void)state;
    guest_set("HOSTMEM_POOL", "0=8M,1=32M");
    guest_set("HOSTMEM_SPILL", "0");
    guest_set("HOSTMEM_SAMPLE_MS", "60000");
    without_high();
    struct scene scene = begin();
    void *base;
    assert_int_equal(guest_take(1, 8 * MIB, &base, NULL), 0);
    assert_int_equal(guest_take(0, 8 * MIB, &base, NULL), 0);
    assert_int_equal(ear_low(scene.node[0]).load.limit, HOSTMEM_LIMIT_POOL);
    assert_int_equal(ear_count(scene.node[1]), 1);
    end(&scene);
}

/* A commit that another node serves is that node's: the one that was asked is Low already. */
static void what_spills_is_heard_where_it_lies(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_set("HOSTMEM_POOL", "0=8M,1=16M");
    guest_set("HOSTMEM_POLICY", "bind:0-1");
    guest_set("HOSTMEM_SAMPLE_MS", "60000");
    without_high();
    struct scene scene = begin();
    assert_int_equal(guest_take(0, 8 * MIB, &base, NULL), 0);
    ear_low(scene.node[0]);
    assert_int_equal(guest_take(0, 10 * MIB, &base, &receipt), 0);
    assert_int_equal(receipt.node_given, 1);
    assert_int_equal(ear_count(scene.node[1]), 1);
    assert_int_equal(guest_take(0, 6 * MIB, &base, &receipt), 0);
    assert_int_equal(receipt.node_given, 1);
    assert_int_equal(ear_low(scene.node[1]).load.limit, HOSTMEM_LIMIT_POOL);
    end(&scene);
}

/* All pools together are the machine's: it is Low when the last one is spent. */
static void all_together_is_low_when_every_pool_is(void **state)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes);
    void *bases[NODES_MAX];
    (void)state;
    guest_set("HOSTMEM_POOL", "16M");
    guest_set("HOSTMEM_SPILL", "0");
    guest_set("HOSTMEM_SAMPLE_MS", "50");
    without_high();
    struct scene scene = begin();
    for (size_t i = 1; i < count; i++)
        assert_int_equal(guest_take(nodes[i], 16 * MIB, &bases[i], NULL), 0);
    ear_low(scene.node[1]);
    assert_int_equal(ear_count(scene.all), 1); /* 7 of 8 nodes are less than 90 % */
    uint64_t then = live_now();
    assert_int_equal(guest_take(0, 16 * MIB, &bases[0], NULL), 0);
    assert_int_equal(ear_low(scene.all).load.limit, HOSTMEM_LIMIT_POOL);
    say("all together Low", then, scene.all);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(hostmem_release(guest_manager(), bases[i]), 0);
    assert_true(ear_relief(scene.all).load.percent < 85);
    end(&scene);
}

/* -- refusals -- */

static void a_refusal_is_heard_at_its_node_and_by_all(void **state)
{
    void *base;
    (void)state;
    guest_set("HOSTMEM_POOL", "0=16M,1=16M");
    guest_set("HOSTMEM_SPILL", "0");
    guest_set("HOSTMEM_SAMPLE_MS", "60000");
    without_high();
    for (int node = 0; node < 2; node++) {
        struct scene scene = begin();
        assert_int_equal(guest_take(node, 24 * MIB, &base, NULL), -ENOMEM);
        assert_true(ear_low(scene.node[node]).load.percent < 90);
        assert_int_equal(ear_relief(scene.node[node]).level, HOSTMEM_NEUTRAL);
        ear_low(scene.all);
        ear_relief(scene.all);
        assert_int_equal(ear_count(scene.node[!node]), 1);
        end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(a_spent_pool_is_heard_at_its_node_alone),
        guest_test(pools_of_unequal_size_are_judged_each),
        guest_test(what_spills_is_heard_where_it_lies),
        guest_test(all_together_is_low_when_every_pool_is),
        guest_test(a_refusal_is_heard_at_its_node_and_by_all),
    };
    return guest_run(tests);
}
