/* SPDX-License-Identifier: MIT */
/*
 * The kinds of value that a configuration variable can have. For each kind three functions: parse,
 * print, allowed; the table at the end brings them together. Pure functions; no lock.
 */
#include "lib/setting.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "lib/check.h"
#include "numa/number.h"

/* A part of a string. */
struct word {
    const char *at;
    size_t length;
    bool available; /* of words in bounds: without "!" */
};

/* The next word of bounds; the cursor moves behind it. */
static bool next_word(const char **cursor, struct word *ret_word)
{
    const char *at = *cursor + strspn(*cursor, " ");
    bool available = *at != '!';

    at += !available;
    *ret_word = (struct word){at, strcspn(at, " "), available};
    *cursor = at + ret_word->length;
    return ret_word->length > 0;
}

static bool is_word(const struct word *word, const char *text, size_t length)
{
    return word->length == length && memcmp(word->at, text, length) == 0;
}

/* SETTING_CHOICE */

static int choice_parse(const struct setting *setting, const char *text, void *ret_value)
{
    const char *cursor = setting->bounds;
    struct word word;

    for (int index = 0; next_word(&cursor, &word); index++) {
        if (word.available && is_word(&word, text, strlen(text))) {
            *(int *)ret_value = index;
            return 0;
        }
    }
    return -EINVAL;
}

static void choice_print(const struct setting *setting, const void *value, struct text *text)
{
    const char *cursor = setting->bounds;
    struct word word;

    for (int index = 0; next_word(&cursor, &word); index++)
        if (index == *(const int *)value)
            text_add(text, "%.*s", (int)word.length, word.at);
}

/* The words of one sort, with commas; their number. */
static size_t add_words(const char *bounds, bool available, struct text *text)
{
    size_t count = 0;
    struct word word;

    while (next_word(&bounds, &word))
        if (word.available == available)
            text_add(text, "%s%.*s", count++ == 0 ? "" : ", ", (int)word.length, word.at);
    return count;
}

static void choice_allowed(const struct setting *setting, struct text *text)
{
    size_t missing;

    add_words(setting->bounds, true, text);
    if (strchr(setting->bounds, '!') == NULL)
        return;
    text_add(text, " (");
    missing = add_words(setting->bounds, false, text);
    text_add(text, " %s not available in this version)", missing == 1 ? "is" : "are");
}

/* SETTING_NUMBER */

/* The next number of bounds; the cursor moves behind it. */
static unsigned next_number(const char **cursor)
{
    uint64_t number = 0;
    int r;

    *cursor += strspn(*cursor, " ");
    r = nn_number_scan(cursor, UINT_MAX, &number);
    hm_assert(r == 0);
    return (unsigned)number;
}

static int number_parse(const struct setting *setting, const char *text, void *ret_value)
{
    const char *bounds = setting->bounds;
    unsigned least = next_number(&bounds), most = next_number(&bounds);
    uint64_t number;
    int r = nn_number_scan(&text, most, &number);

    if (r < 0)
        return r;
    if (*text != '\0' || number < least)
        return -EINVAL;
    *(unsigned *)ret_value = (unsigned)number;
    return 0;
}

static void number_print(const struct setting *setting, const void *value, struct text *text)
{
    text_add(text, "%u", *(const unsigned *)value);
}

static void number_allowed(const struct setting *setting, struct text *text)
{
    const char *bounds = setting->bounds;
    unsigned least = next_number(&bounds), most = next_number(&bounds);

    text_add(text, "a whole number from %u to %u", least, most);
}

/* SETTING_SIZE */

static_assert(AMOUNT_BYTES_MAX < UINT64_MAX, "the word stands for no size");

static int size_parse(const struct setting *setting, const char *text, void *ret_value)
{
    struct amount amount = {AMOUNT_BYTES, UINT64_MAX};
    int r = strcmp(text, setting->bounds) == 0 ? 0 : amount_parse(text, &amount);

    if (r < 0)
        return r;
    if (amount.kind != AMOUNT_BYTES)
        return -EINVAL;
    *(uint64_t *)ret_value = amount.value;
    return 0;
}

static void size_print(const struct setting *setting, const void *value, struct text *text)
{
    struct amount amount = {AMOUNT_BYTES, *(const uint64_t *)value};

    if (amount.value == UINT64_MAX)
        text_add(text, "%s", setting->bounds);
    else
        amount_print(amount, text);
}

static void size_allowed(const struct setting *setting, struct text *text)
{
    text_add(text, "%s, a size (bytes, or with K, M, G or T)", setting->bounds);
}

/* SETTING_AMOUNTS */

static int amounts_setting_parse(const struct setting *setting, const char *text, void *ret_value)
{
    if (*text == '\0' || strcmp(text, setting->bounds) != 0)
        return amounts_parse(text, ret_value);
    *(struct node_amounts *)ret_value = (struct node_amounts){0};
    return 0;
}

static void amounts_setting_print(
    const struct setting *setting, const void *value, struct text *text)
{
    const struct node_amounts *amounts = value;

    if (amounts->listed == 0 && amounts->all.kind == AMOUNT_NONE)
        text_add(text, "%s", setting->bounds);
    else
        amounts_print(amounts, text);
}

static void amounts_allowed(const struct setting *setting, struct text *text)
{
    if (*setting->bounds != '\0')
        text_add(text, "%s, ", setting->bounds);
    text_add(text,
        "a size (bytes, or with K, M, G or T), a share of the node (0%% to 100%%), "
        "a list of these for up to %d nodes (0=4G,1=50%%)",
        AMOUNTS_LISTED);
}

/* SETTING_BACKINGS */

static const char *const backing_names[HP_BACKINGS] = {
    [HP_HUGETLB] = "hugetlb", [HP_THP] = "thp", [HP_BASE] = "base"};

/* Appends the backing of that name. -EINVAL: there is none, or it is there already. */
static int add_backing(struct backings *backings, const char *name, size_t length)
{
    unsigned backing = 0;

    while (backing < HP_BACKINGS && (strlen(backing_names[backing]) != length ||
                                        memcmp(backing_names[backing], name, length) != 0))
        backing++;
    if (backing == HP_BACKINGS)
        return -EINVAL;
    for (size_t i = 0; i < backings->count; i++)
        if (backings->order[i] == backing)
            return -EINVAL;
    backings->order[backings->count++] = backing;
    return 0;
}

static int backings_parse(const struct setting *setting, const char *text, void *ret_value)
{
    struct backings backings = {0};

    for (bool more = true; more; text += more) {
        size_t length = strcspn(text, ",");
        int r = add_backing(&backings, text, length);

        if (r < 0)
            return r;
        text += length;
        more = *text == ',';
    }
    *(struct backings *)ret_value = backings;
    return 0;
}

static void backings_print(const struct setting *setting, const void *value, struct text *text)
{
    const struct backings *backings = value;

    for (size_t i = 0; i < backings->count; i++)
        text_add(text, "%s%s", i == 0 ? "" : ",", backing_names[backings->order[i]]);
}

static void backings_allowed(const struct setting *setting, struct text *text)
{
    text_add(text, "one or more of hugetlb, thp, base, each once, with commas between them");
}

/* SETTING_POLICY */

static int policy_setting_parse(const struct setting *setting, const char *text, void *ret_value)
{
    return policy_parse(text, ret_value);
}

static void policy_setting_print(
    const struct setting *setting, const void *value, struct text *text)
{
    policy_print(value, text);
}

static void policy_setting_allowed(const struct setting *setting, struct text *text)
{
    policy_allowed(text);
}

/* SETTING_PATH */

static int path_parse(const struct setting *setting, const char *text, void *ret_value)
{
    size_t length = strlen(text);

    if (*text != '/' || length >= PATH_TEXT)
        return -EINVAL;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return -EINVAL;
    memcpy(((struct path *)ret_value)->text, text, length + 1);
    return 0;
}

static void path_print(const struct setting *setting, const void *value, struct text *text)
{
    text_add(text, "%s", ((const struct path *)value)->text);
}

static void path_allowed(const struct setting *setting, struct text *text)
{
    text_add(text, "an absolute path of less than %d bytes, without control characters", PATH_TEXT);
}

static const struct kind {
    int (*parse)(const struct setting *setting, const char *text, void *ret_value);
    void (*print)(const struct setting *setting, const void *value, struct text *text);
    void (*allowed)(const struct setting *setting, struct text *text);
} kinds[] = {
    [SETTING_CHOICE] = {choice_parse, choice_print, choice_allowed},
    [SETTING_NUMBER] = {number_parse, number_print, number_allowed},
    [SETTING_SIZE] = {size_parse, size_print, size_allowed},
    [SETTING_AMOUNTS] = {amounts_setting_parse, amounts_setting_print, amounts_allowed},
    [SETTING_BACKINGS] = {backings_parse, backings_print, backings_allowed},
    [SETTING_POLICY] = {policy_setting_parse, policy_setting_print, policy_setting_allowed},
    [SETTING_PATH] = {path_parse, path_print, path_allowed},
};

int setting_parse(const struct setting *setting, const char *text, void *ret_value)
{
    return kinds[setting->kind].parse(setting, text, ret_value);
}

void setting_print(const struct setting *setting, const void *value, struct text *text)
{
    kinds[setting->kind].print(setting, value, text);
}

void setting_allowed(const struct setting *setting, struct text *text)
{
    kinds[setting->kind].allowed(setting, text);
}
