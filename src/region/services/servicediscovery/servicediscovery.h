/* What ECS needs of Cloud Map: instances of a service, and their health. */
#pragma once

#include "region/region.h"

/* Registers (or replaces) an instance of the service named by its ARN, with the attributes that
 * RegisterInstance takes (AWS_INSTANCE_IPV4, AWS_INSTANCE_PORT, …). Inside the open transaction.
 * FALSE and Cloud Map's error when there is no such service. */
gboolean servicediscovery_register(Region *region, StoreScope scope, const char *service_arn,
	const char *instance, Value attributes, GError **error);
/* Forgets the instance; nothing happens if it is not there. */
void servicediscovery_deregister(
	Region *region, StoreScope scope, const char *service_arn, const char *instance);
/* Sets its custom health status, as UpdateInstanceCustomHealthStatus does. */
void servicediscovery_health(Region *region, StoreScope scope, const char *service_arn,
	const char *instance, gboolean healthy);
