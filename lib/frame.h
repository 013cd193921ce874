/* SPDX-License-Identifier: MIT */
/*
 * The memory of frames: taking it, populated on its node, and putting it back. Invariant: a taken
 * frame holds its bytes in the budget of exactly one node, the window's or the lender's, and what
 * it holds is either zero or marked dirty. A frame is taken and put by who has its address (the
 * region or the share, under their locks); idle frames may be claimed by anybody through their bit.
 */
#ifndef HOSTMEM_FRAME_H
#define HOSTMEM_FRAME_H

#include <hostmem/hostmem.h>

#include "lib/manager.h"
#include "lib/populate.h"

/* Frames of one window in a row. */
struct frames {
    struct window *window;
    size_t first, count;
};

/* What a taking may do, and what it had to do. */
struct taking {
    bool home_only;             /* take nothing from other nodes or backings */
    enum priority priority;     /* how much has to be left */
    enum hostmem_reason reason; /* set when something was not served by the home */
};

/*
 * Takes the memory of frames that nobody has taken: every page of them is there afterwards.
 * -ENOMEM: neither the window's node nor, unless home_only, anyone else has enough; nothing is
 * taken then.
 */
int frame_take(struct frames frames, struct taking *taking);

/* What it means that the window's own node could not give a frame. */
enum hostmem_reason frame_shortage(const struct window *window);

/* Puts taken frames back: idle up to HOSTMEM_WARM, beyond it to the kernel. */
void frame_put(struct frames frames);

/* Gives idle frames of the node and backing back to the kernel until `bytes` are freed; how many
 * were. */
size_t frame_drain(struct node *node, enum hp_backing backing, size_t bytes);

/* Before a site is populated once more: drains what it lacks, and what is to be held back besides.
 * false: nothing was idle. */
bool frame_make_room(struct site site);

/* Populates frames that belong to no one and keeps them idle (HOSTMEM_PREFAULT). */
int frame_prefault(struct frames frames);

#endif
