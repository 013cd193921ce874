/* SPDX-License-Identifier: MIT */
/*
 * One watcher for each socket that has nodes with memory: its name, its CPUs, its signals, which
 * nodes it speaks for, and its end. What is expected is worked out from sysfs. Runs on every shape
 * with more than one CPU. One thread besides the watchers.
 */
#include "guest.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pressure.h"

#define SOCKETS_MAX 16
#define MANAGERS    20

/* What sysfs says of each socket: the CPUs from which its nodes are watched; none, no watcher. */
struct sockets {
    cpu_set_t cpus[SOCKETS_MAX];
};

static int socket_of(int cpu)
{
    char path[96];
    int socket = -1;
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &socket), 1);
    fclose(file);
    assert_in_range(socket, 0, SOCKETS_MAX - 1);
    return socket;
}

static void cpus_of(int node, cpu_set_t *ret_cpus)
{
    char path[96];
    CPU_ZERO(ret_cpus);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpu%d", node, cpu);
        if (access(path, F_OK) == 0)
            CPU_SET(cpu, ret_cpus);
    }
}

/* Itself if it has CPUs; of equally near ones that with the lowest number. */
static int nearest_with_cpus(int node)
{
    int cpus[NODES_MAX], best = -1;
    size_t count = guest_cpu_nodes(cpus);
    for (size_t i = 0; i < count; i++) {
        if (cpus[i] == node)
            return node;
        if (best < 0 || guest_distance(node, cpus[i]) < guest_distance(node, best))
            best = cpus[i];
    }
    return best;
}

/* The socket that watches a node, and from which of its CPUs: those of the nearest node with some.
 */
static int watching_socket(int node, cpu_set_t *ret_cpus)
{
    cpus_of(nearest_with_cpus(node), ret_cpus);
    int first = 0;
    while (!CPU_ISSET(first, ret_cpus))
        first++;
    return socket_of(first);
}

static size_t expected(struct sockets *ret_sockets)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes), sockets = 0;
    memset(ret_sockets, 0, sizeof(*ret_sockets));
    for (size_t i = 0; i < count; i++) {
        cpu_set_t cpus;
        int socket = watching_socket(nodes[i], &cpus);
        sockets += CPU_COUNT(&ret_sockets->cpus[socket]) == 0;
        CPU_OR(&ret_sockets->cpus[socket], &ret_sockets->cpus[socket], &cpus);
    }
    return sockets;
}

static int socket_in_name(int thread)
{
    char path[64], name[32] = "", end;
    int socket = -1;
    snprintf(path, sizeof(path), "/proc/self/task/%d/comm", thread);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(name, sizeof(name), file));
    fclose(file);
    assert_int_equal(sscanf(name, "hm-watch/%d%c", &socket, &end), 2);
    assert_int_equal(end, '\n');
    assert_in_range(socket, 0, SOCKETS_MAX - 1);
    return socket;
}

/* All that can be blocked: not KILL and STOP, nor the two that the C library keeps for itself. */
static uint64_t all_signals(void)
{
    uint64_t mask = UINT64_MAX;
    for (int number = 32; number < SIGRTMIN; number++)
        mask &= ~(UINT64_C(1) << (number - 1));
    return mask & ~(UINT64_C(1) << (SIGKILL - 1)) & ~(UINT64_C(1) << (SIGSTOP - 1));
}

static void assert_watchers(void)
{
    struct sockets sockets;
    int threads[SOCKETS_MAX];
    size_t count = expected(&sockets);
    assert_int_equal(watcher_threads(SOCKETS_MAX, threads), count);
    for (size_t i = 0; i < count; i++) {
        cpu_set_t own;
        int socket = socket_in_name(threads[i]);
        assert_int_equal(sched_getaffinity(threads[i], sizeof(own), &own), 0);
        assert_true(CPU_EQUAL(&own, &sockets.cpus[socket]));
        assert_int_equal(thread_mask(threads[i], "SigBlk:"), all_signals());
        CPU_ZERO(&sockets.cpus[socket]); /* a second one of that name would not find it again */
    }
}

static void one_for_each_socket_on_its_cpus(void **state)
{
    struct sockets sockets;
    (void)state;
    assert_int_equal(watcher_threads(0, NULL), 0);
    guest_manager();
    print_message("%zu watchers\n", expected(&sockets));
    assert_watchers();
}

/* The CPUs of the thread that makes the manager are of no concern to them. */
static void where_it_is_made_does_not_matter(void **state)
{
    int nodes[NODES_MAX];
    size_t count = guest_cpu_nodes(nodes);
    (void)state;
    guest_pin(nodes[count - 1]);
    guest_manager();
    assert_watchers();
}

static void destroying_ends_them(void **state)
{
    size_t files = open_files();
    (void)state;
    for (int i = 0; i < MANAGERS; i++) {
        struct hostmem *manager = NULL;
        assert_int_equal(hostmem_create(&manager), 0);
        assert_watchers();
        hostmem_destroy(manager);
        await_watchers(0);
    }
    assert_int_equal(open_files(), files);
}

static void each_manager_has_its_own(void **state)
{
    struct hostmem *managers[3];
    struct sockets sockets;
    size_t count = expected(&sockets);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hostmem_create(&managers[i]), 0);
        assert_int_equal(watcher_threads(0, NULL), (i + 1) * count);
    }
    for (size_t i = 3; i-- > 0;) {
        hostmem_destroy(managers[i]);
        await_watchers(i * count);
    }
}

static void switched_off_there_are_none(void **state)
{
    (void)state;
    guest_set("HOSTMEM_WATCH", "0");
    guest_manager();
    assert_int_equal(watcher_threads(0, NULL), 0);
}

/* -- who speaks for a node -- */

struct speaker {
    char name[32];
    cpu_set_t cpus;
};

static void note_speaker(struct ear *ear)
{
    struct speaker *speaker = ear->with;
    must(pthread_getname_np(pthread_self(), speaker->name, sizeof(speaker->name)) == 0);
    must(sched_getaffinity(0, sizeof(speaker->cpus), &speaker->cpus) == 0);
}

static struct speaker speaker_for(int node)
{
    struct speaker speaker = {.name = ""};
    struct ear *ear = ear_new(guest_manager());
    ear_then(ear, note_speaker, &speaker);
    assert_int_equal(
        hostmem_subscribe(guest_manager(), node, ear_hear, ear, &ear->subscription), 0);
    assert_int_equal(ear_any(ear).node, node);
    ear_unsubscribe(ear);
    return speaker;
}

static void a_nodes_socket_speaks_for_it(void **state)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes);
    struct sockets sockets;
    (void)state;
    expected(&sockets);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        cpu_set_t cpus;
        int socket = watching_socket(nodes[i], &cpus);
        struct speaker speaker = speaker_for(nodes[i]);
        snprintf(name, sizeof(name), "hm-watch/%d", socket);
        assert_string_equal(speaker.name, name);
        assert_true(CPU_EQUAL(&speaker.cpus, &sockets.cpus[socket]));
    }
}

/* -- the end, from inside of a callback -- */

static void destroy(struct ear *ear)
{
    hostmem_destroy(ear->manager);
}

/* The watcher of any socket may be the one that ends all of them, and the last one. */
static void any_watcher_may_end_the_manager(void **state)
{
    int nodes[NODES_MAX + 1];
    size_t count = guest_memory_nodes(nodes), files = open_files();
    (void)state;
    nodes[count++] = HOSTMEM_NODE_ALL;
    guest_set("HOSTMEM_LOW_ENTER", "0"); /* always Low, and that again and again */
    guest_set("HOSTMEM_LOW_LEAVE", "0");
    guest_set("HOSTMEM_HIGH_ENTER", "0");
    guest_set("HOSTMEM_HIGH_LEAVE", "0");
    guest_set("HOSTMEM_LOW_REPEAT_MS", "1");
    for (size_t i = 0; i < count; i++) {
        struct hostmem *manager = NULL;
        assert_int_equal(hostmem_create(&manager), 0);
        struct ear *ear = ear_subscribed(manager, nodes[i]);
        struct ear *other = ear_subscribed(manager, nodes[0]);
        ear_then(ear, destroy, NULL);
        await_watchers(0);
        ear_free(ear);
        ear_free(other);
    }
    assert_int_equal(open_files(), files);
}

/* -- fewer CPUs than the machine has -- */

#define GROUP "/sys/fs/cgroup/watchers"

/* A watcher whose CPUs may not be used runs on those that may. */
static void on_the_first_cpu_alone(void *unused)
{
    struct sockets sockets;
    int threads[SOCKETS_MAX];
    size_t count = expected(&sockets);
    (void)unused;
    assert_int_equal(guest_write(GROUP "/cgroup.procs", "0"), 0);
    guest_manager();
    assert_int_equal(watcher_threads(SOCKETS_MAX, threads), count);
    for (size_t i = 0; i < count; i++) {
        cpu_set_t own;
        assert_int_equal(sched_getaffinity(threads[i], sizeof(own), &own), 0);
        assert_true(CPU_COUNT(&own) == 1 && CPU_ISSET(0, &own));
    }
    hostmem_destroy(guest_manager());
}

static void a_cpuset_is_no_reason_not_to_watch(void **state)
{
    (void)state;
    assert_int_equal(guest_write("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset"), 0);
    assert_int_equal(mkdir(GROUP, 0755), 0);
    assert_int_equal(guest_write(GROUP "/cpuset.cpus", "0"), 0);
    guest_in_child(on_the_first_cpu_alone, NULL);
    assert_int_equal(rmdir(GROUP), 0);
    assert_int_equal(guest_write("/sys/fs/cgroup/cgroup.subtree_control", "-cpuset"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(one_for_each_socket_on_its_cpus),
        guest_test(where_it_is_made_does_not_matter),
        guest_test(destroying_ends_them),
        guest_test(each_manager_has_its_own),
        guest_test(switched_off_there_are_none),
        guest_test(a_nodes_socket_speaks_for_it),
        guest_test(any_watcher_may_end_the_manager),
        guest_test(a_cpuset_is_no_reason_not_to_watch),
    };
    return guest_run(tests);
}
