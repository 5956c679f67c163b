/* What the files of EC2 share. Objects are kept as the API's own shapes, without their tags. */
#pragma once

#include "region/region.h"
#include "region/services/ec2/ec2.h"

#define EC2_VPC "ec2/vpc"
#define EC2_VPC_ATTRIBUTES "ec2/vpc-attributes"
#define EC2_SUBNET "ec2/subnet"
#define EC2_INTERNET_GATEWAY "ec2/internet-gateway"
#define EC2_ROUTE_TABLE "ec2/route-table"
#define EC2_ADDRESS "ec2/address"
#define EC2_NAT_GATEWAY "ec2/nat-gateway"
#define EC2_SECURITY_GROUP "ec2/security-group"
#define EC2_SECURITY_GROUP_RULE "ec2/security-group-rule"
#define EC2_NETWORK_ACL "ec2/network-acl"
#define EC2_NETWORK_ACL_ASSOCIATION "ec2/acl-association" /* by subnet */
#define EC2_INTERFACE "ec2/network-interface"
#define EC2_INTERFACE_OWNER "ec2/network-interface-owner" /* the one whose namespace it is in */

/* ---- addresses ---- */

typedef struct {
	guint32 base; /* host byte order */
	guint length; /* of the prefix */
} Ec2Cidr;

/* FALSE if `text` is not a block, or not at its own beginning. */
gboolean ec2_cidr_parse(const char *text, Ec2Cidr *cidr);
gboolean ec2_cidr_contains(Ec2Cidr outer, Ec2Cidr inner);
gboolean ec2_cidr_overlaps(Ec2Cidr a, Ec2Cidr b);
char *ec2_address_text(guint32 address); /* caller frees */

/* ---- zones ---- */

/* The letters of a region's zones. */
#define EC2_ZONES "abc"

/* "use1-az1" of "us-east-1a", as AWS abbreviates regions. Caller frees. */
char *ec2_zone_id(const char *region, const char *zone);
gboolean ec2_zone_exists(const char *region, const char *zone);
/* The zone that an input names by AvailabilityZone or AvailabilityZoneId; the first one if it names
 * none. Caller frees; NULL and InvalidParameterValue. */
char *ec2_zone_choose(RegionCall *call, Value input, GError **error);

/* ---- objects ---- */

/* The object, or VALUE_NOTHING and `code` ("InvalidVpcID.NotFound") with EC2's sentence; `what` is
 * as that names it ("vpc"). */
Value ec2_find(RegionCall *call, const char *kind, const char *id, const char *code,
	const char *what, GError **error);
void ec2_put(RegionCall *call, const char *kind, const char *id, Value object_taken);
/* Forgets an object and its tags. */
void ec2_forget(RegionCall *call, const char *kind, const char *id);
/* Is there an object of that kind whose `member` is `value`? */
gboolean ec2_any(RegionCall *call, const char *kind, const char *member, const char *value);
/* Sets the tags of a new object that TagSpecifications has for its type. */
void ec2_tag_new(RegionCall *call, Value input, const char *resource_type, const char *id);
/* The object with its member Tags. Takes it. */
Value ec2_with_tags(RegionCall *call, const char *id, Value object_taken);
Value ec2_done(void); /* {Return: true} for operations that answer it */

/* A filter of a describe call: by what in the shape. Steps are separated by dots; lists are gone
 * through. */
typedef struct {
	const char *name, *path;
} Ec2Filter;

typedef struct {
	const char *kind;
	const char *ids; /* the input's list of ids */
	const char *output; /* the answer's list */
	const char *code, *what; /* of an id that is not there */
	const Ec2Filter *filters; /* ended by a NULL name */
	/* Completes an object for the answer. Takes it; NULL: tags only. */
	Value (*complete)(RegionCall *call, const char *id, Value object_taken);
} Ec2Describe;
Value ec2_describe(RegionCall *call, Value input, const Ec2Describe *describe, GError **error);

/* For lists that are made up on the fly: whether `id` is asked for (by none or by name), and
 * whether an object passes the filters; an unknown filter sets *error. */
gboolean ec2_is_listed(Value ids, const char *id);
gboolean ec2_passes(Value object, Value filters, const Ec2Filter *known, GError **error);

/* ---- tables of the files ---- */

extern const RegionOperation ec2_acl_operations[];
extern const RegionOperation ec2_vpc_operations[];
extern const RegionOperation ec2_cidr_operations[];
extern const RegionOperation ec2_default_operations[];
extern const RegionOperation ec2_gateway_operations[];
extern const RegionOperation ec2_route_operations[];
extern const RegionOperation ec2_group_operations[];
extern const RegionOperation ec2_rule_operations[];
extern const RegionOperation ec2_interface_operations[];
extern const RegionOperation ec2_tag_operations[];
extern const RegionOperation ec2_zone_operations[];

/* Makes the default VPC of a new account in a region (RegionService.settle). */
gboolean ec2_default_settle(RegionCall *call, GError **error);
/* The id of the account's default VPC here; NULL: there is none. Caller frees. */
char *ec2_default_vpc(Region *region, StoreScope scope);

/* Whether one of the VPC's blocks holds `inner`, or is `cidr` itself; all of them (caller frees).
 */
gboolean ec2_vpc_holds(Value vpc, Ec2Cidr inner);
gboolean ec2_vpc_is_block(Value vpc, const char *cidr);
char **ec2_vpc_blocks(Value vpc);
/* A new element of a VPC's CidrBlockAssociationSet. */
Value ec2_vpc_block_new(const char *cidr);
/* A block comes to a VPC, or goes: so do its local routes in all of the VPC's tables. */
void ec2_routes_add_local(RegionCall *call, const char *vpc, const char *cidr);
void ec2_routes_remove_local(RegionCall *call, const char *vpc, const char *cidr);

/* What a VPC is created and deleted with. */
char *ec2_route_table_create_main(RegionCall *call, const char *vpc);
char *ec2_group_create_default(RegionCall *call, const char *vpc);
/* Keeps a new rule (SecurityGroupRule without its id). Returns it with its id and ARN. */
Value ec2_rule_put(RegionCall *call, Value rule_taken);
/* A group's rules in the shape of IpPermissions. */
Value ec2_rules_permissions(RegionCall *call, const char *group, gboolean egress);
void ec2_groups_delete_of_vpc(RegionCall *call, const char *vpc);
void ec2_acl_create_default(RegionCall *call, const char *vpc);
/* A subnet goes: its association with a route table goes too. */
void ec2_subnet_leaves(RegionCall *call, const char *subnet);
/* A new subnet is associated with its VPC's default network ACL; the association goes with it. */
void ec2_acl_subnet_arrives(RegionCall *call, const char *subnet, const char *vpc);
void ec2_acl_subnet_leaves(RegionCall *call, const char *subnet);
/* The next public address of the region's pool. Caller frees. */
char *ec2_public_address(Region *region, StoreScope scope);
/* The namespace that an interface is in. Caller frees. */
char *ec2_interface_owner(Region *region, StoreScope scope, const char *interface);
/* The controller (network.c). */
gboolean ec2_network_start(Region *region, GError **error);
void ec2_network_stop(Region *region);
