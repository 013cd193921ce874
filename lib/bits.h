/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps of frames, in words of 64 bits that several threads change at once. Invariant: a bit is
 * only changed by who owns its frame, so whole-word atomic and/or keep neighbours apart; no lock.
 * Runs of bits are handled a word at a time: 256 MiB of 2 MiB frames are two operations.
 */
#ifndef HOSTMEM_BITS_H
#define HOSTMEM_BITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t bits;

#define BITS_NONE SIZE_MAX

static inline size_t bits_words(size_t count)
{
    return (count + 63) / 64;
}

/* The bits of [first, end) that lie in word `word`; the run has some there. */
static inline uint64_t bits_mask(size_t word, size_t first, size_t end)
{
    uint64_t mask = ~(uint64_t)0;
    if (first > word * 64)
        mask &= ~(uint64_t)0 << (first - word * 64);
    if (end < word * 64 + 64)
        mask &= ~(uint64_t)0 >> (word * 64 + 64 - end);
    return mask;
}

static inline uint64_t bits_word(const bits *map, size_t word)
{
    return atomic_load_explicit(&map[word], memory_order_acquire);
}

static inline bool bits_get(const bits *map, size_t at)
{
    return bits_word(map, at / 64) >> (at % 64) & 1;
}

/* Sets or clears the bits of the mask; says which of them changed. */
static inline uint64_t bits_set_mask(bits *map, size_t word, uint64_t mask)
{
    return mask & ~atomic_fetch_or_explicit(&map[word], mask, memory_order_acq_rel);
}

static inline uint64_t bits_clear_mask(bits *map, size_t word, uint64_t mask)
{
    return mask & atomic_fetch_and_explicit(&map[word], ~mask, memory_order_acq_rel);
}

/* Over [first, first + count): set, clear; how many bits changed. */
size_t bits_set(bits *map, size_t first, size_t count);
size_t bits_clear(bits *map, size_t first, size_t count);

/* The same as bits_clear() for bits that are seldom set: it reads before it writes. */
void bits_wipe(bits *map, size_t first, size_t count);

size_t bits_count(const bits *map, size_t first, size_t count);

/* The first position in [first, end) whose bit is as wanted, else end. */
size_t bits_next(const bits *map, size_t first, size_t end, bool wanted);

/* Which bits are looked for: clear in some maps, and set in one. NULL: does not matter. */
struct bits_choice {
    const bits *clear[3];
    const bits *set;
};

/*
 * The lowest position of `count` chosen bits in a row in [first, end), else BITS_NONE. The answer
 * may be stale unless a lock keeps others from claiming.
 */
size_t bits_find(const struct bits_choice *choice, size_t first, size_t end, size_t count);

#endif
