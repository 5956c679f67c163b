/*
 * CloudWatch Logs: groups and streams, their tags, and the events that are too old. What is in a
 * stream is a table of its own (events.c, read.c).
 */
#include <string.h>

#include "region/services/logs/internal.h"

extern const RegionService region_logs;

#define SWEEPER "logs/retention"
#define SWEEP_S 3600
#define DAY_MS 86400000

gint64 logs_now_ms(Region *region) {
	return region_now(region) / 1000;
}

Value logs_group_get(RegionCall *call, const char *name) {
	return name ? store_get(region_store(call->region), call->scope, GROUPS, name)
		    : VALUE_NOTHING;
}

char *logs_group_name(Value input) {
	const char *name = value_get_text(input, "logGroupName");
	const char *id = name ? name : value_get_text(input, "logGroupIdentifier");
	g_autofree char *resource = NULL;
	if (!region_arn_parse(id, NULL, NULL, NULL, &resource))
		return g_strdup(id);
	g_auto(GStrv) parts = g_strsplit(resource, ":", 3);
	return g_strdup(parts[0] && parts[1] ? parts[1] : resource);
}

gboolean logs_no_such(GError **error, const char *what) {
	wire_error_set(
		error, "ResourceNotFoundException", "The specified log %s does not exist.", what);
	return FALSE;
}

char *logs_stream_key(const char *group, const char *stream) {
	return g_strdup_printf("%s\n%s", group, stream);
}

gboolean logs_check_stream(
	RegionCall *call, const char *group, const char *stream, GError **error) {
	g_autofree char *key = logs_stream_key(group ? group : "", stream);
	if (!group || !store_has(region_store(call->region), call->scope, GROUPS, group))
		return logs_no_such(error, "group");
	return store_has(region_store(call->region), call->scope, STREAMS, key) ||
	       logs_no_such(error, "stream");
}

/* ---- groups ---- */

Value logs_create_group(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "logGroupName");
	if (store_has(region_store(call->region), call->scope, GROUPS, name)) {
		wire_error_set(error, "ResourceAlreadyExistsException",
			"The specified log group already exists");
		return VALUE_NOTHING;
	}
	g_autofree char *arn = region_arn(call->scope, "logs", "log-group:%s", name);
	Value group = value_object_take("logGroupName", value_string(name), "logGroupArn",
		value_string(arn), "arn", value_string_printf("%s:*", arn), "creationTime",
		value_int(logs_now_ms(call->region)), "metricFilterCount", value_int(0),
		"logGroupClass",
		value_string(value_text_or(value_get(input, "logGroupClass"), "STANDARD")), NULL);
	if (value_has(input, "kmsKeyId"))
		group = value_with_take(group, "kmsKeyId", value_ref(value_get(input, "kmsKeyId")));
	store_put_take(region_store(call->region), call->scope, GROUPS, name, group);
	region_tags_set(call->region, call->scope, arn, value_get(input, "tags"));
	return VALUE_NOTHING;
}

static gint64 stored_bytes(RegionCall *call, const char *group, const char *stream) {
	sqlite3_stmt *statement = logs_prepare(call->region,
		"SELECT coalesce(sum(length(CAST(message AS BLOB))), 0) FROM log_events WHERE "
		"account = "
		"? AND region = ? AND log_group = ? AND (?4 IS NULL OR stream = ?4)");
	logs_bind_text(statement, 1, call->scope.account);
	logs_bind_text(statement, 2, call->scope.region);
	logs_bind_text(statement, 3, group);
	if (stream)
		logs_bind_text(statement, 4, stream);
	gint64 bytes =
		sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return bytes;
}

static Value page_of(Value input, const char *member, Value items_taken, GError **error) {
	static const RegionPaging paging = {
		"limit", "nextToken", "nextToken", 50, "InvalidParameterException"};
	return region_page_answer(input, &paging, member, items_taken, error);
}

static Value describe_groups(RegionCall *call, Value input, GError **error) {
	const char *prefix = value_text_or(value_get(input, "logGroupNamePrefix"), "");
	const char *part = value_text_or(value_get(input, "logGroupNamePattern"), "");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, GROUPS);
	const char *name;
	Value group;
	while (store_iter_next(&iter, &name, &group))
		if (g_str_has_prefix(name, prefix) && strstr(name, part))
			value_builder_add_take(
				all, value_with_take(value_ref(group), "storedBytes",
					     value_int(stored_bytes(call, name, NULL))));
	return page_of(input, "logGroups", value_builder_end(g_steal_pointer(&all)), error);
}

static void delete_below(RegionCall *call, const char *kind, const char *group) {
	g_autofree char *prefix = g_strdup_printf("%s\n", group);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, kind, prefix);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object))
		store_delete(region_store(call->region), call->scope, kind, id);
}

static Value delete_group(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "logGroupName");
	g_auto(Value) group = logs_group_get(call, name);
	if (value_is_null(group)) {
		logs_no_such(error, "group");
		return VALUE_NOTHING;
	}
	delete_below(call, STREAMS, name);
	delete_below(call, WRITERS, name);
	logs_delete_events(call->region, call->scope, name, NULL, G_MAXINT64);
	region_tags_clear(call->region, call->scope, value_get_text(group, "logGroupArn"));
	store_delete(region_store(call->region), call->scope, GROUPS, name);
	return VALUE_NOTHING;
}

static Value change_retention(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "logGroupName");
	g_auto(Value) group = logs_group_get(call, name);
	if (value_is_null(group)) {
		logs_no_such(error, "group");
		return VALUE_NOTHING;
	}
	Value changed = value_has(input, "retentionInDays")
				? value_with_take(value_ref(group), "retentionInDays",
					  value_ref(value_get(input, "retentionInDays")))
				: value_without_take(value_ref(group), "retentionInDays");
	store_put_take(region_store(call->region), call->scope, GROUPS, name, changed);
	return VALUE_NOTHING;
}

/* Events older than their group's retention go. */
static void sweep(Region *region, gpointer data) {
	Store *store = region_store(region);
	g_auto(StoreIter) iter = store_iter(store, (StoreScope){NULL, NULL}, GROUPS);
	const char *name;
	Value group;
	while (store_iter_next(&iter, &name, &group)) {
		gint64 days = value_get_int(group, "retentionInDays", 0);
		if (days == 0 || !store_begin(store, NULL))
			continue;
		logs_delete_events(region, store_iter_scope(&iter), name, NULL,
			logs_now_ms(region) - days * DAY_MS);
		store_commit(store, NULL);
	}
	region_wake_after(region, SWEEPER, SWEEP_S);
}

/* ---- streams ---- */

void logs_put_stream(Region *region, StoreScope scope, const char *group, const char *stream) {
	g_autofree char *key = logs_stream_key(group, stream);
	g_autofree char *arn =
		region_arn(scope, "logs", "log-group:%s:log-stream:%s", group, stream);
	store_put_take(region_store(region), scope, STREAMS, key,
		value_object_take("logStreamName", value_string(stream), "arn", value_string(arn),
			"creationTime", value_int(logs_now_ms(region)), NULL));
}

static Value create_stream(RegionCall *call, Value input, GError **error) {
	const char *group = value_get_text(input, "logGroupName");
	const char *stream = value_get_text(input, "logStreamName");
	g_autofree char *key = logs_stream_key(group, stream);
	if (!store_has(region_store(call->region), call->scope, GROUPS, group)) {
		logs_no_such(error, "group");
		return VALUE_NOTHING;
	}
	if (store_has(region_store(call->region), call->scope, STREAMS, key)) {
		wire_error_set(error, "ResourceAlreadyExistsException",
			"The specified log stream already exists");
		return VALUE_NOTHING;
	}
	logs_put_stream(call->region, call->scope, group, stream);
	return VALUE_NOTHING;
}

static int latest_first(gconstpointer a, gconstpointer b) {
	gint64 first = value_get_int(*(const Value *)a, "lastEventTimestamp", 0);
	gint64 second = value_get_int(*(const Value *)b, "lastEventTimestamp", 0);
	return (second > first) - (second < first);
}

static Value describe_streams(RegionCall *call, Value input, GError **error) {
	g_autofree char *group = logs_group_name(input);
	if (!group || !store_has(region_store(call->region), call->scope, GROUPS, group)) {
		logs_no_such(error, "group");
		return VALUE_NOTHING;
	}
	g_autofree char *prefix = g_strdup_printf(
		"%s\n%s", group, value_text_or(value_get(input, "logStreamNamePrefix"), ""));
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Value));
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, STREAMS, prefix);
	const char *id;
	Value stream;
	while (store_iter_next(&iter, &id, &stream)) {
		Value whole = value_with_take(value_ref(stream), "storedBytes", value_int(0));
		g_array_append_val(found, whole);
	}
	if (g_strcmp0(value_get_text(input, "orderBy"), "LastEventTime") == 0)
		g_array_sort(found, latest_first);
	gboolean by_time = g_strcmp0(value_get_text(input, "orderBy"), "LastEventTime") == 0;
	gboolean reversed = value_get_bool(input, "descending") != by_time;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < found->len; i++)
		value_builder_add_take(
			all, g_array_index(found, Value, reversed ? found->len - 1 - i : i));
	return page_of(input, "logStreams", value_builder_end(g_steal_pointer(&all)), error);
}

static Value delete_stream(RegionCall *call, Value input, GError **error) {
	const char *group = value_get_text(input, "logGroupName");
	const char *stream = value_get_text(input, "logStreamName");
	if (!logs_check_stream(call, group, stream, error))
		return VALUE_NOTHING;
	g_autofree char *key = logs_stream_key(group, stream);
	logs_delete_events(call->region, call->scope, group, stream, G_MAXINT64);
	store_delete(region_store(call->region), call->scope, STREAMS, key);
	return VALUE_NOTHING;
}

/* ---- tags ---- */

/* The ARN of a group that is there, without the ":*" that some give; NULL and an error. */
static char *tagged_arn(RegionCall *call, Value input, GError **error) {
	const char *given = value_get_text(input, "resourceArn");
	g_autofree char *arn = g_strndup(
		given, strlen(given) - (g_str_has_suffix(given, ":*") ? strlen(":*") : 0));
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, GROUPS);
	const char *name;
	Value group;
	while (store_iter_next(&iter, &name, &group))
		if (g_strcmp0(value_get_text(group, "logGroupArn"), arn) == 0)
			return g_steal_pointer(&arn);
	logs_no_such(error, "group");
	return NULL;
}

static Value tag_resource(RegionCall *call, Value input, GError **error) {
	g_autofree char *arn = tagged_arn(call, input, error);
	if (arn)
		region_tags_set(call->region, call->scope, arn, value_get(input, "tags"));
	return VALUE_NOTHING;
}

static Value untag_resource(RegionCall *call, Value input, GError **error) {
	g_autofree char *arn = tagged_arn(call, input, error);
	Value keys = value_get(input, "tagKeys");
	for (gsize i = 0; arn && i < value_length(keys); i++)
		region_tags_remove(call->region, call->scope, arn, value_text(value_at(keys, i)));
	return VALUE_NOTHING;
}

static Value list_tags(RegionCall *call, Value input, GError **error) {
	g_autofree char *arn = tagged_arn(call, input, error);
	return arn ? value_object_take("tags", region_tags(call->region, call->scope, arn), NULL)
		   : VALUE_NOTHING;
}

static gboolean start(Region *region, GError **error) {
	region_controller_add(region, SWEEPER, sweep, NULL);
	return logs_table(region, error);
}

static const RegionOperation operations[] = {
	{"CreateLogGroup", logs_create_group},
	{"DescribeLogGroups", describe_groups, .reads_only = TRUE},
	{"DeleteLogGroup", delete_group},
	{"PutRetentionPolicy", change_retention},
	{"DeleteRetentionPolicy", change_retention},
	{"CreateLogStream", create_stream},
	{"DescribeLogStreams", describe_streams, .reads_only = TRUE},
	{"DeleteLogStream", delete_stream},
	{"PutLogEvents", logs_put_events},
	{"GetLogEvents", logs_get_events, .reads_only = TRUE},
	{"FilterLogEvents", logs_filter_events, .reads_only = TRUE},
	{"TagResource", tag_resource},
	{"UntagResource", untag_resource},
	{"ListTagsForResource", list_tags, .reads_only = TRUE},
	{NULL},
};

const RegionService region_logs = {.name = "logs", .operations = operations, .start = start};
