/* SPDX-License-Identifier: MIT */
/*
 * 36 35 98:0 ROOT POINT rw,noatime [any number of fields] - TYPE source OPTIONS. No lock.
 */
#include "numa/mountinfo.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* The next field, which becomes a string of its own; NULL after the last. */
static char *next_field(char **cursor)
{
    char *field = *cursor;

    if (field == NULL)
        return NULL;
    *cursor = strchr(field, ' ');
    if (*cursor != NULL)
        *(*cursor)++ = '\0';
    return field;
}

static char *skip_fields(char **cursor, unsigned count)
{
    char *field = NULL;

    while (count-- > 0)
        field = next_field(cursor);
    return field;
}

static bool is_octal(const char *text)
{
    return text[0] >= '0' && text[0] <= '3' && text[1] >= '0' && text[1] <= '7' && text[2] >= '0' &&
           text[2] <= '7';
}

/* Blanks, tabs, line ends and backslashes in paths are written as three octal digits. */
static void unescape(char *text)
{
    char *to = text;

    while (*text != '\0') {
        if (text[0] == '\\' && is_octal(text + 1)) {
            *to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 4;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

static int skip_to_dash(char **cursor)
{
    const char *field;

    do
        field = next_field(cursor);
    while (field != NULL && strcmp(field, "-") != 0);
    return field == NULL ? -EINVAL : 0;
}

int nn_mount_parse(char *line, struct nn_mount *ret_mount)
{
    char *root = skip_fields(&line, 4);
    char *point = next_field(&line);
    const char *type, *options;

    if (point == NULL || skip_to_dash(&line) < 0)
        return -EINVAL;
    type = next_field(&line);
    options = skip_fields(&line, 2);
    if (options == NULL)
        return -EINVAL;
    unescape(root);
    unescape(point);
    *ret_mount = (struct nn_mount){.root = root, .point = point, .type = type, .options = options};
    return 0;
}

bool nn_mount_lists(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (;;) {
        size_t next = strcspn(words, ",");

        if (next == length && memcmp(words, word, length) == 0)
            return true;
        if (words[next] == '\0')
            return false;
        words += next + 1;
    }
}
