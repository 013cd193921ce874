/* SPDX-License-Identifier: MIT */
/* Bitmaps of frames: runs of bits, a word at a time. No lock: see bits.h. */
#include "lib/bits.h"

size_t bits_set(bits *map, size_t first, size_t count)
{
    size_t changed = 0, end = first + count;
    for (size_t word = first / 64; word * 64 < end; word++)
        changed +=
            (size_t)__builtin_popcountll(bits_set_mask(map, word, bits_mask(word, first, end)));
    return changed;
}

size_t bits_clear(bits *map, size_t first, size_t count)
{
    size_t changed = 0, end = first + count;
    for (size_t word = first / 64; word * 64 < end; word++)
        changed +=
            (size_t)__builtin_popcountll(bits_clear_mask(map, word, bits_mask(word, first, end)));
    return changed;
}

void bits_wipe(bits *map, size_t first, size_t count)
{
    size_t end = first + count;
    for (size_t word = first / 64; word * 64 < end; word++) {
        uint64_t mask = bits_mask(word, first, end);
        if (bits_word(map, word) & mask)
            bits_clear_mask(map, word, mask);
    }
}

size_t bits_count(const bits *map, size_t first, size_t count)
{
    size_t sum = 0, end = first + count;
    for (size_t word = first / 64; word * 64 < end; word++)
        sum += (size_t)__builtin_popcountll(bits_word(map, word) & bits_mask(word, first, end));
    return sum;
}

size_t bits_next(const bits *map, size_t first, size_t end, bool wanted)
{
    for (size_t word = first / 64; word * 64 < end; word++) {
        uint64_t value = bits_word(map, word);
        uint64_t hits = (wanted ? value : ~value) & bits_mask(word, first, end);
        if (hits)
            return word * 64 + (size_t)__builtin_ctzll(hits);
    }
    return end;
}

/* The bits of a word that may be used, those before `first` left out. */
static uint64_t usable(const struct bits_choice *choice, size_t word, size_t first)
{
    uint64_t value = choice->set ? bits_word(choice->set, word) : ~(uint64_t)0;
    for (size_t i = 0; i < sizeof(choice->clear) / sizeof(choice->clear[0]) && choice->clear[i];
         i++)
        value &= ~bits_word(choice->clear[i], word);
    if (first > word * 64)
        value &= ~(uint64_t)0 << (first - word * 64);
    return value;
}

/* Ones from bit `at` upwards. */
static size_t ones_from(uint64_t value, unsigned at)
{
    uint64_t rest = ~(value >> at);
    size_t ones = rest ? (size_t)__builtin_ctzll(rest) : 64;
    return ones < 64 - at ? ones : 64 - at;
}

size_t bits_find(const struct bits_choice *choice, size_t first, size_t end, size_t count)
{
    size_t run = 0;
    for (size_t word = first / 64; word * 64 < end; word++) {
        uint64_t value = usable(choice, word, first);
        for (unsigned at = 0; at < 64; at++) {
            size_t ones = ones_from(value, at);
            run += ones;
            at += (unsigned)ones;
            if (run >= count) {
                size_t found = word * 64 + at - run;
                return found + count <= end ? found : BITS_NONE;
            }
            if (at >= 64)
                break;
            run = 0;
            uint64_t above = value >> at;
            if (!above)
                break;
            at += (unsigned)__builtin_ctzll(above) - 1;
        }
    }
    return BITS_NONE;
}
