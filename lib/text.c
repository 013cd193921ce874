/* SPDX-License-Identifier: MIT */
/* Text put together in a buffer of the caller. Pure functions. */
#include "lib/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_begin(char *buffer, size_t size)
{
    return (struct text){.buffer = buffer, .size = size};
}

void text_add(struct text *text, const char *format, ...)
{
    size_t used = text->length < text->size ? text->length : text->size;
    va_list arguments;
    int added;

    va_start(arguments, format);
    added = vsnprintf(
        text->size == 0 ? NULL : text->buffer + used, text->size - used, format, arguments);
    va_end(arguments);
    /* It fails only where the result has no int for its length or a wide string cannot be put in
     * bytes; neither is ever added here. */
    text->length += added > 0 ? (size_t)added : 0;
}

/* How a byte is shown between double quotes; the length of that. */
static size_t quote(unsigned char byte, char shown[5])
{
    const char *format = "%c";

    if (byte == '"' || byte == '\\')
        format = "\\%c";
    else if (byte < 0x20 || byte > 0x7e)
        format = "\\x%02x";
    return (size_t)snprintf(shown, 5, format, byte);
}

void text_add_quoted(struct text *text, const char *value, size_t most)
{
    size_t shown_length = 0;
    char shown[5];

    text_add(text, "\"");
    for (; *value != '\0'; value++) {
        shown_length += quote((unsigned char)*value, shown);
        if (shown_length > most)
            break;
        text_add(text, "%s", shown);
    }
    text_add(text, *value == '\0' ? "\"" : "\"...");
}
