/* SPDX-License-Identifier: MIT */
/* The subcommands: which works are measured, over which sides. Each can be asked what it would do
 * (plan->dry) before it does it. No lock. */
#ifndef HOSTMEM_BENCH_WORKS_H
#define HOSTMEM_BENCH_WORKS_H

#include "bench/plan.h"

void works_churn(struct plan *plan);
void works_peers(struct plan *plan);
void works_commit(struct plan *plan);
void works_scale(struct plan *plan);
void works_tail(struct plan *plan);
void works_query(struct plan *plan);
void works_calls(struct plan *plan);
void works_chase(struct plan *plan);
void works_stream(struct plan *plan);
void works_all(struct plan *plan);

#endif
