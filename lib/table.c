/* SPDX-License-Identifier: MIT */
/* From an address to its region: three steps of slots. Invariant and locks: see table.h. */
#include "lib/table.h"

#include "lib/units.h"

#define GIB_SLOTS (USER_END >> GIB_SHIFT)
#define SPANS     ((size_t)1 << (GIB_SHIFT - SPAN_SHIFT))
#define GRANULES  ((size_t)1 << (SPAN_SHIFT - GRANULE_SHIFT))

struct table_leaf {
    struct table_slot span[SPANS];
};

struct table_granules {
    _Atomic(struct region *) region[GRANULES];
};

/* What a walk does with the parts of a range that fill a whole slot, and with single granules. */
struct piece {
    uintptr_t base, end;
};

int table_open(struct table *table, struct store *store)
{
    void *slots;
    int error = store_take(store, (GIB_SLOTS + 1) * sizeof(struct table_slot), &slots);
    if (error)
        return error;
    *table = (struct table){.store = store, .gib = slots};
    return 0;
}

static struct table_slot *gib_slot(const struct table *table, uintptr_t address)
{
    return &table->gib[address >> GIB_SHIFT];
}

static struct table_slot *span_slot(struct table_leaf *leaf, uintptr_t address)
{
    return &leaf->span[(address >> SPAN_SHIFT) % SPANS];
}

static _Atomic(struct region *) *granule_slot(struct table_granules *granules, uintptr_t address)
{
    return &granules->region[(address >> GRANULE_SHIFT) % GRANULES];
}

static void *below(const struct table_slot *slot)
{
    return atomic_load_explicit(&slot->below, memory_order_acquire);
}

static struct region *whole(const struct table_slot *slot)
{
    return atomic_load_explicit(&slot->region, memory_order_acquire);
}

struct region *table_get(const struct table *table, uintptr_t address)
{
    struct table_slot *slot = gib_slot(table, address);
    struct region *region = whole(slot);
    struct table_leaf *leaf = below(slot);
    if (region || !leaf)
        return region;
    slot = span_slot(leaf, address);
    region = whole(slot);
    struct table_granules *granules = below(slot);
    if (region || !granules)
        return region;
    return atomic_load_explicit(granule_slot(granules, address), memory_order_acquire);
}

/* Two threads may bring one at the same time: the first is kept, the other's piece stays unused. */
static int make_below(struct store *store, struct table_slot *slot, size_t size)
{
    if (below(slot))
        return 0;
    void *made, *none = NULL;
    int error = store_take(store, size, &made);
    if (error)
        return error;
    atomic_compare_exchange_strong(&slot->below, &none, made);
    return 0;
}

/* The part of [base, end) in the slot of 2^shift bytes that holds base. */
static struct piece first_piece(uintptr_t base, uintptr_t end, unsigned shift)
{
    uintptr_t next = ((base >> shift) + 1) << shift;
    return (struct piece){base, next < end ? next : end};
}

static bool fills(struct piece piece, unsigned shift)
{
    return piece.end - piece.base == (uintptr_t)1 << shift;
}

static int prepare_leaf(struct table *table, struct table_leaf *leaf, struct piece part)
{
    int error = 0;
    for (struct piece p; part.base < part.end && !error; part.base = p.end) {
        p = first_piece(part.base, part.end, SPAN_SHIFT);
        if (!fills(p, SPAN_SHIFT))
            error =
                make_below(table->store, span_slot(leaf, p.base), sizeof(struct table_granules));
    }
    return error;
}

int table_prepare(struct table *table, uintptr_t base, size_t size)
{
    int error = 0;
    uintptr_t end = align_up(base + size, GRANULE_BYTES);
    for (struct piece p; base < end && !error; base = p.end) {
        p = first_piece(base, end, GIB_SHIFT);
        if (fills(p, GIB_SHIFT))
            continue;
        struct table_slot *slot = gib_slot(table, p.base);
        error = make_below(table->store, slot, sizeof(struct table_leaf));
        if (!error)
            error = prepare_leaf(table, below(slot), p);
    }
    return error;
}

static void enter(_Atomic(struct region *) *place, struct region *region)
{
    atomic_store_explicit(place, region, memory_order_release);
}

static void set_granules(struct table_granules *granules, struct piece part, struct region *region)
{
    for (uintptr_t at = part.base; at < part.end; at += GRANULE_BYTES)
        enter(granule_slot(granules, at), region);
}

static void set_leaf(struct table_leaf *leaf, struct piece part, struct region *region)
{
    for (struct piece p; part.base < part.end; part.base = p.end) {
        p = first_piece(part.base, part.end, SPAN_SHIFT);
        struct table_slot *slot = span_slot(leaf, p.base);
        if (fills(p, SPAN_SHIFT))
            enter(&slot->region, region);
        else
            set_granules(below(slot), p, region);
    }
}

void table_set(struct table *table, uintptr_t base, size_t size, struct region *region)
{
    uintptr_t end = align_up(base + size, GRANULE_BYTES);
    for (struct piece p; base < end; base = p.end) {
        p = first_piece(base, end, GIB_SHIFT);
        struct table_slot *slot = gib_slot(table, p.base);
        if (fills(p, GIB_SHIFT))
            enter(&slot->region, region);
        else
            set_leaf(below(slot), p, region);
    }
}

static uintptr_t next_granule(struct table_granules *granules, struct piece part)
{
    for (; part.base < part.end; part.base += GRANULE_BYTES)
        if (atomic_load_explicit(granule_slot(granules, part.base), memory_order_acquire))
            break;
    return part.base;
}

static uintptr_t next_span(struct table_leaf *leaf, struct piece part)
{
    for (struct piece p; part.base < part.end; part.base = p.end) {
        p = first_piece(part.base, part.end, SPAN_SHIFT);
        struct table_slot *slot = span_slot(leaf, p.base);
        if (whole(slot))
            return p.base;
        uintptr_t found = below(slot) ? next_granule(below(slot), p) : p.end;
        if (found < p.end)
            return found;
    }
    return part.end;
}

uintptr_t table_next(const struct table *table, uintptr_t from, uintptr_t end)
{
    for (struct piece p; from < end; from = p.end) {
        p = first_piece(from, end, GIB_SHIFT);
        struct table_slot *slot = gib_slot(table, p.base);
        if (whole(slot))
            return p.base;
        uintptr_t found = below(slot) ? next_span(below(slot), p) : p.end;
        if (found < p.end)
            return found;
    }
    return end;
}
