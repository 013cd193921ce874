/* SPDX-License-Identifier: MIT */
/* The version, written once: the build reads it from here for the soname and for pkg-config. */
#ifndef HOSTMEM_VERSION_H
#define HOSTMEM_VERSION_H

#define HOSTMEM_VERSION_MAJOR  0
#define HOSTMEM_VERSION_MINOR  1
#define HOSTMEM_VERSION_PATCH  0
#define HOSTMEM_VERSION_STRING "0.1.0"

#endif
