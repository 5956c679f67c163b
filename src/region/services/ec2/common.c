/* What all of EC2's operations share: blocks of addresses, zones, tags, filters, lists. */
#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "region/services/ec2/internal.h"

static const RegionPaging paging = {"MaxResults", "NextToken", "NextToken", 0, "InvalidNextToken"};

/* ---- addresses ---- */

static guint32 mask(guint length) {
	return length == 0 ? 0 : ~(guint32)0 << (32 - length);
}

gboolean ec2_cidr_parse(const char *text, Ec2Cidr *cidr) {
	g_auto(GStrv) parts = g_strsplit(text ? text : "", "/", 2);
	struct in_addr address;
	guint64 length;
	if (g_strv_length(parts) != 2 || inet_pton(AF_INET, parts[0], &address) != 1 ||
		!g_ascii_string_to_unsigned(parts[1], 10, 0, 32, &length, NULL))
		return FALSE;
	*cidr = (Ec2Cidr){ntohl(address.s_addr), (guint)length};
	return (cidr->base & ~mask(cidr->length)) == 0;
}

gboolean ec2_cidr_contains(Ec2Cidr outer, Ec2Cidr inner) {
	return inner.length >= outer.length && (inner.base & mask(outer.length)) == outer.base;
}

gboolean ec2_cidr_overlaps(Ec2Cidr a, Ec2Cidr b) {
	return ec2_cidr_contains(a, b) || ec2_cidr_contains(b, a);
}

char *ec2_address_text(guint32 address) {
	return g_strdup_printf("%u.%u.%u.%u", address >> 24, (address >> 16) & 255,
		(address >> 8) & 255, address & 255);
}

/* ---- objects ---- */

Value ec2_find(RegionCall *call, const char *kind, const char *id, const char *code,
	const char *what, GError **error) {
	Value object =
		id ? store_get(region_store(call->region), call->scope, kind, id) : VALUE_NOTHING;
	if (value_is_null(object))
		wire_error_set(error, code, "The %s '%s' does not exist", what, id ? id : "");
	return object;
}

void ec2_put(RegionCall *call, const char *kind, const char *id, Value object_taken) {
	store_put_take(region_store(call->region), call->scope, kind, id, object_taken);
}

void ec2_forget(RegionCall *call, const char *kind, const char *id) {
	store_delete(region_store(call->region), call->scope, kind, id);
	region_tags_clear(call->region, call->scope, id);
}

gboolean ec2_any(RegionCall *call, const char *kind, const char *member, const char *value) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, kind);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object))
		if (g_strcmp0(value_get_text(object, member), value) == 0)
			return TRUE;
	return FALSE;
}

void ec2_tag_new(RegionCall *call, Value input, const char *resource_type, const char *id) {
	Value specifications = value_get(input, "TagSpecifications");
	for (gsize i = 0; i < value_length(specifications); i++) {
		Value each = value_at(specifications, i);
		if (g_strcmp0(value_get_text(each, "ResourceType"), resource_type) != 0)
			continue;
		g_auto(Value) tags = region_tags_from_list(value_get(each, "Tags"), "Key", "Value");
		region_tags_set(call->region, call->scope, id, tags);
	}
}

Value ec2_with_tags(RegionCall *call, const char *id, Value object_taken) {
	g_auto(Value) tags = region_tags(call->region, call->scope, id);
	return value_with_take(object_taken, "Tags", region_tags_to_list(tags, "Key", "Value"));
}

Value ec2_done(void) {
	return value_object_take("Return", value_bool(TRUE), NULL);
}

/* ---- filters ---- */

static gboolean matches_text(Value value, Value wanted) {
	g_autofree char *number =
		value_kind(value) == VALUE_NUMBER ? value_number_to_string(value) : NULL;
	const char *text = value_kind(value) == VALUE_BOOL ? value_to_bool(value) ? "true" : "false"
			   : number			   ? number
							   : value_text(value);
	for (gsize i = 0; text && i < value_length(wanted); i++)
		if (text_wildcard_match(value_text_or(value_at(wanted, i), ""), text))
			return TRUE;
	return FALSE;
}

static gboolean matches_path(Value value, char **steps, Value wanted) {
	if (value_is_sequence(value)) {
		for (gsize i = 0; i < value_length(value); i++)
			if (matches_path(value_at(value, i), steps, wanted))
				return TRUE;
		return FALSE;
	}
	return *steps ? matches_path(value_get(value, *steps), steps + 1, wanted)
		      : matches_text(value, wanted);
}

static gboolean matches_tags(Value object, const char *name, Value wanted) {
	Value tags = value_get(object, "Tags");
	const char *key = g_str_has_prefix(name, "tag:") ? name + strlen("tag:") : NULL;
	const char *member = g_str_equal(name, "tag-key") ? "Key" : "Value";
	for (gsize i = 0; i < value_length(tags); i++) {
		Value tag = value_at(tags, i);
		if (key && g_strcmp0(value_get_text(tag, "Key"), key) != 0)
			continue;
		if (matches_text(value_get(tag, member), wanted))
			return TRUE;
	}
	return FALSE;
}

static gboolean is_tag_filter(const char *name) {
	return g_str_has_prefix(name, "tag:") || g_str_equal(name, "tag-key") ||
	       g_str_equal(name, "tag-value");
}

static const Ec2Filter *find_filter(const Ec2Filter *filters, const char *name) {
	for (; filters->name; filters++)
		if (g_str_equal(filters->name, name))
			return filters;
	return NULL;
}

static gboolean check_filters(Value filters, const Ec2Filter *known, GError **error) {
	for (gsize i = 0; i < value_length(filters); i++) {
		const char *name = value_text_or(value_get(value_at(filters, i), "Name"), "");
		if (is_tag_filter(name) || find_filter(known, name))
			continue;
		wire_error_set(error, "InvalidParameterValue", "The filter '%s' is invalid", name);
		return FALSE;
	}
	return TRUE;
}

static gboolean passes(Value object, Value filters, const Ec2Filter *known) {
	for (gsize i = 0; i < value_length(filters); i++) {
		Value filter = value_at(filters, i);
		const char *name = value_get_text(filter, "Name");
		Value wanted = value_get(filter, "Values");
		if (is_tag_filter(name)) {
			if (!matches_tags(object, name, wanted))
				return FALSE;
			continue;
		}
		g_auto(GStrv) steps = g_strsplit(find_filter(known, name)->path, ".", -1);
		if (!matches_path(object, steps, wanted))
			return FALSE;
	}
	return TRUE;
}

gboolean ec2_passes(Value object, Value filters, const Ec2Filter *known, GError **error) {
	return check_filters(filters, known, error && !*error ? error : NULL) &&
	       passes(object, filters, known);
}

/* ---- lists ---- */

gboolean ec2_is_listed(Value ids, const char *id) {
	for (gsize i = 0; i < value_length(ids); i++)
		if (g_strcmp0(value_text(value_at(ids, i)), id) == 0)
			return TRUE;
	return value_length(ids) == 0;
}

static gboolean check_ids(
	RegionCall *call, Value ids, const Ec2Describe *describe, GError **error) {
	for (gsize i = 0; i < value_length(ids); i++) {
		g_auto(Value) object = ec2_find(call, describe->kind, value_text(value_at(ids, i)),
			describe->code, describe->what, error);
		if (value_is_null(object))
			return FALSE;
	}
	return TRUE;
}

Value ec2_describe(RegionCall *call, Value input, const Ec2Describe *describe, GError **error) {
	Value ids = value_get(input, describe->ids), filters = value_get(input, "Filters");
	if (!check_ids(call, ids, describe, error) ||
		!check_filters(filters, describe->filters, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, describe->kind);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object)) {
		if (!ec2_is_listed(ids, id))
			continue;
		Value whole = value_ref(object);
		if (describe->complete)
			whole = describe->complete(call, id, whole);
		g_auto(Value) tagged = ec2_with_tags(call, id, whole);
		if (passes(tagged, filters, describe->filters))
			value_builder_add_take(all, value_steal(&tagged));
	}
	return region_page_answer(
		input, &paging, describe->output, value_builder_end(g_steal_pointer(&all)), error);
}

/* ---- tags ---- */

static const char *type_of_id(const char *id) {
	static const char *const types[][2] = {{"vpc-", "vpc"}, {"subnet-", "subnet"},
		{"igw-", "internet-gateway"}, {"rtb-", "route-table"}, {"eipalloc-", "elastic-ip"},
		{"nat-", "natgateway"}, {"sg-", "security-group"}, {"sgr-", "security-group-rule"},
		{"acl-", "network-acl"}, {"eni-", "network-interface"}, {"dopt-", "dhcp-options"}};
	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_has_prefix(id, types[i][0]))
			return types[i][1];
	return NULL;
}

static gboolean check_taggable(Value resources, GError **error) {
	for (gsize i = 0; i < value_length(resources); i++) {
		const char *id = value_text_or(value_at(resources, i), "");
		if (type_of_id(id))
			continue;
		wire_error_set(error, "InvalidID", "The ID '%s' is not valid", id);
		return FALSE;
	}
	return TRUE;
}

static Value create_tags(RegionCall *call, Value input, GError **error) {
	Value resources = value_get(input, "Resources");
	if (!check_taggable(resources, error))
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	for (gsize i = 0; i < value_length(resources); i++)
		region_tags_set(
			call->region, call->scope, value_text(value_at(resources, i)), tags);
	return VALUE_NOTHING;
}

static void remove_tag(RegionCall *call, const char *id, Value tag) {
	const char *key = value_get_text(tag, "Key"), *value = value_get_text(tag, "Value");
	g_auto(Value) now = region_tags(call->region, call->scope, id);
	if (key && (!value || g_strcmp0(value_get_text(now, key), value) == 0))
		region_tags_remove(call->region, call->scope, id, key);
}

static Value delete_tags(RegionCall *call, Value input, GError **error) {
	Value resources = value_get(input, "Resources"), tags = value_get(input, "Tags");
	if (!check_taggable(resources, error))
		return VALUE_NOTHING;
	for (gsize i = 0; i < value_length(resources); i++) {
		const char *id = value_text(value_at(resources, i));
		if (!value_has(input, "Tags"))
			region_tags_clear(call->region, call->scope, id);
		for (gsize j = 0; j < value_length(tags); j++)
			remove_tag(call, id, value_at(tags, j));
	}
	return VALUE_NOTHING;
}

static Value describe_tags(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"key", "Key"}, {"value", "Value"},
		{"resource-id", "ResourceId"}, {"resource-type", "ResourceType"}, {NULL}};
	Value wanted = value_get(input, "Filters");
	if (!check_filters(wanted, filters, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, "tags");
	const char *id;
	Value tags;
	while (store_iter_next(&iter, &id, &tags)) {
		const char *type = type_of_id(id);
		for (gsize i = 0; type && i < value_length(tags); i++) {
			g_auto(Value) tag = value_object_take("ResourceId", value_string(id),
				"ResourceType", value_string(type), "Key",
				value_string(value_key_at(tags, i)), "Value",
				value_ref(value_at(tags, i)), NULL);
			if (passes(tag, wanted, filters))
				value_builder_add_take(all, value_steal(&tag));
		}
	}
	return region_page_answer(
		input, &paging, "Tags", value_builder_end(g_steal_pointer(&all)), error);
}

const RegionOperation ec2_tag_operations[] = {
	{"CreateTags", create_tags},
	{"DeleteTags", delete_tags},
	{"DescribeTags", describe_tags, .reads_only = TRUE},
	{NULL},
};
