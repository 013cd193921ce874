/* SPDX-License-Identifier: MIT */
/*
 * Sets of small numbers, as bits, and the kernel's list format for them. Pure functions.
 */
#include "numa/cpulist.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "numa/number.h"

static_assert(NN_CPUS % 64 == 0, "a set is made of whole words");
static_assert(NN_NODES <= NN_CPUS, "a set of nodes fits into a set of CPUs");

void nn_set_add(struct nn_set *set, unsigned number)
{
    assert(number < NN_CPUS);
    set->words[number / 64] |= UINT64_C(1) << (number % 64);
}

bool nn_set_has(const struct nn_set *set, unsigned number)
{
    return number < NN_CPUS && (set->words[number / 64] >> (number % 64) & 1) != 0;
}

int nn_set_next(const struct nn_set *set, unsigned from)
{
    uint64_t above = ~UINT64_C(0) << (from % 64);

    for (unsigned word = from / 64; word < NN_CPUS / 64; word++) {
        uint64_t bits = set->words[word] & above;

        if (bits != 0)
            return (int)(word * 64) + __builtin_ctzll(bits);
        above = ~UINT64_C(0);
    }
    return -1;
}

size_t nn_set_count(const struct nn_set *set)
{
    size_t count = 0;

    for (size_t word = 0; word < NN_CPUS / 64; word++)
        count += (size_t)__builtin_popcountll(set->words[word]);
    return count;
}

static int parse_range(const char **cursor, unsigned limit, struct nn_set *set)
{
    uint64_t first, last;
    int r = nn_number_scan(cursor, limit - 1, &first);

    if (r < 0)
        return r;
    last = first;
    if (**cursor == '-') {
        (*cursor)++;
        r = nn_number_scan(cursor, limit - 1, &last);
        if (r < 0)
            return r;
    }
    if (last < first)
        return -EINVAL;
    for (uint64_t number = first; number <= last; number++)
        nn_set_add(set, (unsigned)number);
    return 0;
}

static bool is_rest_blank(const char *text)
{
    return text[strspn(text, " \t\n")] == '\0';
}

int nn_set_parse(const char *text, unsigned limit, struct nn_set *ret_set)
{
    struct nn_set set = {0};
    bool more = !is_rest_blank(text);

    while (more) {
        int r = parse_range(&text, limit, &set);

        if (r < 0)
            return r;
        more = *text == ',';
        if (more)
            text++;
    }
    if (!is_rest_blank(text))
        return -EINVAL;
    *ret_set = set;
    return 0;
}

/* The last member of the run of members that begins with `first`. */
static unsigned run_end(const struct nn_set *set, unsigned first)
{
    while (nn_set_has(set, first + 1))
        first++;
    return first;
}

/* ",first-last"; the length. `buffer` holds at least RANGE_TEXT bytes. */
#define RANGE_TEXT (2 * NN_NUMBER_SIZE + 2)

static size_t print_range(unsigned first, unsigned last, char *buffer)
{
    size_t length = 1;

    buffer[0] = ',';
    length += nn_number_print(first, buffer + length);
    if (last == first)
        return length;
    buffer[length++] = '-';
    return length + nn_number_print(last, buffer + length);
}

int nn_set_print(const struct nn_set *set, char *buffer, size_t size)
{
    size_t length = 0;

    for (int first = nn_set_next(set, 0); first >= 0;) {
        char range[RANGE_TEXT];
        unsigned last = run_end(set, (unsigned)first);
        size_t comma = length == 0 ? 1 : 0; /* none before the first range */
        size_t added = print_range((unsigned)first, last, range) - comma;

        if (added >= size - length || size == 0)
            return -ENOSPC;
        memcpy(buffer + length, range + comma, added);
        length += added;
        first = nn_set_next(set, last + 1);
    }
    if (size == 0)
        return -ENOSPC;
    buffer[length] = '\0';
    return 0;
}
