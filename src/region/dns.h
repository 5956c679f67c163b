/*
 * Names inside VPCs: the resolver that every VPC has at its base address + 2 and at
 * 169.254.169.253. Services say what names they know by sources; what no source knows is asked of
 * the host's resolver.
 */
#pragma once

#include "region/region.h"

/* Is `name` (lower case, without the dot at its end) this source's? If so TRUE, its IPv4 addresses
 * (char*) as seen from `vpc` are appended to `addresses` (none: the name exists without any), and
 * *ttl may be set (60 unless it is). FALSE: it is another's. */
typedef gboolean (*RegionDnsSource)(
	Region *region, const char *vpc, const char *name, GPtrArray *addresses, guint *ttl);
void region_dns_source_add(Region *region, RegionDnsSource source);
