/* SPDX-License-Identifier: MIT */
/*
 * Loans: frames of a window whose memory comes from another node or is of another backing, because
 * the window's own has none left. Invariant: a populated frame is lent if its bytes are in the
 * lender's budget and its mapping is the lender's kind; it goes back when it is put, and is never
 * kept idle. No lock: the caller has the frames.
 */
#ifndef HOSTMEM_LOAN_H
#define HOSTMEM_LOAN_H

#include "lib/frame.h"

/* Cold frames get memory from the best offer that has some. The home's budget is not held for them.
 */
int loan_take(struct frames frames, enum priority priority);

/* Ends the loans among populated frames: they are cold then. How many there were. */
size_t loan_return(struct frames frames);

/* The same for loans of a taking that has failed: nobody is told that memory came back. */
size_t loan_undo(struct frames frames);

/*
 * Restores the window's own mapping of cold frames where that failed when the loan ended. -ENOMEM:
 * it fails again (max_map_count).
 */
int loan_restore(struct frames frames);

#endif
