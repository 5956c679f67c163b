/* What the files of Cloud Map share. Objects are kept as the API's own shapes. */
#pragma once

#include "region/region.h"
#include "region/services/servicediscovery/servicediscovery.h"

#define DISCOVERY_NAMESPACE "servicediscovery/namespace"
#define DISCOVERY_SERVICE "servicediscovery/service"
#define DISCOVERY_ATTRIBUTES "servicediscovery/service-attributes" /* by the service's id */
#define DISCOVERY_INSTANCE "servicediscovery/instance" /* id: service, "/", instance */
#define DISCOVERY_REVISION "servicediscovery/revision" /* of a service's instances: a number */
#define DISCOVERY_OPERATION "servicediscovery/operation"

/* Hosted zones, as Route 53 knows them, by id, under region "": Id, Name (with a dot at its end),
 * CallerReference, Config { Comment, PrivateZone }, LinkedService, VPCs [{ VPCId, VPCRegion }], and
 * NamespaceId where Cloud Map owns the zone: its records then are the namespace's instances and are
 * kept nowhere else. */
#define ROUTE53_ZONE "route53/zone"

/* "ns-" (say) and random letters and digits. Caller frees. */
char *discovery_id(const char *prefix, guint length);
/* The id in an ARN of a namespace or service, or the text itself. Borrowed. */
const char *discovery_plain_id(const char *id_or_arn);

/* The object that `id` (or an ARN) names, or VALUE_NOTHING and NamespaceNotFound or
 * ServiceNotFound. */
Value discovery_namespace(Region *region, StoreScope scope, const char *id_or_arn, GError **error);
Value discovery_service(Region *region, StoreScope scope, const char *id_or_arn, GError **error);
void discovery_invalid(GError **error, const char *message, ...) G_GNUC_PRINTF(2, 3);

/* How many services a namespace has, how many instances a service. */
guint discovery_service_count(Region *region, StoreScope scope, const char *namespace_id);
guint discovery_instance_count(Region *region, StoreScope scope, const char *service_id);

/* Writes down an operation that has been carried out (failed with `code`, unless that is NULL).
 * Returns { OperationId }. Up to two targets; NULL: none. */
Value discovery_operation(RegionCall *call, const char *type, const char *target_type,
	const char *target, const char *second_type, const char *second);
Value discovery_operation_failed(
	RegionCall *call, const char *type, const char *code, const char *message);

/* Does the object pass a list call's Filters? `known` maps names of filters to members (steps
 * separated by dots), ended by a NULL name. An unknown condition sets *error. */
typedef struct {
	const char *name, *path;
} DiscoveryFilter;
gboolean discovery_passes(
	Value object, Value filters, const DiscoveryFilter *known, GError **error);
/* { member: one page of items, NextToken }. */
Value discovery_page(
	RegionCall *call, Value input, const char *member, Value items, GError **error);

/* Sets the input's Tags on a new object. */
void discovery_tag(RegionCall *call, Value input, const char *arn);

/* Does the service keep custom health? */
gboolean discovery_has_health(Value service);
/* Instances of a service that DNS answers with: healthy ones, or all if none is. As a tuple, in
 * random order. */
Value discovery_answering(Region *region, StoreScope scope, Value service);
/* The names of private namespaces (names.c). */
void discovery_names_start(Region *region);
