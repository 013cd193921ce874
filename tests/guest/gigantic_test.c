/* SPDX-License-Identifier: MIT */
/*
 * Frames of 1 GiB. Runs on the shape whose nodes 0 and 1 have one such page each, and nothing but
 * these; populating one takes seconds there, so no more is done than each test needs. One thread.
 */
#include "guest.h"

#include <errno.h>

static void configure(const char *spill)
{
    guest_set("HOSTMEM_PAGE_SIZE", "1G");
    guest_set("HOSTMEM_BACKING", "hugetlb");
    guest_set("HOSTMEM_SPILL", spill);
}

static struct hostmem_receipt take(int node, size_t size, void **ret_base)
{
    struct hostmem_receipt receipt;
    assert_int_equal(guest_take(node, size, ret_base, &receipt), 0);
    assert_int_equal(guest_locate(*ret_base, 4 * MIB), receipt.node_given);
    assert_int_equal(guest_locate((char *)*ret_base + size - MIB, MIB), receipt.node_given);
    return receipt;
}

static void each_node_gives_its_own(void **state)
{
    (void)state;
    configure("0");
    for (int node = 0; node < 2; node++) {
        struct guest_free before = guest_free_now();
        struct hostmem_receipt receipt;
        void *base;
        receipt = take(node, GIB, &base);
        assert_int_equal(receipt.node_given, node);
        assert_int_equal(receipt.page_size, GIB);
        assert_int_equal(receipt.backing, HOSTMEM_BACKING_HUGETLB);
        assert_int_equal(receipt.verified, 1);
        guest_assert_taken(&before, node, 1);
        assert_int_equal(guest_take(node, 64 * KIB, &base, &receipt), -ENOMEM);
    }
}

static void small_regions_share_one_and_then_spill(void **state)
{
    struct guest_free before = guest_free_now();
    void *base;
    (void)state;
    configure("1");
    for (int i = 0; i < 8; i++)
        assert_int_equal(take(1, 64 * MIB, &base).node_given, 1);
    guest_assert_taken(&before, 1, 1);
    before = guest_free_now();
    struct hostmem_receipt receipt = take(1, GIB, &base);
    assert_int_equal(receipt.node_asked, 1);
    assert_int_equal(receipt.node_given, 0);
    assert_int_not_equal(receipt.reason, HOSTMEM_REASON_NONE);
    guest_assert_taken(&before, 0, 1);
    assert_int_equal(guest_take(0, GIB, &base, &receipt), -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(each_node_gives_its_own),
        guest_test(small_regions_share_one_and_then_spill),
    };
    guest_use_pages(GIB);
    return guest_run(tests);
}
