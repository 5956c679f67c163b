/* Regions, their availability zones, and what an account may have in them. */
#include <string.h>

#include "region/services/ec2/internal.h"

/* ---- names ---- */

gboolean ec2_zone_exists(const char *region, const char *zone) {
	gsize length = strlen(region);
	return zone && strlen(zone) == length + 1 && g_str_has_prefix(zone, region) &&
	       strchr(EC2_ZONES, zone[length]) != NULL;
}

static const char *abbreviate(const char *direction) {
	static const char *const pairs[][2] = {{"northeast", "ne"}, {"northwest", "nw"},
		{"southeast", "se"}, {"southwest", "sw"}, {"central", "c"}, {"north", "n"},
		{"south", "s"}, {"east", "e"}, {"west", "w"}, {"gov", "g"}};
	for (guint i = 0; i < G_N_ELEMENTS(pairs); i++)
		if (g_str_equal(pairs[i][0], direction))
			return pairs[i][1];
	return direction;
}

char *ec2_zone_id(const char *region, const char *zone) {
	g_auto(GStrv) parts = g_strsplit(region, "-", -1);
	g_autoptr(GString) id = g_string_new(parts[0]);
	for (guint i = 1; parts[0] && parts[i]; i++)
		g_string_append(id, abbreviate(parts[i]));
	g_string_append_printf(id, "-az%d", zone[strlen(zone) - 1] - 'a' + 1);
	return g_string_free(g_steal_pointer(&id), FALSE);
}

char *ec2_zone_choose(RegionCall *call, Value input, GError **error) {
	const char *region = call->scope.region;
	const char *name = value_get_text(input, "AvailabilityZone");
	const char *id = value_get_text(input, "AvailabilityZoneId");
	for (const char *letter = EC2_ZONES; *letter; letter++) {
		g_autofree char *zone = g_strdup_printf("%s%c", region, *letter);
		g_autofree char *zone_id = ec2_zone_id(region, zone);
		if ((!name || g_str_equal(name, zone)) && (!id || g_str_equal(id, zone_id)))
			return g_steal_pointer(&zone);
	}
	wire_error_set(error, "InvalidParameterValue",
		"Value (%s) for parameter availabilityZone is invalid. Subnets can currently only "
		"be created in the following availability zones: %sa, %sb, %sc.",
		name ? name : id, region, region, region);
	return NULL;
}

/* ---- lists ---- */

static Value describe_zones(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter known[] = {{"zone-name", "ZoneName"}, {"zone-id", "ZoneId"},
		{"state", "State"}, {"region-name", "RegionName"}, {"zone-type", "ZoneType"},
		{"group-name", "GroupName"}, {"opt-in-status", "OptInStatus"}, {NULL}};
	const char *region = call->scope.region;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (const char *letter = EC2_ZONES; *letter; letter++) {
		g_autofree char *name = g_strdup_printf("%s%c", region, *letter);
		g_autofree char *id = ec2_zone_id(region, name);
		g_auto(Value) zone = value_object_take("ZoneName", value_string(name), "ZoneId",
			value_string(id), "RegionName", value_string(region), "State",
			value_string("available"), "ZoneType", value_string("availability-zone"),
			"OptInStatus", value_string("opt-in-not-required"), "GroupName",
			value_string(region), "NetworkBorderGroup", value_string(region),
			"Messages", value_empty_tuple(), NULL);
		gboolean wanted = ec2_is_listed(value_get(input, "ZoneNames"), name) &&
				  ec2_is_listed(value_get(input, "ZoneIds"), id);
		if (wanted && ec2_passes(zone, value_get(input, "Filters"), known, error))
			value_builder_add_take(all, value_steal(&zone));
	}
	return value_object_take(
		"AvailabilityZones", value_builder_end(g_steal_pointer(&all)), NULL);
}

/* The regions that are enabled in every account, and those that an account has to ask for. */
static const char *const enabled[] = {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
	"ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
	"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2",
	"us-west-1", "us-west-2", NULL};
static const char *const on_request[] = {"af-south-1", "ap-east-1", "ap-east-2", "ap-south-2",
	"ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-west-1",
	"eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1",
	"mx-central-1", NULL};

static void list_regions(const char *const *names, const char *status, Value input,
	ValueBuilder *all, GError **error) {
	static const Ec2Filter known[] = {{"region-name", "RegionName"}, {"endpoint", "Endpoint"},
		{"opt-in-status", "OptInStatus"}, {NULL}};
	for (; *names; names++) {
		g_autofree char *endpoint = g_strdup_printf("ec2.%s.amazonaws.com", *names);
		g_auto(Value) region =
			value_object_take("RegionName", value_string(*names), "Endpoint",
				value_string(endpoint), "OptInStatus", value_string(status), NULL);
		if (ec2_is_listed(value_get(input, "RegionNames"), *names) &&
			ec2_passes(region, value_get(input, "Filters"), known, error))
			value_builder_add_take(all, value_steal(&region));
	}
}

static gboolean check_region_names(Value names, GError **error) {
	for (gsize i = 0; i < value_length(names); i++) {
		const char *name = value_text_or(value_at(names, i), "");
		if (g_strv_contains(enabled, name) || g_strv_contains(on_request, name))
			continue;
		wire_error_set(error, "InvalidParameterValue", "Invalid region: '%s'.", name);
		return FALSE;
	}
	return TRUE;
}

static Value describe_regions(RegionCall *call, Value input, GError **error) {
	Value names = value_get(input, "RegionNames");
	if (!check_region_names(names, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	list_regions(enabled, "opt-in-not-required", input, all, error);
	if (value_get_bool(input, "AllRegions") || value_length(names) > 0)
		list_regions(on_request, "not-opted-in", input, all, error);
	return value_object_take("Regions", value_builder_end(g_steal_pointer(&all)), NULL);
}

/* ---- the account ---- */

static Value describe_account_attributes(RegionCall *call, Value input, GError **error) {
	g_autofree char *vpc = ec2_default_vpc(call->region, call->scope);
	const char *const values[][2] = {{"supported-platforms", "VPC"},
		{"default-vpc", vpc ? vpc : "none"}, {"max-instances", "20"},
		{"vpc-max-security-groups-per-interface", "5"}, {"max-elastic-ips", "5"},
		{"vpc-max-elastic-ips", "5"}};
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(values); i++)
		if (ec2_is_listed(value_get(input, "AttributeNames"), values[i][0]))
			value_builder_add_take(
				all, value_object_take("AttributeName", value_string(values[i][0]),
					     "AttributeValues",
					     value_tuple_take(
						     1, value_object_take("AttributeValue",
								value_string(values[i][1]), NULL)),
					     NULL));
	return value_object_take(
		"AccountAttributes", value_builder_end(g_steal_pointer(&all)), NULL);
}

const RegionOperation ec2_zone_operations[] = {
	{"DescribeAvailabilityZones", describe_zones, .reads_only = TRUE},
	{"DescribeRegions", describe_regions, .reads_only = TRUE},
	{"DescribeAccountAttributes", describe_account_attributes, .reads_only = TRUE},
	{NULL},
};
