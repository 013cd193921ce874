/* SPDX-License-Identifier: MIT */
/*
 * The node of a request that names none, as HOSTMEM_POLICY says it. A value without pointers; {0}
 * is "local". Pure functions; no lock.
 */
#ifndef HOSTMEM_POLICY_H
#define HOSTMEM_POLICY_H

#include "lib/text.h"
#include "numa/cpulist.h"

enum policy_kind { POLICY_LOCAL, POLICY_INTERLEAVE, POLICY_BIND, POLICY_PREFERRED };

struct policy {
    enum policy_kind kind;
    int preferred;      /* of POLICY_PREFERRED: a node, else 0 */
    struct nn_set bind; /* of POLICY_BIND: nodes, at least one; else empty */
};

/* "local", "interleave", "bind:0,2-3" or "preferred:1". -EINVAL: anything else. */
int policy_parse(const char *text, struct policy *ret_policy);

/* Writes what policy_parse() reads as that policy. */
void policy_print(const struct policy *policy, struct text *text);

/* Writes which texts policy_parse() reads, in words. */
void policy_allowed(struct text *text);

#endif
