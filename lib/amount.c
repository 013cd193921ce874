/* SPDX-License-Identifier: MIT */
/* Amounts of memory as people write them: reading, printing, and what they are in bytes. No lock.
 */
#include "lib/amount.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/check.h"
#include "numa/cpulist.h"
#include "numa/number.h"

static const char units[] = "KMGT"; /* each 1024 of the one before */

#define UNITS (sizeof(units) - 1)

static_assert(UNITS * 10 < 64, "the largest unit is a number of 64 bits");

/* Moves behind "K" or "KiB"; the power of two that it stands for, 0 without a unit. */
static unsigned scan_unit(const char **cursor)
{
    const char *unit = **cursor == '\0' ? NULL : strchr(units, **cursor);

    if (unit == NULL)
        return 0;
    (*cursor)++;
    if (strncmp(*cursor, "iB", 2) == 0)
        *cursor += 2;
    return 10 * (unsigned)(unit - units + 1);
}

static int scan_bytes(const char **cursor, uint64_t number, struct amount *ret_amount)
{
    unsigned shift = scan_unit(cursor);

    if (number > AMOUNT_BYTES_MAX >> shift)
        return -EINVAL;
    *ret_amount = (struct amount){AMOUNT_BYTES, number << shift};
    return 0;
}

static int scan_percent(const char **cursor, uint64_t number, struct amount *ret_amount)
{
    (*cursor)++;
    if (number > 100)
        return -EINVAL;
    *ret_amount = (struct amount){AMOUNT_PERCENT, number};
    return 0;
}

/* The amount at the cursor, which moves behind it. */
static int scan_amount(const char **cursor, struct amount *ret_amount)
{
    uint64_t number;
    int r = nn_number_scan(cursor, UINT64_MAX, &number);

    if (r < 0)
        return r;
    return **cursor == '%' ? scan_percent(cursor, number, ret_amount)
                           : scan_bytes(cursor, number, ret_amount);
}

int amount_parse(const char *text, struct amount *ret_amount)
{
    struct amount amount;
    int r = scan_amount(&text, &amount);

    if (r < 0)
        return r;
    if (*text != '\0')
        return -EINVAL;
    *ret_amount = amount;
    return 0;
}

struct amount amounts_of(const struct node_amounts *amounts, int node)
{
    for (size_t i = 0; i < amounts->listed; i++)
        if (amounts->list[i].node == node)
            return amounts->list[i].amount;
    return amounts->all;
}

/* Appends the "node=amount" at the cursor, which moves behind it. */
static int scan_entry(const char **cursor, struct node_amounts *amounts)
{
    struct amount amount;
    uint64_t node;
    int r = nn_number_scan(cursor, NN_NODES - 1, &node);

    if (r < 0)
        return r;
    if (**cursor != '=')
        return -EINVAL;
    (*cursor)++;
    r = scan_amount(cursor, &amount);
    if (r < 0)
        return r;
    if (amounts->listed == AMOUNTS_LISTED || amounts_of(amounts, (int)node).kind != AMOUNT_NONE)
        return -EINVAL;
    amounts->list[amounts->listed].node = (int)node;
    amounts->list[amounts->listed].amount = amount;
    amounts->listed++;
    return 0;
}

static int parse_list(const char *text, struct node_amounts *ret_amounts)
{
    struct node_amounts amounts = {0};

    for (bool more = true; more; text += more) {
        int r = scan_entry(&text, &amounts);

        if (r < 0)
            return r;
        more = *text == ',';
    }
    if (*text != '\0')
        return -EINVAL;
    *ret_amounts = amounts;
    return 0;
}

int amounts_parse(const char *text, struct node_amounts *ret_amounts)
{
    struct amount all;
    int r;

    if (strchr(text, '=') != NULL)
        return parse_list(text, ret_amounts);
    r = amount_parse(text, &all);
    if (r < 0)
        return r;
    *ret_amounts = (struct node_amounts){.all = all};
    return 0;
}

/* By parts, since bytes * percent need not fit into 64 bits. */
static uint64_t share(uint64_t bytes, uint64_t percent)
{
    return bytes / 100 * percent + bytes % 100 * percent / 100;
}

uint64_t amount_bytes(struct amount amount, uint64_t node_bytes)
{
    hm_assert(amount.kind != AMOUNT_NONE);
    return amount.kind == AMOUNT_PERCENT ? share(node_bytes, amount.value) : amount.value;
}

static void print_bytes(uint64_t bytes, struct text *text)
{
    size_t unit = 0;

    for (; bytes != 0 && bytes % 1024 == 0 && unit < UNITS; unit++)
        bytes /= 1024;
    text_add(text, "%" PRIu64 "%.*s", bytes, unit == 0 ? 0 : 1, units + unit - (unit == 0 ? 0 : 1));
}

void amount_print(struct amount amount, struct text *text)
{
    if (amount.kind == AMOUNT_BYTES)
        print_bytes(amount.value, text);
    else if (amount.kind == AMOUNT_PERCENT)
        text_add(text, "%" PRIu64 "%%", amount.value);
}

void amounts_print(const struct node_amounts *amounts, struct text *text)
{
    amount_print(amounts->all, text);
    for (size_t i = 0; i < amounts->listed; i++) {
        text_add(text, "%s%d=", i == 0 ? "" : ",", amounts->list[i].node);
        amount_print(amounts->list[i].amount, text);
    }
}
