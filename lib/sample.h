/* SPDX-License-Identifier: MIT */
/*
 * A sample: what stops a node, or the machine, from giving more memory, as the kernel's files had
 * it at one moment. It is taken now and then by a watcher, published in two copies (latch.h), and
 * judged together with what the pools have committed since, so that a load is true to the last
 * commit although no file is read. Invariant: left <= total in every room. Lock: none for readers;
 * a book has one writer, its watcher.
 */
#ifndef HOSTMEM_SAMPLE_H
#define HOSTMEM_SAMPLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <hostmem/hostmem.h>

#include "lib/latch.h"

struct hostmem;
struct node;

/* An amount of memory and what is left of it; a limit that there is not has a total of UINT64_MAX.
 */
struct room {
    uint64_t total, left;
};

/* In bytes. Idle memory of the library counts as left everywhere: the next commit may have it. */
struct sample {
    struct room memory;  /* of the node itself, or of all nodes */
    struct room cgroup;  /* the fullest memory limit of the process's cgroups */
    struct room huge;    /* huge pages of the node, where nothing but hugetlb may be taken */
    struct room hugetlb; /* the fullest hugetlb limit, where nothing but hugetlb may be taken */
    uint64_t nearest;    /* the smallest headroom that any cgroup leaves; UINT64_MAX: no limit */
    uint64_t idle_small, idle_huge; /* idle memory that counts for the two kinds of cgroup limits */
    uint64_t committed;             /* by the pool, or all pools, when it was taken */
    uint64_t together;              /* by all pools: they share the limits of the cgroups */
    uint64_t populating;            /* of that: what the files may not have counted yet */
};

/* What is known without a file at the moment of judging. */
struct sample_now {
    struct room pool; /* HOSTMEM_POOL */
    uint64_t committed, together, foreign;
    unsigned sharers; /* nodes: each may use up its part of a shared limit before it is looked at */
};

#define SAMPLE_WORDS (sizeof(struct sample) / sizeof(uint64_t))

struct sample_book {
    struct latch latch;
    _Atomic uint64_t copy[2][SAMPLE_WORDS];
    _Atomic bool written;
};

/* What the nodes share, as in a sample: the limits of the process's cgroups at one moment. */
struct shared {
    struct room cgroup, hugetlb;
    uint64_t nearest, together, populating;
};

/* Reads the files of the cgroups. */
struct shared sample_shared(struct hostmem *manager);

/* Reads the node's files. -ENOENT and the like: its memory cannot be read. */
int sample_take(struct node *node, const struct shared *shared, struct sample *ret_sample);

/* Of no node: what sums begin with. And of one of which nothing is known: it has no limit. */
struct sample sample_none(void);
struct sample sample_unknown(void);

/* Idle memory of a node, of all backings. */
uint64_t sample_warm_bytes(struct node *node);

/* Brings what the nodes share up to date: so much is committed by all pools together now. */
void sample_date(struct sample *sample, uint64_t together);

/* The sum over nodes of the same date; limits that hold for the process are taken once. */
void sample_add(struct sample *sum, const struct sample *sample);

void sample_write(struct sample_book *book, const struct sample *sample);

/* Before anybody reads. */
void sample_forget(struct sample_book *book);

/* false: nothing was written yet. Async-signal-safe; waits for nothing. */
bool sample_read(struct sample_book *book, struct sample *ret_sample);

/* The load: the highest percentage of all rooms, the smallest of what they leave. */
struct hostmem_load sample_judge(const struct sample *sample, const struct sample_now *now);

/*
 * How much more, in bytes, has to be committed until the load may be `percent`; 0 where it is that
 * by now.
 */
uint64_t sample_distance(
    const struct sample *sample, const struct sample_now *now, unsigned percent);

/* How much has to be given back until the load is below `percent`. */
uint64_t sample_excess(const struct sample *sample, const struct sample_now *now, unsigned percent);

#endif
