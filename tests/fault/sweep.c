/* SPDX-License-Identifier: MIT */
/* Trials, one manager each: set up, let a call fail, judge, try again, tear down. No lock. */
#include "sweep.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "fakes.h"

static int deviations;

void sweep_deviates(const struct trial *t, const char *format, ...)
{
    va_list arguments;
    deviations++;
    fprintf(stderr, "%s; %s; call %lu (%s) gives %d: ", t->scenario->name, t->backings, t->nth,
        t->nth ? t->rig->name(t->nth) : "-", t->error);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static int set_up(const struct trial *t, struct stage *ret_stage)
{
    *ret_stage = (struct stage){.leave = t->rig->leave};
    t->rig->disarm();
    assert_int_equal(t->rig->open(t, &ret_stage->manager), 0);
    return t->scenario->prepare ? t->scenario->prepare(ret_stage) : 0;
}

static void check(const struct trial *t, struct stage *stage)
{
    if (stage_unsound(stage) || fakes_unsound(stage->manager))
        sweep_deviates(t, "a region or a window is broken");
    t->rig->check(t, stage);
}

static void check_sight(
    const struct trial *t, struct stage *stage, const struct sight *wanted, const char *what)
{
    static struct sight now;
    stage_look(stage, &now);
    const char *difference = sight_difference(wanted, &now);
    if (difference)
        sweep_deviates(t, "%s: %s", what, difference);
}

static void tear_down(const struct trial *t, struct stage *stage)
{
    if (stage_clear(stage))
        sweep_deviates(t, "a region cannot be released");
    size_t left = fakes_committed(stage->manager, -1);
    if (left != 0)
        sweep_deviates(t, "%zu bytes are committed without a region", left);
    t->rig->check(t, stage);
    hostmem_destroy(stage->manager);
    t->rig->end(t);
}

/* What hp.h does not promise of an operation is passed on as it is. */
static bool expected(const struct trial *t, int error)
{
    return error == t->error || error == -ENOMEM || error == -ENOBUFS || error == -EINVAL ||
           error == -EOPNOTSUPP || error == -EADDRNOTAVAIL;
}

/* What the call leaves when nothing fails; false: it is refused, so there is nothing to sweep. */
static bool succeed(struct trial t, struct sight *ret_after)
{
    struct stage stage;
    t.nth = 0;
    int result = set_up(&t, &stage);
    t.rig->arm(&t);
    if (!result)
        result = t.scenario->run(&stage);
    t.rig->disarm();
    if (result && !(t.rig->poor && result == -ENOMEM))
        sweep_deviates(&t, "fails with %d where nothing fails", result);
    stage_look(&stage, ret_after);
    check(&t, &stage);
    tear_down(&t, &stage);
    return result == 0;
}

static void judge_failure(struct trial *t, struct stage *stage, int result,
    const struct sight *before, const struct sight *after)
{
    if (!expected(t, result))
        sweep_deviates(t, "the error is %d", result);
    check_sight(t, stage, before, "failure");
    /* A refusal to bind is believed from then on; here it was for once. */
    atomic_store(&stage->manager->bind_refused, false);
    atomic_store(&stage->manager->locate_refused, false);
    result = t->scenario->run(stage);
    if (result)
        sweep_deviates(t, "fails again with %d", result);
    else
        check_sight(t, stage, after, "success later");
    check(t, stage);
}

/* False: the call made fewer calls of its own. */
static bool fail_nth(struct trial *t, const struct sight *after)
{
    static struct sight before;
    struct stage stage;
    assert_int_equal(set_up(t, &stage), 0);
    stage_look(&stage, &before);
    size_t committed = fakes_committed(stage.manager, -1);
    t->rig->arm(t);
    int result = t->scenario->run(&stage);
    bool failed = t->rig->failed();
    t->rig->disarm();
    if (failed)
        check(t, &stage);
    if (failed && result && fakes_committed(stage.manager, -1) != committed)
        sweep_deviates(t, "%zu bytes are committed, before %zu", fakes_committed(stage.manager, -1),
            committed);
    if (failed && result)
        judge_failure(t, &stage, result, &before, after);
    else if (failed)
        check_sight(t, &stage, after, "success");
    tear_down(t, &stage);
    return failed;
}

static unsigned first_backing(const char *backings)
{
    if (strncmp(backings, "hugetlb", 7) == 0)
        return FOR_HUGETLB;
    return strncmp(backings, "thp", 3) == 0 ? FOR_THP : FOR_BASE;
}

/* HM_TEST_SCALE below 100 leaves one scenario in so many, others for each sweep of a program. */
static bool is_left_out(void)
{
    static size_t turn;
    size_t percent = dice_scaled(100) - 1;
    size_t stride = percent && percent < 100 ? 100 / percent : 1;
    return turn++ % stride != 0;
}

int sweep_all(const struct rig *rig, const char *backings, int error)
{
    static struct sight after;
    deviations = 0;
    for (size_t i = 0; i < scenario_count; i++) {
        struct trial t = {rig, &scenarios[i], backings, error, 0};
        if (!(scenarios[i].backings & first_backing(backings)) || is_left_out() ||
            !succeed(t, &after))
            continue;
        for (t.nth = 1; fail_nth(&t, &after); t.nth++)
            ;
    }
    return deviations;
}
