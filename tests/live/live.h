/* SPDX-License-Identifier: MIT */
/*
 * What the live and the model tests share: the environment of a manager, figures of this process
 * and of the machine's huge pages, children that end by a status, system call filters, random
 * numbers. must() is the assertion for threads and children, where cmocka's own cannot be used: it
 * says what did not hold and ends the process. No lock; the note is per thread.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <hostmem/hostmem.h>

#define KIB      ((size_t)1 << 10)
#define MIB      ((size_t)1 << 20)
#define GIB      ((size_t)1 << 30)
#define TIB      ((size_t)1 << 40)
#define PAGE     ((size_t)4096)
#define GRANULE  (64 * KIB)
#define FRAME    (2 * MIB)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Sanitizers make system calls and mappings of their own, and are slow. */
#if defined(__SANITIZE_ADDRESS__)
#define LIVE_SANITIZED 1
#elif defined(__SANITIZE_THREAD__)
#define LIVE_SANITIZED        1
#define LIVE_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LIVE_SANITIZED 1
#elif __has_feature(thread_sanitizer)
#define LIVE_SANITIZED        1
#define LIVE_THREAD_SANITIZED 1
#endif
#endif
#ifndef LIVE_SANITIZED
#define LIVE_SANITIZED 0
#endif
#ifndef LIVE_THREAD_SANITIZED
#define LIVE_THREAD_SANITIZED 0
#endif

#define must(condition) ((condition) ? (void)0 : live_die(__FILE__, __LINE__, #condition))
_Noreturn void live_die(const char *file, int line, const char *what);
/* Said by live_die() of this thread besides; the text must stay. NULL: nothing. */
void live_note(const char *text);

/* From now on in this process SIGSEGV and SIGBUS end like a must() that does not hold. */
void live_catch_faults(void);

/* Ends the cmocka test as skipped, after a line on what is missing. */
#define live_skip(...)                                                                             \
    do {                                                                                           \
        print_message("missing: " __VA_ARGS__);                                                    \
        print_message("\n");                                                                       \
        skip();                                                                                    \
    } while (0)

/* HM_TEST_SCALE percent of the number, at least 1; 10 under sanitizers unless it is set. */
size_t live_scaled(size_t number);

/* HM_TEST_SEED, or one from the clock; printed. */
uint64_t live_seed(void);
uint64_t live_random(uint64_t *state);
/* 0 .. bound - 1 */
size_t live_below(uint64_t *state, size_t bound);
bool live_one_in(uint64_t *state, size_t n);

/* The HOSTMEM_ variables are these "NAME=value" strings, up to a NULL, and no others. */
void live_environment(const char *first, ...);
/* A manager with the environment as it is. */
struct hostmem *live_manager(void);

/* hostmem_reserve() on the local node, for when it must succeed. */
void *live_reserve(struct hostmem *manager, size_t size, uint32_t flags);
void live_commit(struct hostmem *manager, void *address, size_t size);
struct hostmem_node_stats live_stats(struct hostmem *manager);
/* Sums over the nodes. */
uint64_t live_committed(struct hostmem *manager);
uint64_t live_warm(struct hostmem *manager);

/* Whether all bytes are zero. */
bool live_is_zero(const void *bytes, size_t size);

/* Huge pages of 2 MiB that nobody uses and nobody has been promised. */
uint64_t live_huge_free(void);
/* Waits (10 s at most) until so many are free: ended processes give theirs back a little later. */
bool live_huge_free_again(uint64_t pages);
size_t live_maps(void);     /* lines of /proc/self/maps */
size_t live_resident(void); /* bytes; huge pages of hugetlb are not among them */
uint64_t live_now(void);    /* ns */

/*
 * Runs the body in a child. The exit status: 0 when it returned, 1 when it failed, 77 when it was
 * skipped, 128 + signal. ret_text (or NULL) gets what it wrote to stderr.
 */
int live_child(void (*body)(void *), void *argument, char *ret_text, size_t size);
/* The same under cmocka: fails or skips the test as the child did. */
void live_in_child(void (*body)(void *), void *argument);
/* In a child: something is missing. */
_Noreturn void live_child_skip(const char *what);

/* From now on these system calls, up to -1, fail with `error` in this thread and its children. */
void live_refuse(int error, const int *calls);
/* From now on any system call but these, up to -1, kills the process. */
void live_allow_only(const int *calls);

/*
 * Under the thread sanitizer program memory is 1.5 TiB, which a window of 1 TiB each would not fit
 * into: limits address space, so that the library makes smaller windows. Elsewhere nothing.
 */
void live_limit_windows(void);

/* The i-th of some addresses where neither the kernel nor a sanitizer puts anything by itself; 4
 * GiB from each are free. */
uintptr_t live_address(size_t i);

#endif
