/* SPDX-License-Identifier: MIT */
/*
 * The operations on simulated pools. Invariant: for each node, what the pool was given = what is
 * free + what is populated. The mutex `lock` guards the pools, the calls and the address space
 * (hp_space.h).
 */
#include "hp_fake.h"
#include "hp_space.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

static_assert(HP_FAKE_NODES < 255, "a byte holds a node and one");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t free_bytes[HP_FAKE_NODES], populated_bytes[HP_FAKE_NODES];
static struct hp_fake_calls calls;
static int bind_error;

static int take(int node, size_t bytes)
{
    int from = node == SPACE_UNBOUND ? 0 : node;
    if (free_bytes[from] < bytes)
        return -ENOMEM;
    free_bytes[from] -= bytes;
    populated_bytes[from] += bytes;
    return from;
}

static void give(uint8_t *page_origin, size_t bytes)
{
    int node = *page_origin - 1;
    if (node < 0)
        return;
    free_bytes[node] += bytes;
    populated_bytes[node] -= bytes;
    *page_origin = 0;
}

static int populate_segment(const struct segment *segment)
{
    if ((segment->access & HP_WRITE) == 0)
        return -EINVAL;
    for (uintptr_t at = segment->start; at < segment->end; at += segment->page) {
        uint8_t *page_origin = hp_space_origin(at);
        int node = *page_origin != 0 ? *page_origin - 1 : take(segment->node, segment->page);
        if (node < 0)
            return node;
        *page_origin = (uint8_t)(node + 1);
    }
    return 0;
}

static void empty_segment(const struct segment *segment)
{
    for (uintptr_t at = segment->start; at < segment->end; at += segment->page)
        give(hp_space_origin(at), segment->page);
}

static int map_memory(void *at, size_t size, size_t align, unsigned access, void **ret_base)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    flags |= at != NULL ? MAP_FIXED_NOREPLACE : 0;
    size_t slack = at != NULL ? 0 : align;
    char *start = mmap(at, size + slack, (int)access, flags, -1, 0);
    if (start == MAP_FAILED)
        return -errno;
    if (at == NULL) {
        size_t head = -(uintptr_t)start & (align - 1);
        if (head > 0)
            munmap(start, head);
        munmap(start + head + size, slack - head);
        start += head;
    }
    *ret_base = start;
    return 0;
}

static int map_with(unsigned access, const struct hp_spec *spec, void *at, size_t size,
    size_t align, void **ret_base)
{
    if (size == 0 || size % spec->page_size != 0 || (uintptr_t)at % spec->page_size != 0 ||
        align < spec->page_size || (align & (align - 1)) != 0)
        hp_space_broken("map of what is not whole pages", at, size);
    pthread_mutex_lock(&lock);
    calls.map++;
    void *base = NULL;
    int r = map_memory(at, size, align, access, &base);
    if (r == 0) {
        uintptr_t start = (uintptr_t)base;
        if (!hp_space_is_free(start, size))
            hp_space_broken("a mapping was taken away behind the fake", base, size);
        struct segment fresh = {start, start + size, spec->page_size, SPACE_UNBOUND, access};
        hp_space_insert(hp_space_find(start), fresh);
        *ret_base = base;
    }
    pthread_mutex_unlock(&lock);
    return r;
}

static int fake_unmap(void *base, size_t size)
{
    size_t first, end;
    pthread_mutex_lock(&lock);
    calls.unmap++;
    hp_space_select(base, size, &first, &end);
    for (size_t i = first; i < end; i++)
        empty_segment(&hp_space_segments[i]);
    hp_space_drop(first, end);
    munmap(base, size);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int bind_range(void *base, size_t size, int node)
{
    size_t first, end;
    if (bind_error != 0)
        return bind_error;
    if (node < 0 || node >= HP_FAKE_NODES)
        return -EINVAL;
    hp_space_select(base, size, &first, &end);
    for (size_t i = first; i < end; i++)
        hp_space_segments[i].node = node;
    hp_space_join();
    return 0;
}

static int fake_bind(void *base, size_t size, int node)
{
    pthread_mutex_lock(&lock);
    calls.bind++;
    int r = bind_range(base, size, node);
    pthread_mutex_unlock(&lock);
    return r;
}

static int fake_populate(void *base, size_t size)
{
    size_t first, end;
    int r = 0;
    pthread_mutex_lock(&lock);
    calls.populate++;
    hp_space_select(base, size, &first, &end);
    for (size_t i = first; i < end && r == 0; i++)
        r = populate_segment(&hp_space_segments[i]);
    hp_space_join();
    pthread_mutex_unlock(&lock);
    return r;
}

static int fake_discard(void *base, size_t size)
{
    size_t first, end;
    pthread_mutex_lock(&lock);
    calls.discard++;
    hp_space_select(base, size, &first, &end);
    for (size_t i = first; i < end; i++)
        empty_segment(&hp_space_segments[i]);
    madvise(base, size, MADV_DONTNEED);
    hp_space_join();
    pthread_mutex_unlock(&lock);
    return 0;
}

static int fake_protect(void *base, size_t size, unsigned access)
{
    size_t first, end;
    pthread_mutex_lock(&lock);
    calls.protect++;
    hp_space_select(base, size, &first, &end);
    for (size_t i = first; i < end; i++)
        hp_space_segments[i].access = access;
    hp_space_join();
    int r = mprotect(base, size, (int)access) == 0 ? 0 : -errno;
    pthread_mutex_unlock(&lock);
    return r;
}

/* All of the new memory is taken before any of the old is given back, as the real ones do. */
static int replace_range(struct segment fresh, bool populate)
{
    size_t first, end, size = fresh.end - fresh.start;
    int from = populate ? take(fresh.node, size) : 0;
    if (from < 0)
        return from;
    hp_space_select((void *)fresh.start, size, &first, &end);
    for (size_t i = first; i < end; i++)
        empty_segment(&hp_space_segments[i]);
    hp_space_drop(first, end);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (mmap((void *)fresh.start, size, (int)fresh.access, flags, -1, 0) == MAP_FAILED)
        hp_space_broken("no memory to replace", (void *)fresh.start, size);
    for (uintptr_t at = fresh.start; populate && at < fresh.end; at += fresh.page)
        *hp_space_origin(at) = (uint8_t)(from + 1);
    hp_space_insert(hp_space_find(fresh.start), fresh);
    hp_space_join();
    return 0;
}

static int replace_with(
    unsigned access, const struct hp_spec *spec, void *at, size_t size, int node, bool populate)
{
    uintptr_t start = (uintptr_t)at;
    if (size % spec->page_size != 0 || start % spec->page_size != 0)
        hp_space_broken("replace of what is not whole pages", at, size);
    pthread_mutex_lock(&lock);
    calls.replace++;
    int bound = node < 0 || bind_error != 0 ? SPACE_UNBOUND : node;
    struct segment fresh = {start, start + size, spec->page_size, bound, access};
    int r = node >= HP_FAKE_NODES ? -EINVAL : replace_range(fresh, populate);
    pthread_mutex_unlock(&lock);
    return r;
}

static int rw_map(const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    return map_with(HP_RW, spec, at, size, align, ret_base);
}

static int none_map(
    const struct hp_spec *spec, void *at, size_t size, size_t align, void **ret_base)
{
    return map_with(HP_NONE, spec, at, size, align, ret_base);
}

static int rw_replace(const struct hp_spec *spec, void *at, size_t size, int node, bool populate)
{
    return replace_with(HP_RW, spec, at, size, node, populate);
}

static int none_replace(const struct hp_spec *spec, void *at, size_t size, int node, bool populate)
{
    return replace_with(HP_NONE, spec, at, size, node, populate);
}

const struct hp_ops hp_fake = {"fake", rw_map, fake_unmap, fake_bind, fake_populate, fake_discard,
    fake_protect, rw_replace, HP_RW};
const struct hp_ops hp_fake_base = {"fake base", none_map, fake_unmap, fake_bind, fake_populate,
    fake_discard, fake_protect, none_replace, HP_NONE};

void hp_fake_reset(const size_t *bytes_of_node, size_t nodes)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < hp_space_count; i++) {
        empty_segment(&hp_space_segments[i]);
        munmap((void *)hp_space_segments[i].start,
            hp_space_segments[i].end - hp_space_segments[i].start);
    }
    hp_space_count = 0;
    for (size_t node = 0; node < HP_FAKE_NODES; node++)
        free_bytes[node] = node < nodes ? bytes_of_node[node] : 0;
    calls = (struct hp_fake_calls){0};
    bind_error = 0;
    pthread_mutex_unlock(&lock);
}

size_t hp_fake_free(int node)
{
    pthread_mutex_lock(&lock);
    size_t bytes = free_bytes[node];
    pthread_mutex_unlock(&lock);
    return bytes;
}

void hp_fake_set_free(int node, size_t bytes)
{
    pthread_mutex_lock(&lock);
    free_bytes[node] = bytes;
    pthread_mutex_unlock(&lock);
}

void hp_fake_refuse_bind(int error)
{
    pthread_mutex_lock(&lock);
    bind_error = error;
    pthread_mutex_unlock(&lock);
}

struct hp_fake_calls hp_fake_calls(void)
{
    pthread_mutex_lock(&lock);
    struct hp_fake_calls copy = calls;
    pthread_mutex_unlock(&lock);
    return copy;
}

size_t hp_fake_mapped(void)
{
    size_t bytes = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < hp_space_count; i++)
        bytes += hp_space_segments[i].end - hp_space_segments[i].start;
    pthread_mutex_unlock(&lock);
    return bytes;
}

size_t hp_fake_populated(int node)
{
    size_t bytes = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < HP_FAKE_NODES; i++)
        bytes += node < 0 || i == node ? populated_bytes[i] : 0;
    pthread_mutex_unlock(&lock);
    return bytes;
}

static int node_of(uintptr_t address)
{
    const struct segment *segment = hp_space_holder(address);
    if (segment == NULL)
        return -ENOENT;
    int node = *hp_space_origin(address & ~(segment->page - 1)) - 1;
    return node < 0 ? -ENOENT : node;
}

int hp_fake_node_of(const void *page)
{
    pthread_mutex_lock(&lock);
    int node = node_of((uintptr_t)page);
    pthread_mutex_unlock(&lock);
    return node;
}

int hp_fake_bound_to(const void *page)
{
    pthread_mutex_lock(&lock);
    const struct segment *segment = hp_space_holder((uintptr_t)page);
    int node = segment == NULL || segment->node == SPACE_UNBOUND ? -ENOENT : segment->node;
    pthread_mutex_unlock(&lock);
    return node;
}

int hp_fake_locate(void *const *pages, size_t count, int *ret_nodes)
{
    if (count > HP_LOCATE_MAX)
        return -EINVAL;
    pthread_mutex_lock(&lock);
    calls.locate++;
    for (size_t i = 0; i < count; i++)
        ret_nodes[i] = node_of((uintptr_t)pages[i]);
    pthread_mutex_unlock(&lock);
    return 0;
}
