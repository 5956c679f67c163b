/* Cloud Map, what its parts share: ids, operations, filters and pages, tags. */
#include <stdarg.h>
#include <string.h>

#include "region/services/servicediscovery/internal.h"

extern const RegionService region_servicediscovery;

#define SWEEPER "servicediscovery/sweep"
#define SWEEP_S 3600
#define KEEP_OPERATIONS_S 86400
#define PAGE 100

/* ---- ids and errors ---- */

char *discovery_id(const char *prefix, guint length) {
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	GString *id = g_string_new(prefix);
	for (guint i = 0; i < length; i++)
		g_string_append_c(id, letters[g_random_int_range(0, 32)]);
	return g_string_free(id, FALSE);
}

const char *discovery_plain_id(const char *id_or_arn) {
	const char *slash = g_str_has_prefix(id_or_arn, "arn:") ? strrchr(id_or_arn, '/') : NULL;
	return slash ? slash + 1 : id_or_arn;
}

void discovery_invalid(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(error, "InvalidInput", "%s", message);
}

/* ---- operations ---- */

static Value now(RegionCall *call) {
	return region_timestamp(call->region);
}

/* Everything is done when the call returns, so operations are written down finished. */
static Value write_down(RegionCall *call, const char *type, const char *status, Value more_taken) {
	g_auto(Value) more = more_taken;
	g_autofree char *head = discovery_id("", 32), *tail = discovery_id("", 8);
	g_autofree char *id = g_strdup_printf("%s-%s", head, tail);
	g_auto(Value) operation =
		value_object_take("Id", value_string(id), "Type", value_string(type), "Status",
			value_string(status), "OwnerAccount", value_string(call->scope.account),
			"CreateDate", now(call), "UpdateDate", now(call), NULL);
	store_put_take(region_store(call->region), call->scope, DISCOVERY_OPERATION, id,
		value_merge(operation, more));
	return value_object_take("OperationId", value_string(id), NULL);
}

Value discovery_operation(RegionCall *call, const char *type, const char *target_type,
	const char *target, const char *second_type, const char *second) {
	Value targets = value_object_take(target_type, value_string(target), NULL);
	if (second)
		targets = value_with_take(targets, second_type, value_string(second));
	return write_down(call, type, "SUCCESS", value_object_take("Targets", targets, NULL));
}

Value discovery_operation_failed(
	RegionCall *call, const char *type, const char *code, const char *message) {
	return write_down(call, type, "FAIL",
		value_object_take("ErrorCode", value_string(code), "ErrorMessage",
			value_string(message), "Targets", value_empty_object(), NULL));
}

static Value get_operation(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "OperationId");
	Value operation =
		store_get(region_store(call->region), call->scope, DISCOVERY_OPERATION, id);
	if (!value_is_null(operation))
		return value_object_take("Operation", operation, NULL);
	wire_error_set(error, "OperationNotFound", "The operation %s can't be found.", id);
	return VALUE_NOTHING;
}

static Value list_operations(RegionCall *call, Value input, GError **error) {
	static const DiscoveryFilter known[] = {{"NAMESPACE_ID", "Targets.NAMESPACE"},
		{"SERVICE_ID", "Targets.SERVICE"}, {"STATUS", "Status"}, {"TYPE", "Type"},
		{"UPDATE_DATE", "UpdateDate"}, {NULL}};
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, DISCOVERY_OPERATION);
	const char *id;
	Value operation;
	while (store_iter_next(&iter, &id, &operation))
		if (discovery_passes(operation, value_get(input, "Filters"), known, error))
			value_builder_add_take(
				all, value_object_take("Id", value_string(id), "Status",
					     value_ref(value_get(operation, "Status")), NULL));
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	return discovery_page(call, input, "Operations", items, error);
}

static void forget_operations(Region *region, gpointer data) {
	Store *store = region_store(region);
	double before = (double)region_now(region) / G_USEC_PER_SEC - KEEP_OPERATIONS_S;
	StoreScope everywhere = {NULL, NULL};
	g_auto(StoreIter) iter = store_iter(store, everywhere, DISCOVERY_OPERATION);
	const char *id;
	Value operation;
	region_wake_after(region, SWEEPER, SWEEP_S);
	if (!store_begin(store, NULL))
		return;
	while (store_iter_next(&iter, &id, &operation))
		if (value_to_double(value_get(operation, "UpdateDate"), 0) < before)
			store_delete(store, store_iter_scope(&iter), DISCOVERY_OPERATION, id);
	store_commit(store, NULL);
}

/* ---- lists ---- */

/* `path` in steps; what is there as text (numbers as written). Caller frees. */
static char *text_at(Value object, const char *path) {
	g_auto(GStrv) steps = g_strsplit(path, ".", -1);
	for (guint i = 0; steps[i]; i++)
		object = value_get(object, steps[i]);
	return value_kind(object) == VALUE_NUMBER ? value_number_to_string(object)
						  : g_strdup(value_text(object));
}

static gboolean is_between(const char *text, Value values) {
	double number = text ? g_ascii_strtod(text, NULL) : 0;
	return value_length(values) == 2 &&
	       number >= g_ascii_strtod(value_text_or(value_at(values, 0), ""), NULL) &&
	       number <= g_ascii_strtod(value_text_or(value_at(values, 1), ""), NULL);
}

static gboolean passes_one(
	Value object, Value filter, const DiscoveryFilter *known, GError **error) {
	const char *name = value_get_text(filter, "Name");
	const char *condition = value_text_or(value_get(filter, "Condition"), "EQ");
	Value values = value_get(filter, "Values");
	while (known->name && !g_str_equal(known->name, name))
		known++;
	g_autofree char *text = known->name ? text_at(object, known->path) : NULL;
	if (g_str_equal(condition, "BETWEEN"))
		return is_between(text, values);
	if (g_str_equal(condition, "EQ") && value_length(values) != 1) {
		if (error && !*error)
			discovery_invalid(error,
				"The filter %s with the condition EQ takes one value.", name);
		return FALSE;
	}
	for (gsize i = 0; text && i < value_length(values); i++) {
		const char *value = value_text(value_at(values, i));
		if (g_str_equal(condition, "BEGINS_WITH") ? g_str_has_prefix(text, value)
							  : g_str_equal(text, value))
			return TRUE;
	}
	return FALSE;
}

gboolean discovery_passes(
	Value object, Value filters, const DiscoveryFilter *known, GError **error) {
	for (gsize i = 0; i < value_length(filters); i++)
		if (!passes_one(object, value_at(filters, i), known, error))
			return FALSE;
	return TRUE;
}

Value discovery_page(
	RegionCall *call, Value input, const char *member, Value items, GError **error) {
	static const RegionPaging paging = {
		"MaxResults", "NextToken", "NextToken", PAGE, "InvalidInput"};
	if (error && *error)
		return VALUE_NOTHING;
	return region_page_answer(input, &paging, member, value_ref(items), error);
}

/* ---- tags ---- */

void discovery_tag(RegionCall *call, Value input, const char *arn) {
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->scope, arn, tags);
}

/* The ARN that the call is about, or NULL and an error if nothing has it. */
static const char *tagged(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ResourceARN"), *id = discovery_plain_id(arn);
	static const char *const kinds[] = {DISCOVERY_NAMESPACE, DISCOVERY_SERVICE};
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_auto(Value) object =
			store_get(region_store(call->region), call->scope, kinds[i], id);
		if (g_strcmp0(value_get_text(object, "Arn"), arn) == 0)
			return arn;
	}
	wire_error_set(error, "ResourceNotFoundException", "The resource %s was not found.", arn);
	return NULL;
}

static Value tag_resource(RegionCall *call, Value input, GError **error) {
	const char *arn = tagged(call, input, error);
	if (arn)
		discovery_tag(call, input, arn);
	return VALUE_NOTHING;
}

static Value untag_resource(RegionCall *call, Value input, GError **error) {
	const char *arn = tagged(call, input, error);
	Value keys = value_get(input, "TagKeys");
	for (gsize i = 0; arn && i < value_length(keys); i++)
		region_tags_remove(call->region, call->scope, arn, value_text(value_at(keys, i)));
	return VALUE_NOTHING;
}

static Value list_tags(RegionCall *call, Value input, GError **error) {
	const char *arn = tagged(call, input, error);
	if (!arn)
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->scope, arn);
	return value_object_take("Tags", region_tags_to_list(tags, "Key", "Value"), NULL);
}

/* ---- the service ---- */

static gboolean start(Region *region, GError **error) {
	region_controller_add(region, SWEEPER, forget_operations, NULL);
	region_wake(region, SWEEPER);
	discovery_names_start(region);
	return TRUE;
}

static const RegionOperation operations[] = {
	{"GetOperation", get_operation, .reads_only = TRUE},
	{"ListOperations", list_operations, .reads_only = TRUE},
	{"ListTagsForResource", list_tags, .reads_only = TRUE},
	{"TagResource", tag_resource},
	{"UntagResource", untag_resource},
	{NULL},
};

const RegionService region_servicediscovery = {
	.name = "servicediscovery", .operations = operations, .start = start};
