/* SPDX-License-Identifier: MIT */
/*
 * What the guest tests ask the kernel: which nodes there are, how many huge pages each has free, on
 * which node every page of a range lies; and threads and settings that a test needs. Every function
 * fails the running test when the kernel does not answer. Settings are put back by guest_end(),
 * the teardown of each test. No lock: one thread calls, but for guest_pin() and guest_locate().
 */
#ifndef HOSTMEM_TESTS_GUEST_H
#define HOSTMEM_TESTS_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <hostmem/hostmem.h>

#define KIB          ((size_t)1 << 10)
#define MIB          ((size_t)1 << 20)
#define GIB          ((size_t)1 << 30)
#define FRAME        (2 * MIB)
#define NODES_MAX    16
#define NODE_UNKNOWN (-1000)

/* Nodes that are online and have memory, ascending; the same for nodes that have CPUs. */
size_t guest_memory_nodes(int ret_nodes[NODES_MAX]);
size_t guest_cpu_nodes(int ret_nodes[NODES_MAX]);
bool guest_has_memory(int node);

/* The kernel's distance between two nodes. */
int guest_distance(int from, int to);

/* Nodes with memory by distance from a node, itself first, equally distant ones by number. */
size_t guest_by_distance(int from, int ret_nodes[NODES_MAX]);

/* Huge pages of a node, of 2 MiB or what guest_use_pages() said: free, all, and setting the number.
 */
void guest_use_pages(size_t bytes);
size_t guest_huge_free(int node);
size_t guest_huge_total(int node);
void guest_huge_set(int node, size_t pages);

/* Free huge pages of all nodes with memory at one time; unchanged but for one node. */
struct guest_free {
    size_t pages[NODES_MAX];
};
struct guest_free guest_free_now(void);
void guest_assert_taken(const struct guest_free *before, int node, size_t frames);

/* The node of every page of the range, or NODE_UNKNOWN where they differ. Populated, every one. */
int guest_locate(const void *base, size_t size);

/* Every page lies on the node that the receipt names, of the kind that it names. */
void guest_assert_placed(const void *base, size_t size, const struct hostmem_receipt *receipt);

/* The calling thread runs on a CPU of the node from now on; anywhere. */
void guest_pin(int node);
void guest_unpin(void);

/* Runs a function on each of `count` threads with its own argument; they are ended when it returns.
 * Assertions belong to the calling thread alone. */
void guest_threads(size_t count, void *(*run)(void *), void *const *arguments);

/* Writes a setting of the kernel; the error, positive, if it is refused. */
int guest_write(const char *path, const char *text);

/* The environment of the next manager; guest_end() undoes it. */
void guest_set(const char *name, const char *value);

/* A manager; guest_end() destroys it. */
struct hostmem *guest_manager(void);

/* Reserves and commits; the error is returned, and *ret_base is NULL then. */
int guest_take(int node, size_t size, void **ret_base, struct hostmem_receipt *ret_receipt);

/* The same where it must succeed; every page is where the receipt says. */
struct hostmem_receipt guest_must_take(int node, size_t size, void **ret_base);

/* cmocka's setup and teardown: no variables, no manager, all huge pages free before and after. */
int guest_begin(void **state);
int guest_end(void **state);

/* Runs a check in a child process, with assertions; its failure is this test's. */
void guest_in_child(void (*check)(void *), void *argument);

#define guest_test(name) cmocka_unit_test_setup_teardown(name, guest_begin, guest_end)

/* Runs them; GUEST_ONLY is a pattern of names that restricts it, for use by hand. */
#define guest_run(tests)                                                                           \
    (cmocka_set_test_filter(getenv("GUEST_ONLY")), cmocka_run_group_tests(tests, NULL, NULL))

#endif
