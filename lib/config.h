/* SPDX-License-Identifier: MIT */
/*
 * Configuration: one table of HOSTMEM_ variables makes the structure, the parser and the printout.
 * Read once, with secure_getenv, into a structure that never changes afterwards; no lock.
 */
#ifndef HOSTMEM_CONFIG_H
#define HOSTMEM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_NODES 1024 /* node numbers are 0..1023, as in the kernel's largest configuration */

/* An amount of memory for each node: bytes, or percent of the node's memory. */
struct amount {
    enum { AMOUNT_NONE, AMOUNT_BYTES, AMOUNT_PERCENT } kind;
    uint64_t value;
};
struct node_amounts {
    struct amount all; /* for nodes that the list does not name; AMOUNT_NONE: the variable's default */
    size_t listed;
    struct {
        int node;
        struct amount amount;
    } list[64];
};

enum policy_kind { POLICY_LOCAL, POLICY_INTERLEAVE, POLICY_BIND, POLICY_PREFERRED };
struct policy {
    enum policy_kind kind;
    int preferred;                         /* of POLICY_PREFERRED */
    uint64_t bind[CONFIG_NODES / 64];      /* of POLICY_BIND: a bit for each node */
};

struct backings { /* HOSTMEM_BACKING: in order of preference, each at most once */
    size_t count;
    unsigned char order[3]; /* enum hp_backing */
};
