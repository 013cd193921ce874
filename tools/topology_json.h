/* SPDX-License-Identifier: MIT */
/* A topology as one JSON object. No lock. */
#ifndef TOOLS_TOPOLOGY_JSON_H
#define TOOLS_TOPOLOGY_JSON_H

#include <stdio.h>

#include "numa/topology.h"

/* Errors of `out` are left to its owner. */
void topology_json(const struct nn_topology *topology, FILE *out);

#endif
