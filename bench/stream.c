/* SPDX-License-Identifier: MIT */
/* Streaming stores of 16 bytes, which every x86-64 has, and loops over words. See stream.h. */
#include "bench/stream.h"

#include <emmintrin.h>

void stream_zero(void *base, size_t size)
{
    __m128i zero = _mm_setzero_si128(), *at = base, *end = (__m128i *)((char *)base + size);
    for (; at < end; at += 4) {
        _mm_stream_si128(at, zero);
        _mm_stream_si128(at + 1, zero);
        _mm_stream_si128(at + 2, zero);
        _mm_stream_si128(at + 3, zero);
    }
    _mm_sfence();
}

/* Four sums, so that the additions do not wait for each other. */
uint64_t stream_read(const void *base, size_t size)
{
    const __m128i *at = base, *end = (const __m128i *)((const char *)base + size);
    __m128i a = _mm_setzero_si128(), b = a, c = a, d = a;
    for (; at < end; at += 4) {
        a = _mm_add_epi64(a, _mm_load_si128(at));
        b = _mm_add_epi64(b, _mm_load_si128(at + 1));
        c = _mm_add_epi64(c, _mm_load_si128(at + 2));
        d = _mm_add_epi64(d, _mm_load_si128(at + 3));
    }
    a = _mm_add_epi64(_mm_add_epi64(a, b), _mm_add_epi64(c, d));
    return (uint64_t)_mm_cvtsi128_si64(a);
}

void stream_write(void *base, size_t size, uint64_t value)
{
    __m128i both = _mm_set1_epi64x((long long)value), *at = base;
    __m128i *end = (__m128i *)((char *)base + size);
    for (; at < end; at++)
        _mm_store_si128(at, both);
}
