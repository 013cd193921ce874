/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648, with or without padding). A pure function. */
#ifndef NUMA_BASE64_H
#define NUMA_BASE64_H

#include <stddef.h>
#include <stdint.h>

/*
 * -EINVAL: not base64. -E2BIG: more bytes than `capacity`. What `bytes` holds after a failure is of
 * no use.
 */
int nn_base64_decode(const char *text, size_t capacity, uint8_t *bytes, size_t *ret_size);

#endif
