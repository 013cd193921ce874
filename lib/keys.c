/* SPDX-License-Identifier: MIT */
/* What keys there are and what they hold, from the outside. No state: see keys.h. */
#include "lib/keys.h"

#include <limits.h>

/* Giving a key the value that it has changes nothing, and fails for a key that does not exist. */
static bool is_free(pthread_key_t key)
{
    return pthread_setspecific(key, pthread_getspecific(key)) != 0;
}

/* The C library hands out the lowest first, so that the free ones are found at the upper end. */
bool keys_left(size_t count)
{
    size_t found = 0;
    for (pthread_key_t key = PTHREAD_KEYS_MAX; key > 0 && found < count; key--)
        found += is_free(key - 1);
    return found == count;
}

bool keys_below(pthread_key_t limit, bool (*is_ours)(const void *value))
{
    for (pthread_key_t key = 0; key < limit; key++)
        if (is_ours(pthread_getspecific(key)))
            return true;
    return false;
}

void keys_forget(bool (*is_ours)(const void *value))
{
    for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++)
        if (is_ours(pthread_getspecific(key)))
            pthread_setspecific(key, NULL);
}
