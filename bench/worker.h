/* SPDX-License-Identifier: MIT */
/* The process of a side, seen from inside: it does what comes through the pipe. One thread but for
 * those that a job starts; no lock. */
#ifndef HOSTMEM_BENCH_WORKER_H
#define HOSTMEM_BENCH_WORKER_H

/* Until the pipe is closed; its exit status. */
int worker_main(const char *name);

#endif
