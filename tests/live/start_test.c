/* SPDX-License-Identifier: MIT */
/*
 * How managers begin, and what a process sees of them: variables that are wrong, memory that cannot
 * be had from the start, flags of the mappings, and children. Each case runs in a child whose
 * stderr is read.
 */
#include <hostmem/mscoree.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* -- wrong variables -- */

static void create_refused(void *argument)
{
    IHostMemoryManager *manager = (IHostMemoryManager *)&manager;
    size_t maps = live_maps();
    live_environment(argument, NULL);
    must(HostMemCreateManager(&manager) == E_INVALIDARG);
    must(manager == NULL);
    must(LIVE_SANITIZED || live_maps() <= maps + 1); /* the heap, once */
}

struct wrong {
    const char *setting, *name, *value, *allowed;
};

static void wrong_values_are_named(void **state)
{
    static const struct wrong wrongs[] = {
        {"HOSTMEM_BACKING=hugetlb,tph", "HOSTMEM_BACKING", "tph", "thp"},
        {"HOSTMEM_POOL=12Q", "HOSTMEM_POOL", "12Q", "size"},
        {"HOSTMEM_POOL=", "HOSTMEM_POOL", "", "size"},
        {"HOSTMEM_PREFAULT=101%", "HOSTMEM_PREFAULT", "101%", "size"},
        {"HOSTMEM_WARM=-1", "HOSTMEM_WARM", "-1", "size"},
        {"HOSTMEM_PAGE_SIZE=4K", "HOSTMEM_PAGE_SIZE", "4K", "2M"},
        {"HOSTMEM_POLICY=bind:x", "HOSTMEM_POLICY", "bind:x", "bind"},
        {"HOSTMEM_SPILL=yes", "HOSTMEM_SPILL", "yes", "0"},
        {"HOSTMEM_VERBOSE=9", "HOSTMEM_VERBOSE", "9", "2"},
    };
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        char text[2048];
        assert_int_equal(
            live_child(create_refused, (void *)wrongs[i].setting, text, sizeof(text)), 0);
        print_message("%s", text);
        assert_int_equal(lines_of(text), 1);
        assert_non_null(strstr(text, wrongs[i].name));
        assert_non_null(strstr(text, wrongs[i].value));
        assert_non_null(strstr(strstr(text, wrongs[i].name), wrongs[i].allowed));
    }
}

static void create_quietly(void *argument)
{
    live_environment(NULL);
    hostmem_destroy(live_manager());
}

static void nothing_is_printed_unasked(void **state)
{
    char text[256];
    assert_int_equal(live_child(create_quietly, NULL, text, sizeof(text)), 0);
    assert_string_equal(text, "");
}

/* A node that is not there: what is wrong depends on the machine, and is one line as well. */
static void nodes_that_are_not_there(void **state)
{
    char text[2048];
    assert_int_equal(
        live_child(create_refused, (void *)"HOSTMEM_POLICY=preferred:1023", text, sizeof(text)), 0);
    print_message("%s", text);
    assert_int_equal(lines_of(text), 1);
    assert_non_null(strstr(text, "HOSTMEM_POLICY"));
}

/* -- HOSTMEM_PREFAULT -- */

static void prefault_too_much(void *argument)
{
    IHostMemoryManager *manager = (IHostMemoryManager *)&manager;
    char setting[64];
    live_limit_windows();
    uint64_t free_pages = live_huge_free();
    snprintf(setting, sizeof(setting), "HOSTMEM_PREFAULT=%" PRIu64 "M", (free_pages + 3) * 2);
    live_environment(setting, "HOSTMEM_BACKING=hugetlb", NULL);
    size_t maps = live_maps();
    must(HostMemCreateManager(&manager) == E_OUTOFMEMORY);
    must(manager == NULL);
    must(LIVE_SANITIZED || live_maps() <= maps + 1);
    must(live_huge_free() == free_pages);
}

static void what_cannot_be_prefaulted_is_said(void **state)
{
    char text[2048], wanted[32], there[32];
    uint64_t pages = live_huge_free();
    assert_int_equal(live_child(prefault_too_much, NULL, text, sizeof(text)), 0);
    print_message("%s", text);
    snprintf(wanted, sizeof(wanted), "%" PRIu64, (pages + 3) * FRAME);
    snprintf(there, sizeof(there), "%" PRIu64, pages);
    assert_int_equal(lines_of(text), 1);
    assert_non_null(strstr(text, "HOSTMEM_PREFAULT"));
    assert_non_null(strstr(text, wanted));
    assert_non_null(strstr(text, there));
    assert_true(live_huge_free_again(pages));
}

static void what_is_prefaulted_is_there(void **state)
{
    uint64_t pages = live_huge_free();
    live_environment("HOSTMEM_PREFAULT=16M", "HOSTMEM_BACKING=hugetlb", NULL);
    struct hostmem *manager = live_manager();
    assert_int_equal(live_huge_free(), pages - 8);
    assert_int_equal(live_warm(manager), 16 * MIB);
    assert_int_equal(live_committed(manager), 0);
    live_reserve(manager, 16 * MIB, HOSTMEM_COMMIT);
    assert_int_equal(live_huge_free(), pages - 8);
    hostmem_destroy(manager);
    assert_true(live_huge_free_again(pages));
}

/* -- flags of the mappings -- */

/* Whether the mapping that holds the address has the flag in its VmFlags. */
static bool has_flag(const void *address, const char *flag)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    bool inside = false, found = false;
    must(file);
    while (fgets(line, sizeof(line), file)) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(file);
    return found;
}

static void flags_with(const char *backing, const char *dump, bool dumped)
{
    live_environment(backing, dump, NULL);
    struct hostmem *manager = live_manager();
    char *at = live_reserve(manager, 2 * FRAME, HOSTMEM_COMMIT);
    struct hostmem_request request = {.address = (void *)live_address(0),
        .size = GRANULE,
        .node = HOSTMEM_NODE_LOCAL,
        .flags = HOSTMEM_COMMIT,
        .protection = HOSTMEM_PROT_RW};
    void *own = NULL;
    assert_int_equal(hostmem_reserve(manager, &request, &own, NULL), 0);
    assert_int_equal(has_flag(at, " dd"), !dumped);
    assert_int_equal(has_flag(own, " dd"), !dumped);
    assert_true(has_flag(at, " dc") && has_flag(own, " dc"));
    hostmem_destroy(manager);
}

static void mappings_are_flagged(void **state)
{
    static const char *const backings[] = {
        "HOSTMEM_BACKING=hugetlb", "HOSTMEM_BACKING=thp", "HOSTMEM_BACKING=base"};
    if (LIVE_SANITIZED)
        live_skip("a sanitizer sets such flags itself");
    for (size_t i = 0; i < COUNT(backings); i++) {
        flags_with(backings[i], "HOSTMEM_DUMP=0", false);
        flags_with(backings[i], "HOSTMEM_DUMP=1", true);
    }
}

/* -- fork -- */

struct inherited {
    IHostMemoryManager *com;
    struct hostmem *c;
    char *at;
    bool destroys;
};

static void every_call_is_refused(const struct inherited *in)
{
    struct hostmem_request request = {
        .size = PAGE, .node = HOSTMEM_NODE_LOCAL, .protection = HOSTMEM_PROT_RW};
    struct hostmem_info info;
    struct hostmem_receipt receipt;
    struct hostmem_load load;
    struct hostmem_node_stats stats;
    uint32_t old;
    void *base = NULL;
    must(hostmem_reserve(in->c, &request, &base, NULL) == -ENODEV);
    must(hostmem_commit(in->c, in->at, PAGE, 3, 0, NULL) == -ENODEV);
    must(hostmem_decommit(in->c, in->at, PAGE) == -ENODEV);
    must(hostmem_release(in->c, in->at) == -ENODEV);
    must(hostmem_protect(in->c, in->at, PAGE, 3, &old) == -ENODEV);
    must(hostmem_reset(in->c, in->at, PAGE) == -ENODEV);
    must(hostmem_reset_undo(in->c, in->at, PAGE) == -ENODEV);
    must(hostmem_query(in->c, in->at, &info) == -ENODEV);
    must(hostmem_receipt(in->c, in->at, PAGE, &receipt) == -ENODEV);
    must(hostmem_node_load(in->c, HOSTMEM_NODE_LOCAL, &load) == -ENODEV);
    must(hostmem_load(in->c, &load) == -ENODEV);
    must(hostmem_node_stats(in->c, HOSTMEM_NODE_LOCAL, &stats) == -ENODEV);
}

static void every_method_is_refused(const struct inherited *in)
{
    MEMORY_BASIC_INFORMATION mbi;
    SIZE_T size = 0;
    DWORD word = 0;
    void *base = NULL;
    must(IHostMemoryManager_VirtualAlloc(in->com, NULL, PAGE, MEM_RESERVE, PAGE_READWRITE,
             eTaskCritical, &base) == HOST_E_CLRNOTAVAILABLE);
    must(IHostMemoryManager_VirtualFree(in->com, in->at, 0, MEM_RELEASE) == HOST_E_CLRNOTAVAILABLE);
    must(IHostMemoryManager_VirtualProtect(in->com, in->at, PAGE, PAGE_READONLY, &word) ==
         HOST_E_CLRNOTAVAILABLE);
    must(IHostMemoryManager_VirtualQuery(in->com, in->at, &mbi, sizeof(mbi), &size) ==
         HOST_E_CLRNOTAVAILABLE);
    must(IHostMemoryManager_GetMemoryLoad(in->com, &word, &size) == HOST_E_CLRNOTAVAILABLE);
    must(base == NULL);
}

static void in_the_child(void *argument)
{
    const struct inherited *in = argument;
    every_call_is_refused(in);
    every_method_is_refused(in);
    if (in->destroys)
        must(IHostMemoryManager_Release(in->com) == 0);
    if (LIVE_THREAD_SANITIZED) /* it forbids threads in a child of a process that has some */
        return;
    /* A manager of its own works. */
    struct hostmem *own = live_manager();
    char *at = live_reserve(own, FRAME, HOSTMEM_COMMIT);
    memset(at, 7, FRAME);
    hostmem_destroy(own);
}

static void fork_with(const char *backing)
{
    live_environment(backing, NULL);
    struct inherited in = {0};
    assert_int_equal(HostMemCreateManager(&in.com), S_OK);
    in.c = HostMemFromManager(in.com);
    in.at = live_reserve(in.c, 3 * FRAME, HOSTMEM_COMMIT);
    char *small = live_reserve(in.c, GRANULE, HOSTMEM_COMMIT);
    memset(in.at, 5, 3 * FRAME);
    memset(small, 6, GRANULE);
    for (int i = 0; i < 2; i++) {
        in.destroys = i;
        assert_int_equal(live_child(in_the_child, &in, NULL, 0), 0);
    }
    for (size_t i = 0; i < 3 * FRAME; i += 512)
        assert_int_equal(in.at[i], 5);
    assert_int_equal(small[GRANULE - 1], 6);
    assert_int_equal(hostmem_decommit(in.c, in.at, FRAME), 0);
    assert_int_equal(hostmem_release(in.c, in.at), 0);
    assert_int_equal(hostmem_release(in.c, small), 0);
    assert_int_equal(live_committed(in.c), 0);
    assert_int_equal(IHostMemoryManager_Release(in.com), 0);
}

static void children_have_nothing(void **state)
{
    uint64_t before = live_huge_free();
    fork_with("HOSTMEM_BACKING=hugetlb");
    fork_with("HOSTMEM_BACKING=thp");
    fork_with("HOSTMEM_BACKING=base");
    assert_true(live_huge_free_again(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(nothing_is_printed_unasked),
        cmocka_unit_test(nodes_that_are_not_there),
        cmocka_unit_test(what_cannot_be_prefaulted_is_said),
        cmocka_unit_test(what_is_prefaulted_is_there),
        cmocka_unit_test(mappings_are_flagged),
        cmocka_unit_test(children_have_nothing),
    };
    live_limit_windows();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
