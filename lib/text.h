/* SPDX-License-Identifier: MIT */
/*
 * Text put together in a buffer of the caller, with snprintf(3)'s convention: what does not fit is
 * cut and counted. Invariant: the buffer, if it has a byte, holds a string that ends with NUL, and
 * `length` is what the whole text would need without it. No lock: a text belongs to one thread.
 */
#ifndef HOSTMEM_TEXT_H
#define HOSTMEM_TEXT_H

#include <stddef.h>

struct text {
    char *buffer;  /* the caller's; may be NULL if size is 0 */
    size_t size;   /* of the buffer, the final NUL included */
    size_t length; /* of the whole text, which may be more than the buffer holds */
};

/* An empty text; the buffer is not touched before something is added. */
struct text text_begin(char *buffer, size_t size);

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Adds a value that nobody has checked: between double quotes, in printable ASCII alone, other
 * bytes as \xNN, and not more than `most` characters of it, then "...".
 */
void text_add_quoted(struct text *text, const char *value, size_t most);

#endif
