/* SPDX-License-Identifier: MIT */
/* Unexpected results. See unexpected.h. */
#include "bench/unexpected.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic unsigned count;

void unexpected(const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "demo: UNEXPECTED: %s\n", text);
    atomic_fetch_add(&count, 1);
}

unsigned unexpected_count(void)
{
    return atomic_load(&count);
}

static const char *name_of(HRESULT result)
{
    static const struct {
        HRESULT result;
        const char *name;
    } names[] = {
        {E_OUTOFMEMORY, "E_OUTOFMEMORY: the nodes have no memory left, or a limit is reached"},
        {E_INVALIDARG, "E_INVALIDARG"},
        {HRESULT_FROM_WIN32(ERROR_INVALID_ADDRESS), "ERROR_INVALID_ADDRESS"},
        {HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED), "ERROR_NOT_SUPPORTED"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].result == result)
            return names[i].name;
    return "see <hostmem/wintypes.h>";
}

bool went_well(HRESULT result, const char *what)
{
    if (SUCCEEDED(result))
        return true;
    unexpected("%s: 0x%08X (%s)", what, (unsigned)result, name_of(result));
    return false;
}
