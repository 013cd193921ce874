/* SPDX-License-Identifier: MIT */
/*
 * Configuration: the table made into data, reading, contradictions, what the values mean for a
 * node, printing, and names that nobody knows. Pure functions but for the environment; no lock.
 */
#include "lib/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "lib/text.h"
#include "lib/units.h"

#define NAME_PREFIX "HOSTMEM_"

const struct setting config_settings[CONFIG_VARIABLES] = {
#define X(NAME, member, kind, initial, bounds, help)                                               \
    {NAME_PREFIX #NAME, SETTING_##kind, offsetof(struct config, member), initial, bounds, help},
    CONFIG_TABLE(X)
#undef X
};

#define VALUE_SHOWN 64 /* characters of a refused value that its message shows */

#define WARM_DEFAULT                                                                               \
    (UINT64_C(128) << 20) /* bytes that "auto" keeps warm of pages that others could use */

static const void *value_of(const struct config *config, enum config_variable variable)
{
    return (const char *)config + config_settings[variable].offset;
}

static void add_assignment(
    const struct config *config, enum config_variable variable, struct text *text)
{
    const struct setting *setting = &config_settings[variable];

    text_add(text, "%s=", setting->name);
    setting_print(setting, value_of(config, variable), text);
}

/* Reading */

static int refuse(const struct setting *setting, const char *value, struct text *message)
{
    text_add(message, "%s=", setting->name);
    text_add_quoted(message, value, VALUE_SHOWN);
    text_add(message, " is refused; allowed: ");
    setting_allowed(setting, message);
    return -EINVAL;
}

static int parse_variable(
    enum config_variable variable, const char *given, struct config *config, struct text *message)
{
    const struct setting *setting = &config_settings[variable];
    const char *value = given != NULL ? given : setting->initial;

    config->given[variable] = given != NULL;
    if (setting_parse(setting, value, (char *)config + setting->offset) < 0)
        return refuse(setting, value, message);
    return 0;
}

/* Contradictions that no machine can solve. */

bool config_has_backing(const struct config *config, enum hp_backing backing)
{
    for (size_t i = 0; i < config->backing.count; i++)
        if (config->backing.order[i] == backing)
            return true;
    return false;
}

static int refuse_pair(const struct config *config, enum config_variable variable,
    enum config_variable other, const char *why, struct text *message)
{
    add_assignment(config, variable, message);
    text_add(message, " is refused with ");
    add_assignment(config, other, message);
    text_add(message, ", %s", why);
    return -EINVAL;
}

static int check_hugetlb(
    const struct config *config, enum config_variable variable, struct text *message)
{
    if (config_has_backing(config, HP_HUGETLB))
        return 0;
    return refuse_pair(config, variable, CONFIG_BACKING, "which lacks hugetlb", message);
}

/* Each threshold of load lies at or below the next. */
static int check_thresholds(const struct config *config, struct text *message)
{
    static const enum config_variable ascending[] = {
        CONFIG_HIGH_ENTER, CONFIG_HIGH_LEAVE, CONFIG_LOW_LEAVE, CONFIG_LOW_ENTER};

    for (size_t i = 0; i + 1 < sizeof(ascending) / sizeof(ascending[0]); i++) {
        const unsigned *lower = value_of(config, ascending[i]);
        const unsigned *upper = value_of(config, ascending[i + 1]);

        if (*lower > *upper)
            return refuse_pair(config, ascending[i], ascending[i + 1], "which is less", message);
    }
    return 0;
}

/* Whether more is wanted than the limit on each machine there is. */
static bool exceeds(struct amount wanted, struct amount limit)
{
    if (wanted.kind == AMOUNT_NONE || limit.kind == AMOUNT_NONE)
        return false;
    return wanted.value > limit.value && (wanted.kind == limit.kind || limit.value == 0);
}

/* Whether the pool has what the variable wants of it. node -1: the nodes that no list names. */
static int check_room(
    const struct config *config, enum config_variable variable, int node, struct text *message)
{
    struct amount wanted = amounts_of(value_of(config, variable), node);
    struct amount limit = amounts_of(&config->pool, node);

    if (!exceeds(wanted, limit))
        return 0;
    text_add(message, "%s=", config_settings[variable].name);
    amount_print(wanted, message);
    text_add(message, " is refused with " NAME_PREFIX "POOL=");
    amount_print(limit, message);
    if (node >= 0)
        text_add(message, " for node %d", node);
    text_add(message, ", which is less");
    return -EINVAL;
}

static int check_rooms(
    const struct config *config, enum config_variable variable, struct text *message)
{
    const struct node_amounts *wanted = value_of(config, variable);
    int r = check_room(config, variable, -1, message);

    for (size_t i = 0; r == 0 && i < wanted->listed; i++)
        r = check_room(config, variable, wanted->list[i].node, message);
    for (size_t i = 0; r == 0 && i < config->pool.listed; i++)
        r = check_room(config, variable, config->pool.list[i].node, message);
    return r;
}

static int check(const struct config *config, struct text *message)
{
    int r = 0;

    if (config->hugetlbfs)
        r = check_hugetlb(config, CONFIG_HUGETLBFS, message);
    if (r == 0 && config->page_size == PAGE_SIZE_1G)
        r = check_hugetlb(config, CONFIG_PAGE_SIZE, message);
    if (r == 0)
        r = check_rooms(config, CONFIG_PREFAULT, message);
    if (r == 0)
        r = check_rooms(config, CONFIG_RESERVE, message);
    if (r == 0)
        r = check_thresholds(config, message);
    return r;
}

int config_parse(const char *(*get)(const char *name, void *context), void *context,
    struct config *ret_config, char *ret_message, size_t size)
{
    struct text message = text_begin(ret_message, size);
    struct config config = {0};
    int r = 0;

    for (unsigned i = 0; r == 0 && i < CONFIG_VARIABLES; i++)
        r = parse_variable(i, get(config_settings[i].name, context), &config, &message);
    if (r == 0)
        r = check(&config, &message);
    if (r < 0)
        return r;
    *ret_config = config;
    return 0;
}

static const char *get_environment(const char *name, void *context)
{
    return secure_getenv(name);
}

int config_read(struct config *ret_config, char *ret_message, size_t size)
{
    return config_parse(get_environment, NULL, ret_config, ret_message, size);
}

/* What values mean */

size_t config_page_size(const struct config *config)
{
    static const size_t sizes[] = {
        [PAGE_SIZE_AUTO] = 0, [PAGE_SIZE_2M] = (size_t)2 << 20, [PAGE_SIZE_1G] = (size_t)1 << 30};

    return sizes[config->page_size];
}

static uint64_t bytes_or(struct amount amount, uint64_t node_bytes, uint64_t otherwise)
{
    return amount.kind == AMOUNT_NONE ? otherwise : amount_bytes(amount, node_bytes);
}

uint64_t config_pool_limit(const struct config *config, int node, uint64_t node_bytes)
{
    return bytes_or(amounts_of(&config->pool, node), node_bytes, UINT64_MAX);
}

/* Of a small pool even two frames would be missed. */
#define RESERVE_FRAMES 2
#define RESERVE_PART   512

uint64_t config_reserve(
    const struct config *config, int node, uint64_t node_bytes, uint64_t frame_bytes)
{
    uint64_t limit = min_size(config_pool_limit(config, node, node_bytes), node_bytes);
    uint64_t frames = frame_bytes ? limit / RESERVE_PART / frame_bytes : 0;
    uint64_t otherwise = min_size(frames, RESERVE_FRAMES) * frame_bytes;
    return min_size(bytes_or(amounts_of(&config->reserve, node), node_bytes, otherwise), limit);
}

uint64_t config_prefault(const struct config *config, int node, uint64_t node_bytes)
{
    return bytes_or(amounts_of(&config->prefault, node), node_bytes, 0);
}

uint64_t config_warm_limit(
    const struct config *config, int node, uint64_t node_bytes, enum hp_backing backing)
{
    uint64_t otherwise = backing == HP_HUGETLB ? UINT64_MAX : WARM_DEFAULT;

    if (backing == HP_BASE)
        return 0;
    return bytes_or(amounts_of(&config->warm, node), node_bytes, otherwise);
}

size_t config_print(const struct config *config, char *ret_text, size_t size)
{
    struct text text = text_begin(ret_text, size);

    for (unsigned i = 0; i < CONFIG_VARIABLES; i++) {
        add_assignment(config, i, &text);
        text_add(&text, "  # %s; %s\n", config->given[i] ? "environment" : "default",
            config_settings[i].help);
    }
    return text.length;
}

/* Names that nobody knows */

#define NAME_SHOWN 64 /* bytes of an unknown name that is passed on, with its NUL */
#define NAME_KNOWN 32 /* bytes that hold each name of the table behind the prefix, with its NUL */

#define X(NAME, member, kind, initial, bounds, help)                                               \
    static_assert(sizeof(#NAME) <= NAME_KNOWN, "distance() has room for each known name");
CONFIG_TABLE(X)
#undef X

/* Without the locale, which has other ideas of what is the small form of I. */
static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* How many characters to insert, remove or replace; row by row of the usual table. */
static size_t distance(const char *name, const char *known)
{
    size_t columns = strlen(known);
    size_t row[NAME_KNOWN];

    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; name[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t replaced = diagonal + (upper(name[i - 1]) != known[j - 1]);

            diagonal = row[j];
            row[j] = min_size(replaced, min_size(row[j], row[j - 1]) + 1);
        }
    }
    return row[columns];
}

/* Near: a third of the known name's characters may be wrong, and one more. NULL: no name is. */
static const char *nearest_to(const char *unknown)
{
    const char *found = NULL;
    size_t least_distance = SIZE_MAX;

    for (size_t i = 0; i < CONFIG_VARIABLES; i++) {
        const char *known = config_settings[i].name + strlen(NAME_PREFIX);
        size_t wrong = distance(unknown, known);

        if (wrong < least_distance && wrong <= strlen(known) / 3 + 1) {
            least_distance = wrong;
            found = config_settings[i].name;
        }
    }
    return found;
}

static bool is_known(const char *name, size_t length)
{
    for (size_t i = 0; i < CONFIG_VARIABLES; i++)
        if (strlen(config_settings[i].name) == length &&
            memcmp(config_settings[i].name, name, length) == 0)
            return true;
    return false;
}

void config_unknown(
    void (*found)(const char *name, const char *nearest, void *context), void *context)
{
    size_t prefix = strlen(NAME_PREFIX);

    if (environ == NULL || getauxval(AT_SECURE) != 0)
        return;
    for (char **entry = environ; *entry != NULL; entry++) {
        size_t length = strcspn(*entry, "=");
        char name[NAME_SHOWN];

        if (strncmp(*entry, NAME_PREFIX, prefix) != 0 || is_known(*entry, length))
            continue;
        length = min_size(length, sizeof(name) - 1);
        memcpy(name, *entry, length);
        name[length] = '\0';
        found(name, nearest_to(name + prefix), context);
    }
}
