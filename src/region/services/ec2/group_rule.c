/*
 * Rules of security groups: each is an object of its own (sgr-…); a group's IpPermissions are made
 * of them, rules of the same protocol and ports together, as the API has it.
 */
#include <string.h>

#include "region/services/ec2/internal.h"

/* ---- rules as permissions ---- */

static gboolean same_ports(Value permission, Value rule) {
	return value_equal(value_get(permission, "IpProtocol"), value_get(rule, "IpProtocol")) &&
	       value_equal(value_get(permission, "FromPort"), value_get(rule, "FromPort")) &&
	       value_equal(value_get(permission, "ToPort"), value_get(rule, "ToPort"));
}

static Value with_description(Value object_taken, Value rule) {
	const char *text = value_get_text(rule, "Description");
	return text ? value_with_take(object_taken, "Description", value_string(text))
		    : object_taken;
}

/* Where a permission lists the source of a rule, and as what. */
static const char *source_of(Value rule, Value *source) {
	Value referenced = value_get(rule, "ReferencedGroupInfo");
	if (!value_is_null(referenced)) {
		*source = value_object_take("GroupId", value_ref(value_get(referenced, "GroupId")),
			"UserId", value_ref(value_get(referenced, "UserId")), NULL);
		*source = with_description(*source, rule);
		return "UserIdGroupPairs";
	}
	gboolean v6 = value_has(rule, "CidrIpv6"), list = value_has(rule, "PrefixListId");
	const char *from = list ? "PrefixListId" : v6 ? "CidrIpv6" : "CidrIpv4";
	*source = with_description(value_object_take(list ? "PrefixListId"
						     : v6 ? "CidrIpv6"
							  : "CidrIp",
					   value_ref(value_get(rule, from)), NULL),
		rule);
	return list ? "PrefixListIds" : v6 ? "Ipv6Ranges" : "IpRanges";
}

static Value empty_permission(Value rule) {
	g_autoptr(ValueBuilder) permission = value_builder_new(VALUE_OBJECT, NULL);
	static const char *const lists[] = {
		"IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"};
	static const char *const ports[] = {"IpProtocol", "FromPort", "ToPort"};
	/* All protocols have no ports in an answer. */
	gboolean all = g_strcmp0(value_get_text(rule, "IpProtocol"), "-1") == 0;
	for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
		value_builder_set_take(permission, lists[i], value_empty_tuple());
	for (guint i = 0; i < (all ? 1 : G_N_ELEMENTS(ports)); i++)
		if (value_has(rule, ports[i]))
			value_builder_set_take(
				permission, ports[i], value_ref(value_get(rule, ports[i])));
	return value_builder_end(g_steal_pointer(&permission));
}

typedef struct {
	Value ports; /* what the rules of this permission have in common */
	Value permission;
} Gathered;

static void gathered_clear(gpointer data) {
	value_clear(&((Gathered *)data)->ports);
	value_clear(&((Gathered *)data)->permission);
}

static void gather(GArray *all, Value rule) {
	guint i = 0;
	while (i < all->len && !same_ports(g_array_index(all, Gathered, i).ports, rule))
		i++;
	if (i == all->len) {
		Gathered new = {value_ref(rule), empty_permission(rule)};
		g_array_append_val(all, new);
	}
	Gathered *gathered = &g_array_index(all, Gathered, i);
	Value source;
	const char *list = source_of(rule, &source);
	Value longer = value_append_take(value_ref(value_get(gathered->permission, list)), source);
	gathered->permission = value_with_take(gathered->permission, list, longer);
}

Value ec2_rules_permissions(RegionCall *call, const char *group, gboolean egress) {
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Gathered));
	g_array_set_clear_func(all, gathered_clear);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_SECURITY_GROUP_RULE);
	const char *id;
	Value rule;
	while (store_iter_next(&iter, &id, &rule))
		if (g_strcmp0(value_get_text(rule, "GroupId"), group) == 0 &&
			value_get_bool(rule, "IsEgress") == egress)
			gather(all, rule);
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < all->len; i++)
		value_builder_add_take(list, value_ref(g_array_index(all, Gathered, i).permission));
	return value_builder_end(g_steal_pointer(&list));
}

/* ---- permissions as rules ---- */

static const char *protocol_name(const char *protocol) {
	static const char *const names[][2] = {
		{"6", "tcp"}, {"17", "udp"}, {"1", "icmp"}, {"58", "icmpv6"}, {"all", "-1"}};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_equal(names[i][0], protocol))
			return names[i][1];
	return protocol;
}

static gboolean check_ports(const char *protocol, gint64 from, gint64 to, GError **error) {
	gboolean ports = g_str_equal(protocol, "tcp") || g_str_equal(protocol, "udp");
	if (!ports)
		return TRUE;
	if (from >= -1 && from <= 65535 && to >= -1 && to <= 65535 && from <= to)
		return TRUE;
	wire_error_set(error, "InvalidParameterValue",
		"Invalid value for portRange. Must specify both from and to ports with TCP/UDP: "
		"%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".",
		from, to);
	return FALSE;
}

typedef struct {
	RegionCall *call;
	const char *group;
	gboolean egress;
	ValueBuilder *rules;
} Reading;

static void add_rule(Reading *reading, Value permission, const char *protocol,
	const char *source_name, Value source_taken, const char *description) {
	gboolean all = g_str_equal(protocol, "-1");
	Value rule = value_object_take("GroupId", value_string(reading->group), "GroupOwnerId",
		value_string(reading->call->scope.account), "IsEgress", value_bool(reading->egress),
		"IpProtocol", value_string(protocol), "FromPort",
		value_int(all ? -1 : value_get_int(permission, "FromPort", -1)), "ToPort",
		value_int(all ? -1 : value_get_int(permission, "ToPort", -1)), source_name,
		source_taken, NULL);
	if (description)
		rule = value_with_take(rule, "Description", value_string(description));
	value_builder_add_take(reading->rules, rule);
}

static gboolean add_ranges(
	Reading *reading, Value permission, const char *protocol, GError **error) {
	Value ranges = value_get(permission, "IpRanges");
	for (gsize i = 0; i < value_length(ranges); i++) {
		const char *cidr = value_get_text(value_at(ranges, i), "CidrIp");
		Ec2Cidr parsed;
		if (!ec2_cidr_parse(cidr, &parsed)) {
			wire_error_set(error, "InvalidParameterValue", "CIDR block %s is malformed",
				cidr ? cidr : "");
			return FALSE;
		}
		add_rule(reading, permission, protocol, "CidrIpv4", value_string(cidr),
			value_get_text(value_at(ranges, i), "Description"));
	}
	ranges = value_get(permission, "Ipv6Ranges");
	for (gsize i = 0; i < value_length(ranges); i++)
		add_rule(reading, permission, protocol, "CidrIpv6",
			value_ref(value_get(value_at(ranges, i), "CidrIpv6")),
			value_get_text(value_at(ranges, i), "Description"));
	return TRUE;
}

static gboolean add_groups(
	Reading *reading, Value permission, const char *protocol, GError **error) {
	Value pairs = value_get(permission, "UserIdGroupPairs");
	for (gsize i = 0; i < value_length(pairs); i++) {
		Value pair = value_at(pairs, i);
		const char *id = value_get_text(pair, "GroupId");
		g_auto(Value) other = ec2_find(reading->call, EC2_SECURITY_GROUP, id,
			"InvalidGroup.NotFound", "security group", error);
		if (value_is_null(other))
			return FALSE;
		add_rule(reading, permission, protocol, "ReferencedGroupInfo",
			value_object_take("GroupId", value_string(id), "UserId",
				value_string(reading->call->scope.account), NULL),
			value_get_text(pair, "Description"));
	}
	return TRUE;
}

static gboolean read_permission(Reading *reading, Value permission, GError **error) {
	const char *protocol =
		protocol_name(value_text_or(value_get(permission, "IpProtocol"), "-1"));
	if (value_length(value_get(permission, "PrefixListIds")) > 0) {
		wire_error_set(error, "UnsupportedOperation",
			"Terrarium does not support rules with prefix lists.");
		return FALSE;
	}
	return check_ports(protocol, value_get_int(permission, "FromPort", -1),
		       value_get_int(permission, "ToPort", -1), error) &&
	       add_ranges(reading, permission, protocol, error) &&
	       add_groups(reading, permission, protocol, error);
}

/* The input's rules: its IpPermissions, or the one that its own members describe. */
static Value read_rules(
	RegionCall *call, Value input, const char *group, gboolean egress, GError **error) {
	g_autoptr(ValueBuilder) rules = value_builder_new(VALUE_TUPLE, NULL);
	Reading reading = {call, group, egress, rules};
	Value permissions = value_get(input, "IpPermissions");
	gboolean fine = TRUE;
	for (gsize i = 0; fine && i < value_length(permissions); i++)
		fine = read_permission(&reading, value_at(permissions, i), error);
	if (fine && value_has(input, "CidrIp")) {
		g_auto(Value) one = value_with_take(value_ref(input), "IpRanges",
			value_tuple_take(1, value_object_take("CidrIp",
						    value_ref(value_get(input, "CidrIp")), NULL)));
		fine = read_permission(&reading, one, error);
	}
	Value all = value_builder_end(g_steal_pointer(&rules));
	if (fine && value_length(all) > 0)
		return all;
	value_unref(all);
	if (fine)
		wire_error_set(error, "MissingParameter",
			"The request must contain the parameter ipPermissions");
	return VALUE_NOTHING;
}

/* ---- rules in the store ---- */

static gboolean same_rule(Value a, Value b) {
	static const char *const members[] = {"GroupId", "IsEgress", "IpProtocol", "FromPort",
		"ToPort", "CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo"};
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (!value_equal(value_get(a, members[i]), value_get(b, members[i])))
			return FALSE;
	return TRUE;
}

/* The id of the rule that is there already; or NULL. Caller frees. */
static char *find_rule(RegionCall *call, Value wanted) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_SECURITY_GROUP_RULE);
	const char *id;
	Value rule;
	while (store_iter_next(&iter, &id, &rule))
		if (same_rule(rule, wanted))
			return g_strdup(id);
	return NULL;
}

Value ec2_rule_put(RegionCall *call, Value rule_taken) {
	g_autofree char *id = region_ec2_id("sgr");
	g_autofree char *arn = region_arn(call->scope, "ec2", "security-group-rule/%s", id);
	Value rule = value_with_take(rule_taken, "SecurityGroupRuleId", value_string(id));
	rule = value_with_take(rule, "SecurityGroupRuleArn", value_string(arn));
	ec2_put(call, EC2_SECURITY_GROUP_RULE, id, value_ref(rule));
	return rule;
}

static Value authorize(RegionCall *call, Value input, gboolean egress, GError **error) {
	const char *group = value_get_text(input, "GroupId");
	g_auto(Value) found = ec2_find(
		call, EC2_SECURITY_GROUP, group, "InvalidGroup.NotFound", "security group", error);
	if (value_is_null(found))
		return VALUE_NOTHING;
	g_auto(Value) rules = read_rules(call, input, group, egress, error);
	g_autoptr(ValueBuilder) made = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(rules); i++) {
		g_autofree char *there = find_rule(call, value_at(rules, i));
		if (there) {
			wire_error_set(error, "InvalidPermission.Duplicate",
				"the specified rule already exists (%s)", there);
			return VALUE_NOTHING;
		}
		g_auto(Value) rule = ec2_rule_put(call, value_ref(value_at(rules, i)));
		const char *id = value_get_text(rule, "SecurityGroupRuleId");
		ec2_tag_new(call, input, "security-group-rule", id);
		value_builder_add_take(made, ec2_with_tags(call, id, value_ref(rule)));
	}
	if (value_is_null(rules))
		return VALUE_NOTHING;
	return value_object_take("Return", value_bool(TRUE), "SecurityGroupRules",
		value_builder_end(g_steal_pointer(&made)), NULL);
}

static Value authorize_ingress(RegionCall *call, Value input, GError **error) {
	return authorize(call, input, FALSE, error);
}

static Value authorize_egress(RegionCall *call, Value input, GError **error) {
	return authorize(call, input, TRUE, error);
}

static gboolean revoke_by_id(RegionCall *call, Value ids, gboolean egress, GError **error) {
	for (gsize i = 0; i < value_length(ids); i++) {
		const char *id = value_text(value_at(ids, i));
		g_auto(Value) rule = ec2_find(call, EC2_SECURITY_GROUP_RULE, id,
			"InvalidSecurityGroupRuleId.NotFound", "security group rule ID", error);
		if (value_is_null(rule))
			return FALSE;
		if (value_get_bool(rule, "IsEgress") != egress) {
			wire_error_set(error, "InvalidSecurityGroupRuleId.NotFound",
				"The security group rule ID '%s' does not exist", id);
			return FALSE;
		}
		ec2_forget(call, EC2_SECURITY_GROUP_RULE, id);
	}
	return TRUE;
}

static Value revoke_rules(RegionCall *call, Value input, gboolean egress, GError **error) {
	const char *group = value_get_text(input, "GroupId");
	g_auto(Value) found = ec2_find(
		call, EC2_SECURITY_GROUP, group, "InvalidGroup.NotFound", "security group", error);
	if (value_is_null(found))
		return VALUE_NOTHING;
	if (value_has(input, "SecurityGroupRuleIds"))
		return revoke_by_id(call, value_get(input, "SecurityGroupRuleIds"), egress, error)
			       ? ec2_done()
			       : VALUE_NOTHING;
	g_auto(Value) rules = read_rules(call, input, group, egress, error);
	for (gsize i = 0; i < value_length(rules); i++) {
		g_autofree char *there = find_rule(call, value_at(rules, i));
		if (!there) {
			wire_error_set(error, "InvalidPermission.NotFound",
				"The specified rule does not exist in this security group.");
			return VALUE_NOTHING;
		}
		ec2_forget(call, EC2_SECURITY_GROUP_RULE, there);
	}
	return value_is_null(rules) ? VALUE_NOTHING : ec2_done();
}

static Value revoke_ingress(RegionCall *call, Value input, GError **error) {
	return revoke_rules(call, input, FALSE, error);
}

static Value revoke_egress(RegionCall *call, Value input, GError **error) {
	return revoke_rules(call, input, TRUE, error);
}

static Value describe_rules(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {
		{"group-id", "GroupId"}, {"security-group-rule-id", "SecurityGroupRuleId"}, {NULL}};
	static const Ec2Describe describe = {EC2_SECURITY_GROUP_RULE, "SecurityGroupRuleIds",
		"SecurityGroupRules", "InvalidSecurityGroupRuleId.NotFound",
		"security group rule ID", filters, NULL};
	return ec2_describe(call, input, &describe, error);
}

static gboolean modify_rule(RegionCall *call, const char *group, Value update, GError **error) {
	const char *id = value_get_text(update, "SecurityGroupRuleId");
	g_auto(Value) rule = ec2_find(call, EC2_SECURITY_GROUP_RULE, id,
		"InvalidSecurityGroupRuleId.NotFound", "security group rule ID", error);
	if (value_is_null(rule))
		return FALSE;
	Value wanted = value_get(update, "SecurityGroupRule");
	const char *protocol = protocol_name(value_text_or(value_get(wanted, "IpProtocol"), "-1"));
	if (!check_ports(protocol, value_get_int(wanted, "FromPort", -1),
		    value_get_int(wanted, "ToPort", -1), error))
		return FALSE;
	g_autoptr(ValueBuilder) one = value_builder_new(VALUE_TUPLE, NULL);
	Reading reading = {call, group, value_get_bool(rule, "IsEgress"), one};
	const char *referenced = value_get_text(wanted, "ReferencedGroupId");
	const char *source = referenced			     ? "ReferencedGroupInfo"
			     : value_has(wanted, "CidrIpv6") ? "CidrIpv6"
							     : "CidrIpv4";
	Value from = referenced ? value_object_take("GroupId", value_string(referenced), "UserId",
					  value_string(call->scope.account), NULL)
				: value_ref(value_get(wanted, source));
	add_rule(&reading, wanted, protocol, source, from, value_get_text(wanted, "Description"));
	g_auto(Value) made = value_builder_end(g_steal_pointer(&one));
	g_auto(Value) changed = value_with_take(
		value_ref(value_at(made, 0)), "SecurityGroupRuleId", value_string(id));
	changed = value_with_take(value_steal(&changed), "SecurityGroupRuleArn",
		value_ref(value_get(rule, "SecurityGroupRuleArn")));
	ec2_put(call, EC2_SECURITY_GROUP_RULE, id, value_steal(&changed));
	return TRUE;
}

static Value modify_rules(RegionCall *call, Value input, GError **error) {
	const char *group = value_get_text(input, "GroupId");
	Value updates = value_get(input, "SecurityGroupRules");
	for (gsize i = 0; i < value_length(updates); i++)
		if (!modify_rule(call, group, value_at(updates, i), error))
			return VALUE_NOTHING;
	return ec2_done();
}

/* Replaces a rule's description (NULL: removes it). */
static gboolean describe_rule(
	RegionCall *call, const char *id, const char *description, GError **error) {
	if (!id) {
		wire_error_set(error, "InvalidPermission.NotFound",
			"The specified rule does not exist in this security group.");
		return FALSE;
	}
	g_auto(Value) rule = ec2_find(call, EC2_SECURITY_GROUP_RULE, id,
		"InvalidSecurityGroupRuleId.NotFound", "security group rule ID", error);
	if (value_is_null(rule))
		return FALSE;
	ec2_put(call, EC2_SECURITY_GROUP_RULE, id,
		description ? value_with_take(
				      value_steal(&rule), "Description", value_string(description))
			    : value_without_take(value_steal(&rule), "Description"));
	return TRUE;
}

static Value update_descriptions(RegionCall *call, Value input, gboolean egress, GError **error) {
	const char *group = value_get_text(input, "GroupId");
	g_auto(Value) found = ec2_find(
		call, EC2_SECURITY_GROUP, group, "InvalidGroup.NotFound", "security group", error);
	if (value_is_null(found))
		return VALUE_NOTHING;
	Value by_id = value_get(input, "SecurityGroupRuleDescriptions");
	for (gsize i = 0; i < value_length(by_id); i++)
		if (!describe_rule(call, value_get_text(value_at(by_id, i), "SecurityGroupRuleId"),
			    value_get_text(value_at(by_id, i), "Description"), error))
			return VALUE_NOTHING;
	if (value_length(by_id) > 0)
		return ec2_done();
	g_auto(Value) rules = read_rules(call, input, group, egress, error);
	for (gsize i = 0; i < value_length(rules); i++) {
		Value wanted = value_at(rules, i);
		g_autofree char *there = find_rule(call, wanted);
		if (!describe_rule(call, there, value_get_text(wanted, "Description"), error))
			return VALUE_NOTHING;
	}
	return value_is_null(rules) ? VALUE_NOTHING : ec2_done();
}

static Value update_descriptions_ingress(RegionCall *call, Value input, GError **error) {
	return update_descriptions(call, input, FALSE, error);
}

static Value update_descriptions_egress(RegionCall *call, Value input, GError **error) {
	return update_descriptions(call, input, TRUE, error);
}

const RegionOperation ec2_rule_operations[] = {
	{"AuthorizeSecurityGroupIngress", authorize_ingress},
	{"AuthorizeSecurityGroupEgress", authorize_egress},
	{"RevokeSecurityGroupIngress", revoke_ingress},
	{"RevokeSecurityGroupEgress", revoke_egress},
	{"DescribeSecurityGroupRules", describe_rules, .reads_only = TRUE},
	{"ModifySecurityGroupRules", modify_rules},
	{"UpdateSecurityGroupRuleDescriptionsIngress", update_descriptions_ingress},
	{"UpdateSecurityGroupRuleDescriptionsEgress", update_descriptions_egress},
	{NULL},
};
