/* Elastic Load Balancing: its operations, limits and policies. The rest is in the files beside. */
#include "region/services/elbv2/internal.h"

extern const RegionService region_elbv2;

static Value describe_account_limits(RegionCall *call, Value input, GError **error) {
	static const char *const limits[][2] = {{"application-load-balancers", "50"},
		{"listeners-per-application-load-balancer", "50"},
		{"rules-per-application-load-balancer", "100"},
		{"condition-values-per-alb-rule", "5"}, {"condition-wildcards-per-alb-rule", "6"},
		{"target-groups-per-action-on-application-load-balancer", "5"},
		{"targets-per-target-group", "1000"}};
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(limits); i++)
		value_builder_add_take(all, value_object_take("Name", value_string(limits[i][0]),
						    "Max", value_string(limits[i][1]), NULL));
	return elbv2_page(input, "Limits", value_builder_end(g_steal_pointer(&all)), error);
}

/* There are no TLS listeners, and so no policies to choose from. */
static Value describe_ssl_policies(RegionCall *call, Value input, GError **error) {
	Value names = value_get(input, "Names");
	if (value_length(names) == 0)
		return elbv2_page(input, "SslPolicies", value_empty_tuple(), error);
	wire_error_set(error, "SSLPolicyNotFound", "SSL policy '%s' not found",
		value_text_or(value_at(names, 0), ""));
	return VALUE_NOTHING;
}

static const RegionOperation operations[] = {
	{"AddTags", elbv2_add_tags},
	{"CreateListener", elbv2_create_listener},
	{"CreateLoadBalancer", elbv2_create_load_balancer},
	{"CreateRule", elbv2_create_rule},
	{"CreateTargetGroup", elbv2_create_target_group},
	{"DeleteListener", elbv2_delete_listener},
	{"DeleteLoadBalancer", elbv2_delete_load_balancer},
	{"DeleteRule", elbv2_delete_rule},
	{"DeleteTargetGroup", elbv2_delete_target_group},
	{"DeregisterTargets", elbv2_deregister_targets},
	{"DescribeAccountLimits", describe_account_limits, .reads_only = TRUE},
	{"DescribeCapacityReservation", elbv2_describe_capacity_reservation, .reads_only = TRUE},
	{"DescribeListenerAttributes", elbv2_describe_listener_attributes, .reads_only = TRUE},
	{"DescribeListenerCertificates", elbv2_describe_listener_certificates, .reads_only = TRUE},
	{"DescribeListeners", elbv2_describe_listeners, .reads_only = TRUE},
	{"DescribeLoadBalancerAttributes", elbv2_describe_load_balancer_attributes,
		.reads_only = TRUE},
	{"DescribeLoadBalancers", elbv2_describe_load_balancers, .reads_only = TRUE},
	{"DescribeRules", elbv2_describe_rules, .reads_only = TRUE},
	{"DescribeSSLPolicies", describe_ssl_policies, .reads_only = TRUE},
	{"DescribeTags", elbv2_describe_tags, .reads_only = TRUE},
	{"DescribeTargetGroupAttributes", elbv2_describe_target_group_attributes,
		.reads_only = TRUE},
	{"DescribeTargetGroups", elbv2_describe_target_groups, .reads_only = TRUE},
	{"DescribeTargetHealth", elbv2_describe_target_health, .reads_only = TRUE},
	{"ModifyListener", elbv2_modify_listener},
	{"ModifyListenerAttributes", elbv2_modify_listener_attributes},
	{"ModifyLoadBalancerAttributes", elbv2_modify_load_balancer_attributes},
	{"ModifyRule", elbv2_modify_rule},
	{"ModifyTargetGroup", elbv2_modify_target_group},
	{"ModifyTargetGroupAttributes", elbv2_modify_target_group_attributes},
	{"RegisterTargets", elbv2_register_targets},
	{"RemoveTags", elbv2_remove_tags},
	{"SetIpAddressType", elbv2_set_ip_address_type},
	{"SetRulePriorities", elbv2_set_rule_priorities},
	{"SetSecurityGroups", elbv2_set_security_groups},
	{"SetSubnets", elbv2_set_subnets},
	{NULL},
};

static gboolean start(Region *region, GError **error) {
	elbv2_publish_start(region);
	return elbv2_run_start(region, error);
}

const RegionService region_elbv2 = {
	.name = "elbv2", .operations = operations, .start = start, .stop = elbv2_run_stop};
