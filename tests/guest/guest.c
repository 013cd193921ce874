/* SPDX-License-Identifier: MIT */
/*
 * Reads sysfs with stdio and asks move_pages() for every 4 KiB of a range, whatever the size of its
 * pages. Invariant: between tests there is no manager, no HOSTMEM_ variable, and the thread runs
 * anywhere. No lock; see guest.h.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE       ((size_t)4096)
#define BATCH      512
#define VARIABLES  8
#define NODE_FILES "/sys/devices/system/node/"

static struct hostmem *manager;
static const char *variables[VARIABLES];
static size_t variable_count;
static size_t huge_before[NODES_MAX];
static size_t huge_bytes = FRAME;

/* -- the machine -- */

/* A list such as "0-1,4" of a file below NODE_FILES. */
static size_t read_list(const char *name, int ret_nodes[NODES_MAX])
{
    char path[128], text[256] = "";
    size_t count = 0;
    snprintf(path, sizeof(path), NODE_FILES "%s", name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    (void)!fgets(text, sizeof(text), file);
    fclose(file);
    for (char *at = text; *at >= '0' && *at <= '9';) {
        long first = strtol(at, &at, 10), last = *at == '-' ? strtol(at + 1, &at, 10) : first;
        for (long node = first; node <= last && count < NODES_MAX; node++)
            ret_nodes[count++] = (int)node;
        at += *at == ',';
    }
    return count;
}

size_t guest_memory_nodes(int ret_nodes[NODES_MAX])
{
    return read_list("has_memory", ret_nodes);
}

size_t guest_cpu_nodes(int ret_nodes[NODES_MAX])
{
    return read_list("has_cpu", ret_nodes);
}

bool guest_has_memory(int node)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes);
    for (size_t i = 0; i < count; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

int guest_distance(int from, int to)
{
    char path[128];
    int online[NODES_MAX], distance = -1;
    size_t count = read_list("online", online);
    snprintf(path, sizeof(path), NODE_FILES "node%d/distance", from);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        int value;
        assert_int_equal(fscanf(file, "%d", &value), 1);
        if (online[i] == to)
            distance = value;
    }
    fclose(file);
    return distance;
}

size_t guest_by_distance(int from, int ret_nodes[NODES_MAX])
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes), found = 0;
    for (int distance = 0; distance < 256; distance++)
        for (size_t i = 0; i < count; i++)
            if ((nodes[i] == from ? 0 : guest_distance(from, nodes[i])) == distance)
                ret_nodes[found++] = nodes[i];
    return found;
}

/* -- huge pages -- */

void guest_use_pages(size_t bytes)
{
    huge_bytes = bytes;
}

static void huge_path(int node, const char *name, char path[160])
{
    snprintf(
        path, 160, NODE_FILES "node%d/hugepages/hugepages-%zukB/%s", node, huge_bytes / KIB, name);
}

/* A node that is offline has none. */
static size_t huge_file(int node, const char *name)
{
    char path[160];
    size_t pages = 0;
    huge_path(node, name, path);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    assert_int_equal(fscanf(file, "%zu", &pages), 1);
    fclose(file);
    return pages;
}

size_t guest_huge_free(int node)
{
    return huge_file(node, "free_hugepages");
}

size_t guest_huge_total(int node)
{
    return huge_file(node, "nr_hugepages");
}

void guest_huge_set(int node, size_t pages)
{
    char path[160];
    huge_path(node, "nr_hugepages", path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "%zu", pages);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(guest_huge_total(node), pages);
}

struct guest_free guest_free_now(void)
{
    struct guest_free now;
    for (int node = 0; node < NODES_MAX; node++)
        now.pages[node] = guest_huge_free(node);
    return now;
}

void guest_assert_taken(const struct guest_free *before, int node, size_t frames)
{
    for (int other = 0; other < NODES_MAX; other++)
        assert_int_equal(before->pages[other] - guest_huge_free(other), other == node ? frames : 0);
}

/* -- where memory lies -- */

static void locate_batch(const char *base, size_t count, int nodes[BATCH])
{
    void *pages[BATCH];
    for (size_t i = 0; i < count; i++)
        pages[i] = (void *)(base + i * PAGE);
    assert_int_equal(move_pages(0, count, pages, NULL, nodes, 0), 0);
}

int guest_locate(const void *base, size_t size)
{
    int nodes[BATCH], found = -1;
    for (size_t at = 0; at < size; at += BATCH * PAGE) {
        size_t count = (size - at + PAGE - 1) / PAGE;
        count = count < BATCH ? count : BATCH;
        locate_batch((const char *)base + at, count, nodes);
        for (size_t i = 0; i < count; i++) {
            assert_true(nodes[i] >= 0);
            if (found >= 0 && nodes[i] != found)
                return NODE_UNKNOWN;
            found = nodes[i];
        }
    }
    return found;
}

/* The KernelPageSize of the mapping that holds the address, in bytes. */
static size_t kernel_page(const void *address)
{
    char line[512];
    uintptr_t start, end;
    size_t kib = 0;
    bool inside = false;
    FILE *smaps = fopen("/proc/self/smaps", "re");
    assert_non_null(smaps);
    while (fgets(line, sizeof(line), smaps)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        if (inside && sscanf(line, "KernelPageSize: %zu kB", &kib) == 1)
            break;
    }
    fclose(smaps);
    return kib * KIB;
}

void guest_assert_placed(const void *base, size_t size, const struct hostmem_receipt *receipt)
{
    assert_int_equal(receipt->committed, size);
    assert_int_equal(guest_locate(base, size), receipt->node_given);
    assert_int_equal(receipt->verified, 1);
    bool huge = kernel_page(base) > PAGE;
    assert_int_equal(huge, receipt->backing == HOSTMEM_BACKING_HUGETLB);
}

/* -- threads -- */

void guest_pin(int node)
{
    assert_int_equal(numa_run_on_node(node), 0);
    sched_yield();
}

void guest_unpin(void)
{
    assert_int_equal(numa_run_on_node(-1), 0);
}

void guest_threads(size_t count, void *(*run)(void *), void *const *arguments)
{
    pthread_t threads[32];
    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, arguments[i]), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int guest_write(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int error = write(file, text, strlen(text)) < 0 ? errno : 0;
    close(file);
    return error;
}

/* -- managers -- */

void guest_set(const char *name, const char *value)
{
    assert_true(variable_count < VARIABLES);
    assert_int_equal(setenv(name, value, 1), 0);
    variables[variable_count++] = name;
}

struct hostmem *guest_manager(void)
{
    if (!manager)
        assert_int_equal(hostmem_create(&manager), 0);
    return manager;
}

int guest_take(int node, size_t size, void **ret_base, struct hostmem_receipt *ret_receipt)
{
    struct hostmem_request request = {
        .size = size,
        .node = node,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW,
    };
    *ret_base = NULL;
    return hostmem_reserve(guest_manager(), &request, ret_base, ret_receipt);
}

struct hostmem_receipt guest_must_take(int node, size_t size, void **ret_base)
{
    struct hostmem_receipt receipt;
    assert_int_equal(guest_take(node, size, ret_base, &receipt), 0);
    guest_assert_placed(*ret_base, size, &receipt);
    return receipt;
}

/* -- around each test -- */

int guest_begin(void **state)
{
    (void)state;
    for (int node = 0; node < NODES_MAX; node++) {
        huge_before[node] = guest_huge_total(node);
        assert_int_equal(guest_huge_free(node), huge_before[node]);
    }
    return 0;
}

int guest_end(void **state)
{
    (void)state;
    hostmem_destroy(manager);
    manager = NULL;
    while (variable_count)
        unsetenv(variables[--variable_count]);
    guest_unpin();
    for (int node = 0; node < NODES_MAX; node++) {
        if (guest_huge_total(node) != huge_before[node])
            guest_huge_set(node, huge_before[node]);
        assert_int_equal(guest_huge_free(node), huge_before[node]);
    }
    return 0;
}

/* -- children -- */

static void (*child_check)(void *);
static void *child_argument;
static bool child_ran;

static void child_test(void **state)
{
    (void)state;
    child_check(child_argument);
    child_ran = true;
}

/* The child reports in another format, which is not counted: its result is that of the test. */
void guest_in_child(void (*check)(void *), void *argument)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(child_test)};
        child_check = check;
        child_argument = argument;
        cmocka_set_message_output(CM_OUTPUT_TAP);
        cmocka_set_test_filter(NULL);
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        fflush(NULL);
        _exit(failed || !child_ran ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
