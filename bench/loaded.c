/* SPDX-License-Identifier: MIT */
/* Loading libraries. See loaded.h. */
#include "bench/loaded.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int loaded_open(
    const char *library, const struct loaded *symbols, size_t count, char ret_said[ORDER_SAID])
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(ret_said, ORDER_SAID, "not installed (%s)", library);
        return -ENOENT;
    }
    for (size_t i = 0; i < count; i++) {
        void *found = dlsym(handle, symbols[i].name);
        if (!found) {
            snprintf(ret_said, ORDER_SAID, "%s has no %s", library, symbols[i].name);
            return -ENOTSUP;
        }
        memcpy(symbols[i].pointer, &found, sizeof(found));
    }
    ret_said[0] = '\0';
    return 0;
}
