/* SPDX-License-Identifier: MIT */
/*
 * Cgroups of this machine that a test may do with as it likes, at the top of what it can see:
 * "hostmem-test-PID" with "a" and "b" below, in v2 and in the hierarchies with the memory and the
 * hugetlb controller. Processes go into "a" and "b": v2 has none above those that have controllers.
 * They are removed in whatever way the test ends, and the processes in them are killed. One thread.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <stdbool.h>
#include <sys/types.h>

#define SCRATCH_PATH 512

struct scratch {
    char unified[SCRATCH_PATH]; /* of v2; "" where it is missing */
    char memory[SCRATCH_PATH];  /* with the memory controller, v1 or v2; "" where it is missing */
    char hugetlb[SCRATCH_PATH]; /* with the hugetlb controller likewise */
    bool memory_v2, hugetlb_v2; /* of which kind they are */
    bool enabled_memory;        /* at the top of v2, to be undone */
    bool enabled_hugetlb;
    pid_t child; /* 0: none */
    pid_t guard; /* removes everything when guard_fd is closed */
    int guard_fd;
};

/*
 * cmocka set-up and tear-down: *state is the scratch. A controller of v2 that is off for what is
 * below the top is switched on until the tear-down: memory, and by the second hugetlb, too.
 */
int scratch_setup(void **state);
int scratch_setup_hugetlb(void **state);
int scratch_teardown(void **state);

/* Skips the test where the path is "". */
void scratch_require(const char *path, const char *what);

/*
 * Forks a child that runs `body`, which returns 0, or the line of the check that failed. The second
 * waits for it, and the test fails where the check did.
 */
void scratch_start(struct scratch *scratch, int (*body)(const struct scratch *));
void scratch_run(struct scratch *scratch, int (*body)(const struct scratch *));

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

/* For the child. 0 or -errno: writes a file of a cgroup; moves itself into a cgroup below it. */
int scratch_write(const char *cgroup, const char *name, const char *text);
int scratch_enter(const char *cgroup, const char *below);

/* Removes a cgroup below it. */
int scratch_remove(const char *cgroup, const char *below);

/* Memory of that size, every page touched; NULL where it could not be had. */
char *scratch_touch(size_t size, int flags);

#endif
