/* SPDX-License-Identifier: MIT */
/*
 * Two ways to zero memory: through the caches, for who is going to use it next, and past them, for
 * memory that nobody needs soon. Neither keeps anything; no lock.
 */
#ifndef HOSTMEM_ZERO_H
#define HOSTMEM_ZERO_H

#include <stddef.h>

/* What the C library does best: it knows the processor. */
void zero_cached(void *base, size_t size);

/*
 * Whole pages, with non-temporal stores where the processor has them: nothing is evicted from the
 * caches, and no line is read before it is written. Visible to other threads when it returns.
 */
void zero_streamed(void *base, size_t size);

#endif
