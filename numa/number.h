/* SPDX-License-Identifier: MIT */
/*
 * Decimal numbers in the kernel's text files. No lock, no locale, no sign, no white space: what
 * strtoul() would accept beyond digits is garbage here.
 */
#ifndef NUMA_NUMBER_H
#define NUMA_NUMBER_H

#include <stdint.h>

/*
 * The number at *cursor, which moves behind its last digit. -EINVAL: no digit there, or the number
 * is above `max`; the cursor stays.
 */
int nn_number_scan(const char **cursor, uint64_t max, uint64_t *ret_number);

/* The number that is all of the text but for a final newline. -EINVAL: it is not, or above `max`.
 */
int nn_number_parse(const char *text, uint64_t max, uint64_t *ret_number);

#define NN_NUMBER_SIZE sizeof("18446744073709551615")

/* Writes the digits and a NUL into `buffer`, of NN_NUMBER_SIZE bytes; the number of digits. */
unsigned nn_number_print(uint64_t number, char *buffer);

#endif
