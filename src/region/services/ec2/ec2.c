/* EC2: the VPC part. The operations are in the files beside, each with a table of its own. */
#include "region/services/ec2/internal.h"

extern const RegionService region_ec2, region_ec2_acls, region_ec2_cidrs, region_ec2_defaults,
	region_ec2_gateways, region_ec2_routes, region_ec2_groups, region_ec2_interfaces,
	region_ec2_rules, region_ec2_tags, region_ec2_zones;

const RegionService region_ec2 = {.name = "ec2",
	.operations = ec2_vpc_operations,
	.start = ec2_network_start,
	.stop = ec2_network_stop,
	.settle = ec2_default_settle};
const RegionService region_ec2_acls = {.name = "ec2", .operations = ec2_acl_operations};
const RegionService region_ec2_cidrs = {.name = "ec2", .operations = ec2_cidr_operations};
const RegionService region_ec2_defaults = {.name = "ec2", .operations = ec2_default_operations};
const RegionService region_ec2_gateways = {.name = "ec2", .operations = ec2_gateway_operations};
const RegionService region_ec2_routes = {.name = "ec2", .operations = ec2_route_operations};
const RegionService region_ec2_groups = {.name = "ec2", .operations = ec2_group_operations};
const RegionService region_ec2_interfaces = {.name = "ec2", .operations = ec2_interface_operations};
const RegionService region_ec2_rules = {.name = "ec2", .operations = ec2_rule_operations};
const RegionService region_ec2_tags = {.name = "ec2", .operations = ec2_tag_operations};
const RegionService region_ec2_zones = {.name = "ec2", .operations = ec2_zone_operations};
