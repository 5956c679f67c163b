/* What others may ask of RDS. RDS itself is in the files beside. */
#pragma once

#include "region/region.h"

/* What is here otherwise than an instance was asked for, as a tuple of sentences ("engine version
 * 13.4 is served by PostgreSQL 15.18"). `instance` is its identifier. */
Value rds_differences(Region *region, StoreScope scope, const char *instance);
