/* SPDX-License-Identifier: MIT */
/*
 * A node goes offline and comes back while a manager uses it. The kernel moves what lies there to
 * other nodes: contents stay, and what a receipt says is true afterwards. Runs on the shape whose
 * last node is removable, as root. One thread.
 */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODE   2
#define FOLDER "/sys/devices/system/memory"
#define FRAMES 6

static unsigned blocks[64]; /* of memory, that the node has when it is online */
static size_t block_count;

static int find_blocks(void **state)
{
    char path[64];
    struct dirent *entry;
    (void)state;
    snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", NODE);
    DIR *folder = opendir(path);
    if (!folder)
        return -1;
    while ((entry = readdir(folder)))
        if (sscanf(entry->d_name, "memory%u", &blocks[block_count]) == 1 && block_count < 63)
            block_count++;
    closedir(folder);
    return block_count ? 0 : -1;
}

/* The kernel refuses while it cannot move a page; it may be able to when asked again. */
static void set_blocks(const char *state)
{
    char path[96];
    for (size_t i = 0; i < block_count; i++) {
        int error = -1;
        snprintf(path, sizeof(path), FOLDER "/memory%u/state", blocks[i]);
        for (int attempt = 0; attempt < 5 && error; attempt++)
            error = guest_write(path, state);
        assert_int_equal(error, 0);
    }
}

static void go_offline(void)
{
    set_blocks("offline");
    assert_false(guest_has_memory(NODE));
}

static void come_online(size_t pages)
{
    set_blocks("online_movable");
    assert_true(guest_has_memory(NODE));
    guest_huge_set(NODE, pages);
}

static int begin(void **state)
{
    if (!guest_has_memory(NODE))
        come_online(32);
    return guest_begin(state);
}

/* Pages that moved make the pools of other nodes what they were not: all are set anew. */
static int end(void **state)
{
    if (!guest_has_memory(NODE))
        set_blocks("online_movable");
    return guest_end(state);
}

static void fill(char *memory, size_t size)
{
    for (size_t at = 0; at < size; at += 512)
        memory[at] = (char)(at / 512 % 251);
}

static void assert_filled(const char *memory, size_t size)
{
    for (size_t at = 0; at < size; at += 512)
        assert_int_equal(memory[at], (char)(at / 512 % 251));
}

/* What was committed is still there, and the receipt tells where. */
static void contents_stay_and_the_receipt_is_true(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_must_take(NODE, FRAMES * FRAME, &base);
    fill(base, FRAMES * FRAME);
    go_offline();
    assert_filled(base, FRAMES * FRAME);
    assert_int_equal(hostmem_receipt(guest_manager(), base, FRAMES * FRAME, &receipt), 0);
    assert_int_equal(receipt.committed, FRAMES * FRAME);
    assert_int_not_equal(receipt.node_given, NODE);
    guest_assert_placed(base, FRAMES * FRAME, &receipt);
    assert_int_equal(hostmem_release(guest_manager(), base), 0);
}

/* Frames that were warm on the node are elsewhere now; the receipt that is asked for says so. */
static void warm_frames_do_not_pass_for_the_nodes(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_must_take(NODE, FRAMES * FRAME, &base);
    assert_int_equal(hostmem_release(guest_manager(), base), 0);
    go_offline();
    assert_int_equal(guest_take(NODE, FRAMES * FRAME, &base, &receipt), 0);
    assert_int_equal(hostmem_receipt(guest_manager(), base, FRAMES * FRAME, &receipt), 0);
    assert_int_not_equal(receipt.node_given, NODE);
    guest_assert_placed(base, FRAMES * FRAME, &receipt);
}

static void requests_spill_and_come_back(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_manager();
    go_offline();
    receipt = guest_must_take(NODE, 2 * FRAME, &base);
    assert_int_equal(receipt.node_asked, NODE);
    assert_int_equal(receipt.node_given, 1); /* the nearest */
    memset(base, 1, 2 * FRAME);
    come_online(32);
    struct guest_free before = guest_free_now();
    receipt = guest_must_take(NODE, 2 * FRAME, &base);
    assert_int_equal(receipt.node_given, NODE);
    assert_int_equal(receipt.reason, HOSTMEM_REASON_NONE);
    guest_assert_taken(&before, NODE, 2);
}

static void without_spill_requests_fail_and_come_back(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_set("HOSTMEM_SPILL", "0");
    guest_manager();
    go_offline();
    assert_int_equal(guest_take(NODE, 2 * FRAME, &base, &receipt), -ENOMEM);
    assert_int_equal(guest_take(0, 2 * FRAME, &base, &receipt), 0);
    come_online(32);
    receipt = guest_must_take(NODE, 2 * FRAME, &base);
    assert_int_equal(receipt.node_given, NODE);
}

static void small_pages_spill_and_come_back(void **state)
{
    struct hostmem_receipt receipt;
    void *base;
    (void)state;
    guest_set("HOSTMEM_BACKING", "base");
    guest_must_take(NODE, 2 * MIB, &base);
    go_offline();
    receipt = guest_must_take(NODE, 2 * MIB, &base);
    assert_int_equal(receipt.node_given, 1);
    come_online(32);
    receipt = guest_must_take(NODE, 2 * MIB, &base);
    assert_int_equal(receipt.node_given, NODE);
}

/* A lost node has nothing to give; the others are judged as before. */
static void the_load_goes_on(void **state)
{
    struct hostmem_load load;
    (void)state;
    /* A watcher's last look may be from before the node went. */
    guest_set("HOSTMEM_WATCH", "0");
    assert_int_equal(hostmem_node_load(guest_manager(), NODE, &load), 0);
    assert_true(load.percent < 100);
    go_offline();
    assert_int_equal(hostmem_load(guest_manager(), &load), 0);
    assert_true(load.available_bytes > 0);
    assert_int_equal(hostmem_node_load(guest_manager(), 1, &load), 0);
    assert_int_equal(hostmem_node_load(guest_manager(), NODE, &load), 0);
    assert_int_equal(load.percent, 100);
    assert_int_equal(load.available_bytes, 0);
    come_online(32);
    assert_int_equal(hostmem_node_load(guest_manager(), NODE, &load), 0);
    assert_true(load.percent < 100);
}

static void a_new_manager_does_not_know_it(void **state)
{
    struct hostmem_receipt receipt;
    int nodes[NODES_MAX];
    void *base;
    (void)state;
    go_offline();
    assert_int_equal(hostmem_nodes(guest_manager(), NODES_MAX, nodes), 2);
    assert_int_equal(guest_take(NODE, FRAME, &base, &receipt), -EINVAL);
    receipt = guest_must_take(1, FRAME, &base);
    assert_int_equal(receipt.node_given, 1);
}

#define offline_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        offline_test(a_new_manager_does_not_know_it),
        offline_test(requests_spill_and_come_back),
        offline_test(without_spill_requests_fail_and_come_back),
        offline_test(small_pages_spill_and_come_back),
        offline_test(the_load_goes_on),
        offline_test(contents_stay_and_the_receipt_is_true),
        offline_test(warm_frames_do_not_pass_for_the_nodes),
    };
    cmocka_set_test_filter(getenv("GUEST_ONLY"));
    return cmocka_run_group_tests(tests, find_blocks, NULL);
}
