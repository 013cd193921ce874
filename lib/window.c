/* SPDX-License-Identifier: MIT */
/* Windows: making them, finding the one of an address, checking them. Windows are only ever added,
 * so that the lists can be walked without a lock; adding is done under the node's grow lock. */
#include "lib/window.h"

#include <errno.h>

#include "lib/extent.h"
#include "lib/populate.h"

/* Address space of a window, where the limits of the process leave room for it. */
#define WINDOW_BYTES ((size_t)1 << 40)
/* Left free above a window that is not a small one. */
#define GAP_BYTES  (8 * GIB_BYTES)
#define GAP_FROM   (64 * GIB_BYTES)
#define BITMAPS    7
#define LINE_BYTES ((size_t)64)

_Static_assert(WINDOW_BYTES % GIB_BYTES == 0, "a window is whole GiB where there is room");
_Static_assert(STATE_LENDERS <= 1 << 10, "a lender code has 10 bits for the node");

/* A cut of `size` bytes from *memory on, aligned for anything that a window has. */
static void *cut(char **memory, size_t size)
{
    void *piece = *memory;
    *memory += align_up(size, LINE_BYTES);
    return piece;
}

static size_t map_bytes_of(size_t frames)
{
    return bits_words(frames) * sizeof(bits);
}

static size_t metadata_bytes(const struct window *window)
{
    size_t frames = window->frames;
    return sizeof(struct window) + BITMAPS * map_bytes_of(frames) +
           frames * sizeof(struct share *) + frames * sizeof(uint16_t) +
           dirty_bytes(frames, window->frame_bytes) + (BITMAPS + 4) * LINE_BYTES;
}

/* The window in memory of its own, with all its tables: one piece, so that there is all or nothing.
 */
static struct window *lay_out(const struct window *draft, char *memory)
{
    struct window *window = cut(&memory, sizeof(*window));
    *window = *draft;
    bits **maps[BITMAPS] = {&window->claimed, &window->idle, &window->populated, &window->fresh,
        &window->aged, &window->small, &window->lent};
    for (size_t i = 0; i < BITMAPS; i++)
        *maps[i] = cut(&memory, map_bytes_of(window->frames));
    window->shares = cut(&memory, window->frames * sizeof(struct share *));
    window->lender = cut(&memory, window->frames * sizeof(uint16_t));
    dirty_lay_out(&window->dirty, window->base, window->frames, window->frame_bytes, memory);
    return window;
}

/* Address space is limited: most of it is left to the program. What the mapping has afterwards. */
static size_t cut_down(struct window *window, char *base, size_t bytes, size_t least)
{
    size_t less = bytes / 4;
    if (less < least || !is_aligned(less, window->frame_bytes) ||
        window->ops->unmap(base + less, bytes - less))
        return bytes;
    return less;
}

/*
 * The kernel maps from the top down, so that a window comes to lie right below the libraries.
 * Runtimes look for free space within 2 GiB of their code, and what they put there has to be
 * executable: some space above the window is left free for them.
 */
static int map_with_gap(
    struct window *window, const struct hp_spec *spec, size_t bytes, void **ret_base)
{
    int error = window->ops->map(spec, NULL, bytes + GAP_BYTES, GIB_BYTES, ret_base);
    if (!error && window->ops->unmap((char *)*ret_base + bytes, GAP_BYTES))
        error = window->ops->unmap(*ret_base, bytes + GAP_BYTES) ? -EIO : -ENOMEM;
    return error;
}

/* Regions of whole GiB on whole GiB need no leaf of the address table. */
static int map_bytes(
    struct window *window, const struct hp_spec *spec, size_t bytes, void **ret_base)
{
    if (bytes >= GAP_FROM)
        return map_with_gap(window, spec, bytes, ret_base);
    size_t align = bytes >= 4 * GIB_BYTES ? GIB_BYTES : window->frame_bytes;
    return window->ops->map(spec, NULL, bytes, align, ret_base);
}

/* The largest power of two of bytes, at most WINDOW_BYTES, that can be mapped, but not all of it.
 */
static int map_some(struct window *window, const struct hp_spec *spec, size_t size)
{
    void *base;
    size_t bytes = max_size(WINDOW_BYTES, size);
    int error = map_bytes(window, spec, bytes, &base);
    while (error == -ENOMEM && bytes / 2 >= size) {
        bytes = align_up(bytes / 2, window->frame_bytes);
        error = map_bytes(window, spec, bytes, &base);
        if (!error)
            bytes = cut_down(window, base, bytes, size);
    }
    if (error)
        return error;
    window->base = base;
    window->frames = bytes / window->frame_bytes;
    return 0;
}

/* Metadata is never given back, so it is taken when nothing else can fail any more. */
static int make_window(
    struct node *node, enum hp_backing backing, size_t size, struct window **ret_window)
{
    struct hostmem *manager = node->manager;
    struct window draft = {
        .node = node,
        .backing = backing,
        .ops = manager->ops[backing],
        .frame_bytes = manager->frame_bytes[backing],
    };
    void *memory;
    int error = map_some(&draft, &manager->spec[backing], align_up(size, draft.frame_bytes));
    if (error)
        return error;
    error = manager_bind(manager, backing, draft.base, draft.frames * draft.frame_bytes, node->id);
    if (!error)
        error = store_take(&manager->store, metadata_bytes(&draft), &memory);
    if (error) {
        window_close(&draft);
        return error;
    }
    *ret_window = lay_out(&draft, memory);
    return 0;
}

static void add_window(struct window *window)
{
    struct node *node = window->node;
    _Atomic(struct window *) *first = &node->windows[window->backing];
    window->next = atomic_load(first);
    window->next_all = atomic_load(&node->manager->windows);
    while (!atomic_compare_exchange_weak(&node->manager->windows, &window->next_all, window))
        ;
    atomic_store(first, window);
}

int window_grow(struct node *node, enum hp_backing backing, size_t size, struct window *seen)
{
    struct window *window;
    int error = 0;
    lock_take(&node->grow);
    if (atomic_load(&node->windows[backing]) == seen) {
        error = make_window(node, backing, size, &window);
        if (!error)
            add_window(window);
    }
    lock_drop(&node->grow);
    return error;
}

struct window *window_of(struct hostmem *manager, uintptr_t address)
{
    struct window *window = atomic_load_explicit(&manager->windows, memory_order_acquire);
    while (window && !(address >= (uintptr_t)window->base && address < window_end(window)))
        window = window->next_all;
    return window;
}

void window_close(struct window *window)
{
    window->ops->unmap(window->base, window->frames * window->frame_bytes);
}

static int word_sound(const struct window *window, size_t word)
{
    uint64_t idle = bits_word(window->idle, word), populated = bits_word(window->populated, word);
    uint64_t unsound = idle & ~populated;
    unsound |= idle & bits_word(window->lent, word);
    unsound |= bits_word(window->dirty.all, word) & bits_word(window->dirty.some, word);
    unsound |= populated & ~idle & ~bits_word(window->claimed, word);
    return unsound == 0;
}

int window_check(struct window *window)
{
    for (size_t word = 0; word < bits_words(window->high); word++)
        if (!word_sound(window, word))
            return -EUCLEAN;
    return 0;
}
