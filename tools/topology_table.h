/* SPDX-License-Identifier: MIT */
/* A topology as tables for people. No lock. */
#ifndef TOOLS_TOPOLOGY_TABLE_H
#define TOOLS_TOPOLOGY_TABLE_H

#include <stdio.h>

#include "numa/topology.h"

/* Errors of `out` are left to its owner. */
void topology_table(const struct nn_topology *topology, FILE *out);

#endif
