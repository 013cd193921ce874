/* SPDX-License-Identifier: MIT */
/*
 * Assertions. A broken structure of ours dies with a fixed message (design.md, "Errors"): going on
 * would hand the same memory out twice. hm_assert stays in release builds and is meant for facts
 * that cost nothing to see; CHECKED() runs a structure's _check() in builds with -DHM_CHECKS.
 */
#ifndef HOSTMEM_CHECK_H
#define HOSTMEM_CHECK_H

/* Ends the process with "hostmem: corrupted: WHAT (FILE:LINE)" on stderr and SIGABRT. */
_Noreturn void check_failed(const char *what, const char *file, int line);

#define hm_assert(fact) ((fact) ? (void)0 : check_failed(#fact, __FILE_NAME__, __LINE__))

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

#ifdef HM_CHECKS
#define CHECKED(call) (call)
#else
#define CHECKED(call) ((void)0)
#endif

#endif
