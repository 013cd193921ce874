/* SPDX-License-Identifier: MIT */
/*
 * Configuration: one table of HOSTMEM_ variables makes the structure, the parser, the printout and
 * the check of docs/configuration.md; no default stands anywhere else. Read once into a structure
 * that never changes afterwards and holds no pointers, so it needs no lock and may be copied.
 */
#ifndef HOSTMEM_CONFIG_H
#define HOSTMEM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hugepage/hp.h"
#include "lib/setting.h"

/* Words of SETTING_CHOICE, in the order of the table's bounds; 0 and 1 of a switch are themselves.
 */
enum page_size_choice { PAGE_SIZE_AUTO, PAGE_SIZE_2M, PAGE_SIZE_1G };
enum strict_choice { STRICT_AUTO, STRICT_OFF, STRICT_ON };
enum subpage_choice { SUBPAGE_AUTO, SUBPAGE_REFUSE, SUBPAGE_DISSOLVE };
enum fork_choice { FORK_NONE, FORK_COW };

/* What the kind of a variable (setting.h: SETTING_...) keeps in struct config. */
typedef int config_CHOICE;
typedef unsigned config_NUMBER;
typedef uint64_t config_SIZE;               /* UINT64_MAX: without limit */
typedef struct node_amounts config_AMOUNTS; /* bytes, or percent of a node */
typedef struct backings config_BACKINGS;
typedef struct policy config_POLICY;
typedef struct path config_PATH;

/* Name behind HOSTMEM_, member of struct config, kind, default, bounds, help. */
#define CONFIG_TABLE(X)                                                                             \
    X(BACKING, backing, BACKINGS, "hugetlb,thp,base", "",                                           \
        "what frames may be made of, in order of preference")                                       \
    X(PAGE_SIZE, page_size, CHOICE, "auto", "auto 2M 1G",                                           \
        "size of a frame; auto: the kernel's default huge page")                                    \
    X(HUGETLBFS, hugetlbfs, CHOICE, "0", "0 1", "1: hugetlb frames come from a mounted hugetlbfs")  \
    X(POOL, pool, AMOUNTS, "unlimited", "unlimited", "most memory committed from each node")        \
    X(PREFAULT, prefault, AMOUNTS, "0", "",                                                         \
        "memory populated on each node when a manager is created")                                  \
    X(WARM, warm, AMOUNTS, "auto", "auto",                                                          \
        "most memory kept warm on each node; auto: all of hugetlb, 128M of thp; 4 KiB pages never") \
    X(RESERVE, reserve, AMOUNTS, "auto", "auto",                                                    \
        "held back on each node for critical requests; auto: two frames, at most a 512th")          \
    X(CRITICAL_WAIT_MS, critical_wait_ms, NUMBER, "1000", "0 3600000",                              \
        "how long a process critical request waits for memory")                                     \
    X(SCRUB, scrub, CHOICE, "1", "0 1",                                                             \
        "1: a thread of each node zeroes idle memory when a CPU has nothing else to do")            \
    X(POLICY, policy, POLICY, "local", "", "node of a request that names none")                     \
    X(SPILL, spill, CHOICE, "1", "0 1",                                                             \
        "1: the nearest node with room helps one that is spent; 0: that is an error")               \
    X(STRICT, strict, CHOICE, "auto", "auto 0 !1",                                                  \
        "1: a touch of an uncommitted huge frame faults; 0: it need not; auto: 0 in this version")  \
    X(SUBPAGE, subpage, CHOICE, "auto", "auto refuse !dissolve",                                    \
        "part of a hugetlb frame gets another protection; auto: refuse in this version")            \
    X(FORK, fork, CHOICE, "none", "none !cow",                                                      \
        "what a child process has of the memory: none, or a copy")                                  \
    X(DUMP, dump, CHOICE, "0", "0 1", "1: core dumps contain the memory")                           \
    X(WATCH, watch, CHOICE, "1", "0 1",                                                             \
        "1: a thread of each socket watches its nodes; 0: levels are computed when asked for")      \
    X(SAMPLE_MS, sample_ms, NUMBER, "250", "10 60000", "how often the load is looked at")           \
    X(LOW_ENTER, low_enter, NUMBER, "90", "0 100", "percent of load at which Low begins")           \
    X(LOW_LEAVE, low_leave, NUMBER, "85", "0 100", "percent of load below which Low ends")          \
    X(HIGH_ENTER, high_enter, NUMBER, "60", "0 100", "percent of load below which High begins")     \
    X(HIGH_LEAVE, high_leave, NUMBER, "65", "0 100", "percent of load at which High ends")          \
    X(HOLD_MS, hold_ms, NUMBER, "500", "0 3600000", "shortest time between two changes of level")   \
    X(LOW_REPEAT_MS, low_repeat_ms, NUMBER, "10000", "0 3600000",                                   \
        "how often a lasting Low is announced again; 0: never")                                     \
    X(EXTERNAL_MAX, external_max, SIZE, "unlimited", "unlimited",                                   \
        "most address space that others may take, as they report it")                               \
    X(VERBOSE, verbose, CHOICE, "0", "0 1 2",                                                       \
        "1: configuration and surprises on stderr; 2: a trace as well")                             \
    X(SYSROOT, sysroot, PATH, "/", "", "directory under which sys and proc are read")

enum config_variable {
#define X(NAME, member, kind, initial, bounds, help) CONFIG_##NAME,
    CONFIG_TABLE(X)
#undef X
        CONFIG_VARIABLES
};

struct config {
#define X(NAME, member, kind, initial, bounds, help) config_##kind member;
    CONFIG_TABLE(X)
#undef X
    bool given[CONFIG_VARIABLES]; /* enum config_variable: from the environment, not by default */
};

extern const struct setting config_settings[CONFIG_VARIABLES];

#define CONFIG_MESSAGE 384 /* bytes that hold each message, with its NUL */

/*
 * Reads the variables from wherever get() takes them; NULL is a variable that is not set. -EINVAL:
 * a value is not allowed, not available in this version, or contradicts another; then ret_message,
 * of `size` bytes, gets one line of printable ASCII without a newline that says so.
 */
int config_parse(const char *(*get)(const char *name, void *context), void *context,
    struct config *ret_config, char *ret_message, size_t size);

/* The same from the environment; set-user-ID programs and the like get the defaults. */
int config_read(struct config *ret_config, char *ret_message, size_t size);

/*
 * Calls `found` for each variable of the environment that begins with HOSTMEM_ and is none of the
 * table's, with the nearest name of the table, or NULL where none is near. Long names come cut.
 * Nothing is reported where config_read() reads nothing.
 */
void config_unknown(
    void (*found)(const char *name, const char *nearest, void *context), void *context);

/* Bytes of HOSTMEM_PAGE_SIZE; 0: the kernel's default. */
size_t config_page_size(const struct config *config);

bool config_has_backing(const struct config *config, enum hp_backing backing);

/* In bytes, for a node of node_bytes; UINT64_MAX: without limit. */
uint64_t config_pool_limit(const struct config *config, int node, uint64_t node_bytes);
/* For frames of that size. */
uint64_t config_reserve(
    const struct config *config, int node, uint64_t node_bytes, uint64_t frame_bytes);
uint64_t config_prefault(const struct config *config, int node, uint64_t node_bytes);
uint64_t config_warm_limit(
    const struct config *config, int node, uint64_t node_bytes, enum hp_backing backing);

/*
 * Writes "NAME=value  # origin; help" and a newline for each variable, as snprintf(3) does: at most
 * `size` bytes with the final NUL; the length of the whole text is returned.
 */
size_t config_print(const struct config *config, char *ret_text, size_t size);

#endif
