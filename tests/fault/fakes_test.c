/* SPDX-License-Identifier: MIT */
/*
 * The sweep over fake backings: every operation of hp.h fails in turn, with the errors that the
 * kernel might give, on a machine of four nodes. The fakes count, so what they gave must always be
 * what the pools know of, node by node. Making a manager is swept as well.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fakes.h"
#include "hp_failing.h"
#include "noting.h"
#include "sweep.h"

static const char *sysroot, *small_sysroot;
static unsigned long wanted; /* the call that is to fail */

static int rig_open(const struct trial *t, struct hostmem **ret_manager)
{
    const struct scenario *s = t->scenario;
    struct setting_text settings[] = {{"BACKING", t->backings}, {s->pool ? "POOL" : "-", s->pool},
        {s->warm ? "WARM" : "-", s->warm}, {NULL, NULL}};
    fakes_reset(64 * MIB);
    return fakes_open(sysroot, settings, ret_manager);
}

static void rig_leave(struct stage *stage, size_t bytes)
{
    hp_fake_set_free(0, bytes);
}

/* Calls are noted where none fails: the others are the same up to the failure. */
static void rig_arm(const struct trial *t)
{
    wanted = t->nth;
    if (wanted == 0)
        noting_begin();
    hp_failing_at(t->nth, t->error);
}

static void rig_disarm(void)
{
    noting_end();
    hp_failing_at(0, 0);
}

static bool rig_failed(void)
{
    return hp_failing_seen() >= wanted;
}

/* Of discard alone nobody can say that the memory is gone: it stays until it is used again. */
static size_t slack_of(const struct trial *t)
{
    return t->nth && strcmp(noting_name(t->nth), "discard") == 0 ? 8 * MIB : 0;
}

static void rig_check(const struct trial *t, struct stage *stage)
{
    for (int i = 0; i < MACHINE_NODES; i++) {
        size_t known = fakes_committed(stage->manager, i) + fakes_warm(stage->manager, i);
        size_t given = hp_fake_populated(machine_ids[i]);
        if (given < known || given > known + slack_of(t))
            sweep_deviates(
                t, "node %d gave %zu bytes, %zu are accounted for", machine_ids[i], given, known);
    }
}

static void rig_end(const struct trial *t)
{
    if (hp_fake_mapped() != 0 || hp_fake_populated(-1) != 0)
        sweep_deviates(t, "%zu bytes are mapped after the end", hp_fake_mapped());
}

static const struct rig rig = {
    .open = rig_open,
    .leave = rig_leave,
    .arm = rig_arm,
    .disarm = rig_disarm,
    .failed = rig_failed,
    .name = noting_name,
    .check = rig_check,
    .end = rig_end,
};

static void no_memory(void **state)
{
    assert_int_equal(sweep_all(&rig, *state, -ENOMEM), 0);
}

static void not_permitted(void **state)
{
    assert_int_equal(sweep_all(&rig, *state, -EPERM), 0);
}

static void refused(void **state)
{
    assert_int_equal(sweep_all(&rig, *state, -EINVAL), 0);
}

/* Opening a manager that populates memory, on one node: of several, recorded ones are not bound. */
static void making_a_manager(void **state)
{
    static const struct setting_text settings[] = {
        {"BACKING", "hugetlb,thp,base"}, {"PREFAULT", "6M"}, {NULL, NULL}};
    struct hostmem *manager = NULL;
    for (unsigned long nth = 1, seen = nth; seen >= nth; nth++) {
        fakes_reset(64 * MIB);
        hp_failing_at(nth, -ENOMEM);
        int error = fakes_open(small_sysroot, settings, &manager);
        seen = hp_failing_seen();
        hp_failing_at(0, 0);
        assert_true(error == 0 || error == -ENOMEM);
        assert_true(error == 0 || seen >= nth);
        if (error == 0) {
            assert_int_equal(fakes_warm(manager, 0), 6 * MIB);
            assert_int_equal(fakes_committed(manager, 0), 0);
            hostmem_destroy(manager);
        }
        assert_int_equal(hp_fake_populated(-1), 0);
        assert_int_equal(hp_fake_mapped(), 0);
    }
}

static int open_machines(void **state)
{
    static const struct machine machine = {
        .nodes = MACHINE_NODES, .huge = {32, 32, 32, 32}, .thp = true};
    static const struct machine small = {.nodes = 1, .huge = {32}, .thp = true};
    static char paths[2][64];
    snprintf(paths[0], sizeof(paths[0]), "%s", machine_write(&machine));
    snprintf(paths[1], sizeof(paths[1]), "%s", machine_write(&small));
    sysroot = paths[0];
    small_sysroot = paths[1];
    noting_wrap(&fakes_parts);
    return 0;
}

static int close_machines(void **state)
{
    machine_remove(sysroot);
    machine_remove(small_sysroot);
    return 0;
}

#define EACH(test)                                                                                 \
    {#test " of hugetlb", test, NULL, NULL, (char[]){"hugetlb"}},                                  \
        {#test " of all backings", test, NULL, NULL, (char[]){"hugetlb,thp,base"}},                \
        {#test " of thp", test, NULL, NULL, (char[]){"thp"}},                                      \
        {#test " of thp and base", test, NULL, NULL, (char[]){"thp,base"}},                        \
    {                                                                                              \
#test " of base", test, NULL, NULL, (char[])                                               \
        {                                                                                          \
            "base"                                                                                 \
        }                                                                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(no_memory), EACH(not_permitted), EACH(refused), cmocka_unit_test(making_a_manager)};
    return cmocka_run_group_tests(tests, open_machines, close_machines);
}
