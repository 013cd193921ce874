/* SPDX-License-Identifier: MIT */
/* What happens when a structure of ours is found broken: one fixed message, then SIGABRT. No lock.
 */
#include "lib/check.h"

#include <stdlib.h>

#include "lib/log.h"

void check_failed(const char *what, const char *file, int line)
{
    log_fatal("corrupted: %s (%s:%d)", what, file, line);
    abort();
}
