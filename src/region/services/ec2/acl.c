/*
 * Network ACLs: numbered rules that what crosses a subnet's border must pass, both ways and without
 * memory of connections. Each subnet is associated with exactly one: at first the VPC's default
 * one. The associations are kept by subnet, beside the ACLs.
 */
#include "region/services/ec2/internal.h"

#define LAST_RULE 32767 /* "*": denies what no other rule matched; part of every ACL */
#define MOST_RULES 20 /* for each direction, AWS's quota, the last one not counted */

/* ---- associations ---- */

static void associate(RegionCall *call, const char *subnet, const char *acl, const char *id) {
	ec2_put(call, EC2_NETWORK_ACL_ASSOCIATION, subnet,
		value_object_take("NetworkAclAssociationId", value_string(id), "NetworkAclId",
			value_string(acl), "SubnetId", value_string(subnet), NULL));
}

static Value associations_of(RegionCall *call, const char *acl) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_NETWORK_ACL_ASSOCIATION);
	const char *subnet;
	Value each;
	while (store_iter_next(&iter, &subnet, &each))
		if (g_strcmp0(value_get_text(each, "NetworkAclId"), acl) == 0)
			value_builder_add_take(all, value_ref(each));
	return value_builder_end(g_steal_pointer(&all));
}

static Value complete_acl(RegionCall *call, const char *id, Value acl_taken) {
	return value_with_take(acl_taken, "Associations", associations_of(call, id));
}

/* Caller frees; NULL: the VPC has none. */
static char *default_acl(RegionCall *call, const char *vpc) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_NETWORK_ACL);
	const char *id;
	Value acl;
	while (store_iter_next(&iter, &id, &acl))
		if (value_get_bool(acl, "IsDefault") &&
			g_strcmp0(value_get_text(acl, "VpcId"), vpc) == 0)
			return g_strdup(id);
	return NULL;
}

void ec2_acl_subnet_arrives(RegionCall *call, const char *subnet, const char *vpc) {
	g_autofree char *acl = default_acl(call, vpc), *id = region_ec2_id("aclassoc");
	if (acl)
		associate(call, subnet, acl, id);
}

void ec2_acl_subnet_leaves(RegionCall *call, const char *subnet) {
	store_delete(region_store(call->region), call->scope, EC2_NETWORK_ACL_ASSOCIATION, subnet);
}

/* ---- ACLs ---- */

static Value new_entry(gboolean egress, gboolean allow, int number) {
	return value_object_take("CidrBlock", value_string("0.0.0.0/0"), "Egress",
		value_bool(egress), "Protocol", value_string("-1"), "RuleAction",
		value_string(allow ? "allow" : "deny"), "RuleNumber", value_int(number), NULL);
}

static Value new_acl(RegionCall *call, const char *id, const char *vpc, gboolean is_default) {
	g_autoptr(ValueBuilder) entries = value_builder_new(VALUE_TUPLE, NULL);
	for (int egress = 1; egress >= 0; egress--) {
		if (is_default)
			value_builder_add_take(entries, new_entry(egress, TRUE, 100));
		value_builder_add_take(entries, new_entry(egress, FALSE, LAST_RULE));
	}
	return value_object_take("NetworkAclId", value_string(id), "VpcId", value_string(vpc),
		"IsDefault", value_bool(is_default), "OwnerId", value_string(call->scope.account),
		"Entries", value_builder_end(g_steal_pointer(&entries)), NULL);
}

void ec2_acl_create_default(RegionCall *call, const char *vpc) {
	g_autofree char *id = region_ec2_id("acl");
	ec2_put(call, EC2_NETWORK_ACL, id, new_acl(call, id, vpc, TRUE));
}

static Value find_acl(RegionCall *call, Value input, GError **error) {
	return ec2_find(call, EC2_NETWORK_ACL, value_get_text(input, "NetworkAclId"),
		"InvalidNetworkAclID.NotFound", "networkAcl ID", error);
}

static Value create_acl(RegionCall *call, Value input, GError **error) {
	const char *vpc_id = value_get_text(input, "VpcId");
	g_auto(Value) vpc =
		ec2_find(call, EC2_VPC, vpc_id, "InvalidVpcID.NotFound", "vpc ID", error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	g_autofree char *id = region_ec2_id("acl");
	Value acl = new_acl(call, id, vpc_id, FALSE);
	ec2_put(call, EC2_NETWORK_ACL, id, value_ref(acl));
	ec2_tag_new(call, input, "network-acl", id);
	return value_object_take(
		"NetworkAcl", ec2_with_tags(call, id, complete_acl(call, id, acl)), NULL);
}

static Value describe_acls(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"network-acl-id", "NetworkAclId"}, {"vpc-id", "VpcId"},
		{"default", "IsDefault"}, {"association.subnet-id", "Associations.SubnetId"},
		{"association.association-id", "Associations.NetworkAclAssociationId"},
		{"association.network-acl-id", "Associations.NetworkAclId"},
		{"entry.cidr", "Entries.CidrBlock"}, {"entry.egress", "Entries.Egress"},
		{"entry.icmp.code", "Entries.IcmpTypeCode.Code"},
		{"entry.icmp.type", "Entries.IcmpTypeCode.Type"},
		{"entry.port-range.from", "Entries.PortRange.From"},
		{"entry.port-range.to", "Entries.PortRange.To"},
		{"entry.protocol", "Entries.Protocol"}, {"entry.rule-action", "Entries.RuleAction"},
		{"entry.rule-number", "Entries.RuleNumber"}, {"owner-id", "OwnerId"}, {NULL}};
	static const Ec2Describe describe = {EC2_NETWORK_ACL, "NetworkAclIds", "NetworkAcls",
		"InvalidNetworkAclID.NotFound", "networkAcl ID", filters, complete_acl};
	return ec2_describe(call, input, &describe, error);
}

static Value delete_acl(RegionCall *call, Value input, GError **error) {
	g_auto(Value) acl = find_acl(call, input, error);
	if (value_is_null(acl))
		return VALUE_NOTHING;
	const char *id = value_get_text(acl, "NetworkAclId");
	if (value_get_bool(acl, "IsDefault")) {
		wire_error_set(
			error, "InvalidParameterValue", "cannot delete default network ACL %s", id);
		return VALUE_NOTHING;
	}
	if (ec2_any(call, EC2_NETWORK_ACL_ASSOCIATION, "NetworkAclId", id)) {
		wire_error_set(error, "DependencyViolation",
			"The networkAcl '%s' has dependencies and cannot be deleted.", id);
		return VALUE_NOTHING;
	}
	ec2_forget(call, EC2_NETWORK_ACL, id);
	return VALUE_NOTHING;
}

/* ---- entries ---- */

static gssize find_entry(Value acl, Value wanted) {
	Value entries = value_get(acl, "Entries");
	for (gsize i = 0; i < value_length(entries); i++) {
		Value each = value_at(entries, i);
		if (value_get_int(each, "RuleNumber", 0) ==
				value_get_int(wanted, "RuleNumber", -1) &&
			value_get_bool(each, "Egress") == value_get_bool(wanted, "Egress"))
			return (gssize)i;
	}
	return -1;
}

static gboolean check_number(Value input, GError **error) {
	gint64 number = value_get_int(input, "RuleNumber", 0);
	if (number >= 1 && number < LAST_RULE)
		return TRUE;
	wire_error_set(error, "InvalidParameterValue",
		"Value (%" G_GINT64_FORMAT ") for parameter ruleNumber is invalid. Rule numbers "
		"are from 1 to %d.",
		number, LAST_RULE - 1);
	return FALSE;
}

static gboolean is_full(Value acl, gboolean egress) {
	Value entries = value_get(acl, "Entries");
	guint n = 0;
	for (gsize i = 0; i < value_length(entries); i++)
		n += value_get_bool(value_at(entries, i), "Egress") == egress;
	return n > MOST_RULES;
}

/* The protocol's number, as ACLs have it; VALUE_NOTHING and an error for an unknown one. */
static Value read_protocol(const char *text, GError **error) {
	static const char *const names[][2] = {
		{"all", "-1"}, {"icmp", "1"}, {"tcp", "6"}, {"udp", "17"}, {"icmpv6", "58"}};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_ascii_strcasecmp(names[i][0], text) == 0)
			return value_string(names[i][1]);
	guint64 number;
	if (g_str_equal(text, "-1") || g_ascii_string_to_unsigned(text, 10, 0, 255, &number, NULL))
		return value_string(text);
	wire_error_set(error, "InvalidParameterValue",
		"Value (%s) for parameter protocol is invalid. Unknown protocol", text);
	return VALUE_NOTHING;
}

static gboolean missing(const char *parameter, GError **error) {
	wire_error_set(
		error, "MissingParameter", "The request must contain the parameter %s", parameter);
	return FALSE;
}

static gboolean check_block(Value input, GError **error) {
	const char *cidr = value_get_text(input, "CidrBlock");
	Ec2Cidr parsed;
	if (value_has(input, "Ipv6CidrBlock")) {
		wire_error_set(error, "UnsupportedOperation",
			"Terrarium has no IPv6: Ipv6CidrBlock is not supported.");
		return FALSE;
	}
	if (!cidr)
		return missing("cidrBlock", error);
	if (ec2_cidr_parse(cidr, &parsed))
		return TRUE;
	wire_error_set(error, "InvalidParameterValue",
		"Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
		cidr);
	return FALSE;
}

/* Adds what the protocol asks for beside: ports, or ICMP's type and code. Takes the entry. */
static Value with_details(Value entry_taken, Value input, GError **error) {
	g_auto(Value) entry = entry_taken;
	const char *protocol = value_get_text(entry, "Protocol");
	if (g_str_equal(protocol, "1")) {
		Value icmp = value_get(input, "IcmpTypeCode");
		if (!value_has(icmp, "Type") || !value_has(icmp, "Code")) {
			missing("icmpTypeCode", error);
			return VALUE_NOTHING;
		}
		return value_with_take(value_steal(&entry), "IcmpTypeCode", value_ref(icmp));
	}
	if (!g_str_equal(protocol, "6") && !g_str_equal(protocol, "17"))
		return value_steal(&entry);
	Value ports = value_get(input, "PortRange");
	gint64 from = value_get_int(ports, "From", -1), to = value_get_int(ports, "To", -1);
	if (!value_has(ports, "From") || !value_has(ports, "To")) {
		missing("portRange", error);
		return VALUE_NOTHING;
	}
	if (from < 0 || to > 65535 || from > to) {
		wire_error_set(error, "InvalidParameterValue",
			"Invalid value '%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT
			"' for portRange. Ports are from 0 to 65535, the lower one first.",
			from, to);
		return VALUE_NOTHING;
	}
	return value_with_take(value_steal(&entry), "PortRange", value_ref(ports));
}

/* The entry that an input describes, or VALUE_NOTHING and an error. */
static Value read_entry(Value input, GError **error) {
	if (!check_number(input, error) || !check_block(input, error))
		return VALUE_NOTHING;
	Value protocol = read_protocol(value_get_text(input, "Protocol"), error);
	if (value_is_null(protocol))
		return VALUE_NOTHING;
	return with_details(
		value_object_take("CidrBlock", value_ref(value_get(input, "CidrBlock")), "Egress",
			value_ref(value_get(input, "Egress")), "Protocol", protocol, "RuleAction",
			value_ref(value_get(input, "RuleAction")), "RuleNumber",
			value_ref(value_get(input, "RuleNumber")), NULL),
		input, error);
}

/* Keeps the ACL without the entry at `without`, and with `added` unless that is null. */
static void put_entries(RegionCall *call, Value acl, gssize without, Value added_taken) {
	g_auto(Value) added = added_taken;
	Value before = value_get(acl, "Entries");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	if (!value_is_null(added))
		value_builder_add_take(all, value_steal(&added));
	for (gsize i = 0; i < value_length(before); i++)
		if ((gssize)i != without)
			value_builder_add_take(all, value_ref(value_at(before, i)));
	ec2_put(call, EC2_NETWORK_ACL, value_get_text(acl, "NetworkAclId"),
		value_with_take(
			value_ref(acl), "Entries", value_builder_end(g_steal_pointer(&all))));
}

static Value create_entry(RegionCall *call, Value input, GError **error) {
	g_auto(Value) acl = find_acl(call, input, error);
	if (value_is_null(acl))
		return VALUE_NOTHING;
	g_auto(Value) entry = read_entry(input, error);
	if (value_is_null(entry))
		return VALUE_NOTHING;
	if (find_entry(acl, entry) >= 0)
		wire_error_set(error, "NetworkAclEntryAlreadyExists",
			"The network acl entry identified by %" G_GINT64_FORMAT " already exists.",
			value_get_int(entry, "RuleNumber", 0));
	else if (is_full(acl, value_get_bool(entry, "Egress")))
		wire_error_set(error, "NetworkAclEntryLimitExceeded",
			"The maximum number of network acl entries has been reached.");
	else
		put_entries(call, acl, -1, value_steal(&entry));
	return VALUE_NOTHING;
}

static Value no_entry(Value input, GError **error) {
	wire_error_set(error, "InvalidNetworkAclEntry.NotFound",
		"The network acl entry identified by %" G_GINT64_FORMAT " does not exist",
		value_get_int(input, "RuleNumber", 0));
	return VALUE_NOTHING;
}

static Value replace_entry(RegionCall *call, Value input, GError **error) {
	g_auto(Value) acl = find_acl(call, input, error);
	if (value_is_null(acl))
		return VALUE_NOTHING;
	g_auto(Value) entry = read_entry(input, error);
	if (value_is_null(entry))
		return VALUE_NOTHING;
	gssize index = find_entry(acl, entry);
	if (index < 0)
		return no_entry(input, error);
	put_entries(call, acl, index, value_steal(&entry));
	return VALUE_NOTHING;
}

static Value delete_entry(RegionCall *call, Value input, GError **error) {
	g_auto(Value) acl = find_acl(call, input, error);
	if (value_is_null(acl) || !check_number(input, error))
		return VALUE_NOTHING;
	gssize index = find_entry(acl, input);
	if (index < 0)
		return no_entry(input, error);
	put_entries(call, acl, index, VALUE_NOTHING);
	return VALUE_NOTHING;
}

/* ---- which subnet has which ---- */

/* The subnet of an association. Caller frees; NULL: there is no such association. */
static char *subnet_of(RegionCall *call, const char *association) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_NETWORK_ACL_ASSOCIATION);
	const char *subnet;
	Value each;
	while (store_iter_next(&iter, &subnet, &each))
		if (g_strcmp0(value_get_text(each, "NetworkAclAssociationId"), association) == 0)
			return g_strdup(subnet);
	return NULL;
}

static Value replace_association(RegionCall *call, Value input, GError **error) {
	const char *association = value_get_text(input, "AssociationId");
	g_autofree char *subnet_id = subnet_of(call, association);
	if (!subnet_id) {
		wire_error_set(error, "InvalidAssociationID.NotFound",
			"The association ID '%s' does not exist", association);
		return VALUE_NOTHING;
	}
	g_auto(Value) acl = find_acl(call, input, error);
	if (value_is_null(acl))
		return VALUE_NOTHING;
	g_auto(Value) subnet = ec2_subnet_get(call->region, call->scope, subnet_id);
	const char *id = value_get_text(acl, "NetworkAclId");
	if (g_strcmp0(value_get_text(subnet, "VpcId"), value_get_text(acl, "VpcId")) != 0) {
		wire_error_set(error, "InvalidParameterValue",
			"Network ACL %s and subnet %s belong to different networks", id, subnet_id);
		return VALUE_NOTHING;
	}
	g_autofree char *new_id = region_ec2_id("aclassoc");
	associate(call, subnet_id, id, new_id);
	return value_object_take("NewAssociationId", value_string(new_id), NULL);
}

const RegionOperation ec2_acl_operations[] = {
	{"CreateNetworkAcl", create_acl},
	{"DescribeNetworkAcls", describe_acls, .reads_only = TRUE},
	{"DeleteNetworkAcl", delete_acl},
	{"CreateNetworkAclEntry", create_entry},
	{"ReplaceNetworkAclEntry", replace_entry},
	{"DeleteNetworkAclEntry", delete_entry},
	{"ReplaceNetworkAclAssociation", replace_association},
	{NULL},
};
