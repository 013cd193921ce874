/* SPDX-License-Identifier: MIT */
/*
 * Amounts of memory as people write them: a size ("4G"), a share of a node ("50%"), or one of these
 * for each of some nodes ("0=4G,1=50%"). Values without ownership; pure functions; no lock. What is
 * read is exact: decimal digits and one unit, with no sign, no space and nothing behind.
 */
#ifndef HOSTMEM_AMOUNT_H
#define HOSTMEM_AMOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/text.h"

enum amount_kind { AMOUNT_NONE, AMOUNT_BYTES, AMOUNT_PERCENT };

/* The largest size that is read: rounded up to any page, or added to another, it does not wrap. */
#define AMOUNT_BYTES_MAX ((uint64_t)INT64_MAX)

struct amount {
    enum amount_kind kind;
    uint64_t value; /* bytes up to AMOUNT_BYTES_MAX, or percent of the node's memory (0..100) */
};

#define AMOUNTS_LISTED 64 /* most nodes in a list */

/* An amount for each node: the same for all, or a list. Zeroed, it says nothing of any node. */
struct node_amounts {
    struct amount all; /* AMOUNT_NONE where there is a list */
    size_t listed;
    struct {
        int node;
        struct amount amount;
    } list[AMOUNTS_LISTED]; /* in the order written, each node once */
};

/* "4096", "4K", "4KiB" (K, M, G, T: powers of 1024) or "50%". -EINVAL: anything else, or too large.
 */
int amount_parse(const char *text, struct amount *ret_amount);

/* An amount, or a list "node=amount,..." with node < NN_NODES. -EINVAL: anything else. */
int amounts_parse(const char *text, struct node_amounts *ret_amounts);

/* What is said of a node; AMOUNT_NONE: nothing is. */
struct amount amounts_of(const struct node_amounts *amounts, int node);

/* In bytes, for a node of that size; percentages are rounded down. The amount is not AMOUNT_NONE.
 */
uint64_t amount_bytes(struct amount amount, uint64_t node_bytes);

/* Write what the functions above read, in the largest unit that is exact. AMOUNT_NONE: nothing. */
void amount_print(struct amount amount, struct text *text);
void amounts_print(const struct node_amounts *amounts, struct text *text);

#endif
