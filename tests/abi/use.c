/* SPDX-License-Identifier: MIT */
/*
 * A user's program in C11: a manager, a region, a write and a read. It prints what the test
 * compares; no lock.
 */
#include <hostmem/hostmem.h>

#include <stdio.h>

static int use(struct hostmem *manager)
{
    struct hostmem_request request = {
        .size = 1 << 20, .node = HOSTMEM_NODE_LOCAL, .protection = HOSTMEM_PROT_RW};
    struct hostmem_receipt receipt;
    void *base;
    unsigned char *bytes;
    int error = hostmem_reserve(manager, &request, &base, NULL);

    if (error)
        return error;
    error = hostmem_commit(
        manager, base, request.size, HOSTMEM_PROT_RW, HOSTMEM_TASK_CRITICAL, &receipt);
    if (error)
        return error;
    bytes = base;
    printf("fresh %d, ", bytes[request.size - 1]);
    bytes[request.size - 1] = 42;
    printf("written %d, committed %zu, ", bytes[request.size - 1], receipt.committed);
    return hostmem_release(manager, base);
}

int main(void)
{
    struct hostmem *manager;
    int error = hostmem_create(&manager);

    if (!error)
        error = use(manager);
    if (error) {
        fprintf(stderr, "%s\n", hostmem_strerror(error));
        return 1;
    }
    hostmem_destroy(manager);
    printf("version %s\n", hostmem_version());
    return 0;
}
