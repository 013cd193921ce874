/* SPDX-License-Identifier: MIT */
/* Zeroing. Every x86-64 has the 16-byte non-temporal store; wider ones write no faster, because the
 * memory is the limit, so there is nothing to choose at run time. No lock. */
#include "lib/zero.h"

#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define LINE_BYTES 64 /* of a cache */

void zero_cached(void *base, size_t size)
{
    memset(base, 0, size);
}

#if defined(__x86_64__)

_Static_assert(LINE_BYTES == 4 * sizeof(__m128i), "a line is four stores");

void zero_streamed(void *base, size_t size)
{
    __m128i zero = _mm_setzero_si128();
    for (size_t at = 0; at < size; at += LINE_BYTES) {
        __m128i *line = (__m128i *)((char *)base + at);
        for (int i = 0; i < 4; i++)
            _mm_stream_si128(line + i, zero);
    }
    /* These stores are ordered with nothing else, not even with the release of a bit. */
    _mm_sfence();
}

#else

void zero_streamed(void *base, size_t size)
{
    memset(base, 0, size);
}

#endif
