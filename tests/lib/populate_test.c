/* SPDX-License-Identifier: MIT */
/*
 * A sample that is taken while memory is being populated says so: on fakes whose populating takes
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hostmem/hostmem.h>

#include "fakes.h"

#define SIZE (8 * MIB)

static struct hostmem *manager;
static struct sample within;
static int samples;

static int populate_and_sample(void *base, size_t size)
{
    struct shared shared = sample_shared(manager);
    samples += sample_take(&manager->nodes[0], &shared, &within) == 0;
    return hp_fake.populate(base, size);
}

static struct sample sample_now_of_node(void)
{
    struct sample sample;
    struct shared shared = sample_shared(manager);
    assert_int_equal(sample_take(&manager->nodes[0], &shared, &sample), 0);
    return sample;
}

static void samples_in_the_middle(void **state)
{
    static const struct machine machine = {.nodes = 1, .huge = {32}, .thp = true};
    const struct setting_text settings[] = {{"BACKING", "hugetlb"}, {NULL, NULL}};
    struct hostmem_request request = {.size = SIZE,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW};
    const char *sysroot = machine_write(&machine);
    void *first, *second;
    fakes_reset(64 * MIB);
    int (*populate)(void *, size_t) = fakes_rw.populate;
    fakes_rw.populate = populate_and_sample;
    assert_int_equal(fakes_open(sysroot, settings, &manager), 0);
    assert_int_equal(hostmem_reserve(manager, &request, &first, NULL), 0);
    assert_int_equal(samples, 1);
    assert_int_equal(within.populating, SIZE);
    assert_int_equal(within.committed, SIZE);
    assert_int_equal(hostmem_reserve(manager, &request, &second, NULL), 0);
    assert_int_equal(samples, 2);
    assert_int_equal(within.populating, SIZE);
    assert_int_equal(within.committed, 2 * SIZE);
    struct sample after = sample_now_of_node();
    assert_int_equal(after.populating, 0);
    assert_int_equal(after.committed, 2 * SIZE);
    fakes_rw.populate = populate;
    hostmem_destroy(manager);
    machine_remove(sysroot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples_in_the_middle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
