/* SPDX-License-Identifier: MIT */
/*
 * Near max_map_count every operation is done whole or refused with -ENOMEM, and a refused replace
 * leaves what it would have replaced. The limit is reached by cutting one mapping into pages.
 */
#include "memory.h"

#include "hugepage/hp.h"
#include "hugepage/maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CUTS_MAX 400000 /* pages: a machine with a limit beyond this is skipped */

static const struct hp_spec spec = {.page_size = HP_BASE_PAGE, .fd = -1};

struct filler {
    char *start;
    size_t cuts; /* pages that were given other rights, each two mappings */
};

static size_t limit(void)
{
    size_t value = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file == NULL)
        return SIZE_MAX;
    if (fscanf(file, "%zu", &value) != 1)
        value = SIZE_MAX;
    fclose(file);
    return value;
}

static void *cut_page(const struct filler *filler, size_t cut)
{
    return filler->start + (2 * cut + 1) * HP_BASE_PAGE;
}

/* Cuts until no further mapping is to be had. */
static void fill(struct filler *filler)
{
    size_t size = (limit() + 4) * HP_BASE_PAGE;
    void *start;
    assert_int_equal(hp_base.map(&spec, NULL, size, HP_BASE_PAGE, &start), 0);
    filler->start = start;
    filler->cuts = 0;
    int r;
    while ((r = hp_base.protect(cut_page(filler, filler->cuts), HP_BASE_PAGE, HP_READ)) == 0)
        filler->cuts++;
    assert_int_equal(r, -ENOMEM);
}

/* Joins pages again: two mappings fewer. */
static void relieve(struct filler *filler)
{
    filler->cuts--;
    assert_int_equal(hp_base.protect(cut_page(filler, filler->cuts), HP_BASE_PAGE, HP_NONE), 0);
}

static void drain(struct filler *filler)
{
    assert_int_equal(hp_base.unmap(filler->start, (limit() + 4) * HP_BASE_PAGE), 0);
}

static void require_low_limit(void)
{
    if (limit() > CUTS_MAX) {
        print_message("vm.max_map_count is unknown or too high to be reached\n");
        skip();
    }
}

/* With a little more room each time, until it succeeds. */
static void refused_replace_changes_nothing(void **state)
{
    (void)state;
    require_low_limit();
    struct filler filler;
    void *block;
    assert_int_equal(hp_thp.map(&spec, NULL, 6 * MIB, 2 * MIB, &block), 0);
    memset(block, 7, 6 * MIB);
    char *middle = (char *)block + 2 * MIB;
    fill(&filler);
    int refusals = 0, r;
    while ((r = hp_base.replace(&spec, middle, 2 * MIB, -1, true)) != 0) {
        assert_int_equal(r, -ENOMEM);
        assert_true(all_bytes(block, 6 * MIB, 7));
        assert_true(++refusals < 16);
        relieve(&filler);
    }
    drain(&filler);
    assert_true(refusals > 0);
    assert_int_equal(hp_base.protect(middle, 2 * MIB, HP_RW), 0);
    assert_true(all_bytes(middle, 2 * MIB, 0));
    assert_true(all_bytes(block, 2 * MIB, 7));
    assert_int_equal(hp_thp.unmap(block, 6 * MIB), 0);
}

static void refused_map_leaves_nothing(void **state)
{
    (void)state;
    require_low_limit();
    struct filler filler;
    fill(&filler);
    int refusals = 0, r;
    void *start = NULL;
    size_t before = map_count();
    while ((r = hp_thp.map(&spec, NULL, 2 * MIB, 2 * MIB, &start)) != 0) {
        assert_int_equal(r, -ENOMEM);
        assert_null(start);
        assert_int_equal(map_count(), before - 2 * (size_t)refusals);
        assert_true(++refusals < 16);
        relieve(&filler);
    }
    drain(&filler);
    assert_int_equal((uintptr_t)start % (2 * MIB), 0);
    assert_int_equal(hp_thp.unmap(start, 2 * MIB), 0);
}

/*
 * A mapping that joins its neighbour costs nothing at first, and is cut again by the advice that
 * follows: madvise then says EAGAIN.
 */
static int map_beside(char *neighbour)
{
    void *start = NULL;
    return hp_base.map(&spec, neighbour + 2 * MIB, 2 * MIB, HP_BASE_PAGE, &start);
}

static void a_mapping_that_is_cut_again_is_refused_as_no_memory(void **state)
{
    (void)state;
    require_low_limit();
    struct filler filler;
    struct hp_map map;
    char *plain =
        mmap(NULL, 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(plain != MAP_FAILED);
    assert_int_equal(munmap(plain + 2 * MIB, 2 * MIB), 0);
    fill(&filler);
    int r = map_beside(plain);
    if (r == 0) {
        assert_int_equal(hp_base.unmap(plain + 2 * MIB, 2 * MIB), 0);
        assert_int_equal(hp_base.protect(filler.start, HP_BASE_PAGE, HP_READ), 0);
        r = map_beside(plain);
    }
    assert_int_equal(r, -ENOMEM);
    assert_int_equal(hp_map_at((uintptr_t)plain, &map), 0);
    assert_int_equal(map.end, (uintptr_t)plain + 2 * MIB);
    drain(&filler);
    munmap(plain, 2 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_replace_changes_nothing),
        cmocka_unit_test(refused_map_leaves_nothing),
        cmocka_unit_test(a_mapping_that_is_cut_again_is_refused_as_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
