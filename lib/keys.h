/* SPDX-License-Identifier: MIT */
/*
 * The keys of thread-specific data of the process (pthread_key_create), which every pool of heaps
 * takes one of. They are numbered from 0 to PTHREAD_KEYS_MAX - 1 and their destructors run in that
 * order, round after round. Without state; the values looked at are those of the calling thread.
 */
#ifndef HOSTMEM_KEYS_H
#define HOSTMEM_KEYS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether at least so many keys are not in use by anybody. */
bool keys_left(size_t count);

/* Whether the value of a key below `limit` is one that `is_ours` knows. */
bool keys_below(pthread_key_t limit, bool (*is_ours)(const void *value));

/* Sets all values to NULL that `is_ours` knows, so that no destructor sees them. */
void keys_forget(bool (*is_ours)(const void *value));

#endif
