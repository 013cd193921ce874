/* SPDX-License-Identifier: MIT */
/*
 * The kinds of value that a configuration variable can have: how each is read, printed, and
 * described to somebody who wrote it wrongly. Values hold no pointers; {0} is valid for each kind,
 * though not always its default. Pure functions; no lock.
 */
#ifndef HOSTMEM_SETTING_H
#define HOSTMEM_SETTING_H

#include <stddef.h>

#include "hugepage/hp.h"
#include "lib/amount.h"
#include "lib/policy.h"
#include "lib/text.h"

#define PATH_TEXT 4096 /* bytes of a path with its NUL: PATH_MAX of the kernel */

/* Kinds of backing, each at most once. */
struct backings {
    size_t count;
    enum hp_backing order[HP_BACKINGS]; /* the first `count`, in order of preference */
};

struct path {
    char text[PATH_TEXT]; /* absolute, without control characters */
};

enum setting_kind {
    SETTING_CHOICE,   /* int: the index of a word in `bounds` */
    SETTING_NUMBER,   /* unsigned, in decimal; `bounds`: the least and the most */
    SETTING_SIZE,     /* uint64_t, bytes; the word in `bounds` means UINT64_MAX */
    SETTING_AMOUNTS,  /* struct node_amounts; the word in `bounds`, if any, means "all" of
                         AMOUNT_NONE */
    SETTING_BACKINGS, /* struct backings */
    SETTING_POLICY,   /* struct policy */
    SETTING_PATH      /* struct path */
};

struct setting {
    const char *name; /* of the environment variable */
    enum setting_kind kind;
    size_t offset;       /* of the value in struct config */
    const char *initial; /* the default, as one would write it */
    const char *bounds;  /* words or numbers with a space between; "!word": known, but not in this
                            version */
    const char *help;
};

/*
 * Reads a value into ret_value, which points to the type of the setting's kind. -EINVAL: it is not
 * among those that setting_allowed() names.
 */
int setting_parse(const struct setting *setting, const char *text, void *ret_value);

/* Writes what setting_parse() would read as that value. */
void setting_print(const struct setting *setting, const void *value, struct text *text);

/* Writes which values are allowed, in words. */
void setting_allowed(const struct setting *setting, struct text *text);

#endif
