/* SPDX-License-Identifier: MIT */
/*
 * The address space that others than the library take, as they report it: Acquired with a base and
 * a size, Released with the base alone. Invariant: the ranges are disjoint and sorted from the
 * highest to the lowest, and `total` is their sum; so it is never more than the address space has.
 * An address belongs to the report that named it last: a range that begins within a new one is gone
 * (it was unmapped without a word), one that reaches into it from below keeps what lies below.
 * Lock: its own; `bytes`, which follows the total when a report is done with, is read without.
 */
#ifndef HOSTMEM_LEDGER_H
#define HOSTMEM_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/lock.h"
#include "lib/store.h"

/*
 * Most ranges remembered. The kernel gives a process 65,530 mappings unless told otherwise
 * (vm.max_map_count), so what is really mapped fits; what comes on top is not counted.
 */
#define LEDGER_RANGES ((size_t)65536)

struct ledger_range {
    uintptr_t base;
    size_t size; /* bytes, at least 1; base + size does not wrap */
};

struct ledger {
    struct lock lock;
    uint64_t limit;                               /* bytes; UINT64_MAX: none; constant */
    struct ledger_range *ranges GUARDED_BY(lock); /* LEDGER_RANGES, of the store */
    size_t count GUARDED_BY(lock);                /* of `ranges` that are in use */
    uint64_t total GUARDED_BY(lock);              /* bytes of all ranges */
    _Atomic uint64_t bytes;                       /* the total, for readers without the lock */
    _Atomic uint64_t overflows;                   /* ranges not counted: the ledger was full */
};

/*
 * The memory of the ledger, 1 MiB of address space, is the store's; it takes up pages as ranges
 * come. -ENOMEM.
 */
int ledger_open(struct ledger *ledger, struct store *store, uint64_t limit);
void ledger_close(struct ledger *ledger);

/*
 * Whether `size` bytes more fit under the limit; nothing is taken. 0 stands for a size that nobody
 * knows yet, and fits if anything does. No lock. -ENOMEM: they do not fit.
 */
int ledger_needs(struct ledger *ledger, size_t size);

/*
 * A range is in use, whatever the limit says. The same base again: the size is another one now; of
 * size 0 nothing is left. Not counted: a range when the ledger is full. -EINVAL: the range wraps
 * around the end of the address space; nothing is changed.
 */
int ledger_acquired(struct ledger *ledger, uintptr_t base, size_t size);

/* The range of that base is not in use any more. A base that is not known is no mistake. */
void ledger_released(struct ledger *ledger, uintptr_t base);

/* Bytes in use by others. One load: for signal handlers too, and while other threads stand still.
 */
static inline uint64_t ledger_bytes(struct ledger *ledger)
{
    return atomic_load_explicit(&ledger->bytes, memory_order_relaxed);
}

/* Whether the invariant holds: all ranges are looked at, under the lock. */
bool ledger_check(struct ledger *ledger);

#endif
