/* SPDX-License-Identifier: MIT */
/*
 * The two faces of one manager, C and COM, behind one set of calls, so that a random choice decides
 * through which of them a test goes. Results are those of the C face: 0 or -errno. What COM cannot
 * say goes through C. No state but the manager's, no lock.
 */
#ifndef FACE_H
#define FACE_H

#include <hostmem/mscoree.h>

#include "live.h"

struct face {
    IHostMemoryManager *com;
    struct hostmem *c; /* of the same manager */
};

void face_open(struct face *face);
void face_close(struct face *face);

/* com: through COM where it has the words. */
int face_reserve(const struct face *face, bool com, const struct hostmem_request *request,
    void **ret_base, struct hostmem_receipt *ret_receipt);
int face_commit(const struct face *face, bool com, uintptr_t address, size_t size,
    uint32_t protection, struct hostmem_receipt *ret_receipt);
int face_decommit(const struct face *face, bool com, uintptr_t address, size_t size);
int face_release(const struct face *face, bool com, uintptr_t address);
int face_protect(const struct face *face, bool com, uintptr_t address, size_t size,
    uint32_t protection, uint32_t *ret_old);
int face_reset(const struct face *face, bool com, uintptr_t address, size_t size);
int face_reset_undo(const struct face *face, bool com, uintptr_t address, size_t size);
int face_query(const struct face *face, bool com, uintptr_t address, struct hostmem_info *ret_info);

#endif
