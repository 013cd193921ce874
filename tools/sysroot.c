/* SPDX-License-Identifier: MIT */
/* Opens the machine that a command looks at. An empty HOSTMEM_SYSROOT is as none. No lock. */
#include "tools/sysroot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sysroot_open(struct nn_root *ret_root)
{
    const char *recorded = secure_getenv("HOSTMEM_SYSROOT");
    const char *path = recorded != NULL && *recorded != '\0' ? recorded : "/";
    int r = nn_root_open(path, ret_root);

    if (r < 0)
        fprintf(stderr, "hostmem: HOSTMEM_SYSROOT=%s: %s\n", path, strerror(-r));
    return r;
}
