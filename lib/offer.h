/* SPDX-License-Identifier: MIT */
/*
 * Who may serve a request, and in which order: the one place that decides where memory is taken
 * when the first choice has none. Nodes by distance from the request's node, each with every
 * backing that HOSTMEM_BACKING allows: near memory of small pages comes before far memory of huge
 * ones. No state but the walk's own; no lock.
 */
#ifndef HOSTMEM_OFFER_H
#define HOSTMEM_OFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/manager.h"

/* Kinds of requests, as sets of backings: bit 1 << enum hp_backing. */
#define OFFER_ANY   ((1u << HP_BACKINGS) - 1)
#define OFFER_HUGE  (1u << HP_HUGETLB)
#define OFFER_EXACT (1u << HP_BASE) /* 4 KiB pages: what carries any protection */

struct offer {
    struct node *node;
    enum hp_backing backing;
};

struct offers {
    struct node *home;
    unsigned backings; /* OFFER_*, less what the machine or HOSTMEM_BACKING does not have */
    size_t node;       /* position in home->order */
    size_t backing;    /* position in HOSTMEM_BACKING */
};

/* The offers for a request that stands for node `home`. */
struct offers offers_for(struct node *home, unsigned backings);

/* The next offer, the best first; false: there are no more. */
bool offers_next(struct offers *offers, struct offer *ret_offer);

/* The backings of HOSTMEM_BACKING that the machine has and that are in the set. */
unsigned offer_backings(const struct hostmem *manager, unsigned backings);

#endif
