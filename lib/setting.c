/* SPDX-License-Identifier: MIT */
/*
 * The kinds of value that a configuration variable can have. For each kind three functions: parse,
 * print, allowed; the table at the end brings them together. Pure functions; no lock.
 */
#include "lib/setting.h"

#include <assert.h>
#include <errno.h>
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

/* The part of the text behind the prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static int parse_bind(const char *list, struct policy *policy)
{
    /* The kernel's own lists may be empty and end in white space; what people write may not. */
    if (*list == '\0' || list[strspn(list, "0123456789-,")] != '\0')
        return -EINVAL;
    policy->kind = POLICY_BIND;
    return nn_set_parse(list, NN_NODES, &policy->bind);
}

static int parse_preferred(const char *number, struct policy *policy)
{
    uint64_t node;
    int r = nn_number_scan(&number, NN_NODES - 1, &node);

    if (r < 0)
        return r;
    policy->kind = POLICY_PREFERRED;
    policy->preferred = (int)node;
    return *number == '\0' ? 0 : -EINVAL;
}

static int policy_parse(const struct setting *setting, const char *text, void *ret_value)
{
    struct policy policy = {.kind = POLICY_LOCAL};
    const char *list = behind(text, "bind:");
    const char *number = behind(text, "preferred:");
    int r = 0;

    if (list != NULL)
        r = parse_bind(list, &policy);
    else if (number != NULL)
        r = parse_preferred(number, &policy);
    else if (strcmp(text, "interleave") == 0)
        policy.kind = POLICY_INTERLEAVE;
    else if (strcmp(text, "local") != 0)
        r = -EINVAL;
    if (r < 0)
        return r;
    *(struct policy *)ret_value = policy;
    return 0;
}

/* The longest list of nodes: "1000-1001,", with a gap behind it, is ten characters for three
 * numbers. */
#define NODES_TEXT (10 * (NN_NODES / 3 + 1) + 1)

static_assert(NN_NODES <= 10000, "node numbers have four digits");

static void print_bind(const struct nn_set *nodes, struct text *text)
{
    char list[NODES_TEXT];
    int r = nn_set_print(nodes, list, sizeof(list));

    hm_assert(r == 0);
    text_add(text, "bind:%s", list);
}

static void policy_print(const struct setting *setting, const void *value, struct text *text)
{
    const struct policy *policy = value;

    switch (policy->kind) {
    case POLICY_LOCAL:
        text_add(text, "local");
        break;
    case POLICY_INTERLEAVE:
        text_add(text, "interleave");
        break;
    case POLICY_BIND:
        print_bind(&policy->bind, text);
        break;
    case POLICY_PREFERRED:
        text_add(text, "preferred:%d", policy->preferred);
        break;
    }
}

static void policy_allowed(const struct setting *setting, struct text *text)
{
    text_add(text, "local, interleave, bind:LIST (nodes: 0,2-3), preferred:NODE, of nodes 0 to %d",
        NN_NODES - 1);
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
    [SETTING_AMOUNTS] = {amounts_setting_parse, amounts_setting_print, amounts_allowed},
    [SETTING_BACKINGS] = {backings_parse, backings_print, backings_allowed},
    [SETTING_POLICY] = {policy_parse, policy_print, policy_allowed},
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
