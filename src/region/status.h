/*
 * What the region tells of itself at /_terrarium/status: where it keeps its data, what the glass
 * can do, which accounts and regions hold anything, and in what this machine differs from AWS.
 */
#pragma once

#include "region/region.h"

/* Adds lines (char*, to be freed by the array) in words for the user: "RDS instance web: engine
 * version 13.4 is served by PostgreSQL 15.18". */
typedef void (*RegionDifferences)(Region *region, GPtrArray *lines);
/* Registers a service's own differences: in its start. */
void region_differences_add(Region *region, RegionDifferences differences);
