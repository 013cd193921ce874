/* SPDX-License-Identifier: MIT */
/*
 * What is promised where the kernel refuses: a child of each test puts on the seccomp filter that
 * containers have (mbind and move_pages are EPERM, or ENOSYS) and its exit status tells.
 */
#include "memory.h"

#include "hugepage/hp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PASSED = 10, NO_SECCOMP, FAILED };

static const struct hp_spec spec = {.page_size = HP_BASE_PAGE, .fd = -1};

static bool refuse(int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_move_pages, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool behaves_when_refused(int error)
{
    void *start;
    int node;
    struct hp_caps caps = hp_probe(0);
    if (caps.bind || caps.locate)
        return false;
    if (hp_thp.map(&spec, NULL, 2 * MIB, 2 * MIB, &start) != 0)
        return false;
    return hp_thp.bind(start, 2 * MIB, 0) == -EPERM && hp_locate(&start, 1, &node) == -error &&
           hp_base.replace(&spec, start, 2 * MIB, 0, true) == 0 &&
           hp_base.bind(start, 2 * MIB, 0) == -EPERM;
}

static void try_refused(int error)
{
    pid_t child = fork();
    if (child == 0) {
        if (!refuse(error))
            _exit(NO_SECCOMP);
        _exit(behaves_when_refused(error) ? PASSED : FAILED);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_SECCOMP) {
        print_message("this process may not install a seccomp filter\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), PASSED);
}

static void works_where_binding_is_forbidden(void **state)
{
    (void)state;
    try_refused(EPERM);
}

static void works_where_binding_is_unknown(void **state)
{
    (void)state;
    try_refused(ENOSYS);
}

static void probe_leaves_nothing_behind(void **state)
{
    (void)state;
    size_t before = map_count();
    struct hp_caps none = hp_probe(1023), wrong = hp_probe(-1);
    assert_false(none.bind || wrong.bind);
    assert_int_equal(map_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_where_binding_is_forbidden),
        cmocka_unit_test(works_where_binding_is_unknown),
        cmocka_unit_test(probe_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
