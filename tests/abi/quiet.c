/* SPDX-License-Identifier: MIT */
/* Makes and ends a manager, and uses memory between; what it prints would be the library's. */
#include <hostmem/hostmem.h>

#include <stddef.h>

int main(void)
{
    struct hostmem_request request = {.size = 1 << 22,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW};
    struct hostmem *manager;
    void *base;

    if (hostmem_create(&manager))
        return 1;
    if (hostmem_reserve(manager, &request, &base, NULL))
        return 2;
    hostmem_destroy(manager);
    return 0;
}
