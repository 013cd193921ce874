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

enum hp_map_kind { HP_MAP_PRIVATE, HP_MAP_SHARED, HP_MAP_IMAGE }; /* anonymous; shared or a file's; executable file */

struct hp_map {
    uintptr_t start, end; /* bytes; end is exclusive */
    unsigned access;      /* enum hp_access */
    enum hp_map_kind kind;
};

/*
 * The mapping that holds `address`, else the first one above it. -ENOENT: there is none above it.
 * -EACCES and the like where /proc is missing. PROCMAP_QUERY (Linux 6.11) where the kernel has it, a
 * raw read of /proc/self/maps elsewhere.
 */
int hp_map_at(uintptr_t address, struct hp_map *ret_map);

#endif
