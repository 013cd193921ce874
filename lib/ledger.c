/* SPDX-License-Identifier: MIT */
/* Foreign address ranges in one sorted array: from the highest to the lowest, because the kernel
 * hands out addresses downwards, so that the usual new range is appended. Invariant: ledger.h.
 * Lock: the ledger's, in every function that looks at a range. */
#include "lib/ledger.h"

#include <errno.h>
#include <string.h>

#include "lib/check.h"

int ledger_open(struct ledger *ledger, struct store *store, uint64_t limit)
{
    void *ranges;
    int error = store_take(store, LEDGER_RANGES * sizeof(struct ledger_range), &ranges);
    if (error)
        return error;
    *ledger = (struct ledger){.limit = limit, .ranges = ranges};
    lock_init(&ledger->lock, RANK_LEDGER);
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    lock_destroy(&ledger->lock);
}

int ledger_needs(struct ledger *ledger, size_t size)
{
    uint64_t bytes = ledger_bytes(ledger);
    uint64_t room = bytes < ledger->limit ? ledger->limit - bytes : 0;
    return room > 0 && size <= room ? 0 : -ENOMEM;
}

/* The position of the highest range that begins at or below the address; `count`: none does. */
static size_t at_or_below(const struct ledger *ledger, uintptr_t address) REQUIRES(ledger->lock)
{
    size_t first = 0, end = ledger->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (ledger->ranges[middle].base > address)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static uintptr_t end_of(const struct ledger_range *range)
{
    return range->base + range->size;
}

/* Takes the ranges [first, end) of the array out. */
static void drop(struct ledger *ledger, size_t first, size_t end) REQUIRES(ledger->lock)
{
    struct ledger_range *ranges = ledger->ranges;
    for (size_t i = first; i < end; i++)
        ledger->total -= ranges[i].size;
    memmove(&ranges[first], &ranges[end], (ledger->count - end) * sizeof(*ranges));
    ledger->count -= end - first;
}

/* Takes all that is known of [base, end) out; the position where a range at base belongs. */
static size_t clear(struct ledger *ledger, uintptr_t base, uintptr_t end) REQUIRES(ledger->lock)
{
    size_t first = at_or_below(ledger, end - 1), below = first;
    while (below < ledger->count && ledger->ranges[below].base >= base)
        below++;
    drop(ledger, first, below);
    if (first < ledger->count && end_of(&ledger->ranges[first]) > base) {
        struct ledger_range *lower = &ledger->ranges[first];
        ledger->total -= end_of(lower) - base;
        lower->size = base - lower->base;
    }
    return first;
}

/* Whether the range lies below the one before it in the array, which it may touch. */
static bool in_order(const struct ledger *ledger, size_t at) REQUIRES(ledger->lock)
{
    return at == 0 || end_of(&ledger->ranges[at]) <= ledger->ranges[at - 1].base;
}

static void insert(struct ledger *ledger, size_t at, struct ledger_range range)
    REQUIRES(ledger->lock)
{
    struct ledger_range *ranges = ledger->ranges;
    if (ledger->count == LEDGER_RANGES) {
        atomic_fetch_add_explicit(&ledger->overflows, 1, memory_order_relaxed);
        return;
    }
    memmove(&ranges[at + 1], &ranges[at], (ledger->count - at) * sizeof(*ranges));
    ranges[at] = range;
    ledger->count++;
    ledger->total += range.size;
    hm_assert(in_order(ledger, at) && (at + 1 == ledger->count || in_order(ledger, at + 1)));
}

static void remove_at(struct ledger *ledger, uintptr_t base) REQUIRES(ledger->lock)
{
    size_t at = at_or_below(ledger, base);
    if (at < ledger->count && ledger->ranges[at].base == base)
        drop(ledger, at, at + 1);
}

/* The end of a report: readers see its outcome, and nothing in between. */
static void publish(struct ledger *ledger) RELEASES(ledger->lock)
{
    atomic_store_explicit(&ledger->bytes, ledger->total, memory_order_relaxed);
    lock_drop(&ledger->lock);
}

int ledger_acquired(struct ledger *ledger, uintptr_t base, size_t size)
{
    if (size > UINTPTR_MAX - base)
        return -EINVAL;
    lock_take(&ledger->lock);
    if (size == 0)
        remove_at(ledger, base);
    else
        insert(ledger, clear(ledger, base, base + size), (struct ledger_range){base, size});
    publish(ledger);
    return 0;
}

void ledger_released(struct ledger *ledger, uintptr_t base)
{
    lock_take(&ledger->lock);
    remove_at(ledger, base);
    publish(ledger);
}

static bool is_sound(const struct ledger *ledger) REQUIRES(ledger->lock)
{
    uint64_t total = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        struct ledger_range range = ledger->ranges[i];
        if (range.size == 0 || range.size > UINTPTR_MAX - range.base || !in_order(ledger, i))
            return false;
        total += range.size;
    }
    return ledger->count <= LEDGER_RANGES && total == ledger->total;
}

bool ledger_check(struct ledger *ledger)
{
    lock_take(&ledger->lock);
    bool sound = is_sound(ledger) && ledger_bytes(ledger) == ledger->total;
    lock_drop(&ledger->lock);
    return sound;
}
