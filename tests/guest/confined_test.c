/* SPDX-License-Identifier: MIT */
/*
 * Processes that may not do everything: cpusets that leave one node, in both hierarchies of control
 * groups, and a seccomp filter that refuses mbind(), as containers have it. Each is entered by a
 * child process, which does the checks. Runs on shapes where nodes 0 and 1 have memory, as root.
 */
#include "guest.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* -- cpusets -- */

#define V2 "/sys/fs/cgroup"
#define V1 "/tmp/cpuset"

static void write_to(const char *folder, const char *file, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    assert_int_equal(guest_write(path, text), 0);
}

/* The child enters the group, which has the memory of node 1 and the CPU that is named. */
static void on_node_1_alone(void *group)
{
    struct guest_free before;
    struct hostmem_receipt receipt;
    struct hostmem_load load;
    int nodes[NODES_MAX];
    void *base;
    write_to(group, "cgroup.procs", "0");
    before = guest_free_now();
    assert_int_equal(hostmem_nodes(guest_manager(), NODES_MAX, nodes), 1);
    assert_int_equal(nodes[0], 1);
    assert_int_equal(guest_take(0, FRAME, &base, &receipt), -EINVAL);
    receipt = guest_must_take(HOSTMEM_NODE_LOCAL, 4 * FRAME, &base);
    assert_int_equal(receipt.node_given, 1);
    assert_int_equal(receipt.node_asked, 1);
    memset(base, 1, 4 * FRAME);
    guest_assert_taken(&before, 1, 4);
    assert_int_equal(hostmem_node_load(guest_manager(), 0, &load), -EINVAL);
    assert_int_equal(hostmem_load(guest_manager(), &load), 0);
    assert_true(load.available_bytes < 512 * MIB);
    /* Spent means spent: no other node may help. */
    size_t rest = guest_huge_free(1);
    guest_must_take(1, rest * FRAME, &base);
    struct hostmem_receipt small = guest_must_take(1, 4 * FRAME, &base);
    assert_int_equal(small.node_given, 1);
    assert_int_not_equal(small.backing, HOSTMEM_BACKING_HUGETLB);
}

static void in_group(const char *root, const char *cpu)
{
    char group[64];
    snprintf(group, sizeof(group), "%s/one", root);
    assert_int_equal(mkdir(group, 0755), 0);
    write_to(group, "cpuset.cpus", cpu);
    write_to(group, "cpuset.mems", "1");
    guest_in_child(on_node_1_alone, group);
    assert_int_equal(rmdir(group), 0);
}

/* The CPU of the node that may be used, then one of a node that may not. Before the other test: a
 * controller comes back from the first hierarchy with delay. */
static void a_cpuset_of_the_second_hierarchy_limits_the_nodes(void **state)
{
    (void)state;
    write_to(V2, "cgroup.subtree_control", "+cpuset");
    in_group(V2, "1");
    in_group(V2, "0");
    write_to(V2, "cgroup.subtree_control", "-cpuset");
}

/* A controller is busy until the kernel has forgotten the groups of the other hierarchy, which it
 * does not announce. */
static int mount_v1(void)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    int error = -1;
    for (int i = 0; i < 500 && error; i++) {
        error = mount("cgroup", V1, "cgroup", 0, "cpuset");
        if (error)
            nanosleep(&pause, NULL);
    }
    return error;
}

static void a_cpuset_of_the_first_hierarchy_limits_the_nodes(void **state)
{
    (void)state;
    assert_true(mkdir(V1, 0755) == 0 || errno == EEXIST);
    assert_int_equal(mount_v1(), 0);
    in_group(V1, "1");
    in_group(V1, "0");
    assert_int_equal(umount(V1), 0);
}

/* -- refused system calls -- */

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define REFUSE(call)                                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                                             \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

static void refuse(struct sock_filter *code, size_t count)
{
    struct sock_fprog program = {(unsigned short)count, code};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void refuse_mbind(void)
{
    struct sock_filter code[] = {
        LOAD(nr),
        REFUSE(__NR_mbind),
        REFUSE(__NR_set_mempolicy),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    refuse(code, sizeof(code) / sizeof(code[0]));
    assert_int_equal(syscall(__NR_mbind, 0, 0, 0, 0, 0, 0), -1);
    assert_int_equal(errno, EPERM);
}

static void refuse_move_pages_too(void)
{
    struct sock_filter code[] = {
        LOAD(nr),
        REFUSE(__NR_move_pages),
        REFUSE(__NR_get_mempolicy),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    refuse_mbind();
    refuse(code, sizeof(code) / sizeof(code[0]));
}

static bool has_cpus(int node)
{
    int nodes[NODES_MAX];
    size_t count = guest_cpu_nodes(nodes);
    for (size_t i = 0; i < count; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

/* No thread runs on a node without CPUs, so that nobody can populate from it: others help. */
static void assert_served(int node, const struct hostmem_receipt *receipt)
{
    assert_int_equal(receipt->node_asked, node);
    assert_int_equal(receipt->node_given == node, has_cpus(node));
    if (has_cpus(node))
        assert_int_equal(receipt->reason, HOSTMEM_REASON_NONE);
}

/* From each node to all of them: it is not chance. */
static void every_node_serves(void)
{
    int cpus[NODES_MAX], nodes[NODES_MAX];
    size_t from = guest_cpu_nodes(cpus), count = guest_memory_nodes(nodes);
    for (size_t i = 0; i < from; i++)
        for (size_t k = 0; k < count; k++) {
            void *base;
            guest_pin(cpus[i]);
            struct hostmem_receipt receipt = guest_must_take(nodes[k], 3 * FRAME, &base);
            assert_served(nodes[k], &receipt);
            assert_int_equal(receipt.verified, 1);
        }
}

static void without_mbind_frames(void *unused)
{
    (void)unused;
    refuse_mbind();
    every_node_serves();
}

static void without_mbind_small_pages(void *backing)
{
    refuse_mbind();
    guest_set("HOSTMEM_BACKING", backing);
    every_node_serves();
}

static void without_mbind_local(void *unused)
{
    int cpus[NODES_MAX], order[NODES_MAX];
    size_t count = guest_cpu_nodes(cpus);
    (void)unused;
    refuse_mbind();
    for (size_t i = 0; i < count; i++) {
        void *base;
        guest_pin(cpus[i]);
        guest_by_distance(cpus[i], order);
        struct hostmem_receipt receipt = guest_must_take(HOSTMEM_NODE_LOCAL, 2 * FRAME, &base);
        assert_int_equal(receipt.node_given, order[0]);
    }
}

/* The kernel would fill up with other nodes' pages: the part that does not fit is found out. */
static void without_mbind_spill(void *unused)
{
    int order[NODES_MAX];
    void *base;
    (void)unused;
    refuse_mbind();
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_set("HOSTMEM_WARM", "0");
    guest_by_distance(0, order);
    guest_must_take(0, (guest_huge_free(0) - 2) * FRAME, &base);
    for (size_t frames = 3; frames < 36; frames *= 2) {
        struct guest_free before = guest_free_now();
        if (guest_huge_free(order[1]) < frames || !has_cpus(order[1]))
            break;
        struct hostmem_receipt receipt = guest_must_take(0, frames * FRAME, &base);
        assert_int_equal(receipt.node_given, order[1]);
        guest_assert_taken(&before, order[1], frames);
        assert_int_equal(hostmem_release(guest_manager(), base), 0);
    }
    struct hostmem_receipt receipt = guest_must_take(0, 2 * FRAME, &base);
    assert_int_equal(receipt.node_given, 0);
}

/* One frame too many: the last one alone lies elsewhere. Of several sizes, for what is looked at is
 * a sample. */
static void without_mbind_one_too_many(void *unused)
{
    void *base;
    (void)unused;
    refuse_mbind();
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_set("HOSTMEM_SPILL", "0");
    while (guest_huge_free(0) > 16) {
        struct hostmem_receipt receipt;
        assert_int_equal(guest_take(0, (guest_huge_free(0) + 1) * FRAME, &base, &receipt), -ENOMEM);
        guest_must_take(0, 3 * FRAME, &base);
    }
}

/* A loan that fails for one lender leaves nothing of it behind. */
static void without_mbind_loans(void *unused)
{
    struct hostmem_request request = {.size = 6 * FRAME, .protection = HOSTMEM_PROT_RW};
    struct hostmem_receipt receipt;
    void *base, *hogs[NODES_MAX];
    int order[NODES_MAX];
    size_t count = guest_by_distance(0, order);
    (void)unused;
    refuse_mbind();
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_set("HOSTMEM_WARM", "0");
    while (!has_cpus(order[count - 1]))
        count--;
    assert_int_equal(hostmem_reserve(guest_manager(), &request, &base, NULL), 0);
    for (size_t i = 0; i < count; i++)
        guest_must_take(order[i], (guest_huge_free(order[i]) - 2) * FRAME, &hogs[i]);
    assert_int_equal(hostmem_commit(guest_manager(), base, 6 * FRAME, HOSTMEM_PROT_RW,
                         HOSTMEM_TASK_CRITICAL, NULL),
        -ENOMEM);
    assert_int_equal(hostmem_release(guest_manager(), hogs[1]), 0);
    assert_int_equal(hostmem_commit(guest_manager(), base, 6 * FRAME, HOSTMEM_PROT_RW,
                         HOSTMEM_TASK_CRITICAL, &receipt),
        0);
    guest_assert_placed(base, 6 * FRAME, &receipt);
    assert_int_equal(receipt.node_given, order[1]);
    assert_int_equal(hostmem_decommit(guest_manager(), base, 6 * FRAME), 0);
    assert_int_equal(hostmem_release(guest_manager(), hogs[0]), 0);
    assert_int_equal(hostmem_commit(guest_manager(), base, 6 * FRAME, HOSTMEM_PROT_RW,
                         HOSTMEM_TASK_CRITICAL, &receipt),
        0);
    guest_assert_placed(base, 6 * FRAME, &receipt);
    assert_int_equal(receipt.node_given, 0);
}

/* Nobody says where pages are: the counters do. */
static void without_any_answer(void *unused)
{
    int nodes[NODES_MAX];
    size_t count = guest_memory_nodes(nodes);
    (void)unused;
    refuse_move_pages_too();
    for (size_t i = 0; i < count; i++) {
        struct guest_free before = guest_free_now();
        struct hostmem_receipt receipt;
        void *base;
        assert_int_equal(guest_take(nodes[i], 3 * FRAME, &base, &receipt), 0);
        assert_served(nodes[i], &receipt);
        assert_int_equal(receipt.verified, 0);
        guest_assert_taken(&before, receipt.node_given, 3);
    }
}

static void where_mbind_is_refused_frames_are_placed(void **state)
{
    (void)state;
    guest_in_child(without_mbind_frames, NULL);
}

static void where_mbind_is_refused_small_pages_are_placed(void **state)
{
    (void)state;
    guest_in_child(without_mbind_small_pages, (char[]){"base"});
    guest_in_child(without_mbind_small_pages, (char[]){"thp"});
}

static void where_mbind_is_refused_local_is_local(void **state)
{
    (void)state;
    guest_in_child(without_mbind_local, NULL);
}

static void where_mbind_is_refused_spill_is_told(void **state)
{
    (void)state;
    guest_in_child(without_mbind_spill, NULL);
}

static void where_mbind_is_refused_one_too_many_is_seen(void **state)
{
    (void)state;
    guest_in_child(without_mbind_one_too_many, NULL);
}

static void where_mbind_is_refused_loans_are_told(void **state)
{
    (void)state;
    guest_in_child(without_mbind_loans, NULL);
}

static void where_nothing_answers_it_is_assumed(void **state)
{
    (void)state;
    guest_in_child(without_any_answer, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(a_cpuset_of_the_second_hierarchy_limits_the_nodes),
        guest_test(a_cpuset_of_the_first_hierarchy_limits_the_nodes),
        guest_test(where_mbind_is_refused_frames_are_placed),
        guest_test(where_mbind_is_refused_small_pages_are_placed),
        guest_test(where_mbind_is_refused_local_is_local),
        guest_test(where_mbind_is_refused_spill_is_told),
        guest_test(where_mbind_is_refused_one_too_many_is_seen),
        guest_test(where_mbind_is_refused_loans_are_told),
        guest_test(where_nothing_answers_it_is_assumed),
    };
    return guest_run(tests);
}
