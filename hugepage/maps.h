/* SPDX-License-Identifier: MIT */
/*
 * What is mapped in this process at an address, whoever mapped it: asked of the kernel, without a
 * lock, without malloc or stdio, with a bounded stack, so that it may be called while every other
 * thread of the process is stopped.
 */
#ifndef HOSTMEM_MAPS_H
#define HOSTMEM_MAPS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * PRIVATE: private anonymous memory. SHARED: a shared mapping, of a file or anonymous. IMAGE: a
 * private mapping of a file, which nearly always is a program or library. The text of
 * /proc/self/maps cannot tell a private mapping of a hugetlbfs file from one of any other, and has
 * IMAGE for PRIVATE there.
 */
enum hp_map_kind { HP_MAP_PRIVATE, HP_MAP_SHARED, HP_MAP_IMAGE };

struct hp_map {
    uintptr_t start, end; /* bytes; end is exclusive */
    unsigned access;      /* enum hp_access */
    enum hp_map_kind kind;
};

/*
 * The mapping that holds `address`, else the first one above it. -ENOENT: there is none above it.
 * -EACCES and the like where /proc is missing. PROCMAP_QUERY (Linux 6.11) where the kernel has it,
 * a raw read of /proc/self/maps elsewhere.
 */
int hp_map_at(uintptr_t address, struct hp_map *ret_map);

/* The two ways, on an open /proc/self/maps; the second needs the file at its beginning. */
int hp_map_ask(int fd, uintptr_t address, struct hp_map *ret_map); /* -ENOTTY before Linux 6.11 */
int hp_map_scan(int fd, uintptr_t address, struct hp_map *ret_map);

#endif
