/* SPDX-License-Identifier: MIT */
/*
 * Decimal numbers in the kernel's text files: strict, and without the locale that strtoul() and
 * snprintf() look at. Pure functions.
 */
#include "numa/number.h"

#include <errno.h>

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int nn_number_scan(const char **cursor, uint64_t max, uint64_t *ret_number)
{
    const char *at = *cursor;
    uint64_t number = 0;

    if (!is_digit(*at))
        return -EINVAL;
    for (; is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (digit > max || number > (max - digit) / 10)
            return -EINVAL;
        number = number * 10 + digit;
    }
    *cursor = at;
    *ret_number = number;
    return 0;
}

int nn_number_parse(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number;
    int r = nn_number_scan(&text, max, &number);

    if (r < 0)
        return r;
    if (*text == '\n')
        text++;
    if (*text != '\0')
        return -EINVAL;
    *ret_number = number;
    return 0;
}

unsigned nn_number_print(uint64_t number, char *buffer)
{
    unsigned digits = 1;

    for (uint64_t rest = number / 10; rest > 0; rest /= 10)
        digits++;
    buffer[digits] = '\0';
    for (unsigned i = digits; i-- > 0; number /= 10)
        buffer[i] = (char)('0' + number % 10);
    return digits;
}
