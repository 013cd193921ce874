/* SPDX-License-Identifier: MIT */
/*
 * What passes between the bench and the process of a side: orders one way, answers the other, each
 * of fixed size, an answer with its samples behind it. Plain data; no lock.
 */
#ifndef HOSTMEM_BENCH_ORDER_H
#define HOSTMEM_BENCH_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_CPUS    512 /* threads of one side at most */
#define ORDER_SAMPLES 4096
#define ORDER_SAID    120

enum job {
    JOB_OPEN,      /* get ready for the order that follows */
    JOB_CHURN,     /* get, write, give back */
    JOB_FIRST,     /* reserve, commit the first page, write it, release */
    JOB_COMMIT,    /* commit somewhere in a large reservation, write, decommit */
    JOB_TAIL,      /* reserve and commit, each by itself; the release is not timed */
    JOB_THREADS,   /* like JOB_CHURN, by several threads at a time */
    JOB_QUERY,     /* ask about an address */
    JOB_LOAD,      /* ask how full memory is */
    JOB_FOOTPRINT, /* resident memory that a reservation costs */
    JOB_CHASE,     /* loads each of which needs the one before */
    JOB_READ,      /* bandwidth */
    JOB_WRITE,
    JOB_COPY,
    JOBS
};

/* Which words an operation writes. */
enum touch { TOUCH_FIRST, TOUCH_PAGES };

struct order {
    enum job job;
    enum touch touch;
    size_t size;
    unsigned alive;     /* regions, or blocks, that are held at the same time */
    unsigned places;    /* JOB_COMMIT: different places that blocks go to */
    unsigned ops;       /* of a sample; 0: find out how many make a measurable time */
    unsigned samples;   /* at most, */
    uint64_t budget_ns; /* and until this time is spent; 0: exactly so many */
    uint64_t pause_ns;  /* before each sample */
    bool stocked;       /* JOB_CHURN: as many regions as a sample takes are there beforehand */
    int node;           /* of the memory; -1: local */
    int home;           /* node of the first CPU, where there are several; else -1 */
    unsigned threads;
    int16_t cpus[ORDER_CPUS]; /* of the threads; the first is the process's */
};

struct answer {
    int error;    /* 0, or the order could not be carried out, for the reason in `said` */
    unsigned ops; /* that a sample is of */
    unsigned count;
    double faults;         /* page faults of the thread, in all samples */
    char said[ORDER_SAID]; /* of JOB_OPEN: the backing, or "" */
};

_Static_assert(sizeof(struct order) <= 4096, "a write to a pipe is one piece");

#endif
