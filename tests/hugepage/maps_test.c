/* SPDX-License-Identifier: MIT */
/*
 * hp_map_at, and that the query and the text agree on every mapping of this process and every gap,
 * with kinds, rights and path names of all sorts, and with tens of thousands of mappings.
 */
#include "memory.h"

#include "hugepage/hp.h"
#include "hugepage/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int scan_at(uintptr_t address, struct hp_map *ret_map)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int r = hp_map_scan(fd, address, ret_map);
    close(fd);
    return r;
}

static int ask_at(uintptr_t address, struct hp_map *ret_map)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int r = hp_map_ask(fd, address, ret_map);
    close(fd);
    return r;
}

static void require_query(void)
{
    struct hp_map map;
    if (ask_at(0, &map) == -ENOTTY) {
        print_message("no PROCMAP_QUERY in this kernel (before 6.11)\n");
        skip();
    }
}

static void assert_same(uintptr_t address)
{
    struct hp_map asked = {0}, scanned = {0};
    int r = ask_at(address, &asked);
    assert_int_equal(r, scan_at(address, &scanned));
    assert_true(asked.start == scanned.start && asked.end == scanned.end);
    assert_int_equal(asked.access, scanned.access);
    assert_int_equal(asked.kind, scanned.kind);
}

static void both_ways_agree_everywhere(void **state)
{
    (void)state;
    require_query();
    struct hp_map map;
    uintptr_t at = 0;
    size_t seen = 0;
    while (ask_at(at, &map) == 0) {
        assert_same(at);
        assert_same(map.start);
        assert_same(map.end - 1);
        assert_same(map.end);
        at = map.end;
        seen++;
    }
    assert_true(seen > 10);
    assert_same(at);
    assert_same(UINTPTR_MAX);
}

static void *map_pages(int prot, int flags, int fd)
{
    void *start = mmap(NULL, 4 * HP_BASE_PAGE, prot, flags, fd, 0);
    assert_true(start != MAP_FAILED);
    return start;
}

static void assert_map(const void *start, unsigned access, enum hp_map_kind kind)
{
    struct hp_map map;
    assert_int_equal(hp_map_at((uintptr_t)start + 1, &map), 0);
    assert_true(map.start <= (uintptr_t)start && map.end >= (uintptr_t)start + HP_BASE_PAGE);
    assert_int_equal(map.access, access);
    assert_int_equal(map.kind, kind);
    assert_int_equal(scan_at((uintptr_t)start + 1, &map), 0);
    assert_int_equal(map.access, access);
    assert_int_equal(map.kind, kind);
}

static void kinds_and_rights(void **state)
{
    (void)state;
    int fd = memfd_create("kinds", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 4 * HP_BASE_PAGE), 0);
    const int rw = PROT_READ | PROT_WRITE, own = MAP_PRIVATE | MAP_ANONYMOUS;
    void *maps[] = {map_pages(PROT_NONE, own, -1), map_pages(rw, MAP_SHARED | MAP_ANONYMOUS, -1),
        map_pages(rw, MAP_SHARED, fd), map_pages(PROT_READ, MAP_PRIVATE, fd),
        map_pages(PROT_READ | PROT_EXEC, own, -1)};
    assert_map(maps[0], HP_NONE, HP_MAP_PRIVATE);
    assert_map(maps[1], HP_RW, HP_MAP_SHARED);
    assert_map(maps[2], HP_RW, HP_MAP_SHARED);
    assert_map(maps[3], HP_READ, HP_MAP_IMAGE);
    assert_map(maps[4], HP_READ | HP_EXEC, HP_MAP_PRIVATE);
    int local = 0;
    assert_map((void *)((uintptr_t)&local & ~(HP_BASE_PAGE - 1)), HP_RW, HP_MAP_PRIVATE);
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
        munmap(maps[i], 4 * HP_BASE_PAGE);
    close(fd);
}

static void code_is_an_image(void **state)
{
    (void)state;
    uintptr_t code = (uintptr_t)&hp_map_at & ~(HP_BASE_PAGE - 1);
    assert_map((void *)code, HP_READ | HP_EXEC, HP_MAP_IMAGE);
}

static void anonymous_huge_pages_are_private(void **state)
{
    (void)state;
    const struct hp_spec spec = {.page_size = 2 * MIB, .fd = -1};
    void *start;
    if (hp_hugetlb.map(&spec, NULL, 4 * MIB, 2 * MIB, &start) < 0) {
        print_message("no 2 MiB huge pages in this kernel\n");
        skip();
    }
    assert_map(start, HP_RW, HP_MAP_PRIVATE);
    assert_int_equal(hp_hugetlb.unmap(start, 4 * MIB), 0);
}

static void a_gap_answers_with_what_follows(void **state)
{
    (void)state;
    struct hp_map map;
    char *start = mmap(NULL, 3 * HP_BASE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(mprotect(start + 2 * HP_BASE_PAGE, HP_BASE_PAGE, PROT_READ), 0);
    assert_int_equal(munmap(start + HP_BASE_PAGE, HP_BASE_PAGE), 0);
    assert_int_equal(hp_map_at((uintptr_t)start + HP_BASE_PAGE, &map), 0);
    assert_int_equal(map.start, (uintptr_t)start + 2 * HP_BASE_PAGE);
    assert_int_equal(map.access, HP_READ);
    munmap(start, 3 * HP_BASE_PAGE);
}

static void above_everything_there_is_nothing(void **state)
{
    (void)state;
    struct hp_map map = {.start = 5};
    assert_int_equal(hp_map_at(UINTPTR_MAX - 1, &map), -ENOENT);
    assert_int_equal(scan_at(UINTPTR_MAX - 1, &map), -ENOENT);
    assert_int_equal(map.start, 5);
}

/* A name that is longer than what is kept of a line, with spaces and an escaped newline in it. */
static void long_names_do_no_harm(void **state)
{
    (void)state;
    char name[200] = "x 00000000 rwxp _anon\n0-ffffffffffff rwxp 0 0:0 0 ";
    memset(name + strlen(name), 'y', sizeof(name) - 1 - strlen(name));
    char path[256];
    snprintf(path, sizeof(path), "/tmp/%s", name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(ftruncate(fd, 4 * HP_BASE_PAGE), 0);
    void *start = map_pages(PROT_READ, MAP_PRIVATE, fd);
    assert_map(start, HP_READ, HP_MAP_IMAGE);
    void *after = map_pages(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    assert_map(after, HP_NONE, HP_MAP_PRIVATE);
    munmap(after, 4 * HP_BASE_PAGE);
    munmap(start, 4 * HP_BASE_PAGE);
    close(fd);
}

/* Text that no kernel would write: nothing is found, nothing is read beyond its end. */
static void strange_text_finds_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "\n\n\n", "-", "1", "1-", "1-2", "1-2 ", "1-2 r",
        "1-2 rwx\n", "g-h rwxp 0 0:0 0\n", "1000-2000 rwxp 0 0:0 0", "-\n-\n-\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct hp_map map = {.start = 5};
        int fd = memfd_create("text", MFD_CLOEXEC);
        assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(hp_map_scan(fd, 0, &map), -ENOENT);
        assert_int_equal(map.start, 5);
        close(fd);
    }
}

/* Every other page of one mapping gets other rights, up to 30,000 times two mappings. */
static void many_mappings(void **state)
{
    (void)state;
    const size_t pages = 60000;
    char *start = mmap(
        NULL, pages * HP_BASE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(start != MAP_FAILED);
    size_t cut = 0;
    for (size_t i = 1; i < pages; i += 2, cut = i)
        if (mprotect(start + i * HP_BASE_PAGE, HP_BASE_PAGE, PROT_READ) != 0)
            break;
    assert_true(cut > 1000);
    for (size_t i = 0; i < cut; i += cut / 64) {
        struct hp_map map, scanned;
        uintptr_t page = (uintptr_t)start + i * HP_BASE_PAGE;
        assert_int_equal(hp_map_at(page, &map), 0);
        assert_int_equal(scan_at(page, &scanned), 0);
        assert_true(map.start == scanned.start && map.end == scanned.end);
        assert_int_equal(map.access, i % 2 != 0 ? HP_READ : HP_NONE);
        assert_int_equal(scanned.access, map.access);
    }
    munmap(start, pages * HP_BASE_PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_agree_everywhere),
        cmocka_unit_test(kinds_and_rights),
        cmocka_unit_test(code_is_an_image),
        cmocka_unit_test(anonymous_huge_pages_are_private),
        cmocka_unit_test(a_gap_answers_with_what_follows),
        cmocka_unit_test(above_everything_there_is_nothing),
        cmocka_unit_test(long_names_do_no_harm),
        cmocka_unit_test(strange_text_finds_nothing),
        cmocka_unit_test(many_mappings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
