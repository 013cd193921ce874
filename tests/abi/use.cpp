// SPDX-License-Identifier: MIT
// A user's program in C++17, the same as use.c.
#include <cstdio>
#include <hostmem/hostmem.h>
#include <memory>

int main()
{
    hostmem *made = nullptr;
    if (int error = hostmem_create(&made)) {
        std::fprintf(stderr, "%s\n", hostmem_strerror(error));
        return 1;
    }
    std::unique_ptr<hostmem, decltype(&hostmem_destroy)> manager(made, hostmem_destroy);

    struct hostmem_request request = {};
    request.size = 1 << 20;
    request.node = HOSTMEM_NODE_LOCAL;
    request.flags = HOSTMEM_COMMIT;
    request.protection = HOSTMEM_PROT_RW;
    struct hostmem_receipt receipt = {}; // a function has that name, too
    void *base = nullptr;
    if (int error = hostmem_reserve(manager.get(), &request, &base, &receipt)) {
        std::fprintf(stderr, "%s\n", hostmem_strerror(error));
        return 1;
    }
    auto *bytes = static_cast<unsigned char *>(base);
    std::printf("fresh %d, ", bytes[request.size - 1]);
    bytes[request.size - 1] = 42;
    std::printf("written %d, committed %zu, ", bytes[request.size - 1], receipt.committed);
    std::printf("version %s\n", hostmem_version());
    return hostmem_release(manager.get(), base) ? 1 : 0;
}
