/* SPDX-License-Identifier: MIT */
/* Who may serve a request: nodes in distance order, backings in the order of HOSTMEM_BACKING. No
 * lock. */
#include "lib/offer.h"

unsigned offer_backings(const struct hostmem *manager, unsigned backings)
{
    unsigned found = 0;
    for (size_t i = 0; i < manager->config.backing.count; i++) {
        enum hp_backing backing = manager->config.backing.order[i];
        if (manager->frame_bytes[backing])
            found |= 1u << backing;
    }
    return found & backings;
}

struct offers offers_for(struct node *home, unsigned backings)
{
    return (struct offers){.home = home, .backings = offer_backings(home->manager, backings)};
}

static bool usable(const struct offers *offers, struct offer offer)
{
    if (!(offers->backings & 1u << offer.backing))
        return false;
    return offer.backing != HP_HUGETLB || offer.node->huge > 0;
}

bool offers_next(struct offers *offers, struct offer *ret_offer)
{
    struct hostmem *manager = offers->home->manager;
    const struct backings *order = &manager->config.backing;
    for (; offers->node < manager->node_count; offers->node++, offers->backing = 0) {
        struct node *node = &manager->nodes[offers->home->order[offers->node]];
        if (!node_may_serve(offers->home, node))
            continue;
        while (offers->backing < order->count) {
            struct offer offer = {node, order->order[offers->backing++]};
            if (usable(offers, offer)) {
                *ret_offer = offer;
                return true;
            }
        }
    }
    return false;
}
