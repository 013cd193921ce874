/* SPDX-License-Identifier: MIT */
/*
 * Ordinary memory of a node runs dry in the middle of a commit: the kernel takes the rest from
 * another node without a word, and no receipt may hide that. Takes all memory of node 0, so it is
 * slow, and runs where that node is small. One thread.
 */
#include "guest.h"

/*
 * Sizes around what the node has left, close to each other: one of them ends on another node for
 * its last pages alone, which the kernel does without a word.
 */
static void small_pages_never_lie(const char *backing)
{
    struct hostmem_receipt receipt = {0};
    void *base;
    guest_set("HOSTMEM_BACKING", backing);
    while (receipt.node_given == 0)
        receipt = guest_must_take(0, 48 * MIB, &base);
    for (size_t size = 48 * MIB; size > 4 * MIB && receipt.node_given != 0; size -= size / 32) {
        assert_int_equal(hostmem_release(guest_manager(), base), 0);
        receipt = guest_must_take(0, size / 4096 * 4096, &base);
    }
}

static void base_pages_of_a_spent_node_never_lie(void **state)
{
    (void)state;
    small_pages_never_lie("base");
}

static void transparent_pages_of_a_spent_node_never_lie(void **state)
{
    (void)state;
    small_pages_never_lie("thp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(base_pages_of_a_spent_node_never_lie),
        guest_test(transparent_pages_of_a_spent_node_never_lie),
    };
    return guest_run(tests);
}
