/* SPDX-License-Identifier: MIT */
/* Base64, six bits a character. Pure functions. */
#include "numa/base64.h"

#include <errno.h>
#include <string.h>

static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -EINVAL : (int)(at - digits);
}

/* One character left over holds no whole byte; padding, where there is any, fills the four up. */
static int check_end(const char *end, size_t characters)
{
    size_t padding = strspn(end, "=");

    if (end[padding] != '\0' || characters % 4 == 1)
        return -EINVAL;
    return padding == 0 || (padding < 3 && (characters + padding) % 4 == 0) ? 0 : -EINVAL;
}

int nn_base64_decode(const char *text, size_t capacity, uint8_t *bytes, size_t *ret_size)
{
    uint32_t bits = 0; /* the lowest `held` are not yet given out */
    unsigned held = 0;
    size_t size = 0, at = 0;
    int r;

    for (int value; (value = value_of(text[at])) >= 0; at++) {
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8)
            continue;
        if (size == capacity)
            return -E2BIG;
        held -= 8;
        bytes[size++] = (uint8_t)(bits >> held);
    }
    r = check_end(text + at, at);
    if (r < 0)
        return r;
    *ret_size = size;
    return 0;
}
