/* SPDX-License-Identifier: MIT */
/*
 * What is mapped at an address, asked of the kernel in two ways that agree: a query (PROCMAP_QUERY,
 * Linux 6.11), and the text of /proc/self/maps, read by one pass over a small buffer. A private
 * mapping of a file counts as an image, since finding out whether another part of the file is
 * executable would take a second pass. No state, no lock, no allocation.
 */
#include "hugepage/maps.h"
#include "hugepage/hp.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define READ_SIZE 4096 /* bytes: no more than a page comes from one read of this file */
#define LINE_HEAD 128  /* bytes of a line that are looked at: all but the tail of a long path */

/* The kernel's interface, spelled out for headers that are older than 6.11. */
struct map_query {
    uint64_t size; /* bytes: of this structure */
    uint64_t flags;
    uint64_t address;
    uint64_t start, end; /* out, as all that follows up to the name */
    uint64_t access;
    uint64_t page_size; /* bytes */
    uint64_t offset;
    uint64_t inode; /* 0: no file */
    uint32_t major, minor;
    uint32_t name_size, build_id_size;
    uint64_t name, build_id;
};

#define QUERY_SHARED  8
#define QUERY_OR_NEXT 0x10
#define QUERY         _IOWR('f', 17, struct map_query)

static_assert(sizeof(struct map_query) == 104, "the layout that the kernel knows");
#ifdef PROCMAP_QUERY
static_assert(QUERY == PROCMAP_QUERY && QUERY_SHARED == PROCMAP_QUERY_VMA_SHARED &&
                  QUERY_OR_NEXT == PROCMAP_QUERY_COVERING_OR_NEXT_VMA,
    "the numbers of the kernel's headers");
#endif
static_assert(HP_READ == 1 && HP_WRITE == 2 && HP_EXEC == 4,
    "the query reports access in the bits of enum hp_access");

/* Anonymous huge pages are a file of the kernel's own, and yet private memory. */
static enum hp_map_kind kind_of(bool shared, bool file, bool huge)
{
    if (shared)
        return HP_MAP_SHARED;
    return file && !huge ? HP_MAP_IMAGE : HP_MAP_PRIVATE;
}

int hp_map_ask(int fd, uintptr_t address, struct hp_map *ret_map)
{
    struct map_query query = {.size = sizeof(query), .flags = QUERY_OR_NEXT, .address = address};
    if (ioctl(fd, QUERY, &query) != 0)
        return -errno;
    bool shared = (query.access & QUERY_SHARED) != 0;
    *ret_map = (struct hp_map){
        .start = query.start,
        .end = query.end,
        .access = (unsigned)query.access & (HP_RW | HP_EXEC),
        .kind = kind_of(shared, query.inode != 0, query.page_size > HP_BASE_PAGE),
    };
    return 0;
}

/* The first LINE_HEAD bytes of the line that is being read. */
struct head {
    size_t length;
    char text[LINE_HEAD + 1];
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *take_hex(const char *at, uintptr_t *ret_value)
{
    uintptr_t value = 0;
    for (; digit(*at) >= 0; at++)
        value = value << 4 | (uintptr_t)digit(*at);
    *ret_value = value;
    return at;
}

static unsigned access_of(const char *rights)
{
    return (rights[0] == 'r' ? HP_READ : 0U) | (rights[1] == 'w' ? HP_WRITE : 0U) |
           (rights[2] == 'x' ? HP_EXEC : 0U);
}

/* From the offset on: "offset major:minor inode      /path". */
static enum hp_map_kind kind_of_text(bool shared, const char *at)
{
    for (int spaces = 0; spaces < 2 && *at != '\0'; at++)
        spaces += *at == ' ';
    bool file = *at != '\0' && *at != '0';
    return kind_of(shared, file, strstr(at, " /anon_hugepage") != NULL);
}

/* "start-end rwxp offset major:minor inode      /path" */
static bool parse(const char *line, struct hp_map *ret_map)
{
    struct hp_map map;
    const char *at = take_hex(line, &map.start);
    if (*at++ != '-')
        return false;
    at = take_hex(at, &map.end);
    if (strnlen(at, 6) < 6)
        return false;
    map.access = access_of(at + 1);
    map.kind = kind_of_text(at[4] == 's', at + 6);
    *ret_map = map;
    return true;
}

/*
 * True when the line is the one that is looked for. The kernel's own page for old programs
 * ([vsyscall]) is in the text, in the upper half of the address space, but is not a mapping of this
 * process.
 */
static bool matches(const struct head *head, uintptr_t address, struct hp_map *ret_map)
{
    struct hp_map map;
    if (!parse(head->text, &map) || map.end <= address || map.start > UINTPTR_MAX / 2)
        return false;
    *ret_map = map;
    return true;
}

/* Adds a byte to the head; true when it ended a line, which then is complete in the head. */
static bool feed(struct head *head, char c)
{
    if (c == '\n') {
        head->text[head->length] = '\0';
        head->length = 0;
        return true;
    }
    if (head->length < LINE_HEAD)
        head->text[head->length++] = c;
    return false;
}

int hp_map_scan(int fd, uintptr_t address, struct hp_map *ret_map)
{
    char buffer[READ_SIZE];
    struct head head = {.length = 0};
    ssize_t got;
    while ((got = read(fd, buffer, sizeof(buffer))) > 0)
        for (ssize_t i = 0; i < got; i++)
            if (feed(&head, buffer[i]) && matches(&head, address, ret_map))
                return 0;
    return got < 0 ? -errno : -ENOENT;
}

/* thread-self, since "self" has nothing to show once the main thread has ended. */
int hp_map_at(uintptr_t address, struct hp_map *ret_map)
{
    int fd = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
    /* -ENOENT would say that nothing is mapped. */
    if (fd < 0)
        return errno == ENOENT ? -EIO : -errno;
    int r = hp_map_ask(fd, address, ret_map);
    if (r < 0 && r != -ENOENT)
        r = hp_map_scan(fd, address, ret_map);
    close(fd);
    return r;
}
