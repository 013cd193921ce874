/* SPDX-License-Identifier: MIT */
/* The threads of the demo and what they do with memory. See work.h. */
#include "bench/work.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/show.h"
#include "bench/unexpected.h"

#define PAGE    ((size_t)4096)
#define KIB     ((size_t)1 << 10)
#define MIB     ((size_t)1 << 20)
#define SEGMENT (256 * MIB) /* reserved */
#define STEP    (4 * MIB)   /* of growing */
#define HEAP    (32 * MIB)  /* committed of the segment */
#define OBJECT  (9 * MIB + 64 * KIB)
#define BLOCK   (64 * KIB)
#define GUARDED (1 * MIB)  /* reserved without access */
#define OPENED  (64 * KIB) /* committed of it */
#define ROUNDS  50

_Static_assert(HEAP % STEP == 0 && HEAP <= SEGMENT, "the segment grows in whole steps");

/* -- calls of the interface, each counted -- */

static bool well(struct worker *w, HRESULT result, const char *what)
{
    char text[96];
    w->calls++;
    snprintf(text, sizeof(text), "thread %u: %s", w->number, what);
    return went_well(result, text);
}

static char *allocate(struct worker *w, void *at, size_t size, DWORD type, DWORD protect)
{
    void *base;
    HRESULT result =
        IHostMemoryManager_VirtualAlloc(w->manager, at, size, type, protect, eTaskCritical, &base);
    return well(w, result, "VirtualAlloc") ? base : NULL;
}

static bool commit(struct worker *w, char *at, size_t size)
{
    return allocate(w, at, size, MEM_COMMIT, PAGE_READWRITE) == at;
}

static bool decommit(struct worker *w, char *at, size_t size)
{
    HRESULT result = IHostMemoryManager_VirtualFree(w->manager, at, size, MEM_DECOMMIT);
    return well(w, result, "VirtualFree MEM_DECOMMIT");
}

static void release(struct worker *w, char **base)
{
    if (*base)
        well(w, IHostMemoryManager_VirtualFree(w->manager, *base, 0, MEM_RELEASE),
            "VirtualFree MEM_RELEASE");
    *base = NULL;
}

/* Whether the page at `at` is in that state, and has that protection if it is committed. */
static bool query(struct worker *w, char *at, DWORD state, DWORD protect)
{
    MEMORY_BASIC_INFORMATION m;
    SIZE_T length;
    HRESULT result = IHostMemoryManager_VirtualQuery(w->manager, at, &m, sizeof(m), &length);
    if (!well(w, result, "VirtualQuery"))
        return false;
    if (m.State == state && (state != MEM_COMMIT || m.Protect == protect))
        return true;
    unexpected("thread %u: VirtualQuery says state 0x%x, protection 0x%x, not 0x%x, 0x%x",
        w->number, m.State, m.Protect, state, protect);
    return false;
}

/* -- contents: a word in every page -- */

static volatile uint64_t *word_at(char *base, size_t offset)
{
    return (volatile uint64_t *)(base + offset);
}

static void write_all(char *base, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE)
        *word_at(base, at) = (uintptr_t)(base + at);
}

static bool has_words(struct worker *w, char *base, size_t size, bool written)
{
    for (size_t at = 0; at < size; at += PAGE) {
        uint64_t wanted = written ? (uintptr_t)(base + at) : 0;
        if (*word_at(base, at) == wanted)
            continue;
        unexpected("thread %u: %s memory reads 0x%llx", w->number, written ? "kept" : "committed",
            (unsigned long long)*word_at(base, at));
        return false;
    }
    return true;
}

static bool is_zero(struct worker *w, char *base, size_t size)
{
    return has_words(w, base, size, false);
}

static bool is_kept(struct worker *w, char *base, size_t size)
{
    return has_words(w, base, size, true);
}

/* -- the four kinds of memory -- */

static bool grow_segment(struct worker *w, size_t from, size_t to)
{
    for (size_t at = from; at < to; at += STEP) {
        if (!commit(w, w->segment + at, STEP) || !is_zero(w, w->segment + at, STEP))
            return false;
        write_all(w->segment + at, STEP);
    }
    return true;
}

static bool make_segment(struct worker *w)
{
    w->segment = allocate(w, NULL, SEGMENT, MEM_RESERVE, PAGE_READWRITE);
    return w->segment && grow_segment(w, 0, HEAP) && query(w, w->segment + HEAP, MEM_RESERVE, 0);
}

/* A collection: half of the heap is given up, and taken again when the program goes on. */
static bool collect(struct worker *w)
{
    size_t kept = HEAP / 2;
    return decommit(w, w->segment + kept, HEAP - kept) &&
           query(w, w->segment + kept, MEM_RESERVE, 0) && is_kept(w, w->segment, kept) &&
           grow_segment(w, kept, HEAP);
}

static char *make_filled(struct worker *w, size_t size)
{
    char *base = allocate(w, NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (base && is_zero(w, base, size))
        write_all(base, size);
    return base;
}

static bool renew(struct worker *w, char **base, size_t size)
{
    if (*base && !is_kept(w, *base, size))
        return false;
    release(w, base);
    *base = make_filled(w, size);
    return *base != NULL;
}

static bool renew_blocks(struct worker *w)
{
    for (size_t i = 0; i < WORK_BLOCKS; i++)
        if (!renew(w, &w->blocks[i], BLOCK))
            return false;
    return true;
}

static HRESULT protect(struct worker *w, char *at, DWORD protection)
{
    DWORD old;
    w->calls++;
    return IHostMemoryManager_VirtualProtect(w->manager, at, PAGE, protection, &old);
}

/* A page read-only and back. Huge pages of hugetlb cannot do it: that is an answer, not a fault. */
static bool toggle_page(struct worker *w, char *page)
{
    HRESULT result = protect(w, page, PAGE_READONLY);
    if (result == HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED)) {
        w->protect_refused = true;
        return true;
    }
    return went_well(result, "VirtualProtect PAGE_READONLY") &&
           query(w, page, MEM_COMMIT, PAGE_READONLY) && is_kept(w, page, PAGE) &&
           went_well(protect(w, page, PAGE_READWRITE), "VirtualProtect PAGE_READWRITE");
}

static bool make_guarded(struct worker *w)
{
    w->guarded = allocate(w, NULL, GUARDED, MEM_RESERVE, PAGE_NOACCESS);
    if (!w->guarded || !commit(w, w->guarded, OPENED) || !is_zero(w, w->guarded, OPENED))
        return false;
    write_all(w->guarded, OPENED);
    return query(w, w->guarded + OPENED, MEM_RESERVE, 0);
}

static void do_work(struct worker *w)
{
    bool good = make_segment(w) && make_guarded(w);
    for (unsigned round = 0; good && round < ROUNDS; round++)
        good = renew_blocks(w) && renew(w, &w->object, OBJECT) && collect(w) &&
               toggle_page(w, w->guarded + PAGE);
}

/* -- receipts -- */

static bool same_place(const struct hostmem_receipt *a, const struct hostmem_receipt *b)
{
    return a->page_size == b->page_size && a->node_asked == b->node_asked &&
           a->node_given == b->node_given && a->backing == b->backing && a->reason == b->reason &&
           a->verified == b->verified;
}

static void add_holding(struct worker *w, struct holding one)
{
    for (size_t i = 0; i < w->holding_count; i++) {
        struct holding *h = &w->holdings[i];
        if (strcmp(h->what, one.what) != 0 || !same_place(&h->receipt, &one.receipt))
            continue;
        h->count++;
        h->reserved += one.reserved;
        h->receipt.committed += one.receipt.committed;
        return;
    }
    if (w->holding_count < WORK_HOLDINGS)
        w->holdings[w->holding_count++] = one;
    else
        unexpected("thread %u: more kinds of receipts than the table has room for", w->number);
}

static void note(struct worker *w, const char *what, char *base, size_t size)
{
    struct holding one = {.what = what, .count = 1, .reserved = size};
    if (!base)
        return;
    int error = hostmem_receipt(HostMemFromManager(w->manager), base, size, &one.receipt);
    if (error)
        unexpected("thread %u: receipt of the %s: %s", w->number, what, hostmem_strerror(error));
    else
        add_holding(w, one);
}

static void note_all(struct worker *w)
{
    note(w, "segment", w->segment, SEGMENT);
    for (size_t i = 0; i < WORK_BLOCKS; i++)
        note(w, "block", w->blocks[i], BLOCK);
    note(w, "large object", w->object, OBJECT);
    note(w, "no-access region", w->guarded, GUARDED);
}

static void print_holding(unsigned thread, const struct holding *h)
{
    char what[32], node[32], text[3][SHOW_AMOUNT];
    const struct hostmem_receipt *r = &h->receipt;
    snprintf(what, sizeof(what), h->count > 1 ? "%s x %u" : "%s", h->what, h->count);
    if (r->committed == 0)
        snprintf(node, sizeof(node), "-");
    else if (r->node_given == HOSTMEM_NODE_MIXED)
        snprintf(node, sizeof(node), "%d>mixed", r->node_asked);
    else
        snprintf(node, sizeof(node), r->node_given == r->node_asked ? "%d" : "%d>%d", r->node_asked,
            r->node_given);
    printf("  %-6u  %-16s %9s %9s  %7s  %-7s  %-5s %-3s%s%s\n", thread, what,
        show_amount(h->reserved, text[0]), show_amount(r->committed, text[1]),
        show_amount(r->page_size, text[2]), show_backing(r->backing), node,
        r->verified ? "yes" : "no", r->reason ? "   " : "", show_reason(r->reason));
}

/* -- threads -- */

static void *run(void *argument)
{
    struct worker *w = argument;
    cpus_pin(w->cpu);
    do_work(w);
    note_all(w);
    sem_post(&w->holds);
    while (sem_wait(&w->leaves))
        continue;
    for (size_t i = 0; i < WORK_BLOCKS; i++)
        release(w, &w->blocks[i]);
    release(w, &w->object);
    release(w, &w->segment);
    release(w, &w->guarded);
    return NULL;
}

static bool start(struct worker *w)
{
    sem_init(&w->holds, 0, 0);
    sem_init(&w->leaves, 0, 0);
    if (pthread_create(&w->thread, NULL, run, w) == 0)
        return true;
    unexpected("thread %u cannot be started", w->number);
    return false;
}

void work_hold(struct work *work, IHostMemoryManager *manager)
{
    int cpus[CPUS_THREADS];
    size_t wanted = cpus_spread(cpus);
    *work = (struct work){0};
    for (; work->count < wanted; work->count++) {
        struct worker *w = &work->workers[work->count];
        w->manager = manager;
        w->number = (unsigned)work->count;
        w->cpu = cpus[work->count];
        if (!start(w))
            break;
    }
    for (size_t i = 0; i < work->count; i++)
        while (sem_wait(&work->workers[i].holds))
            continue;
}

void work_show(const struct work *work)
{
    bool refused = false;
    printf("  thread  region            reserved committed     page  backing  node  seen"
           "  not the first choice\n");
    for (size_t i = 0; i < work->count; i++) {
        for (size_t k = 0; k < work->workers[i].holding_count; k++)
            print_holding((unsigned)i, &work->workers[i].holdings[k]);
        refused |= work->workers[i].protect_refused;
    }
    printf(
        "  node: where it was asked for, > where it is; seen: the kernel was asked where it is\n");
    if (refused)
        printf("  A single page could not be made read-only: it is part of a hugetlb page, and\n"
               "  HOSTMEM_BACKING allows no other memory.\n");
}

uint64_t work_end(struct work *work)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < work->count; i++)
        sem_post(&work->workers[i].leaves);
    for (size_t i = 0; i < work->count; i++) {
        pthread_join(work->workers[i].thread, NULL);
        sem_destroy(&work->workers[i].holds);
        sem_destroy(&work->workers[i].leaves);
        calls += work->workers[i].calls;
    }
    return calls;
}
