/* SPDX-License-Identifier: MIT */
/* What is held against the oracle: results, contents, queries, access rights. No lock: the caller
 * has the region. */
#include <errno.h>
#include <unistd.h>

#include "worker.h"

void judge_result(struct worker *worker, int error, int wanted)
{
    if (error == wanted)
        return;
    if (error == -ENOMEM && wanted == 0 && worker->world->scarce) {
        atomic_fetch_add(&worker->world->short_answers, 1);
        return;
    }
    print_error("result %d (%s), not %d (%s)\n", error, hostmem_strerror(error), wanted,
        hostmem_strerror(wanted));
    must(error == wanted);
}

/* Small spans are looked at byte by byte, larger ones at the word where an old tag would be. */
#define CLOSE_PAGES 32

void judge_pages(struct worker *worker, const struct oracle *region, struct span span)
{
    bool close = span.end - span.first <= CLOSE_PAGES;
    for (size_t i = span.first; i < span.end; i++) {
        struct cell cell = region->cells[i];
        uintptr_t page = region->base + i * PAGE;
        if (!oracle_readable(cell))
            continue;
        must(*oracle_tag_word(page) == cell.tag);
        if (close && !cell.tag)
            must(live_is_zero((void *)page, PAGE));
    }
}

void judge_query(struct worker *worker, const struct oracle *region, struct span span, bool shared)
{
    struct world *world = worker->world;
    size_t page = span.first + live_below(&worker->random, span.end - span.first);
    uintptr_t address = region->base + page * PAGE + live_below(&worker->random, PAGE);
    struct hostmem_info seen = {0}, wanted = oracle_query(region, address);
    must(face_query(&world->face, live_one_in(&worker->random, 2), address, &seen) == 0);
    must(seen.base == wanted.base);
    must(seen.allocation_base == wanted.allocation_base);
    must(seen.allocation_protection == wanted.allocation_protection);
    must(seen.state == wanted.state && seen.type == wanted.type);
    must(seen.protection == wanted.protection);
    size_t known = region->base + span.end * PAGE - wanted.base;
    if (shared && wanted.size >= known)
        must(seen.size >= known);
    else
        must(seen.size == wanted.size);
}

/* A system call that reads one byte of the page, and one that writes what is there already. */
static bool can_read(struct worker *worker, char *byte)
{
    char back;
    ssize_t n = write(worker->pipe[1], byte, 1);
    must(n == 1 || errno == EFAULT);
    must(n != 1 || read(worker->pipe[0], &back, 1) == 1);
    return n == 1;
}

/* widened: the page may be more accessible than it should be, never less. */
static void judge_right(const char *what, bool can, bool may, bool widened)
{
    bool right = can == may || (can && widened);
    if (!right)
        print_error("the program %s %s\n", can ? "can" : "cannot", what);
    must(right);
}

static bool can_write(struct worker *worker, char *byte, char value)
{
    must(write(worker->pipe[1], &value, 1) == 1);
    ssize_t n = read(worker->pipe[0], byte, 1);
    must(n == 1 || errno == EFAULT);
    must(n == 1 || read(worker->pipe[0], &value, 1) == 1);
    return n == 1;
}

void judge_access(struct worker *worker, const struct oracle *region, size_t page)
{
    struct cell cell = region->cells[page];
    char *byte = (char *)oracle_tag_word(region->base + page * PAGE);
    char value = (char)cell.tag;
    /* While another worker's pages of the frame are zeroed, the frame is open for a moment. */
    bool widened =
        region->kind == KIND_HUGETLB && oracle_frame_sticks_out(region, page, region->known);
    /* Uncommitted memory of huge pages is accessible; a touch might take a page from the pool. */
    if (!cell.committed && region->kind != KIND_EXACT)
        return;
    if (!(cell.access & HOSTMEM_PROT_EXEC))
        judge_right("read", can_read(worker, byte), oracle_readable(cell), widened);
    judge_right("write", can_write(worker, byte, value), oracle_writable(cell), widened);
}
