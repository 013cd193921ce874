/* SPDX-License-Identifier: MIT */
/* Stores that go past the caches, and loops that read and write all of a range. No lock. */
#ifndef HOSTMEM_BENCH_STREAM_H
#define HOSTMEM_BENCH_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Ranges are aligned to 64 bytes, and so are sizes. */
void stream_zero(void *base, size_t size);
uint64_t stream_read(const void *base, size_t size);
void stream_write(void *base, size_t size, uint64_t value);

#endif
