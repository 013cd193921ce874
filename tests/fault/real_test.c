/* SPDX-License-Identifier: MIT */
/*
 * The sweep over real mappings: every call into the C library that our objects make fails in turn,
 * as the kernel might let it. After each manager the process has as many mappings and huge pages as
 * before; while one is open its frames are exactly the huge pages of the process. The argument
 * names the backings; those with hugetlb need 64 free huge pages of 2 MiB.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "fakes.h"
#include "sweep.h"
#include "tests/hugepage/memory.h"
#include "wrap.h"

#define HUGE (2 * MIB)

static const char *backings;
static size_t maps_before, used_before;

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) ||                               \
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Mappings of this process; those of the sanitizers come and go as they like. */
static size_t mappings(void)
{
    return SANITIZED ? 0 : map_count();
}

/* Huge pages that are kept from the manager. */
static struct {
    void *base;
    size_t size;
} blocked;

static void unblock(void)
{
    if (blocked.size)
        munmap(blocked.base, blocked.size);
    blocked.size = 0;
}

static bool with_hugetlb(void)
{
    return strncmp(backings, "hugetlb", 7) == 0;
}

/* Huge pages of this process, in bytes: others may take and return some of the machine's meanwhile.
 */
static size_t huge_used(void)
{
    char line[256];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status))
        if (sscanf(line, "HugetlbPages: %zu kB", &kib) == 1)
            break;
    fclose(status);
    return kib << 10;
}

static void rig_leave(struct stage *stage, size_t bytes)
{
    size_t now = huge_free(HUGE) * HUGE;
    if (!with_hugetlb() || now <= bytes)
        return;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE | 21 << MAP_HUGE_SHIFT;
    blocked.size = now - bytes;
    blocked.base = mmap(NULL, blocked.size, PROT_READ | PROT_WRITE, flags, -1, 0);
    assert_ptr_not_equal(blocked.base, MAP_FAILED);
}

static const struct scenario *now_open;

static const char *get(const char *name, void *context)
{
    if (strcmp(name, "HOSTMEM_BACKING") == 0)
        return backings;
    /* A watcher's calls would be counted among those of the operation. */
    if (strcmp(name, "HOSTMEM_WATCH") == 0)
        return "0";
    if (strcmp(name, "HOSTMEM_PAGE_SIZE") == 0 && with_hugetlb())
        return "2M";
    if (strcmp(name, "HOSTMEM_PREFAULT") == 0 && !now_open && strcmp(backings, "base") != 0)
        return "4M";
    if (strcmp(name, "HOSTMEM_POOL") == 0 && now_open)
        return now_open->pool;
    return strcmp(name, "HOSTMEM_WARM") == 0 && now_open ? now_open->warm : NULL;
}

static int open_real(struct hostmem **ret_manager)
{
    static struct config config;
    char message[CONFIG_MESSAGE];
    int error = config_parse(get, NULL, &config, message, sizeof(message));
    return error ? error : manager_open(&config, &manager_parts_real, ret_manager);
}

static int rig_open(const struct trial *t, struct hostmem **ret_manager)
{
    now_open = t->scenario;
    maps_before = mappings();
    used_before = huge_used();
    return open_real(ret_manager);
}

static void rig_arm(const struct trial *t)
{
    wrap_arm(t->nth, t->error);
}

/* A discard that failed leaves memory that is no frame's, until it is used again. */
static size_t slack_of(const struct trial *t)
{
    return t->nth && strcmp(wrap_name(t->nth), "discard") == 0 ? 8 * MIB : 0;
}

static void rig_check(const struct trial *t, struct stage *stage)
{
    if (strcmp(backings, "hugetlb") != 0)
        return;
    size_t known = fakes_committed(stage->manager, -1) + fakes_warm(stage->manager, -1);
    known -= known % HUGE; /* a mapping of its own has less than a huge page, of 4 KiB pages */
    size_t used = huge_used() - used_before - blocked.size;
    if (used < known || used > known + slack_of(t))
        sweep_deviates(t, "%zu bytes of huge pages are used, %zu are accounted for", used, known);
}

static void rig_end(const struct trial *t)
{
    unblock();
    if (mappings() != maps_before)
        sweep_deviates(t, "%zu mappings after the end, %zu before", mappings(), maps_before);
    if (huge_used() != used_before)
        sweep_deviates(t, "%zu bytes of huge pages after the end", huge_used());
}

static const struct rig rig = {
    .open = rig_open,
    .leave = rig_leave,
    .arm = rig_arm,
    .disarm = wrap_disarm,
    .failed = wrap_failed,
    .name = wrap_name,
    .check = rig_check,
    .end = rig_end,
    .poor = true,
};

static void first_way(void **state)
{
    assert_int_equal(sweep_all(&rig, backings, 0), 0);
}

static void second_way(void **state)
{
    assert_int_equal(sweep_all(&rig, backings, 1), 0);
}

static void third_way(void **state)
{
    assert_int_equal(sweep_all(&rig, backings, 2), 0);
}

/* A call that fails while a manager is made: no manager and nothing left, or one that works. */
static bool make_with(unsigned long nth, int way)
{
    struct hostmem *manager = NULL;
    now_open = NULL;
    maps_before = mappings();
    used_before = huge_used();
    wrap_arm(nth, way);
    int error = open_real(&manager);
    wrap_disarm();
    bool failed = wrap_failed();
    if (error && (!failed || manager || (error != -ENOMEM && error != -EINVAL)))
        fail_msg("call %lu (%s), way %d: error %d", nth, wrap_name(nth), way, error);
    if (!error) {
        struct hostmem_request request = {
            .size = HUGE, .flags = HOSTMEM_COMMIT, .protection = HOSTMEM_PROT_RW};
        void *base = NULL;
        request.node = HOSTMEM_NODE_LOCAL;
        int made = hostmem_reserve(manager, &request, &base, NULL);
        if (made || *(volatile char *)base != 0)
            fail_msg("call %lu (%s), way %d: reserve says %d", nth, wrap_name(nth), way, made);
        hostmem_destroy(manager);
    }
    /* The page that hp_probe tried things on stays where munmap refuses it. */
    size_t left = failed && strcmp(wrap_name(nth), "munmap") == 0 ? 1 : 0;
    if (mappings() > maps_before + left || huge_used() != used_before)
        fail_msg(
            "call %lu (%s), way %d: %zu mappings and %zu bytes of huge pages, before %zu and %zu",
            nth, wrap_name(nth), way, mappings(), huge_used(), maps_before, used_before);
    return failed;
}

static void making_a_manager(void **state)
{
    for (int way = 0; way < 3; way++)
        for (unsigned long nth = 1; make_with(nth, way); nth++)
            ;
}

/* What stays from the first manager on: the stacks of threads that have ended, which the C library
 * keeps for the next ones. */
static int warm_up(void **state)
{
    struct hostmem *manager;
    int error = open_real(&manager);
    if (!error)
        hostmem_destroy(manager);
    return error;
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_manager),
        cmocka_unit_test(first_way),
        cmocka_unit_test(second_way),
        cmocka_unit_test(third_way),
    };
    backings = count > 1 ? arguments[1] : "thp,base";
    if (with_hugetlb() && huge_free(HUGE) < 64) {
        printf("missing: 64 free huge pages of 2 MiB\n");
        return 77;
    }
    if (strncmp(backings, "thp", 3) == 0 && !thp_enabled()) {
        printf("missing: transparent huge pages\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
