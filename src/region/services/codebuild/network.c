/*
 * What a build needs before it runs: a network interface, its role's credentials, storage. And
 * where builds are: in the subnets that their project names, or else, as on AWS, in a VPC of
 * CodeBuild's own account, with public addresses and so with the internet. That account's name is
 * no account number: nobody can call for it, and describe calls do not see what is in it.
 */
#include "region/doors.h"
#include "region/services/codebuild/run.h"
#include "region/services/ec2/ec2.h"
#include "region/services/iam/iam.h"

#define ACCOUNT "codebuild"
#define PLACE "codebuild/network"
#define VPC_CIDR "192.168.0.0/16"
#define SUBNET_CIDR "192.168.0.0/20"

static const char *id_of(Value answer, const char *object, const char *member) {
	return value_text_or(value_get_path(answer, object, member, NULL), "");
}

static Value call_take(
	Region *region, StoreScope scope, const char *operation, Value input, GError **error) {
	g_auto(Value) given = input;
	return region_call(region, scope, "ec2", operation, given, error);
}

/* A VPC whose only subnet leads to the internet. */
static Value make_network(Region *region, StoreScope scope, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) vpc = call_take(region, scope, "CreateVpc",
		value_object_take("CidrBlock", value_string(VPC_CIDR), NULL), &local);
	const char *vpc_id = id_of(vpc, "Vpc", "VpcId");
	g_auto(Value) gateway = VALUE_NOTHING;
	g_auto(Value) subnet = VALUE_NOTHING;
	g_auto(Value) tables = VALUE_NOTHING;
	g_auto(Value) attached = VALUE_NOTHING;
	g_auto(Value) routed = VALUE_NOTHING;
	if (!local)
		gateway = call_take(
			region, scope, "CreateInternetGateway", value_empty_object(), &local);
	const char *gateway_id = id_of(gateway, "InternetGateway", "InternetGatewayId");
	if (!local)
		attached = call_take(region, scope, "AttachInternetGateway",
			value_object_take("InternetGatewayId", value_string(gateway_id), "VpcId",
				value_string(vpc_id), NULL),
			&local);
	if (!local)
		subnet = call_take(region, scope, "CreateSubnet",
			value_object_take("VpcId", value_string(vpc_id), "CidrBlock",
				value_string(SUBNET_CIDR), NULL),
			&local);
	if (!local)
		tables = call_take(region, scope, "DescribeRouteTables",
			value_object_take("Filters",
				value_tuple_take(1,
					value_object_take("Name", value_string("vpc-id"), "Values",
						value_tuple_take(1, value_string(vpc_id)), NULL)),
				NULL),
			&local);
	if (!local)
		routed = call_take(region, scope, "CreateRoute",
			value_object_take("RouteTableId",
				value_ref(value_get(value_at(value_get(tables, "RouteTables"), 0),
					"RouteTableId")),
				"DestinationCidrBlock", value_string("0.0.0.0/0"), "GatewayId",
				value_string(gateway_id), NULL),
			&local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	return value_object_take("Subnet", value_string(id_of(subnet, "Subnet", "SubnetId")), NULL);
}

/* The subnet of builds without a VPC. Caller frees. */
static char *own_subnet(Region *region, StoreScope own, GError **error) {
	g_auto(Value) place = store_get(region_store(region), own, PLACE, "default");
	if (value_is_null(place)) {
		place = make_network(region, own, error);
		if (value_is_null(place))
			return NULL;
		store_put(region_store(region), own, PLACE, "default", place);
	}
	return g_strdup(value_get_text(place, "Subnet"));
}

static gboolean may_attach(Region *region, StoreScope scope, Value build, GError **error) {
	const char *role = value_get_text(build, "serviceRole");
	if (iam_allows(region, (StoreScope){scope.account, ""}, role, "ec2:CreateNetworkInterface",
		    "*"))
		return TRUE;
	wire_error_set(error, "UnauthorizedOperation",
		"Unexpected EC2 error: UnauthorizedOperation: %s is not authorized to perform "
		"ec2:CreateNetworkInterface",
		role);
	return FALSE;
}

static Value interface_new(
	Region *region, StoreScope scope, Value build, const char **account, GError **error) {
	Value config = value_get(build, "vpcConfig");
	g_autofree char *description =
		g_strdup_printf("CodeBuild build %s", value_get_text(build, "id"));
	if (value_get_text(config, "vpcId")) {
		*account = scope.account;
		Value subnets = value_get(config, "subnets");
		gsize index = (gsize)value_get_int(build, "buildNumber", 0) % value_length(subnets);
		Ec2InterfaceRequest request = {.subnet = value_text(value_at(subnets, index)),
			.groups = value_get(config, "securityGroupIds"),
			.description = description,
			.requester = "amazon-codebuild"};
		if (!may_attach(region, scope, build, error))
			return VALUE_NOTHING;
		return ec2_interface_create(region, scope, &request, error);
	}
	StoreScope own = {g_intern_static_string(ACCOUNT), scope.region};
	g_autofree char *subnet = own_subnet(region, own, error);
	Ec2InterfaceRequest request = {.subnet = subnet,
		.description = description,
		.requester = "amazon-codebuild",
		.public_address = TRUE};
	*account = own.account;
	return subnet ? ec2_interface_create(region, own, &request, error) : VALUE_NOTHING;
}

/* ---- storage: one build at a time ---- */

static gint64 free_slot(Region *region, StoreScope scope, const char *project) {
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	guint64 used = 0;
	while (store_iter_next(&iter, &id, &build)) {
		gint64 slot = value_to_int(codebuild_internal(build, "slot"), -1);
		if (!codebuild_ended(build) && slot >= 0 && slot < 64 &&
			g_strcmp0(value_get_text(build, "projectName"), project) == 0)
			used |= (guint64)1 << slot;
	}
	gint64 slot = 0;
	while (slot < 63 && used & (guint64)1 << slot)
		slot++;
	return slot;
}

/* ---- all of it ---- */

static gboolean give_credentials(Region *region, StoreScope scope, Value *build, Value interface,
	const char *account, GError **error) {
	g_autofree char *id = door_id();
	g_autofree char *session = g_strdup_printf("AWSCodeBuild-%s", codebuild_uuid(*build));
	if (!door_service_credentials_add(region, scope, id, account,
		    value_get_text(interface, "VpcId"),
		    value_get_text(interface, "PrivateIpAddress"),
		    value_get_text(*build, "serviceRole"), session, CODEBUILD_SERVICE, error)) {
		g_prefix_error(error, "ACCESS_DENIED: ");
		return FALSE;
	}
	*build = codebuild_with_internal_take(value_steal(build), "credentials", value_string(id));
	return TRUE;
}

gboolean codebuild_provision(Region *region, StoreScope scope, Value *build, GError **error) {
	const char *account = NULL;
	g_auto(Value) interface = interface_new(region, scope, *build, &account, error);
	if (value_is_null(interface)) {
		g_prefix_error(error, "VPC_CLIENT_ERROR: ");
		return FALSE;
	}
	const char *id = value_get_text(interface, "NetworkInterfaceId");
	gint64 slot = free_slot(region, scope, value_get_text(*build, "projectName"));
	Value made =
		codebuild_with_internal_take(value_steal(build), "account", value_string(account));
	made = codebuild_with_internal_take(made, "interface", value_string(id));
	made = codebuild_with_internal_take(made, "slot", value_int(slot));
	if (g_str_equal(account, scope.account))
		made = value_with_take(made, "networkInterface",
			value_object_take("subnetId", value_ref(value_get(interface, "SubnetId")),
				"networkInterfaceId", value_string(id), NULL));
	*build = made;
	return give_credentials(region, scope, build, interface, account, error);
}

gboolean codebuild_may_log(Region *region, StoreScope scope, Value build, GError **error) {
	Value logs = value_get(build, "logs");
	const char *group = value_get_text(logs, "groupName");
	const char *role = value_get_text(build, "serviceRole");
	g_autofree char *arn = region_arn(scope, "logs", "log-group:%s:log-stream:%s", group,
		value_get_text(logs, "streamName"));
	if (!group || iam_allows(region, (StoreScope){scope.account, ""}, role,
			      "logs:CreateLogStream", arn))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
		"Service role %s does not allow AWS CodeBuild to create Amazon CloudWatch Logs log "
		"streams for build %s. Error message: User: %s is not authorized to perform: "
		"logs:CreateLogStream on resource: %s",
		role, value_get_text(build, "arn"), role, arn);
	return FALSE;
}
