/* Parts of an API call, for services whose calls come by a door of their own (S3: bodies that are
 * streamed, callers without a signature). All others are served by region_dispatch. */
#pragma once

#include "region/region.h"

/* The services' operation of a model's, or the error NotImplemented that names it. */
const RegionOperation *region_operation_find(const WireOperation *wanted, GError **error);
/* Runs its handler, inside a transaction unless it only reads. */
Value region_operation_run(
	RegionCall *call, const RegionOperation *operation, Value input, GError **error);
