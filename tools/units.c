/* SPDX-License-Identifier: MIT */
/* Amounts of memory as people read them: powers of 1024. No state, no lock. */
#include "tools/units.h"

#include <stdio.h>

const char *units_text(uint64_t bytes, char ret_text[UNITS_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = (double)bytes;

    for (; value >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
        value /= 1024;
    snprintf(ret_text, UNITS_TEXT, value == (double)(uint64_t)value ? "%.0f %s" : "%.1f %s", value,
        units[unit]);
    return ret_text;
}
