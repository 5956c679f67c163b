/* What ECS needs of Elastic Load Balancing: targets of a group. */
#pragma once

#include "region/region.h"

/* Registers a target, as RegisterTargets does. Inside the open transaction. FALSE and ELB's error
 * when there is no such group. */
gboolean elbv2_register(Region *region, StoreScope scope, const char *group_arn,
	const char *address, int port, GError **error);
/* Deregisters it: it drains first. Nothing happens if it is not registered. */
void elbv2_deregister(
	Region *region, StoreScope scope, const char *group_arn, const char *address, int port);
/* Its state as DescribeTargetHealth words it: "initial", "healthy", "unhealthy", "draining",
 * "unused", "unavailable". Static. A change is a change of a store object of kind
 * "elbv2/target-health", so region_wake_on works. */
const char *elbv2_target_state(
	Region *region, StoreScope scope, const char *group_arn, const char *address, int port);
/* Is the group named by a listener or a rule of a balancer? (ECS refuses services whose group is
 * not.) */
gboolean elbv2_group_in_use(Region *region, StoreScope scope, const char *group_arn);
