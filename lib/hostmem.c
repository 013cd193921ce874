/* SPDX-License-Identifier: MIT */
/* The C face of memory: every argument is checked here and nowhere else, then the call goes to the
 * module that does it. What the calls promise is in <hostmem/hostmem.h>. No lock. */
#include <hostmem/hostmem.h>

#include <errno.h>
#include <string.h>

#include "lib/change.h"
#include "lib/heaps.h"
#include "lib/manager.h"
#include "lib/query.h"
#include "lib/receipt.h"
#include "lib/reserve.h"
#include "lib/units.h"

#define ACCESS     (HOSTMEM_PROT_RW | HOSTMEM_PROT_EXEC)
#define ATTRIBUTES (HOSTMEM_PROT_NOCACHE | HOSTMEM_PROT_WRITECOMBINE)
#define FLAGS      (HOSTMEM_COMMIT | HOSTMEM_LARGE | HOSTMEM_TOP_DOWN)

_Static_assert(
    HOSTMEM_PROT_READ == HP_READ && HOSTMEM_PROT_WRITE == HP_WRITE && HOSTMEM_PROT_EXEC == HP_EXEC,
    "protections are passed down as they are");

/* -- arguments -- */

static bool range_is_valid(uintptr_t address, size_t size)
{
    return address < USER_END && size <= USER_END - address;
}

/* Write includes read, as on Windows; attributes exclude each other and need some access. */
static bool protection_is_valid(uint32_t protection)
{
    uint32_t access = protection & ACCESS, attributes = protection & ATTRIBUTES;
    if (protection & ~(ACCESS | ATTRIBUTES) || attributes == ATTRIBUTES)
        return false;
    if ((access & HOSTMEM_PROT_WRITE) && !(access & HOSTMEM_PROT_READ))
        return false;
    return access || !attributes;
}

static bool critical_is_valid(enum hostmem_critical critical)
{
    return (unsigned)critical <= HOSTMEM_PROCESS_CRITICAL;
}

static bool address_is_valid(uintptr_t address, size_t size)
{
    return !address || (address >= USER_LOWEST && range_is_valid(address, size));
}

static bool large_is_valid(const struct hostmem *manager, const struct hostmem_request *request)
{
    size_t frame = manager->frame_bytes[HP_HUGETLB] ? manager->frame_bytes[HP_HUGETLB] : SPAN_BYTES;
    if (!(request->flags & HOSTMEM_LARGE))
        return true;
    return (request->flags & HOSTMEM_COMMIT) && (request->protection & ACCESS) == HOSTMEM_PROT_RW &&
           is_aligned(request->size, frame) && is_aligned((uintptr_t)request->address, frame);
}

static bool request_is_valid(const struct hostmem *manager, const struct hostmem_request *request)
{
    return request->size && request->size <= USER_END && !(request->flags & ~FLAGS) &&
           address_is_valid((uintptr_t)request->address, request->size) &&
           protection_is_valid(request->protection) && critical_is_valid(request->critical) &&
           large_is_valid(manager, request);
}

static struct range range_of(const void *address, size_t size)
{
    return (struct range){(uintptr_t)address, size};
}

/* -- managers -- */

int hostmem_create(struct hostmem **ret_manager)
{
    struct config config;
    char message[CONFIG_MESSAGE];
    struct log log = {0};
    if (!ret_manager)
        return -EINVAL;
    int error = config_read(&config, message, sizeof(message));
    if (error) {
        log_line(&log, LOG_ERROR, "%s", message);
        return error;
    }
    return manager_open(&config, &manager_parts_real, ret_manager);
}

void hostmem_destroy(struct hostmem *manager)
{
    if (!manager)
        return;
    heaps_end(manager);
    manager_close(manager);
}

/* -- regions -- */

struct reserving {
    struct attempt attempt;
    const struct hostmem_request *request;
    struct region *region;
};

static int try_reserve(struct attempt *attempt, enum priority priority)
{
    struct reserving *r = (struct reserving *)attempt;
    return reserve_region(attempt->node, r->request, priority, &r->region);
}

/* To reserve alone takes no memory that one could wait for. */
static enum hostmem_critical level_of(const struct hostmem_request *request)
{
    return request->flags & HOSTMEM_COMMIT ? request->critical : HOSTMEM_TASK_CRITICAL;
}

static int reserve(struct hostmem *manager, const struct hostmem_request *request, void **ret_base)
{
    struct reserving r = {
        .attempt = {.make = try_reserve, .size = request->size, .level = level_of(request)},
        .request = request,
    };
    int error = node_pick(manager, request->node, &r.attempt.node);
    if (!error)
        error = critical_attempt(&r.attempt);
    if (!error)
        *ret_base = (void *)region_base(r.region);
    /* Windows has a code of its own for large pages that are used up. */
    return error == -ENOMEM && (request->flags & HOSTMEM_LARGE) ? -ENOBUFS : error;
}

/* For calls whose receipt is not wanted, and for those that have just succeeded. */
static void give_receipt(
    struct hostmem *manager, struct range range, struct hostmem_receipt *receipt)
{
    if (receipt)
        receipt_recorded(manager, range, receipt);
}

/* From the base, which may lie below the address that was asked for. */
static struct range reserved_range(const struct hostmem_request *request, void *base)
{
    size_t skipped = request->address ? (size_t)((char *)request->address - (char *)base) : 0;
    return range_of(base, skipped + request->size);
}

int hostmem_reserve(struct hostmem *manager, const struct hostmem_request *request, void **ret_base,
    struct hostmem_receipt *ret_receipt)
{
    void *base;
    if (!manager || !request || !ret_base)
        return -EINVAL;
    int error = manager_usable(manager);
    if (!error && !request_is_valid(manager, request))
        error = -EINVAL;
    if (!error)
        error = reserve(manager, request, &base);
    if (error)
        return error;
    give_receipt(manager, reserved_range(request, base), ret_receipt);
    *ret_base = base;
    return 0;
}

static int check(const struct hostmem *manager, struct range range, bool valid)
{
    if (!manager || !valid || !range_is_valid(range.address, range.size))
        return -EINVAL;
    return manager_usable(manager);
}

struct committing {
    struct attempt attempt;
    struct hostmem *manager;
    struct range range;
    uint32_t protection;
};

static int try_commit(struct attempt *attempt, enum priority priority)
{
    struct committing *c = (struct committing *)attempt;
    return change_commit(c->manager, c->range, c->protection, priority, &attempt->node);
}

int hostmem_commit(struct hostmem *manager, void *address, size_t size, uint32_t protection,
    enum hostmem_critical critical, struct hostmem_receipt *ret_receipt)
{
    struct committing c = {
        .attempt = {.make = try_commit, .size = size, .level = critical},
        .manager = manager,
        .range = range_of(address, size),
        .protection = protection,
    };
    bool valid = size && protection_is_valid(protection) && critical_is_valid(critical);
    int error = check(manager, c.range, valid);
    if (!error)
        error = critical_attempt(&c.attempt);
    if (!error)
        give_receipt(manager, c.range, ret_receipt);
    return error;
}

int hostmem_decommit(struct hostmem *manager, void *address, size_t size)
{
    int error = check(manager, range_of(address, size), true);
    return error ? error : change_decommit(manager, range_of(address, size));
}

int hostmem_release(struct hostmem *manager, void *address)
{
    int error = check(manager, range_of(address, 0), true);
    return error ? error : change_release(manager, (uintptr_t)address);
}

int hostmem_protect(
    struct hostmem *manager, void *address, size_t size, uint32_t protection, uint32_t *ret_old)
{
    struct range range = range_of(address, size);
    int error = check(manager, range, size && protection_is_valid(protection));
    return error ? error : change_protect(manager, range, protection, ret_old);
}

int hostmem_reset(struct hostmem *manager, void *address, size_t size)
{
    int error = check(manager, range_of(address, size), size && address);
    return error ? error : change_reset(manager, range_of(address, size));
}

int hostmem_reset_undo(struct hostmem *manager, void *address, size_t size)
{
    int error = check(manager, range_of(address, size), size && address);
    return error ? error : change_reset_undo(manager, range_of(address, size));
}

/* -- questions -- */

int hostmem_query(struct hostmem *manager, const void *address, struct hostmem_info *ret_info)
{
    if (!manager || !ret_info || (uintptr_t)address >= ADDRESS_END)
        return -EINVAL;
    int error = manager_usable(manager);
    return error ? error : query_at(manager, (uintptr_t)address, ret_info);
}

int hostmem_receipt(
    struct hostmem *manager, void *address, size_t size, struct hostmem_receipt *ret_receipt)
{
    int error = check(manager, range_of(address, size), size && ret_receipt);
    return error ? error : receipt_asked(manager, range_of(address, size), ret_receipt);
}

/* -- constants -- */

size_t hostmem_config_print(struct hostmem *manager, char *ret_text, size_t size)
{
    return manager ? config_print(&manager->config, ret_text, ret_text ? size : 0) : 0;
}

const char *hostmem_version(void)
{
    return HOSTMEM_VERSION_STRING;
}

const char *hostmem_strerror(int error)
{
    switch (error) {
    case 0:
        return "success";
    case -EINVAL:
        return "an argument is out of its range";
    case -EADDRNOTAVAIL:
        return "the address is not in a region, or not in the state that the call needs, or in use";
    case -ENXIO:
        return "no region of this manager is at that address";
    case -ENOMEM:
        return "the nodes that may be used have no memory left, or a limit is reached";
    case -ENOBUFS:
        return "no huge pages are left";
    case -EOPNOTSUPP:
        return "the backing cannot do that";
    case -ENODEV:
        return "the manager was made in another process";
    case -ELIBACC:
        return "heaps need libtbbmalloc.so.2, which could not be loaded";
    case -EMFILE:
        return "there are too many heaps: the process's keys of thread-specific data are used up";
    case -EAGAIN:
        return "the calling thread is ending";
    default:
        return "an error of the operating system";
    }
}
