/* SPDX-License-Identifier: MIT */
/*
 * The fakes that other tests rest on: the fake's pools balance whatever is done to it, it notices a
 * broken contract, and the failing one fails exactly the call that it was told to.
 */
#include "hp_failing.h"
#include "hp_fake.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct hp_spec frames = {.page_size = 2 * MIB, .fd = -1};
static const struct hp_spec pages = {.page_size = HP_BASE_PAGE, .fd = -1};

static int fresh(void **state)
{
    static const size_t pools[] = {16 * MIB, 8 * MIB};
    (void)state;
    hp_fake_reset(pools, 2);
    return 0;
}

static char *map(size_t size)
{
    void *start;
    assert_int_equal(hp_fake.map(&frames, NULL, size, 2 * MIB, &start), 0);
    assert_int_equal((uintptr_t)start % (2 * MIB), 0);
    return start;
}

static void populate_takes_from_the_bound_node(void **state)
{
    (void)state;
    char *start = map(TIB);
    assert_int_equal(hp_fake_bound_to(start), -ENOENT);
    assert_int_equal(hp_fake.bind(start, TIB, 1), 0);
    assert_int_equal(hp_fake_bound_to(start + GIB), 1);
    assert_int_equal(hp_fake.populate(start, 6 * MIB), 0);
    assert_int_equal(hp_fake.populate(start, 6 * MIB), 0);
    assert_int_equal(hp_fake_free(0), 16 * MIB);
    assert_int_equal(hp_fake_free(1), 2 * MIB);
    assert_int_equal(hp_fake_populated(1), 6 * MIB);
    assert_int_equal(hp_fake_node_of(start + 5 * MIB), 1);
    assert_int_equal(hp_fake_node_of(start + 6 * MIB), -ENOENT);
    assert_int_equal(hp_fake.unmap(start, TIB), 0);
    assert_int_equal(hp_fake_free(1), 8 * MIB);
    assert_int_equal(hp_fake_mapped(), 0);
}

static void a_spent_node_is_no_memory_and_keeps_the_part(void **state)
{
    (void)state;
    char *start = map(10 * MIB);
    assert_int_equal(hp_fake.bind(start, 10 * MIB, 1), 0);
    assert_int_equal(hp_fake.populate(start, 10 * MIB), -ENOMEM);
    assert_int_equal(hp_fake_free(1), 0);
    memset(start, 7, 2 * MIB);
    assert_int_equal(hp_fake.discard(start, 10 * MIB), 0);
    assert_int_equal(hp_fake_free(1), 8 * MIB);
    assert_int_equal(hp_fake.populate(start, 2 * MIB), 0);
    assert_true(all_bytes(start, 2 * MIB, 0));
}

static void protection_is_real(void **state)
{
    (void)state;
    char *start = map(4 * MIB);
    assert_int_equal(hp_fake.protect(start, 2 * MIB, HP_READ), 0);
    assert_int_equal(touch_write(start, 1), SIGSEGV);
    assert_int_equal(touch_write(start + 2 * MIB, 1), 0);
    assert_int_equal(hp_fake.populate(start, 4 * MIB), -EINVAL);
}

static void replace_needs_the_new_before_it_gives_the_old(void **state)
{
    (void)state;
    char *start = map(6 * MIB), *middle = start + 2 * MIB;
    assert_int_equal(hp_fake.populate(start, 6 * MIB), 0);
    memset(start, 7, 6 * MIB);
    hp_fake_set_free(0, MIB);
    assert_int_equal(hp_fake_base.replace(&pages, middle, 2 * MIB, 0, true), -ENOMEM);
    assert_true(all_bytes(start, 6 * MIB, 7));
    assert_int_equal(hp_fake_base.replace(&pages, middle, 2 * MIB, 1, true), 0);
    assert_int_equal(hp_fake_free(0), 3 * MIB);
    assert_int_equal(hp_fake_free(1), 6 * MIB);
    assert_int_equal(hp_fake_node_of(middle + HP_BASE_PAGE), 1);
    assert_int_equal(touch_write(middle, 1), SIGSEGV);
    assert_int_equal(hp_fake_base.protect(middle, HP_BASE_PAGE, HP_RW), 0);
    assert_int_equal(hp_fake_base.discard(middle + HP_BASE_PAGE, HP_BASE_PAGE), 0);
    assert_int_equal(hp_fake_free(1), 6 * MIB + HP_BASE_PAGE);
    assert_int_equal(hp_fake.replace(&frames, middle, 2 * MIB, 0, false), 0);
    assert_int_equal(hp_fake_populated(-1), 4 * MIB);
    assert_int_equal(touch_write(middle, 1), 0);
}

static void locate_and_bind_answer_from_the_pools(void **state)
{
    (void)state;
    char *start = map(4 * MIB);
    void *asked[2] = {start, start + 2 * MIB};
    int nodes[2];
    hp_fake_refuse_bind(-EPERM);
    assert_int_equal(hp_fake.bind(start, 4 * MIB, 1), -EPERM);
    assert_int_equal(hp_fake.populate(start, 2 * MIB), 0);
    assert_int_equal(hp_fake_locate(asked, 2, nodes), 0);
    assert_true(nodes[0] == 0 && nodes[1] == -ENOENT);
    struct hp_fake_calls calls = hp_fake_calls();
    assert_true(calls.map == 1 && calls.bind == 1 && calls.populate == 1 && calls.locate == 1);
    assert_true(calls.unmap == 0 && calls.discard == 0 && calls.protect == 0 && calls.replace == 0);
}

static void populate_part_of_a_frame(char *start)
{
    hp_fake.populate(start, HP_BASE_PAGE);
}

static void discard_beyond_the_end(char *start)
{
    hp_fake.discard(start + 2 * MIB, 4 * MIB);
}

static void assert_aborts(void (*misuse)(char *start))
{
    char *start = map(4 * MIB);
    pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        misuse(start);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_broken_contract_aborts(void **state)
{
    (void)state;
    assert_aborts(populate_part_of_a_frame);
    assert_aborts(discard_beyond_the_end);
}

/* Random operations on single frames against one byte per frame. */
static void pools_balance_at_random(void **state)
{
    enum { FRAMES = 16 };
    (void)state;
    unsigned seed = 20240611;
    char *start = map(FRAMES * 2 * MIB);
    bool there[FRAMES] = {false};
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        int frame = rand_r(&seed) % FRAMES;
        char *at = start + (size_t)frame * 2 * MIB;
        switch (rand_r(&seed) % 4) {
        case 0:
            assert_int_equal(hp_fake.bind(at, 2 * MIB, rand_r(&seed) % 2), 0);
            break;
        case 1:
            there[frame] |= hp_fake.populate(at, 2 * MIB) == 0;
            break;
        case 2:
            assert_int_equal(hp_fake.discard(at, 2 * MIB), 0);
            there[frame] = false;
            break;
        default:
            if (hp_fake.replace(&frames, at, 2 * MIB, rand_r(&seed) % 2, true) == 0)
                there[frame] = true;
        }
        count = 0;
        for (int i = 0; i < FRAMES; i++)
            count += there[i];
        assert_int_equal(hp_fake_populated(-1), count * 2 * MIB);
        assert_int_equal(hp_fake_free(0) + hp_fake_free(1), 24 * MIB - count * 2 * MIB);
    }
}

static int scenario(const struct hp_ops *ops, const struct hp_ops *other)
{
    void *start;
    int r = ops->map(&frames, NULL, 4 * MIB, 2 * MIB, &start);
    if (r == 0)
        r = ops->bind(start, 4 * MIB, 0);
    if (r == 0)
        r = ops->populate(start, 4 * MIB);
    if (r == 0)
        r = other->replace(&pages, start, 2 * MIB, 0, true);
    if (r == 0)
        r = other->protect(start, 2 * MIB, HP_RW);
    if (r == 0)
        r = ops->discard(start, 4 * MIB);
    if (r == 0)
        r = ops->unmap(start, 4 * MIB);
    return r;
}

static void every_call_fails_in_turn(void **state)
{
    (void)state;
    const struct hp_ops *ops = hp_failing_wrap(HP_HUGETLB, &hp_fake);
    const struct hp_ops *other = hp_failing_wrap(HP_BASE, &hp_fake_base);
    assert_int_equal(ops->at_rest, HP_RW);
    assert_int_equal(other->at_rest, HP_NONE);
    for (unsigned long nth = 1; nth <= 7; nth++) {
        hp_failing_at(nth, -EIO);
        assert_int_equal(scenario(ops, other), -EIO);
        assert_int_equal(hp_failing_seen(), nth);
        fresh(NULL);
    }
    hp_failing_at(8, -EIO);
    assert_int_equal(scenario(ops, other), 0);
    assert_int_equal(hp_failing_seen(), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(populate_takes_from_the_bound_node, fresh),
        cmocka_unit_test_setup(a_spent_node_is_no_memory_and_keeps_the_part, fresh),
        cmocka_unit_test_setup(protection_is_real, fresh),
        cmocka_unit_test_setup(replace_needs_the_new_before_it_gives_the_old, fresh),
        cmocka_unit_test_setup(locate_and_bind_answer_from_the_pools, fresh),
        cmocka_unit_test_setup(a_broken_contract_aborts, fresh),
        cmocka_unit_test_setup(pools_balance_at_random, fresh),
        cmocka_unit_test_setup(every_call_fails_in_turn, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
