/* SPDX-License-Identifier: MIT */
/* When a change of memory pressure is announced. Invariant: pressure.h; and what is urgent is kept
 * for later only while the level is not Low. No lock. */
#include "lib/pressure.h"

#define NS_PER_MS UINT64_C(1000000)

_Static_assert(UINT32_MAX *NS_PER_MS < UINT64_MAX / 2, "every span fits into nanoseconds");

struct pressure pressure_begin(void)
{
    return (struct pressure){.level = PRESSURE_NEUTRAL};
}

/* The level that the load asks for; between the thresholds it depends on where it comes from. */
static enum pressure_level level_at(
    const struct pressure *state, const struct pressure_rules *rules, unsigned percent)
{
    unsigned low = state->level == PRESSURE_LOW ? rules->low_leave : rules->low_enter;
    unsigned high = state->level == PRESSURE_HIGH ? rules->high_leave : rules->high_enter;

    if (state->urgent || percent >= low)
        return PRESSURE_LOW;
    return percent < high ? PRESSURE_HIGH : PRESSURE_NEUTRAL;
}

/* What is left of a span of time that began at `since`, which may seem to lie ahead. */
static uint64_t left(uint64_t since, unsigned span_ms, uint64_t now)
{
    uint64_t elapsed = now > since ? now - since : 0;
    uint64_t span = span_ms * NS_PER_MS;

    return elapsed < span ? span - elapsed : 0;
}

static uint64_t until_change(
    const struct pressure *state, const struct pressure_rules *rules, uint64_t now)
{
    return state->sequence == 0 ? 0 : left(state->changed_at, rules->hold_ms, now);
}

static uint64_t until_repeat(
    const struct pressure *state, const struct pressure_rules *rules, uint64_t now)
{
    if (state->level != PRESSURE_LOW || rules->repeat_ms == 0)
        return UINT64_MAX;
    return left(state->said_at, rules->repeat_ms, now);
}

/* Else a clock that went back would stretch a hold by as much. */
static void follow_clock(struct pressure *state, uint64_t now)
{
    if (state->changed_at > now)
        state->changed_at = now;
    if (state->said_at > now)
        state->said_at = now;
}

static bool change(struct pressure *state, const struct pressure_rules *rules, uint64_t now,
    enum pressure_level level)
{
    if (until_change(state, rules, now) > 0)
        return false;
    state->level = level;
    state->changed_at = now;
    return true;
}

bool pressure_step(struct pressure *state, const struct pressure_rules *rules, uint64_t now_ns,
    struct pressure_sample sample)
{
    follow_clock(state, now_ns);
    state->urgent |= sample.urgent;
    enum pressure_level level = level_at(state, rules, sample.percent);
    bool say = level == state->level ? until_repeat(state, rules, now_ns) == 0
                                     : change(state, rules, now_ns, level);
    if (state->level == PRESSURE_LOW)
        state->urgent = false;
    if (say) {
        state->said_at = now_ns;
        state->sequence++;
    }
    return say;
}

uint64_t pressure_wait(const struct pressure *state, const struct pressure_rules *rules,
    uint64_t now_ns, unsigned percent)
{
    if (level_at(state, rules, percent) != state->level)
        return until_change(state, rules, now_ns);
    return until_repeat(state, rules, now_ns);
}
