/* The services of the region, one line each. */
#include "region/region.h"

extern const RegionService region_ecs;
extern const RegionService region_sts;

const RegionService *const region_services[] = {
	&region_ecs,
	&region_sts,
	NULL,
};
