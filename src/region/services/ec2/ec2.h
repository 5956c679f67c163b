/*
 * What other services need of EC2: network interfaces in a VPC, as ECS tasks, load balancers and
 * databases have them, and what a subnet or a security group is. EC2 itself is in the files beside.
 */
#pragma once

#include "region/region.h"

/* What an interface is wanted for. */
typedef struct {
	const char *subnet; /* id */
	Value groups; /* tuple of security group ids; VALUE_NOTHING: the VPC's default group */
	const char *description; /* as AWS words it: "ELB app/web/0123456789abcdef" */
	const char *type; /* InterfaceType: "interface", "network_load_balancer", …; NULL:
			     "interface" */
	const char *requester; /* RequesterId: "amazon-elb", "amazon-rds"; NULL: not managed */
	gboolean public_address; /* gives it a public address of Amazon's pool */
} Ec2InterfaceRequest;

/* Makes a network interface, inside the open transaction. Returns EC2's NetworkInterface shape
 * (NetworkInterfaceId, PrivateIpAddress, PrivateDnsName, MacAddress, VpcId, AvailabilityZone,
 * Association…), or VALUE_NOTHING and EC2's own error (InvalidSubnetID.NotFound,
 * InvalidGroup.NotFound, InsufficientFreeAddressesInSubnet). Its namespace in the glass is named by
 * its id: that is the `owner` to give to tasks, balancers and databases. Several interfaces share a
 * namespace when `ec2_interface_join` says so. */
Value ec2_interface_create(
	Region *region, StoreScope scope, const Ec2InterfaceRequest *request, GError **error);
/* Puts an interface into the namespace of another one (a balancer's second zone). Inside the open
 * transaction. */
void ec2_interface_join(
	Region *region, StoreScope scope, const char *interface, const char *owner_interface);
/* Replaces its security groups. Inside the open transaction. */
gboolean ec2_interface_set_groups(
	Region *region, StoreScope scope, const char *interface, Value groups, GError **error);
/* Deletes it, inside the open transaction. Nothing happens if it is not there. */
void ec2_interface_delete(Region *region, StoreScope scope, const char *interface);
/* The interface as it is, or VALUE_NOTHING. The caller owns it. */
Value ec2_interface_get(Region *region, StoreScope scope, const char *interface);

/* Is the network in the glass as the store wants it for this interface (its namespace, address and
 * rules are there)? Controllers that wait for it are woken by name: whoever calls
 * `ec2_network_notify` once at start is woken after each time the network was applied. Without a
 * glass it is never ready. */
gboolean ec2_interface_ready(Region *region, const char *interface);
void ec2_network_notify(Region *region, const char *controller);

/* Calls back when a VPC's network namespace is there (also for those that are there already), and
 * when the VPC goes: for what listens inside it (name servers, metadata). Call it in a service's
 * start; without a glass nothing is ever called. */
typedef void (*Ec2VpcWatch)(
	Region *region, StoreScope scope, const char *vpc, gboolean there, gpointer data);
void ec2_vpc_watch(Region *region, Ec2VpcWatch watch, gpointer data);

/* EC2's Subnet (SubnetId, VpcId, CidrBlock, AvailabilityZone…), Vpc and SecurityGroup shapes, or
 * VALUE_NOTHING. The caller owns them. */
Value ec2_subnet_get(Region *region, StoreScope scope, const char *subnet);
Value ec2_vpc_get(Region *region, StoreScope scope, const char *vpc);
Value ec2_group_get(Region *region, StoreScope scope, const char *group);

/* Is the VPC's attribute on (EnableDnsSupport, EnableDnsHostnames)? */
gboolean ec2_vpc_attribute(Region *region, StoreScope scope, const char *vpc, const char *name);
