/* SPDX-License-Identifier: MIT */
/*
 * Heaps beside malloc: times of the same steps on both sides, taken in turn in one run on fixed
 * CPUs, as nanoseconds for one block (allocate, write its first word, free). Exit status 1 where a
 * bar is missed and the argument is --bar. No lock: the threads of a step share what its struct
 * says.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hostmem/heap.h>

#include "bench/cpus.h"

#define ROUNDS    15
#define STEPS     ((size_t)400000)
#define THREADS   2
#define RING      ((size_t)4096)
#define LARGEST   1024
#define SMALLEST  16
#define CREATES   200
#define BIG_BYTES ((size_t)150 << 20)

static struct hostmem *manager;
static int cpus[CPUS_THREADS];

/* A heap, or NULL for malloc. */
static void *get(struct hostmem_heap *heap, size_t size)
{
    void *block = NULL;
    if (!heap)
        block = malloc(size);
    else if (hostmem_heap_alloc(heap, size, HOSTMEM_TASK_CRITICAL, &block))
        block = NULL;
    if (!block) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    *(volatile uint64_t *)block = size;
    return block;
}

static void put(struct hostmem_heap *heap, void *block)
{
    if (!heap)
        free(block);
    else if (hostmem_heap_free(heap, block))
        abort();
}

static struct hostmem_heap *new_heap(void)
{
    struct hostmem_heap *heap;
    int error = hostmem_heap_create(manager, HOSTMEM_NODE_LOCAL, 0, &heap);
    if (error) {
        fprintf(stderr, "no heap: %s\n", hostmem_strerror(error));
        exit(error == -80 ? 77 : 1);
    }
    return heap;
}

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static size_t size_of(uint64_t random)
{
    return SMALLEST + (random >> 40) % (LARGEST - SMALLEST + 1);
}

/* -- the same thread frees -- */

struct churn {
    struct hostmem_heap *heap;
    size_t alive;
    int cpu;
    double ns; /* of a step */
    pthread_barrier_t *start;
};

static void *churn(void *argument)
{
    struct churn *c = argument;
    uint64_t state = 88172645463325252u + (uint64_t)c->cpu;
    void **blocks = calloc(c->alive, sizeof(*blocks));
    cpus_pin(c->cpu);
    for (size_t i = 0; i < c->alive; i++)
        blocks[i] = get(c->heap, size_of(next(&state)));
    pthread_barrier_wait(c->start);
    double begin = now_ns();
    for (size_t i = 0; i < STEPS; i++) {
        uint64_t random = next(&state);
        size_t at = (uint32_t)random % c->alive;
        put(c->heap, blocks[at]);
        blocks[at] = get(c->heap, size_of(random));
    }
    c->ns = (now_ns() - begin) / (double)STEPS;
    for (size_t i = 0; i < c->alive; i++)
        put(c->heap, blocks[i]);
    free(blocks);
    return NULL;
}

static double churn_all(struct hostmem_heap *heap, size_t alive, int threads)
{
    struct churn work[THREADS];
    pthread_t thread[THREADS];
    pthread_barrier_t start;
    double ns = 0;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        work[i] = (struct churn){heap, alive, cpus[i], 0, &start};
        pthread_create(&thread[i], NULL, churn, &work[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        ns += work[i].ns / threads;
    }
    pthread_barrier_destroy(&start);
    return ns;
}

/* -- another thread frees -- */

struct ring {
    struct hostmem_heap *heap;
    _Alignas(64) _Atomic size_t head;
    _Alignas(64) _Atomic size_t tail;
    void *blocks[RING];
};

static void *free_all(void *argument)
{
    struct ring *ring = argument;
    cpus_pin(cpus[1]);
    for (size_t at = 0; at < STEPS; at++) {
        while (atomic_load_explicit(&ring->head, memory_order_acquire) == at)
            ;
        put(ring->heap, ring->blocks[at % RING]);
        atomic_store_explicit(&ring->tail, at + 1, memory_order_release);
    }
    return NULL;
}

static double cross(struct hostmem_heap *heap)
{
    static struct ring ring;
    uint64_t state = 88172645463325252u;
    pthread_t thread;
    ring.heap = heap;
    atomic_store(&ring.head, 0);
    atomic_store(&ring.tail, 0);
    cpus_pin(cpus[0]);
    pthread_create(&thread, NULL, free_all, &ring);
    double begin = now_ns();
    for (size_t at = 0; at < STEPS; at++) {
        while (at - atomic_load_explicit(&ring.tail, memory_order_acquire) == RING)
            ;
        ring.blocks[at % RING] = get(heap, size_of(next(&state)));
        atomic_store_explicit(&ring.head, at + 1, memory_order_release);
    }
    pthread_join(thread, NULL);
    return (now_ns() - begin) / (double)STEPS;
}

/* -- figures -- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figure {
    double least, median;
};

static struct figure figure_of(double *times, size_t count)
{
    qsort(times, count, sizeof(*times), by_value);
    return (struct figure){times[0], times[count / 2]};
}

static bool missed;

static void show(const char *what, double *heap, double *libc, double most)
{
    struct figure h = figure_of(heap, ROUNDS), l = figure_of(libc, ROUNDS);
    double ratio = h.median / l.median;
    bool bad = ratio > most;
    missed |= bad;
    printf("%-32s %7.1f %7.1f   %7.1f %7.1f   %5.2f of %.2f%s\n", what, h.least, h.median, l.least,
        l.median, ratio, most, bad ? "  MISSED" : "");
}

static void show_churn(const char *what, size_t alive, int threads)
{
    double heap[ROUNDS], libc[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct hostmem_heap *made = new_heap();
        heap[i] = churn_all(made, alive, threads);
        hostmem_heap_destroy(made);
        libc[i] = churn_all(NULL, alive, threads);
    }
    show(what, heap, libc, 1.25);
}

static void show_cross(void)
{
    double heap[ROUNDS], libc[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct hostmem_heap *made = new_heap();
        heap[i] = cross(made);
        hostmem_heap_destroy(made);
        libc[i] = cross(NULL);
    }
    show("another thread frees", heap, libc, 0.5);
}

static void show_alone(const char *what, double *us, size_t count, double most)
{
    struct figure f = figure_of(us, count);
    missed |= f.median > most;
    printf("%-32s %7.1f %7.1f us                  of %.0f us%s\n", what, f.least, f.median, most,
        f.median > most ? "  MISSED" : "");
}

static void show_life(void)
{
    double times[CREATES];
    cpus_pin(cpus[0]);
    for (size_t i = 0; i < CREATES; i++) {
        uint64_t state = i + 1;
        double begin = now_ns();
        struct hostmem_heap *heap = new_heap();
        for (int j = 0; j < 1000; j++)
            get(heap, size_of(next(&state)));
        hostmem_heap_destroy(heap);
        times[i] = (now_ns() - begin) / 1e3;
    }
    show_alone("create, 1,000 blocks, destroy", times, CREATES, 50);
}

static void show_end(void)
{
    double times[5];
    for (size_t i = 0; i < 5; i++) {
        uint64_t state = i + 1;
        struct hostmem_heap *heap = new_heap();
        for (size_t bytes = 0, size; bytes < BIG_BYTES; bytes += size)
            get(heap, size = size_of(next(&state)));
        double begin = now_ns();
        hostmem_heap_destroy(heap);
        times[i] = (now_ns() - begin) / 1e3;
    }
    show_alone("destroy of 150 MB", times, 5, 1000);
}

int main(int argc, char **argv)
{
    size_t count = cpus_spread(cpus);
    if (count < THREADS || hostmem_create(&manager)) {
        fprintf(stderr, "missing: two CPUs, or a manager\n");
        return 77;
    }
    printf("ns for one block: the least and the median of %d rounds\n", ROUNDS);
    printf("%-32s %15s   %15s\n", "", "heap", "malloc");
    show_churn("one thread, 4,000 alive", 4000, 1);
    show_churn("one thread, 100,000 alive", 100000, 1);
    show_churn("two threads, 4,000 alive", 4000, 2);
    show_churn("two threads, 100,000 alive", 100000, 2);
    show_cross();
    show_life();
    show_end();
    hostmem_destroy(manager);
    return missed && argc > 1 && strcmp(argv[1], "--bar") == 0;
}
