/* SPDX-License-Identifier: MIT */
/* `hostmem bench`: another program, found beside this one. No state; no lock. */
#ifndef TOOLS_BENCH_CMD_H
#define TOOLS_BENCH_CMD_H

/* Replaces this process by hostmem-bench with the same arguments; returns the exit status if it is
 * not to be found. */
int bench_cmd(int argc, char **argv);

#endif
