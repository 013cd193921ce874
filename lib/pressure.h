/* SPDX-License-Identifier: MIT */
/*
 * When a change of memory pressure is announced: a step decided by (state, rules, now, sample)
 * alone, without a clock. Invariant: `level` is what was announced last; two changes of it are
 * never closer than the hold. What a hold kept back is announced when it ends: a load if it is
 * still so, an urgent sample in any case. No lock: a state belongs to who steps it.
 */
#ifndef HOSTMEM_PRESSURE_H
#define HOSTMEM_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

/* How much memory is available; the numbers of EMemoryAvailable. */
enum pressure_level { PRESSURE_LOW = 1, PRESSURE_NEUTRAL = 2, PRESSURE_HIGH = 3 };

/*
 * Thresholds in percent of load: high_enter <= high_leave <= low_leave <= low_enter. Low begins at
 * low_enter and ends below low_leave; High begins below high_enter and ends at high_leave.
 */
struct pressure_rules {
    unsigned low_enter, low_leave, high_enter, high_leave;
    unsigned hold_ms;   /* shortest time between two changes */
    unsigned repeat_ms; /* a lasting Low is announced again after that long; 0: never */
};

struct pressure_sample {
    unsigned percent; /* of load; more than 100 counts as Low, like 100 */
    bool urgent;      /* memory was short at this moment (an allocation failed or had to wait, the
                         cgroup was at its limit): Low, whatever the load is */
};

struct pressure {
    enum pressure_level level;
    bool urgent;         /* an urgent sample came within the hold and is still to be announced */
    uint64_t changed_at; /* ns; of the last change, once there was one */
    uint64_t said_at;    /* ns; of the last announcement, once there was one */
    uint64_t sequence;   /* announcements so far; each has the number that it raised this to */
};

/* A state of which nothing was announced: Neutral, free to change at once. */
struct pressure pressure_begin(void);

/*
 * Takes a sample. True: state->level is to be announced, because it changed or because a Low goes
 * on that was last announced repeat_ms ago. A first sample that is Neutral is no change. A clock
 * that goes back restarts the running hold and repeat at the most.
 */
bool pressure_step(struct pressure *state, const struct pressure_rules *rules, uint64_t now_ns,
    struct pressure_sample sample);

/*
 * How long after a step, in ns, the next one would announce something if the load stays at
 * `percent` and nothing urgent happens; UINT64_MAX: never.
 */
uint64_t pressure_wait(const struct pressure *state, const struct pressure_rules *rules,
    uint64_t now_ns, unsigned percent);

#endif
