/* SPDX-License-Identifier: MIT */
/* A node's budget in atomic words. Invariant: see pool.h; no lock. */
#include "lib/pool.h"

#include <errno.h>

#include "lib/check.h"

/* Room below the limit, in bytes; written so that nothing can wrap. */
static uint64_t room(uint64_t limit, uint64_t now)
{
    return now < limit ? limit - now : 0;
}

static int replace_figure(_Atomic uint64_t *figure, uint64_t *now, uint64_t next)
{
    return atomic_compare_exchange_weak_explicit(
        figure, now, next, memory_order_seq_cst, memory_order_relaxed);
}

static void subtract(_Atomic uint64_t *figure, uint64_t bytes)
{
    uint64_t before = atomic_fetch_sub(figure, bytes);
    hm_assert(before >= bytes);
}

int pool_take(struct pool *pool, size_t bytes, uint64_t held)
{
    uint64_t now = pool_figure(&pool->committed);
    uint64_t limit = pool->limit == UINT64_MAX ? UINT64_MAX : room(pool->limit, held);
    do {
        if (bytes > room(limit, now))
            return -ENOMEM;
    } while (!replace_figure(&pool->committed, &now, now + bytes));
    return 0;
}

void pool_give(struct pool *pool, size_t bytes)
{
    subtract(&pool->committed, bytes);
}

size_t pool_keep(struct pool *pool, enum hp_backing backing, size_t frame_bytes, size_t count)
{
    _Atomic uint64_t *figure = &pool->warm[backing];
    uint64_t now = pool_figure(figure);
    size_t kept;
    do {
        uint64_t fits = room(pool->warm_limit[backing], now) / frame_bytes;
        kept = fits < count ? (size_t)fits : count;
    } while (kept && !replace_figure(figure, &now, now + kept * frame_bytes));
    return kept;
}

void pool_unkeep(struct pool *pool, enum hp_backing backing, size_t bytes)
{
    subtract(&pool->warm[backing], bytes);
}

/* In one order with what the budgets do: either the commit sees the mark, or its watcher the
 * commit. */
bool pool_passed(struct pool *pool)
{
    uint64_t now = atomic_load(&pool->committed);
    return now < atomic_load(&pool->low_mark) || now >= atomic_load(&pool->high_mark);
}

void pool_mark(struct pool *pool, uint64_t low, uint64_t high)
{
    atomic_store(&pool->low_mark, low);
    atomic_store(&pool->high_mark, high);
}
