/* SPDX-License-Identifier: MIT */
/*
 * Who may serve a request, on recorded machines of several nodes: nodes in distance order, backings
 * in the configured one, HOSTMEM_SPILL and HOSTMEM_POLICY. The argument is the folder of recorded
 * machines.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include <hostmem/hostmem.h>

#include "fakes.h"
#include "lib/offer.h"

static const char *machines;
static struct hostmem *manager;

static const char *recorded(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", machines, name);
    return path;
}

static void open_at(const char *sysroot, const struct setting_text *settings)
{
    fakes_reset(64 * MIB);
    assert_int_equal(fakes_open(sysroot, settings, &manager), 0);
}

#define OPEN(name, ...)                                                                            \
    open_at(recorded(name), (const struct setting_text[]){__VA_ARGS__, {NULL, NULL}})

/* The offers to a node as text: "0h 0b 1b". */
static const char *offered(int node, unsigned backings)
{
    static char text[256];
    struct offers offers = offers_for(node_by_id(manager, node), backings);
    struct offer offer;
    text[0] = '\0';
    while (offers_next(&offers, &offer))
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d%c", *text ? " " : "",
            offer.node->id, "htb"[offer.backing]);
    assert_false(offers_next(&offers, &offer));
    return text;
}

static void near_nodes_come_first(void **state)
{
    OPEN("snc2", {"BACKING", "hugetlb,thp,base"});
    assert_string_equal(offered(0, OFFER_ANY), "0b 1b 2b 3b");
    assert_string_equal(offered(1, OFFER_ANY), "1b 0b 2b 3b");
    assert_string_equal(offered(3, OFFER_ANY), "3b 2b 0b 1b");
    assert_string_equal(offered(3, OFFER_HUGE), "");
    hostmem_destroy(manager);
    OPEN("hbm", {"BACKING", "base"});
    assert_string_equal(offered(1, OFFER_ANY), "1b 2b 0b 3b");
    hostmem_destroy(manager);
}

static void numbers_may_have_holes(void **state)
{
    OPEN("holes", {"BACKING", "base"});
    assert_string_equal(offered(255, OFFER_ANY), "255b 5b 2b 0b");
    assert_string_equal(offered(0, OFFER_EXACT), "0b 2b 5b 255b");
    hostmem_destroy(manager);
}

/* Each node with all its backings before the next node; huge pages where there are any. */
static void backings_come_in_their_order(void **state)
{
    OPEN("two-sockets", {"BACKING", "base,hugetlb"});
    assert_string_equal(offered(0, OFFER_ANY), "0b 0h 1b 1h");
    assert_string_equal(offered(1, OFFER_ANY), "1b 1h 0b 0h");
    assert_string_equal(offered(1, OFFER_EXACT), "1b 0b");
    assert_string_equal(offered(1, OFFER_HUGE), "1h 0h");
    hostmem_destroy(manager);
    OPEN("memory-only", {"BACKING", "hugetlb,base"});
    assert_string_equal(offered(0, OFFER_ANY), "0b 1b 2h 2b");
    hostmem_destroy(manager);
}

static void transparent_pages_need_a_kernel_that_has_them(void **state)
{
    struct machine machine = {.nodes = 2, .huge = {4, 0}, .thp = true};
    for (int thp = 0; thp < 2; thp++) {
        machine.thp = thp;
        const char *sysroot = machine_write(&machine);
        open_at(
            sysroot, (const struct setting_text[]){{"BACKING", "hugetlb,thp,base"}, {NULL, NULL}});
        assert_string_equal(offered(0, OFFER_ANY), thp ? "0h 0t 0b 2t 2b" : "0h 0b 2b");
        assert_int_equal(
            offer_backings(manager, OFFER_ANY), thp ? OFFER_ANY : OFFER_HUGE | OFFER_EXACT);
        hostmem_destroy(manager);
        machine_remove(sysroot);
    }
}

static void without_spill_there_is_the_home_alone(void **state)
{
    OPEN("snc2", {"BACKING", "base"}, {"SPILL", "0"});
    assert_string_equal(offered(2, OFFER_ANY), "2b");
    hostmem_destroy(manager);
    OPEN("two-sockets", {"BACKING", "hugetlb,base"}, {"SPILL", "0"});
    assert_string_equal(offered(1, OFFER_ANY), "1h 1b");
    hostmem_destroy(manager);
}

static void bind_offers_its_list_and_the_home(void **state)
{
    OPEN("snc2", {"BACKING", "base"}, {"POLICY", "bind:0,3"});
    assert_string_equal(offered(0, OFFER_ANY), "0b 3b");
    assert_string_equal(offered(1, OFFER_ANY), "1b 0b 3b");
    assert_string_equal(offered(3, OFFER_ANY), "3b 0b");
    hostmem_destroy(manager);
    OPEN("snc2", {"BACKING", "base"}, {"POLICY", "bind:0,3"}, {"SPILL", "0"});
    assert_string_equal(offered(1, OFFER_ANY), "1b");
    hostmem_destroy(manager);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_nodes_come_first),
        cmocka_unit_test(numbers_may_have_holes),
        cmocka_unit_test(backings_come_in_their_order),
        cmocka_unit_test(transparent_pages_need_a_kernel_that_has_them),
        cmocka_unit_test(without_spill_there_is_the_home_alone),
        cmocka_unit_test(bind_offers_its_list_and_the_home),
    };
    machines = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
