/*
 * Names inside VPCs: the resolver that every VPC has at its base address + 2 and at
 * 169.254.169.253. Services say what names they know by sources and zones; what none knows is asked
 * of the host's resolver.
 */
#pragma once

#include "region/region.h"

/* Is `name` (lower case, without the dot at its end) this source's? If so TRUE, its IPv4 addresses
 * (char*) as seen from `vpc` are appended to `addresses` (none: the name exists without any), and
 * *ttl may be set (60 unless it is). FALSE: it is another's. */
typedef gboolean (*RegionDnsSource)(
	Region *region, const char *vpc, const char *name, GPtrArray *addresses, guint *ttl);
void region_dns_source_add(Region *region, RegionDnsSource source);

/* What is known of a name; begins as a name that exists, without records. */
typedef struct DnsRecords DnsRecords;

/* A zone's records for `name` (as above): FALSE if it is in no such zone. Zones are asked before
 * sources. */
typedef gboolean (*RegionDnsZones)(
	Region *region, StoreScope scope, const char *vpc, const char *name, DnsRecords *records);
void region_dns_zones_add(Region *region, RegionDnsZones zones);

/* There is no such name. */
void dns_records_none(DnsRecords *records);
/* The zone that the name is in: gives NS and SOA at its top, and the SOA that goes with "no". */
void dns_records_zone(DnsRecords *records, const char *zone, guint soa_ttl);
/* An address, IPv4 or IPv6. `owner` other than NULL: of another name, to go along with SRV records.
 */
void dns_records_address(DnsRecords *records, const char *owner, const char *address, guint ttl);
void dns_records_pointer(DnsRecords *records, const char *target, guint ttl);
void dns_records_service(DnsRecords *records, guint priority, guint weight, guint port,
	const char *target, guint ttl);
