/* SPDX-License-Identifier: MIT */
/*
 * A manager on fake backings, on a machine of files: nothing of the real machine shows but its
 * address space. Everything that the fakes count can be asked with hp_fake.h. One manager at a
 * time.
 */
#ifndef HOSTMEM_TESTS_FAKES_H
#define HOSTMEM_TESTS_FAKES_H

#include <stddef.h>

#include "hp_fake.h"
#include "lib/manager.h"
#include "machine.h"

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* The most that one mapping may have; windows come out as a quarter of it. */
#define FAKES_MAP    ((size_t)256 << 20)
#define FAKES_WINDOW (FAKES_MAP / 4)

/* hp_fake and hp_fake_base with that limit; ready after fakes_reset(). */
extern struct hp_ops fakes_rw, fakes_none;

/* What the manager stands on; a test may put other operations in before it opens one. */
extern struct manager_parts fakes_parts;

/* The fakes as new, with that much memory on each node of the machine. */
void fakes_reset(size_t bytes);

/* What a variable is to be; without HOSTMEM_. The last one has no name. */
struct setting_text {
    const char *name, *value;
};

/*
 * Opens a manager on a recorded or made-up machine. Memory is bound and its node asked for as on a
 * machine that permits both.
 */
int fakes_open(
    const char *sysroot, const struct setting_text *settings, struct hostmem **ret_manager);

/* Bytes committed and warm, of a node by its index, or of all (-1). */
size_t fakes_committed(struct hostmem *manager, int index);
size_t fakes_warm(struct hostmem *manager, int index);

/* How many structures of the manager break their invariant: windows alone, nothing may go on. */
int fakes_unsound(struct hostmem *manager);

#endif
