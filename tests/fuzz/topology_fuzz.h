/* SPDX-License-Identifier: MIT */
/* libFuzzer's entry, by the name that libFuzzer looks for. */
#ifndef TESTS_FUZZ_TOPOLOGY_FUZZ_H
#define TESTS_FUZZ_TOPOLOGY_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Aborts where the reader breaks a promise on the machine that the bytes describe; 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
