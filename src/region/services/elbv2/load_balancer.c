/*
 * Load balancers: what they are, and their network interfaces, one in each zone. The interface of
 * the first subnet names the network namespace that all of them are in.
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ec2/ec2.h"
#include "region/services/elbv2/internal.h"

#define MOST_BALANCERS 50
#define INTERNET_GATEWAY "ec2/internet-gateway"

/* ---- where it is ---- */

static const char *hosted_zone(const char *region) {
	static const char *const zones[][2] = {{"us-east-1", "Z35SXDOTRQ7X7K"},
		{"us-east-2", "Z3AADJGX6KTTL2"}, {"us-west-1", "Z368ELLRRE2KJ0"},
		{"us-west-2", "Z1H1FL5HABSF5"}, {"ca-central-1", "ZQSVJUPU6J1EY"},
		{"eu-central-1", "Z215JYRZR1TBD5"}, {"eu-north-1", "Z23TAZ6LKFMNIO"},
		{"eu-west-1", "Z32O12XQLNTSW2"}, {"eu-west-2", "ZHURV8PSTC4K8"},
		{"eu-west-3", "Z3Q77PNBQS71R4"}, {"ap-northeast-1", "Z14GRHDCWA56QT"},
		{"ap-northeast-2", "ZWKZPGTI48KDX"}, {"ap-south-1", "ZP97RAFLXTNZK"},
		{"ap-southeast-1", "Z1LMS91P8CMLE5"}, {"ap-southeast-2", "Z1GM3OXH4ZPM65"},
		{"sa-east-1", "Z2P70J7HTTTPLU"}};
	for (guint i = 0; i < G_N_ELEMENTS(zones); i++)
		if (g_str_equal(zones[i][0], region))
			return zones[i][1];
	return zones[0][1];
}

static gboolean has_gateway(RegionCall *call, const char *vpc) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, INTERNET_GATEWAY);
	const char *id;
	Value gateway;
	while (store_iter_next(&iter, &id, &gateway))
		if (g_strcmp0(
			    value_get_text(value_at(value_get(gateway, "Attachments"), 0), "VpcId"),
			    vpc) == 0)
			return TRUE;
	return FALSE;
}

/* The ids of the subnets that a call names, in either of two ways; VALUE_NOTHING and an error. */
static Value wanted_subnets(Value input, GError **error) {
	Value mappings = value_get(input, "SubnetMappings"), subnets = value_get(input, "Subnets");
	if (value_length(mappings) > 0 && value_length(subnets) > 0) {
		wire_error_set(error, "ValidationError",
			"You must specify either subnets or subnet mappings, not both");
		return VALUE_NOTHING;
	}
	if (value_length(mappings) == 0)
		return value_is_null(subnets) ? value_empty_tuple() : value_ref(subnets);
	g_autoptr(ValueBuilder) ids = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(mappings); i++) {
		Value mapping = value_at(mappings, i);
		if (value_length(mapping) > 1) {
			wire_error_set(error, "InvalidConfigurationRequest",
				"Addresses cannot be chosen for load balancers of type "
				"'application'");
			return VALUE_NOTHING;
		}
		value_builder_add_take(ids, value_ref(value_get(mapping, "SubnetId")));
	}
	return value_builder_end(g_steal_pointer(&ids));
}

static gboolean check_zone(Value shown, Value subnet, GError **error) {
	for (gsize i = 0; i < value_length(shown); i++) {
		Value other = value_at(shown, i);
		if (g_strcmp0(value_get_text(other, "ZoneName"),
			    value_get_text(subnet, "AvailabilityZone")) != 0)
			continue;
		wire_error_set(error, "InvalidConfigurationRequest",
			"A load balancer cannot be attached to multiple subnets in the same "
			"Availability Zone");
		return FALSE;
	}
	return TRUE;
}

/* [{SubnetId, ZoneName}] of subnets in one VPC (*vpc, caller frees) and different zones. */
static Value check_subnets(RegionCall *call, Value ids, char **vpc, GError **error) {
	g_auto(Value) zones = value_empty_tuple();
	for (gsize i = 0; i < value_length(ids); i++) {
		const char *id = value_text_or(value_at(ids, i), "");
		g_auto(Value) subnet = ec2_subnet_get(call->region, call->scope, id);
		if (value_is_null(subnet)) {
			wire_error_set(
				error, "SubnetNotFound", "The subnet ID '%s' does not exist", id);
			return VALUE_NOTHING;
		}
		const char *its = value_get_text(subnet, "VpcId");
		if (*vpc && !g_str_equal(*vpc, its)) {
			wire_error_set(error, "InvalidConfigurationRequest",
				"All subnets must belong to the same VPC: '%s'", *vpc);
			return VALUE_NOTHING;
		}
		if (!check_zone(zones, subnet, error))
			return VALUE_NOTHING;
		if (!*vpc)
			*vpc = g_strdup(its);
		zones = value_append_take(value_steal(&zones),
			value_object_take("SubnetId", value_string(id), "ZoneName",
				value_ref(value_get(subnet, "AvailabilityZone")), NULL));
	}
	if (value_length(zones) >= 2)
		return value_steal(&zones);
	wire_error_set(error, "ValidationError",
		"At least two subnets in two different Availability Zones must be specified");
	return VALUE_NOTHING;
}

static gboolean check_groups(RegionCall *call, Value groups, const char *vpc, GError **error) {
	for (gsize i = 0; i < value_length(groups); i++) {
		const char *id = value_text_or(value_at(groups, i), "");
		g_auto(Value) group = ec2_group_get(call->region, call->scope, id);
		if (!value_is_null(group) && g_strcmp0(value_get_text(group, "VpcId"), vpc) == 0)
			continue;
		if (value_is_null(group))
			wire_error_set(error, "InvalidSecurityGroup",
				"The security group '%s' does not exist", id);
		else
			wire_error_set(error, "InvalidConfigurationRequest",
				"One or more security groups are invalid: %s is not in %s", id,
				vpc);
		return FALSE;
	}
	return TRUE;
}

/* ---- network interfaces ---- */

static Value interfaces_of(Value balancer) {
	return value_get_path(balancer, ELBV2_INTERNAL, "Interfaces", NULL);
}

static gboolean has_subnet(Value list, const char *subnet) {
	for (gsize i = 0; i < value_length(list); i++)
		if (g_strcmp0(value_get_text(value_at(list, i), "SubnetId"), subnet) == 0)
			return TRUE;
	return FALSE;
}

static Value entry(const char *subnet, const char *interface) {
	return value_object_take(
		"SubnetId", value_string(subnet), "InterfaceId", value_string(interface), NULL);
}

/* The new interface's id, in the namespace of `owner` (NULL: its own); NULL and an error. */
static char *make_interface(RegionCall *call, Value balancer, Value groups, const char *subnet,
	const char *owner, GError **error) {
	const char *arn = value_get_text(balancer, "LoadBalancerArn");
	g_autofree char *description = g_strconcat("ELB ", strstr(arn, "app/"), NULL);
	Ec2InterfaceRequest request = {.subnet = subnet,
		.groups = groups,
		.description = description,
		.requester = "amazon-elb",
		.public_address =
			g_str_equal(value_get_text(balancer, "Scheme"), "internet-facing")};
	g_auto(Value) made = ec2_interface_create(call->region, call->scope, &request, error);
	char *id = g_strdup(value_get_text(made, "NetworkInterfaceId"));
	if (id && owner)
		ec2_interface_join(call->region, call->scope, id, owner);
	return id;
}

/* Deletes the interfaces whose subnets are left; all of them if the first one's is. Returns those
 * that stay, the first one first. */
static Value staying_interfaces(RegionCall *call, Value before, Value zones) {
	gboolean first = has_subnet(zones, value_get_text(value_at(before, 0), "SubnetId"));
	g_autoptr(ValueBuilder) stay = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(before); i++) {
		Value each = value_at(before, i);
		if (first && has_subnet(zones, value_get_text(each, "SubnetId")))
			value_builder_add_take(stay, value_ref(each));
		else
			ec2_interface_delete(
				call->region, call->scope, value_get_text(each, "InterfaceId"));
	}
	return value_builder_end(g_steal_pointer(&stay));
}

/* Makes the balancer's interfaces be one in each of its zones; the namespace of the first one stays
 * where its subnet stays. Takes the balancer. */
static Value with_interfaces(RegionCall *call, Value balancer_taken, Value groups, GError **error) {
	g_auto(Value) balancer = balancer_taken;
	Value zones = value_get(balancer, "AvailabilityZones");
	g_auto(Value) now = staying_interfaces(call, interfaces_of(balancer), zones);
	for (gsize i = 0; i < value_length(zones); i++) {
		const char *subnet = value_get_text(value_at(zones, i), "SubnetId");
		if (has_subnet(now, subnet))
			continue;
		g_autofree char *id = make_interface(call, balancer, groups, subnet,
			value_get_text(value_at(now, 0), "InterfaceId"), error);
		if (!id)
			return VALUE_NOTHING;
		now = value_append_take(value_steal(&now), entry(subnet, id));
	}
	return elbv2_with_internal(value_steal(&balancer), "Interfaces", value_steal(&now));
}

/* The ids of the groups that an interface of the balancer really has: the VPC's default one where
 * none was named. */
static Value groups_of_interfaces(RegionCall *call, Value balancer) {
	g_auto(Value) interface = ec2_interface_get(call->region, call->scope,
		value_get_text(value_at(interfaces_of(balancer), 0), "InterfaceId"));
	Value groups = value_get(interface, "Groups");
	g_autoptr(ValueBuilder) ids = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(groups); i++)
		value_builder_add_take(ids, value_ref(value_get(value_at(groups, i), "GroupId")));
	return value_builder_end(g_steal_pointer(&ids));
}

/* ---- creating ---- */

static gboolean check_input(Value input, GError **error) {
	const char *type = value_text_or(value_get(input, "Type"), "application");
	const char *addresses = value_text_or(value_get(input, "IpAddressType"), "ipv4");
	if (!g_str_equal(type, "application")) {
		wire_error_set(error, "InvalidConfigurationRequest",
			"Terrarium does not support load balancers of type '%s': there are "
			"application load balancers only.",
			type);
		return FALSE;
	}
	if (!g_str_equal(addresses, "ipv4")) {
		wire_error_set(error, "InvalidConfigurationRequest",
			"Terrarium has no IPv6: IpAddressType '%s' is not supported.", addresses);
		return FALSE;
	}
	static const char *const other[] = {
		"CustomerOwnedIpv4Pool", "IpamPools", "EnablePrefixForIpv6SourceNat"};
	for (guint i = 0; i < G_N_ELEMENTS(other); i++) {
		if (!value_has(input, other[i]))
			continue;
		wire_error_set(error, "InvalidConfigurationRequest",
			"Terrarium does not support %s of load balancers.", other[i]);
		return FALSE;
	}
	return elbv2_check_name(value_get_text(input, "Name"), "The load balancer", error) &&
	       elbv2_tags_check(value_get(input, "Tags"), error);
}

/* By name; VALUE_NOTHING. *count gets how many there are. */
static Value find_by_name(RegionCall *call, const char *name, guint *count) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, ELBV2_LOAD_BALANCER);
	Value found = VALUE_NOTHING;
	const char *arn;
	Value balancer;
	*count = 0;
	while (store_iter_next(&iter, &arn, &balancer)) {
		++*count;
		if (g_strcmp0(value_get_text(balancer, "LoadBalancerName"), name) == 0)
			found = value_ref(balancer);
	}
	return found;
}

static gboolean same_subnets(Value balancer, Value subnets) {
	Value zones = value_get(balancer, "AvailabilityZones");
	for (gsize i = 0; i < value_length(zones); i++)
		if (!elbv2_has_text(subnets, value_get_text(value_at(zones, i), "SubnetId")))
			return FALSE;
	return value_length(zones) == value_length(subnets);
}

static Value listed(Value balancer_taken) {
	return value_object_take(
		"LoadBalancers", value_tuple_take(1, elbv2_view_take(balancer_taken)), NULL);
}

/* TRUE: the name is free, or the very same balancer is there (*existing). */
static gboolean check_free(
	RegionCall *call, Value input, Value subnets, Value *existing, GError **error) {
	guint count;
	const char *name = value_get_text(input, "Name");
	const char *scheme = value_text_or(value_get(input, "Scheme"), "internet-facing");
	*existing = find_by_name(call, name, &count);
	if (value_is_null(*existing) && count < MOST_BALANCERS)
		return TRUE;
	if (value_is_null(*existing)) {
		wire_error_set(error, "TooManyLoadBalancers",
			"The maximum number of load balancers is '%d'", MOST_BALANCERS);
		return FALSE;
	}
	Value groups = value_get(input, "SecurityGroups");
	if (same_subnets(*existing, subnets) &&
		g_str_equal(value_get_text(*existing, "Scheme"), scheme) &&
		(value_length(groups) == 0 ||
			value_equal(groups, value_get(*existing, "SecurityGroups"))))
		return TRUE;
	value_clear(existing);
	wire_error_set(error, "DuplicateLoadBalancerName",
		"A load balancer with the same name '%s' exists, but with different settings",
		name);
	return FALSE;
}

static Value new_balancer(RegionCall *call, Value input, Value zones, const char *vpc) {
	const char *name = value_get_text(input, "Name");
	const char *scheme = value_text_or(value_get(input, "Scheme"), "internet-facing");
	g_autofree char *id = text_random_hex(16), *hash = text_random(10, "0123456789");
	g_autofree char *arn =
		region_arn(call->scope, "elasticloadbalancing", "loadbalancer/app/%s/%s", name, id);
	return value_object_take("LoadBalancerArn", value_string(arn), "LoadBalancerName",
		value_string(name), "DNSName",
		value_string_printf("%s%s-%s.%s.elb.localhost",
			g_str_equal(scheme, "internal") ? "internal-" : "", name, hash,
			call->scope.region),
		"CanonicalHostedZoneId", value_string(hosted_zone(call->scope.region)),
		"CreatedTime", region_timestamp(call->region), "Scheme", value_string(scheme),
		"VpcId", value_string(vpc), "State",
		value_object_take("Code", value_string("provisioning"), NULL), "Type",
		value_string("application"), "AvailabilityZones", value_ref(zones), "IpAddressType",
		value_string("ipv4"), NULL);
}

Value elbv2_create_load_balancer(RegionCall *call, Value input, GError **error) {
	g_autofree char *vpc = NULL;
	Value existing = VALUE_NOTHING;
	if (!check_input(input, error))
		return VALUE_NOTHING;
	g_auto(Value) subnets = wanted_subnets(input, error);
	if (value_is_null(subnets) || !check_free(call, input, subnets, &existing, error))
		return VALUE_NOTHING;
	if (!value_is_null(existing))
		return listed(existing);
	g_auto(Value) zones = check_subnets(call, subnets, &vpc, error);
	Value groups = value_get(input, "SecurityGroups");
	if (value_is_null(zones) || !check_groups(call, groups, vpc, error))
		return VALUE_NOTHING;
	Value balancer = new_balancer(call, input, zones, vpc);
	if (g_str_equal(value_get_text(balancer, "Scheme"), "internet-facing") &&
		!has_gateway(call, vpc)) {
		value_unref(balancer);
		wire_error_set(error, "InvalidSubnet", "VPC %s has no internet gateway", vpc);
		return VALUE_NOTHING;
	}
	balancer = with_interfaces(
		call, balancer, value_length(groups) > 0 ? groups : VALUE_NOTHING, error);
	if (value_is_null(balancer))
		return VALUE_NOTHING;
	balancer =
		value_with_take(balancer, "SecurityGroups", groups_of_interfaces(call, balancer));
	balancer = elbv2_publish_balancer(call->region, balancer);
	g_autofree char *arn = g_strdup(value_get_text(balancer, "LoadBalancerArn"));
	elbv2_put(call, ELBV2_LOAD_BALANCER, arn, value_ref(balancer));
	elbv2_tags_create(call, arn, value_get(input, "Tags"));
	return listed(balancer);
}

/* ---- describing ---- */

static gboolean check_asked(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "LoadBalancerArns"), names = value_get(input, "Names");
	if (value_length(arns) > 0 && value_length(names) > 0) {
		wire_error_set(error, "ValidationError",
			"You cannot specify both names and load balancer ARNs");
		return FALSE;
	}
	for (gsize i = 0; i < value_length(arns); i++) {
		g_auto(Value) balancer =
			elbv2_find(call, ELBV2_LOAD_BALANCER, value_text(value_at(arns, i)), error);
		if (value_is_null(balancer))
			return FALSE;
	}
	for (gsize i = 0; i < value_length(names); i++) {
		guint count;
		const char *name = value_text_or(value_at(names, i), "");
		g_auto(Value) balancer = find_by_name(call, name, &count);
		if (!value_is_null(balancer))
			continue;
		wire_error_set(
			error, "LoadBalancerNotFound", "Load balancers '[%s]' not found", name);
		return FALSE;
	}
	return TRUE;
}

Value elbv2_describe_load_balancers(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "LoadBalancerArns"), names = value_get(input, "Names");
	if (!check_asked(call, input, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, ELBV2_LOAD_BALANCER);
	const char *arn;
	Value balancer;
	while (store_iter_next(&iter, &arn, &balancer))
		if ((value_length(arns) == 0 || elbv2_has_text(arns, arn)) &&
			(value_length(names) == 0 ||
				elbv2_has_text(
					names, value_get_text(balancer, "LoadBalancerName"))))
			value_builder_add_take(all, elbv2_view_take(value_ref(balancer)));
	return elbv2_page(input, "LoadBalancers", value_builder_end(g_steal_pointer(&all)), error);
}

static Value find(RegionCall *call, Value input, GError **error) {
	return elbv2_find(
		call, ELBV2_LOAD_BALANCER, value_get_text(input, "LoadBalancerArn"), error);
}

Value elbv2_describe_load_balancer_attributes(RegionCall *call, Value input, GError **error) {
	g_auto(Value) balancer = find(call, input, error);
	return value_is_null(balancer)
		       ? VALUE_NOTHING
		       : value_object_take("Attributes",
				 elbv2_attributes(balancer, elbv2_balancer_attributes), NULL);
}

Value elbv2_describe_capacity_reservation(RegionCall *call, Value input, GError **error) {
	g_auto(Value) balancer = find(call, input, error);
	return value_is_null(balancer)
		       ? VALUE_NOTHING
		       : value_object_take("DecreaseRequestsRemaining", value_int(2),
				 "CapacityReservationState", value_empty_tuple(), NULL);
}

/* ---- changing ---- */

static void put(RegionCall *call, Value balancer_taken) {
	g_autofree char *arn = g_strdup(value_get_text(balancer_taken, "LoadBalancerArn"));
	elbv2_put(call, ELBV2_LOAD_BALANCER, arn, balancer_taken);
}

Value elbv2_modify_load_balancer_attributes(RegionCall *call, Value input, GError **error) {
	Value balancer = find(call, input, error);
	if (value_is_null(balancer))
		return VALUE_NOTHING;
	balancer = elbv2_with_attributes(balancer, elbv2_balancer_attributes,
		value_get(input, "Attributes"), "Load balancer", error);
	if (value_is_null(balancer))
		return VALUE_NOTHING;
	Value all = elbv2_attributes(balancer, elbv2_balancer_attributes);
	put(call, balancer);
	return value_object_take("Attributes", all, NULL);
}

Value elbv2_set_security_groups(RegionCall *call, Value input, GError **error) {
	g_auto(Value) balancer = find(call, input, error);
	Value groups = value_get(input, "SecurityGroups");
	if (value_is_null(balancer) ||
		!check_groups(call, groups, value_get_text(balancer, "VpcId"), error))
		return VALUE_NOTHING;
	if (value_length(groups) == 0) {
		wire_error_set(
			error, "ValidationError", "At least one security group must be specified");
		return VALUE_NOTHING;
	}
	Value interfaces = interfaces_of(balancer);
	for (gsize i = 0; i < value_length(interfaces); i++)
		if (!ec2_interface_set_groups(call->region, call->scope,
			    value_get_text(value_at(interfaces, i), "InterfaceId"), groups, error))
			return VALUE_NOTHING;
	put(call, value_with_take(value_steal(&balancer), "SecurityGroups", value_ref(groups)));
	return value_object_take("SecurityGroupIds", value_ref(groups), NULL);
}

Value elbv2_set_subnets(RegionCall *call, Value input, GError **error) {
	Value balancer = find(call, input, error);
	if (value_is_null(balancer))
		return VALUE_NOTHING;
	g_autofree char *vpc = g_strdup(value_get_text(balancer, "VpcId"));
	g_auto(Value) subnets = wanted_subnets(input, error);
	g_auto(Value) zones =
		value_is_null(subnets) ? VALUE_NOTHING : check_subnets(call, subnets, &vpc, error);
	if (value_is_null(zones)) {
		value_unref(balancer);
		return VALUE_NOTHING;
	}
	g_auto(Value) groups = value_ref(value_get(balancer, "SecurityGroups"));
	balancer = value_with_take(balancer, "AvailabilityZones", value_ref(zones));
	balancer = value_with_take(
		balancer, "State", value_object_take("Code", value_string("provisioning"), NULL));
	balancer = with_interfaces(call, balancer, groups, error);
	if (value_is_null(balancer))
		return VALUE_NOTHING;
	put(call, balancer);
	return value_object_take(
		"AvailabilityZones", value_ref(zones), "IpAddressType", value_string("ipv4"), NULL);
}

Value elbv2_set_ip_address_type(RegionCall *call, Value input, GError **error) {
	g_auto(Value) balancer = find(call, input, error);
	const char *type = value_get_text(input, "IpAddressType");
	if (value_is_null(balancer))
		return VALUE_NOTHING;
	if (g_str_equal(type, "ipv4"))
		return value_object_take("IpAddressType", value_string(type), NULL);
	wire_error_set(error, "InvalidConfigurationRequest",
		"Terrarium has no IPv6: IpAddressType '%s' is not supported.", type);
	return VALUE_NOTHING;
}

/* ---- deleting ---- */

static void forget_listeners(RegionCall *call, const char *balancer_arn) {
	g_autofree char *prefix = elbv2_listener_prefix(balancer_arn);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ELBV2_LISTENER, prefix);
	const char *arn;
	Value listener;
	while (store_iter_next(&iter, &arn, &listener))
		elbv2_forget_listener(call, arn);
}

Value elbv2_delete_load_balancer(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "LoadBalancerArn");
	g_autoptr(GError) problem = NULL;
	g_auto(Value) balancer = find(call, input, &problem);
	if (value_is_null(balancer)) {
		/* What is gone already may be deleted again. */
		if (!g_str_equal(wire_error_code(problem), "LoadBalancerNotFound"))
			g_propagate_error(error, g_steal_pointer(&problem));
		return VALUE_NOTHING;
	}
	if (g_str_equal(elbv2_attribute(
				balancer, elbv2_balancer_attributes, "deletion_protection.enabled"),
		    "true")) {
		wire_error_set(error, "OperationNotPermitted",
			"Load balancer '%s' cannot be deleted because deletion protection is "
			"enabled",
			arn);
		return VALUE_NOTHING;
	}
	forget_listeners(call, arn);
	Value interfaces = interfaces_of(balancer);
	for (gsize i = 0; i < value_length(interfaces); i++)
		ec2_interface_delete(call->region, call->scope,
			value_get_text(value_at(interfaces, i), "InterfaceId"));
	elbv2_forget(call, ELBV2_LOAD_BALANCER, arn);
	return VALUE_NOTHING;
}
