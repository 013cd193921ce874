/* SPDX-License-Identifier: MIT */
/*
 * Nodes that this process may use, also where the kernel refuses to tell. Argument 1: the directory
 * of recorded machines. What seccomp forbids is forbidden in a child alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <numaif.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "numa/allowed.h"

#define CANNOT_FORBID 77 /* exit status of the child */

static struct nn_topology *topology; /* 66 nodes with memory */

/* A cpuset names nodes that are online; a machine of more than 66 has not been seen. */
static void is_what_the_kernel_says(void **state)
{
    unsigned long mask[NN_NODES / (8 * sizeof(long))] = {0};
    struct nn_set nodes;

    if (get_mempolicy(NULL, mask, NN_NODES, NULL, MPOL_F_MEMS_ALLOWED) < 0) {
        print_message("missing: get_mempolicy, or the right to call it\n");
        skip();
    }
    nn_allowed_here(topology, &nodes);
    for (unsigned node = 0; node < 66; node++)
        assert_int_equal(nn_set_has(&nodes, node), mask[node / 64] >> (node % 64) & 1);
}

static int forbid_get_mempolicy(int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_get_mempolicy, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

/* In the child, with the pipe as stderr: 0 if all nodes are allowed. */
static int ask_in_vain(int error)
{
    struct nn_set here, all;

    if (forbid_get_mempolicy(error) < 0)
        return CANNOT_FORBID;
    nn_allowed_here(topology, &here);
    nn_allowed_all(topology, &all);
    return memcmp(&here, &all, sizeof(all)) == 0 ? 0 : 1;
}

static void assert_quiet_and_all(int error)
{
    int pipe_fds[2], status;
    char said[256];
    pid_t child;

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    fflush(stderr);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipe_fds[1], STDERR_FILENO);
        _exit(ask_in_vain(error));
    }
    close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], said, sizeof(said)), 0);
    close(pipe_fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_FORBID) {
        print_message("missing: seccomp filters\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void refused_by_a_container(void **state)
{
    assert_quiet_and_all(EPERM);
}

static void kernel_without_numa(void **state)
{
    assert_quiet_and_all(ENOSYS);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_the_kernel_says),
        cmocka_unit_test(refused_by_a_container),
        cmocka_unit_test(kernel_without_numa),
    };
    char path[512];
    struct nn_root root;
    int failed;

    snprintf(path, sizeof(path), "%s/many-nodes", argc > 1 ? argv[1] : ".");
    if (nn_root_open(path, &root) < 0 || nn_topology_read(&root, &topology) < 0) {
        fprintf(stderr, "usage: %s DIRECTORY-OF-MACHINES\n", argv[0]);
        return 2;
    }
    nn_root_close(&root);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    nn_topology_free(topology);
    return failed;
}
