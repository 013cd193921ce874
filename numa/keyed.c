/* SPDX-License-Identifier: MIT */
/* Numbers in cgroup files. No lock. */
#include "numa/keyed.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "numa/number.h"

int nn_keyed_find(const char *text, const char *key, uint64_t *ret_number)
{
    size_t length = strlen(key);

    while (strncmp(text, key, length) != 0 || text[length] != ' ') {
        text = strchr(text, '\n');
        if (text == NULL)
            return -ENOENT;
        text++;
    }
    text += length + 1;
    return nn_number_scan(&text, UINT64_MAX, ret_number);
}

int nn_keyed_read(const struct nn_root *directory, const char *name, uint64_t *ret_number)
{
    char text[NN_NUMBER_SIZE + 1];
    int r = nn_root_read(directory, name, text, sizeof(text));

    if (r < 0)
        return r == -EFBIG ? -EINVAL : r;
    if (strcmp(text, "max\n") == 0 || strcmp(text, "max") == 0) {
        *ret_number = UINT64_MAX;
        return 0;
    }
    return nn_number_parse(text, UINT64_MAX, ret_number);
}
