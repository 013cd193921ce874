/* SPDX-License-Identifier: MIT */
/* Which pages hold old contents, frame by frame, and within a frame granule by granule. Whole
 * frames are handled 64 at a time. Invariant and ownership: see dirty.h. */
#include "lib/dirty.h"

#include "lib/units.h"
#include "lib/zero.h"

#define ALL_PAGES ((uint16_t)0xffff)

static size_t map_bytes(size_t frames)
{
    return bits_words(frames) * sizeof(bits);
}

size_t dirty_bytes(size_t frames, size_t frame_bytes)
{
    return 2 * map_bytes(frames) + frames * (frame_bytes / GRANULE_BYTES) * sizeof(uint16_t);
}

void dirty_lay_out(struct dirty *dirty, char *base, size_t frames, size_t frame_bytes, void *memory)
{
    *dirty = (struct dirty){
        .base = base,
        .frame_pages = frame_bytes / PAGE_BYTES,
        .all = memory,
        .some = (bits *)memory + bits_words(frames),
        .pages = (void *)((char *)memory + 2 * map_bytes(frames)),
    };
}

int dirty_open(
    struct dirty *dirty, struct store *store, char *base, size_t frames, size_t frame_bytes)
{
    void *memory;
    int error = store_take(store, dirty_bytes(frames, frame_bytes), &memory);
    if (!error)
        dirty_lay_out(dirty, base, frames, frame_bytes, memory);
    return error;
}

static uint16_t word_get(const struct dirty *dirty, size_t granule)
{
    return atomic_load_explicit(&dirty->pages[granule], memory_order_relaxed);
}

static void word_set(struct dirty *dirty, size_t granule, uint16_t value)
{
    atomic_store_explicit(&dirty->pages[granule], value, memory_order_relaxed);
}

static void fill_words(struct dirty *dirty, size_t frame, uint16_t value)
{
    size_t granules = dirty->frame_pages / GRANULE_PAGES;
    for (size_t i = 0; i < granules; i++)
        word_set(dirty, frame * granules + i, value);
}

void dirty_share(struct dirty *dirty, size_t frame)
{
    if (bits_get(dirty->some, frame))
        return;
    fill_words(dirty, frame, bits_get(dirty->all, frame) ? ALL_PAGES : 0);
    bits_set(dirty->some, frame, 1);
    bits_clear(dirty->all, frame, 1);
}

/* The pages of [first, end) in the granule, as bits of its word. */
static uint16_t granule_mask(size_t granule, size_t first, size_t end)
{
    size_t start = granule * GRANULE_PAGES;
    uint32_t mask = ALL_PAGES;
    if (first > start)
        mask &= (uint32_t)ALL_PAGES << (first - start);
    if (end < start + GRANULE_PAGES)
        mask &= (uint32_t)ALL_PAGES >> (start + GRANULE_PAGES - end);
    return (uint16_t)mask;
}

static void soil_part(struct dirty *dirty, size_t frame, size_t first, size_t end)
{
    if (bits_get(dirty->all, frame))
        return;
    dirty_share(dirty, frame);
    for (size_t g = first / GRANULE_PAGES; g * GRANULE_PAGES < end; g++)
        word_set(dirty, g, word_get(dirty, g) | granule_mask(g, first, end));
}

/* Zeroes the runs of dirty pages that the mask names in one granule. */
static size_t clean_granule(
    struct dirty *dirty, size_t granule, uint16_t mask, void (*zero)(void *base, size_t size))
{
    uint16_t word = word_get(dirty, granule);
    uint32_t rest = word & mask;
    char *base = dirty->base + granule * GRANULE_BYTES;
    size_t zeroed = 0;
    while (rest) {
        unsigned at = (unsigned)__builtin_ctz(rest);
        unsigned run = (unsigned)__builtin_ctz(~(rest >> at));
        zero(base + at * PAGE_BYTES, run * PAGE_BYTES);
        zeroed += run * PAGE_BYTES;
        rest &= ~(((1u << run) - 1) << at);
    }
    if (zeroed)
        word_set(dirty, granule, word & (uint16_t)~mask);
    return zeroed;
}

static size_t clean_part(struct dirty *dirty, size_t frame, size_t first, size_t end)
{
    if (bits_get(dirty->all, frame))
        dirty_share(dirty, frame);
    if (!bits_get(dirty->some, frame))
        return 0;
    size_t zeroed = 0;
    for (size_t g = first / GRANULE_PAGES; g * GRANULE_PAGES < end; g++)
        zeroed += clean_granule(dirty, g, granule_mask(g, first, end), zero_cached);
    return zeroed;
}

static void soil_frames(struct dirty *dirty, size_t frame, size_t count)
{
    bits_set(dirty->all, frame, count);
    bits_clear(dirty->some, frame, count);
}

/* Zeroes the runs of wholly dirty frames among `mask` of a word. */
static size_t clean_all(struct dirty *dirty, size_t word, uint64_t mask)
{
    uint64_t rest = bits_word(dirty->all, word) & mask;
    size_t bytes = dirty->frame_pages * PAGE_BYTES, zeroed = 0;
    if (!rest)
        return 0;
    bits_clear_mask(dirty->all, word, rest);
    while (rest) {
        unsigned at = (unsigned)__builtin_ctzll(rest);
        uint64_t others = ~(rest >> at);
        unsigned run = others ? (unsigned)__builtin_ctzll(others) : 64;
        zero_cached(dirty->base + (word * 64 + at) * bytes, run * bytes);
        zeroed += run * bytes;
        rest &= run == 64 ? 0 : ~(((UINT64_C(1) << run) - 1) << at);
    }
    return zeroed;
}

static size_t clean_some(struct dirty *dirty, size_t word, uint64_t mask)
{
    uint64_t rest = bits_word(dirty->some, word) & mask;
    size_t zeroed = 0;
    if (!rest)
        return 0;
    for (uint64_t left = rest; left; left &= left - 1) {
        size_t frame = word * 64 + (size_t)__builtin_ctzll(left);
        size_t page = frame * dirty->frame_pages;
        zeroed += clean_part(dirty, frame, page, page + dirty->frame_pages);
    }
    bits_clear_mask(dirty->some, word, rest);
    return zeroed;
}

static size_t clean_frames(struct dirty *dirty, size_t frame, size_t count)
{
    size_t zeroed = 0, end = frame + count;
    for (size_t word = frame / 64; word * 64 < end; word++) {
        uint64_t mask = bits_mask(word, frame, end);
        zeroed += clean_all(dirty, word, mask);
        zeroed += clean_some(dirty, word, mask);
    }
    return zeroed;
}

/* A range of pages as the part of its first frame, whole frames, and the part of its last. */
struct split {
    size_t head_end; /* pages [first, head_end) lie in a frame that is not wholly in the range */
    size_t tail;     /* pages [tail, end) likewise */
    size_t frame, count; /* the whole frames between them */
};

static struct split split_at_frames(size_t frame_pages, size_t first, size_t end)
{
    size_t up = (first + frame_pages - 1) / frame_pages, down = end / frame_pages;
    if (up > down)
        return (struct split){.head_end = end, .tail = end, .frame = down, .count = 0};
    return (struct split){up * frame_pages, down * frame_pages, up, down - up};
}

void dirty_soil(struct dirty *dirty, size_t first, size_t end)
{
    struct split s = split_at_frames(dirty->frame_pages, first, end);
    if (first < s.head_end)
        soil_part(dirty, first / dirty->frame_pages, first, s.head_end);
    if (s.count)
        soil_frames(dirty, s.frame, s.count);
    if (s.tail < end)
        soil_part(dirty, s.tail / dirty->frame_pages, s.tail, end);
}

size_t dirty_clean(struct dirty *dirty, size_t first, size_t end)
{
    struct split s = split_at_frames(dirty->frame_pages, first, end);
    size_t zeroed = 0;
    if (first < s.head_end)
        zeroed += clean_part(dirty, first / dirty->frame_pages, first, s.head_end);
    if (s.count)
        zeroed += clean_frames(dirty, s.frame, s.count);
    if (s.tail < end)
        zeroed += clean_part(dirty, s.tail / dirty->frame_pages, s.tail, end);
    return zeroed;
}

bool dirty_scrub(
    struct dirty *dirty, size_t frame, bool (*go_on)(void *context), void *context, size_t *cleaned)
{
    size_t granules = dirty->frame_pages / GRANULE_PAGES, first = frame * granules;
    if (bits_get(dirty->all, frame))
        dirty_share(dirty, frame);
    if (!bits_get(dirty->some, frame))
        return true;
    for (size_t g = first; g < first + granules; g++) {
        if (!go_on(context))
            return false;
        *cleaned += clean_granule(dirty, g, ALL_PAGES, zero_streamed);
    }
    bits_clear(dirty->some, frame, 1);
    return true;
}

void dirty_forget(struct dirty *dirty, size_t frame, size_t count)
{
    bits_clear(dirty->all, frame, count);
    bits_clear(dirty->some, frame, count);
}

uint64_t dirty_granules(const struct dirty *dirty, size_t frame)
{
    size_t count = dirty->frame_pages / GRANULE_PAGES;
    uint64_t found = 0;
    if (!bits_get(dirty->some, frame))
        return bits_get(dirty->all, frame) ? ~UINT64_C(0) : 0;
    for (size_t i = count; i-- > 0;)
        found = found << 1 | (word_get(dirty, frame * count + i) != 0);
    return found;
}

bool dirty_page(const struct dirty *dirty, size_t page)
{
    size_t frame = page / dirty->frame_pages;
    if (!bits_get(dirty->some, frame))
        return bits_get(dirty->all, frame);
    return word_get(dirty, page / GRANULE_PAGES) >> (page % GRANULE_PAGES) & 1;
}

bool dirty_check(const struct dirty *dirty, size_t frame)
{
    return !(bits_get(dirty->all, frame) && bits_get(dirty->some, frame));
}
