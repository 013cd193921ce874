/* SPDX-License-Identifier: MIT */
/* What a node still has of base pages and of huge pages, and who may have it. Invariant and lock:
 * see room.h. */
#include "lib/room.h"

#include <errno.h>

#include "lib/manager.h"
#include "lib/units.h"
#include "numa/hugepages.h"
#include "numa/limit.h"
#include "numa/meminfo.h"

/* A look at the figures is good for this part of what they say. */
#define CREDIT_SHARE 8

/* Bytes of base pages that stay for others, or a part of what is there. */
#define LEFT_ALONE ((uint64_t)128 << 20)
#define LEFT_PART  32

void room_open(struct room_book books[ROOM_KINDS])
{
    for (int kind = 0; kind < ROOM_KINDS; kind++)
        lock_init(&books[kind].lock, RANK_ROOM);
}

void room_close(struct room_book books[ROOM_KINDS])
{
    for (int kind = 0; kind < ROOM_KINDS; kind++)
        lock_destroy(&books[kind].lock);
}

/* -- what there is -- */

/* Memory of the node that is not set aside as huge pages, as far as the cgroup leaves it. */
static int small_memory(struct node *node, uint64_t *ret_bytes)
{
    struct hostmem *manager = node->manager;
    struct nn_huge huge[NN_HUGE_SIZES];
    struct nn_memory memory;
    struct nn_limit limit;
    int error = nn_node_memory(&manager->root, node->id, &memory);
    if (error)
        return error;
    uint64_t aside = nn_huge_free_bytes(huge, nn_huge_of_node(&manager->root, node->id, huge));
    uint64_t there = subtract_clamped(memory.available_bytes, aside);
    if (nn_cgroup_memory(membership_now(&manager->membership), &limit) == 0)
        there = min_size(there, limit.available_bytes);
    *ret_bytes = there;
    return 0;
}

static int huge_memory(struct node *node, uint64_t *ret_bytes)
{
    struct hostmem *manager = node->manager;
    size_t frame = manager->frame_bytes[HP_HUGETLB];
    struct nn_limit limit;
    struct nn_huge huge;
    /* With overcommit the kernel makes further ones when they are asked for. */
    if (nn_huge_overcommit(&manager->root, frame) > 0)
        return -ENODATA;
    int error = nn_huge_of_size(&manager->root, node->id, frame, &huge);
    if (error)
        return error;
    uint64_t there = huge.free * frame;
    if (nn_cgroup_hugetlb(membership_now(&manager->membership), frame, &limit) == 0)
        there = min_size(there, limit.available_bytes);
    *ret_bytes = there;
    return 0;
}

static enum room_kind kind_of(enum hp_backing backing)
{
    return backing == HP_HUGETLB ? ROOM_HUGE : ROOM_SMALL;
}

static uint64_t held_back(const struct node *node, enum room_kind kind, enum priority priority)
{
    return kind == ROOM_HUGE ? critical_held_huge(node, priority) : critical_held(node, priority);
}

/* Bytes that a request of that priority has to leave. */
static uint64_t left_alone(
    const struct node *node, enum room_kind kind, uint64_t there, enum priority priority)
{
    uint64_t others = kind == ROOM_SMALL ? min_size(LEFT_ALONE, there / LEFT_PART) : 0;
    return others + held_back(node, kind, priority);
}

/* -- promises -- */

/*
 * `finished` was read before the node's figures were: what was being populated since then may be in
 * neither, and counts as not there.
 */
static bool enter(struct room_book *book, uint64_t bytes, uint64_t there, uint64_t finished)
{
    if (there < book->started - finished + bytes)
        return false;
    book->started += bytes;
    return true;
}

static bool enter_on_credit(
    struct room_book *book, uint64_t bytes, bool may, uint64_t *ret_finished)
{
    lock_take(&book->lock);
    bool has = may && book->credit >= bytes;
    if (has) {
        book->credit -= bytes;
        book->started += bytes;
    }
    *ret_finished = book->finished;
    lock_drop(&book->lock);
    return has;
}

static int look(struct node *node, enum room_kind kind, uint64_t *ret_bytes)
{
    return kind == ROOM_HUGE ? huge_memory(node, ret_bytes) : small_memory(node, ret_bytes);
}

/* Files are read between the two locked steps. The credit is what the least critical may take. */
static bool promised(struct node *node, enum room_kind kind, uint64_t bytes, enum priority priority)
{
    struct room_book *book = &node->rooms[kind];
    uint64_t finished, there;
    if (enter_on_credit(book, bytes, !critical_waited_for(node), &finished))
        return true;
    if (look(node, kind, &there))
        there = UINT64_MAX;
    uint64_t mine = subtract_clamped(there, left_alone(node, kind, there, priority));
    uint64_t least = subtract_clamped(there, left_alone(node, kind, there, PRIORITY_TASK));
    lock_take(&book->lock);
    bool fits = enter(book, bytes, mine, finished);
    if (fits)
        book->credit = there == UINT64_MAX
                           ? 0
                           : subtract_clamped(least, book->started - finished) / CREDIT_SHARE;
    lock_drop(&book->lock);
    return fits;
}

/* Huge pages that are not there are refused by the kernel, without harm. */
static bool is_needed(const struct node *node, enum room_kind kind)
{
    return node->manager->here && (kind == ROOM_SMALL || held_back(node, kind, PRIORITY_TASK) > 0);
}

int room_begin(struct node *node, enum hp_backing backing, uint64_t bytes, enum priority priority,
    struct promise *ret_promise)
{
    enum room_kind kind = kind_of(backing);
    *ret_promise = (struct promise){0};
    if (!is_needed(node, kind))
        return 0;
    if (!promised(node, kind, bytes, priority))
        return -ENOMEM;
    *ret_promise = (struct promise){&node->rooms[kind], bytes};
    return 0;
}

void room_end(const struct promise *promise)
{
    struct room_book *book = promise->book;
    if (!book)
        return;
    lock_take(&book->lock);
    book->finished += promise->bytes;
    lock_drop(&book->lock);
}
