/* SPDX-License-Identifier: MIT */
/* Sorted arrays of extents: lookup by bisection, changes in place. Invariant and lock: see
 * extent.h. */
#include "lib/extent.h"

#include "lib/check.h"
#include "lib/latch.h"

#define STATE_BITS 16

_Static_assert(sizeof(page_state) * 8 == STATE_BITS, "a word holds a page and a state");
_Static_assert((STATE_LENDER(STATE_LENDERS) & 0xffff) == STATE_LENDER(STATE_LENDERS),
    "every node's index fits the state");

static uint64_t pack(size_t page, page_state state)
{
    return (uint64_t)page << STATE_BITS | state;
}

static size_t word_page(uint64_t word)
{
    return word >> STATE_BITS;
}

static page_state word_state(uint64_t word)
{
    return (page_state)word;
}

static extent_word *words_of(const struct extents *extents)
{
    return atomic_load_explicit(&extents->words, memory_order_relaxed);
}

static uint32_t count_of(const struct extents *extents)
{
    return atomic_load_explicit(&extents->count, memory_order_relaxed);
}

void extents_init(struct extents *extents)
{
    latch_store(&extents->few[0], pack(0, STATE_RESERVED));
    latch_store(&extents->words, extents->few);
    latch_store(&extents->count, 1);
    extents->capacity = EXTENT_INLINE;
}

/* The last position whose extent begins at or below the page. */
static uint32_t position(const extent_word *words, uint32_t count, size_t page)
{
    uint32_t low = 0, high = count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (word_page(latch_load(&words[middle])) <= page)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct extent extents_search(const extent_word *words, uint32_t count, size_t page, size_t pages)
{
    uint32_t at = position(words, count, page);
    uint64_t word = latch_load(&words[at]);
    size_t end = at + 1 < count ? word_page(latch_load(&words[at + 1])) : pages;
    return (struct extent){word_page(word), end, word_state(word)};
}

struct extent extents_at(const struct extents *extents, size_t page, size_t pages)
{
    return extents_search(words_of(extents), count_of(extents), page, pages);
}

bool extents_full(const struct extents *extents)
{
    return count_of(extents) + EXTENT_GROWTH > extents->capacity;
}

void extents_move(struct extents *extents, extent_word *block, uint32_t capacity)
{
    extent_word *former = words_of(extents);
    for (uint32_t i = 0; i < count_of(extents); i++)
        latch_store(&block[i], latch_load(&former[i]));
    latch_store(&extents->words, block);
    extents->capacity = capacity;
}

static void shift(extent_word *words, uint32_t from, uint32_t to, uint32_t count)
{
    if (to < from)
        for (uint32_t i = 0; i < count; i++)
            latch_store(&words[to + i], latch_load(&words[from + i]));
    else
        for (uint32_t i = count; i-- > 0;)
            latch_store(&words[to + i], latch_load(&words[from + i]));
}

/*
 * The new words for [first, end) and what follows them: the left neighbour stays, the extent itself
 * is left out when it merges with that, and what lies right of `end` gets a start of its own unless
 * it merges.
 */
static uint32_t replacement(
    struct extent left, struct extent right, struct extent new, size_t pages, uint64_t ret_words[2])
{
    uint32_t count = 0;
    if (left.first == left.end || left.state != new.state)
        ret_words[count++] = pack(new.first, new.state);
    if (new.end < pages && right.state != new.state)
        ret_words[count++] = pack(new.end, right.state);
    return count;
}

void extents_set(struct extents *extents, size_t first, size_t end, size_t pages, page_state state)
{
    extent_word *words = words_of(extents);
    uint32_t count = count_of(extents);
    struct extent left = {0}, right = {0};
    if (first > 0)
        left = extents_at(extents, first - 1, pages);
    if (end < pages)
        right = extents_at(extents, end, pages);

    /* [from, to): the words that begin in [first, end], which the new ones replace. */
    uint32_t from = first > 0 ? position(words, count, first - 1) + 1 : 0;
    uint32_t to = position(words, count, end) + 1;
    if (end >= pages)
        to = count;

    uint64_t new[2];
    uint32_t added = replacement(left, right, (struct extent){first, end, state}, pages, new);
    shift(words, to, from + added, count - to);
    for (uint32_t i = 0; i < added; i++)
        latch_store(&words[from + i], new[i]);
    latch_store(&extents->count, count - (to - from) + added);
}

bool extents_check(const struct extents *extents, size_t pages)
{
    const extent_word *words = words_of(extents);
    uint32_t count = count_of(extents);
    if (count == 0 || count > extents->capacity || word_page(latch_load(&words[0])) != 0)
        return false;
    for (uint32_t i = 1; i < count; i++) {
        uint64_t before = latch_load(&words[i - 1]), here = latch_load(&words[i]);
        if (word_page(before) >= word_page(here) || word_state(before) == word_state(here) ||
            word_page(here) >= pages)
            return false;
    }
    return true;
}
