/* SPDX-License-Identifier: MIT */
/*
 * One line of /proc/<pid>/mountinfo. Pure functions over the caller's text. No lock.
 */
#ifndef NUMA_MOUNTINFO_H
#define NUMA_MOUNTINFO_H

#include <stdbool.h>

/* All point into the line that was parsed. */
struct nn_mount {
    const char *root;    /* the directory of the file system that is mounted: "/" or a sub-tree */
    const char *point;   /* where */
    const char *type;    /* of the file system */
    const char *options; /* of the file system, not of this mount: controllers of cgroup v1 */
};

/* Cuts the line into its fields and undoes the kernel's \040. -EINVAL: it has not got them. */
int nn_mount_parse(char *line, struct nn_mount *ret_mount);

/* Whether a list of words with commas between them has this word. */
bool nn_mount_lists(const char *words, const char *word);

#endif
