/* SPDX-License-Identifier: MIT */
/*
 * What is done to a manager while something fails: a list of scenarios, each with what has to be
 * there before and the one call that is swept, and a picture of all that a program can see of its
 * regions. Used over fake backings and over real ones. One thread.
 */
#ifndef HOSTMEM_TESTS_SCENARIO_H
#define HOSTMEM_TESTS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hostmem/hostmem.h>

#define STAGE_REGIONS 3
#define STAGE_PAGES   2560 /* of one region at most: 10 MiB */

/* A range of addresses that the scenario looks at, whether or not there is a region by now. */
struct place {
    char *base; /* NULL: not known yet */
    size_t size;
};

struct stage {
    struct hostmem *manager;
    struct place places[STAGE_REGIONS];
    /* How a scenario makes memory short: the bytes that nodes (or their huge pages) still have. */
    void (*leave)(struct stage *stage, size_t bytes);
};

/* Kinds of backing that a scenario means something for, as bits. */
#define FOR_HUGETLB 1u
#define FOR_THP     2u
#define FOR_BASE    4u
#define FOR_ALL     7u
#define FOR_FRAMES  3u

struct scenario {
    const char *name;
    unsigned backings;
    int (*prepare)(struct stage *stage); /* NULL: nothing */
    int (*run)(struct stage *stage);
    const char *pool; /* HOSTMEM_POOL, or NULL */
    const char *warm; /* HOSTMEM_WARM, or NULL */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* What a program sees of one page. */
struct page_sight {
    uint8_t state, protection;
    uint64_t contents; /* of words of it, where it may be read */
};

struct sight {
    struct page_sight pages[STAGE_REGIONS][STAGE_PAGES];
};

void stage_look(struct stage *stage, struct sight *ret_sight);

/* The first page that differs, as text; NULL: none. */
const char *sight_difference(const struct sight *a, const struct sight *b);

/* Releases what is there; the number of regions that could not be. */
int stage_clear(struct stage *stage);

/* Regions whose structure is broken. */
int stage_unsound(struct stage *stage);

#endif
