/* SPDX-License-Identifier: MIT */
/* The node of a request that names none: the value of HOSTMEM_POLICY read and printed. No lock. */
#include "lib/policy.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/check.h"
#include "numa/number.h"

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

int policy_parse(const char *text, struct policy *ret_policy)
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
    *ret_policy = policy;
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

void policy_print(const struct policy *policy, struct text *text)
{
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

void policy_allowed(struct text *text)
{
    text_add(text, "local, interleave, bind:LIST (nodes: 0,2-3), preferred:NODE, of nodes 0 to %d",
        NN_NODES - 1);
}
