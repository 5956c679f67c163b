/*
 * CloudWatch Logs: groups and streams in the store, events in a table of their own. Events of a
 * stream are in the order of their time and, at the same time, of their arrival.
 */
#include "region/services/logs/logs.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

extern const RegionService region_logs;

#define GROUPS "logs/group"
#define STREAMS "logs/stream" /* id: group, a line break, stream */
#define WRITERS "logs/writer" /* id: group, stream and writer, with line breaks between */
#define SWEEPER "logs/retention"
#define SWEEP_S 3600
#define DAY_MS 86400000

static gint64 now_ms(Region *region) {
	return region_now(region) / 1000;
}

static Value get_group(RegionCall *call, const char *name) {
	return name ? store_get(region_store(call->region), call->scope, GROUPS, name)
		    : VALUE_NOTHING;
}

/* A group by name, or by its ARN as logGroupIdentifier. Caller frees. */
static char *group_name(Value input) {
	const char *name = value_get_text(input, "logGroupName");
	const char *id = name ? name : value_get_text(input, "logGroupIdentifier");
	g_autofree char *resource = NULL;
	if (!region_arn_parse(id, NULL, NULL, NULL, &resource))
		return g_strdup(id);
	g_auto(GStrv) parts = g_strsplit(resource, ":", 3);
	return g_strdup(parts[0] && parts[1] ? parts[1] : resource);
}

static gboolean no_such(GError **error, const char *what) {
	wire_error_set(
		error, "ResourceNotFoundException", "The specified log %s does not exist.", what);
	return FALSE;
}

static char *stream_key(const char *group, const char *stream) {
	return g_strdup_printf("%s\n%s", group, stream);
}

static gboolean check_stream(
	RegionCall *call, const char *group, const char *stream, GError **error) {
	g_autofree char *key = stream_key(group ? group : "", stream);
	if (!group || !store_has(region_store(call->region), call->scope, GROUPS, group))
		return no_such(error, "group");
	return store_has(region_store(call->region), call->scope, STREAMS, key) ||
	       no_such(error, "stream");
}

/* ---- events ---- */

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS log_events (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT "
	"NOT NULL, region TEXT NOT NULL, log_group TEXT NOT NULL, stream TEXT NOT NULL, time "
	"INTEGER "
	"NOT NULL, arrived INTEGER NOT NULL, message TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS log_events_by_stream ON log_events (account, region, "
	"log_group, "
	"stream, time, id);";

/* Prepares a statement; a failure is a broken file or a mistake here. */
static sqlite3_stmt *prepare(Region *region, const char *sql) {
	sqlite3_stmt *statement;
	sqlite3 *db = store_sqlite(region_store(region));
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		g_error("the log events cannot be read: %s", sqlite3_errmsg(db));
	return statement;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text) {
	sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

static void finish(Region *region, sqlite3_stmt *statement) {
	if (sqlite3_step(statement) != SQLITE_DONE)
		g_error("the log events cannot be written: %s",
			sqlite3_errmsg(store_sqlite(region_store(region))));
	sqlite3_finalize(statement);
}

static void insert_event(Region *region, StoreScope scope, const char *group, const char *stream,
	const LogsEvent *event) {
	sqlite3_stmt *statement = prepare(region, "INSERT INTO log_events (account, region, "
						  "log_group, stream, time, arrived, message) "
						  "VALUES (?, ?, ?, ?, ?, ?, ?)");
	bind_text(statement, 1, scope.account);
	bind_text(statement, 2, scope.region);
	bind_text(statement, 3, group);
	bind_text(statement, 4, stream);
	sqlite3_bind_int64(statement, 5, event->timestamp);
	sqlite3_bind_int64(statement, 6, now_ms(region));
	sqlite3_bind_text(statement, 7, event->text, (int)event->length, SQLITE_TRANSIENT);
	finish(region, statement);
}

/* stream NULL: of the whole group. before: only what is older, in milliseconds. */
static void delete_events(
	Region *region, StoreScope scope, const char *group, const char *stream, gint64 before) {
	sqlite3_stmt *statement = prepare(region, "DELETE FROM log_events WHERE account = ? AND "
						  "region = ? AND log_group = ? AND (?4 IS "
						  "NULL OR stream = ?4) AND time < ?5");
	bind_text(statement, 1, scope.account);
	bind_text(statement, 2, scope.region);
	bind_text(statement, 3, group);
	if (stream)
		bind_text(statement, 4, stream);
	sqlite3_bind_int64(statement, 5, before);
	finish(region, statement);
}

/* ---- groups ---- */

static Value create_group(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "logGroupName");
	if (store_has(region_store(call->region), call->scope, GROUPS, name)) {
		wire_error_set(error, "ResourceAlreadyExistsException",
			"The specified log group already exists");
		return VALUE_NOTHING;
	}
	g_autofree char *arn = region_arn(call->scope, "logs", "log-group:%s", name);
	Value group = value_object_take("logGroupName", value_string(name), "logGroupArn",
		value_string(arn), "arn", value_string_printf("%s:*", arn), "creationTime",
		value_int(now_ms(call->region)), "metricFilterCount", value_int(0), "logGroupClass",
		value_string(value_text_or(value_get(input, "logGroupClass"), "STANDARD")), NULL);
	if (value_has(input, "kmsKeyId"))
		group = value_with_take(group, "kmsKeyId", value_ref(value_get(input, "kmsKeyId")));
	store_put_take(region_store(call->region), call->scope, GROUPS, name, group);
	region_tags_set(call->region, call->scope, arn, value_get(input, "tags"));
	return VALUE_NOTHING;
}

static gint64 stored_bytes(RegionCall *call, const char *group, const char *stream) {
	sqlite3_stmt *statement = prepare(call->region,
		"SELECT coalesce(sum(length(CAST(message AS BLOB))), 0) FROM log_events WHERE "
		"account = "
		"? AND region = ? AND log_group = ? AND (?4 IS NULL OR stream = ?4)");
	bind_text(statement, 1, call->scope.account);
	bind_text(statement, 2, call->scope.region);
	bind_text(statement, 3, group);
	if (stream)
		bind_text(statement, 4, stream);
	gint64 bytes =
		sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return bytes;
}

static Value page_of(
	RegionCall *call, Value input, const char *member, Value items_taken, GError **error) {
	g_auto(Value) items = items_taken;
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	Value page = region_page(items, value_get_int(input, "limit", 50),
		value_get_text(input, "nextToken"), "InvalidParameterException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take(member, page, NULL);
	return next ? value_with_take(output, "nextToken", value_string(next)) : output;
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
	return page_of(call, input, "logGroups", value_builder_end(g_steal_pointer(&all)), error);
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
	g_auto(Value) group = get_group(call, name);
	if (value_is_null(group)) {
		no_such(error, "group");
		return VALUE_NOTHING;
	}
	delete_below(call, STREAMS, name);
	delete_below(call, WRITERS, name);
	delete_events(call->region, call->scope, name, NULL, G_MAXINT64);
	region_tags_clear(call->region, call->scope, value_get_text(group, "logGroupArn"));
	store_delete(region_store(call->region), call->scope, GROUPS, name);
	return VALUE_NOTHING;
}

static Value change_retention(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "logGroupName");
	g_auto(Value) group = get_group(call, name);
	if (value_is_null(group)) {
		no_such(error, "group");
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
		delete_events(region, store_iter_scope(&iter), name, NULL,
			now_ms(region) - days * DAY_MS);
		store_commit(store, NULL);
	}
	region_wake_after(region, SWEEPER, SWEEP_S);
}

/* ---- streams ---- */

static void put_stream(Region *region, StoreScope scope, const char *group, const char *stream) {
	g_autofree char *key = stream_key(group, stream);
	g_autofree char *arn =
		region_arn(scope, "logs", "log-group:%s:log-stream:%s", group, stream);
	store_put_take(region_store(region), scope, STREAMS, key,
		value_object_take("logStreamName", value_string(stream), "arn", value_string(arn),
			"creationTime", value_int(now_ms(region)), NULL));
}

static Value create_stream(RegionCall *call, Value input, GError **error) {
	const char *group = value_get_text(input, "logGroupName");
	const char *stream = value_get_text(input, "logStreamName");
	g_autofree char *key = stream_key(group, stream);
	if (!store_has(region_store(call->region), call->scope, GROUPS, group)) {
		no_such(error, "group");
		return VALUE_NOTHING;
	}
	if (store_has(region_store(call->region), call->scope, STREAMS, key)) {
		wire_error_set(error, "ResourceAlreadyExistsException",
			"The specified log stream already exists");
		return VALUE_NOTHING;
	}
	put_stream(call->region, call->scope, group, stream);
	return VALUE_NOTHING;
}

static int latest_first(gconstpointer a, gconstpointer b) {
	gint64 first = value_get_int(*(const Value *)a, "lastEventTimestamp", 0);
	gint64 second = value_get_int(*(const Value *)b, "lastEventTimestamp", 0);
	return (second > first) - (second < first);
}

static Value describe_streams(RegionCall *call, Value input, GError **error) {
	g_autofree char *group = group_name(input);
	if (!group || !store_has(region_store(call->region), call->scope, GROUPS, group)) {
		no_such(error, "group");
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
	return page_of(call, input, "logStreams", value_builder_end(g_steal_pointer(&all)), error);
}

static Value delete_stream(RegionCall *call, Value input, GError **error) {
	const char *group = value_get_text(input, "logGroupName");
	const char *stream = value_get_text(input, "logStreamName");
	if (!check_stream(call, group, stream, error))
		return VALUE_NOTHING;
	g_autofree char *key = stream_key(group, stream);
	delete_events(call->region, call->scope, group, stream, G_MAXINT64);
	store_delete(region_store(call->region), call->scope, STREAMS, key);
	return VALUE_NOTHING;
}

/* ---- writing ---- */

static void append(Region *region, StoreScope scope, const char *group, const char *stream,
	const LogsEvent *events, gsize n) {
	g_autofree char *key = stream_key(group, stream);
	g_auto(Value) object = store_get(region_store(region), scope, STREAMS, key);
	gint64 first = value_get_int(object, "firstEventTimestamp", G_MAXINT64);
	gint64 last = value_get_int(object, "lastEventTimestamp", 0);
	for (gsize i = 0; i < n; i++) {
		insert_event(region, scope, group, stream, &events[i]);
		first = MIN(first, events[i].timestamp);
		last = MAX(last, events[i].timestamp);
	}
	Value changed =
		value_with_take(value_steal(&object), "firstEventTimestamp", value_int(first));
	changed = value_with_take(changed, "lastEventTimestamp", value_int(last));
	changed = value_with_take(changed, "lastIngestionTime", value_int(now_ms(region)));
	store_put_take(region_store(region), scope, STREAMS, key, changed);
}

static Value put_events(RegionCall *call, Value input, GError **error) {
	const char *group = value_get_text(input, "logGroupName");
	const char *stream = value_get_text(input, "logStreamName");
	Value given = value_get(input, "logEvents");
	if (!check_stream(call, group, stream, error))
		return VALUE_NOTHING;
	g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(LogsEvent));
	gint64 before = 0;
	for (gsize i = 0; i < value_length(given); i++) {
		Value message = value_get(value_at(given, i), "message");
		LogsEvent event = {.timestamp = value_get_int(value_at(given, i), "timestamp", 0),
			.text = value_text(message),
			.length = value_text_length(message)};
		if (event.timestamp < before) {
			wire_error_set(error, "InvalidParameterException",
				"Log events in a single PutLogEvents request must be in "
				"chronological "
				"order.");
			return VALUE_NOTHING;
		}
		before = event.timestamp;
		g_array_append_val(events, event);
	}
	append(call->region, call->scope, group, stream, (const LogsEvent *)events->data,
		events->len);
	g_autofree char *token = text_random(56, "0123456789");
	return value_object_take("nextSequenceToken", value_string(token), NULL);
}

static gboolean append_once(Region *region, StoreScope scope, const char *group, const char *stream,
	const char *writer, const LogsEvent *events, gsize n) {
	Store *store = region_store(region);
	g_autofree char *key = stream_key(group, stream);
	g_autofree char *writer_key = g_strdup_printf("%s\n%s", key, writer ? writer : "");
	g_auto(Value) seen = store_get(store, scope, WRITERS, writer_key);
	guint64 last = (guint64)value_get_int(seen, "position", 0);
	guint64 position = n > 0 ? events[n - 1].position : 0;
	gsize skip = 0;
	while (skip < n && events[skip].position > 0 && events[skip].position <= last)
		skip++;
	if (!store_has(store, scope, STREAMS, key))
		put_stream(region, scope, group, stream);
	append(region, scope, group, stream, events + skip, n - skip);
	if (position > last)
		store_put_take(store, scope, WRITERS, writer_key,
			value_object_take("position", value_int((gint64)position), NULL));
	return TRUE;
}

gboolean logs_append(Region *region, StoreScope scope, const char *group, const char *stream,
	const char *writer, const LogsEvent *events, gsize n_events,
	gboolean create_group_if_missing, GError **error) {
	Store *store = region_store(region);
	gboolean own = !store_in_transaction(store);
	if (own && !store_begin(store, error))
		return FALSE;
	gboolean fine = TRUE;
	if (!store_has(store, scope, GROUPS, group)) {
		g_auto(Value) input = value_object_take("logGroupName", value_string(group), NULL);
		RegionCall call = {.region = region, .scope = scope};
		if (create_group_if_missing)
			create_group(&call, input, NULL);
		else
			fine = no_such(error, "group");
	}
	fine = fine && append_once(region, scope, group, stream, writer, events, n_events);
	if (own && !fine)
		store_rollback(store);
	return own && fine ? store_commit(store, error) : fine;
}

/* ---- reading ---- */

typedef struct {
	const char *group, *stream; /* stream NULL: all */
	gint64 from, to; /* milliseconds; to is exclusive */
	gboolean backwards;
	gboolean placed; /* behind (or before) this event */
	gint64 time, id;
} Query;

static sqlite3_stmt *select_events(RegionCall *call, const Query *query) {
	g_autofree char *sql =
		g_strdup_printf("SELECT id, time, arrived, message, stream FROM log_events WHERE "
				"account = ? AND region = "
				"? AND log_group = ? AND (?4 IS NULL OR stream = ?4) AND time >= "
				"?5 AND time < ?6 AND "
				"(?7 = 0 OR (time, id) %s (?8, ?9)) ORDER BY time %s, id %s",
			query->backwards ? "<" : ">", query->backwards ? "DESC" : "ASC",
			query->backwards ? "DESC" : "ASC");
	sqlite3_stmt *statement = prepare(call->region, sql);
	bind_text(statement, 1, call->scope.account);
	bind_text(statement, 2, call->scope.region);
	bind_text(statement, 3, query->group);
	if (query->stream)
		bind_text(statement, 4, query->stream);
	sqlite3_bind_int64(statement, 5, query->from);
	sqlite3_bind_int64(statement, 6, query->to);
	sqlite3_bind_int(statement, 7, query->placed);
	sqlite3_bind_int64(statement, 8, query->time);
	sqlite3_bind_int64(statement, 9, query->id);
	return statement;
}

/* "f/TIME/ID" or "b/TIME/ID" */
static gboolean read_token(const char *token, Query *query, GError **error) {
	long long time, id;
	if ((*token == 'f' || *token == 'b') && sscanf(token + 1, "/%lld/%lld", &time, &id) == 2) {
		query->backwards = *token == 'b';
		query->placed = TRUE;
		query->time = time;
		query->id = id;
		return TRUE;
	}
	wire_error_set(error, "InvalidParameterException", "The specified nextToken is invalid.");
	return FALSE;
}

static Value make_token(char direction, gint64 time, gint64 id) {
	return value_string_printf(
		"%c/%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, direction, time, id);
}

static Value event_of(sqlite3_stmt *statement) {
	return value_object_take("timestamp", value_int(sqlite3_column_int64(statement, 1)),
		"ingestionTime", value_int(sqlite3_column_int64(statement, 2)), "message",
		value_string_sized((const char *)sqlite3_column_text(statement, 3),
			(gsize)sqlite3_column_bytes(statement, 3)),
		NULL);
}

typedef struct {
	gint64 time, id;
} Place;

static Value get_events(RegionCall *call, Value input, GError **error) {
	g_autofree char *group = group_name(input);
	const char *stream = value_get_text(input, "logStreamName");
	const char *token = value_get_text(input, "nextToken");
	if (!check_stream(call, group, stream, error))
		return VALUE_NOTHING;
	Query query = {.group = group,
		.stream = stream,
		.from = value_get_int(input, "startTime", 0),
		.to = value_get_int(input, "endTime", G_MAXINT64),
		.backwards = !value_get_bool(input, "startFromHead")};
	if (token && !read_token(token, &query, error))
		return VALUE_NOTHING;
	gint64 limit = value_get_int(input, "limit", 10000);
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Value));
	Place first = {query.time, query.id}, last = first;
	sqlite3_stmt *statement = select_events(call, &query);
	while ((gint64)found->len < limit && sqlite3_step(statement) == SQLITE_ROW) {
		Value event = event_of(statement);
		last = (Place){
			sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 0)};
		if (found->len == 0)
			first = last;
		g_array_append_val(found, event);
	}
	sqlite3_finalize(statement);
	g_autoptr(ValueBuilder) events = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < found->len; i++)
		value_builder_add_take(events,
			g_array_index(found, Value, query.backwards ? found->len - 1 - i : i));
	Place newest = query.backwards ? first : last, oldest = query.backwards ? last : first;
	return value_object_take("events", value_builder_end(g_steal_pointer(&events)),
		"nextForwardToken", make_token('f', newest.time, newest.id), "nextBackwardToken",
		make_token('b', oldest.time, oldest.id), NULL);
}

/* ---- filtering ---- */

/* A pattern's terms: all plain ones must occur, none with "-", and one of those with "?". */
typedef struct {
	GPtrArray *all, *none, *any;
} Pattern;

static void pattern_clear(Pattern *pattern) {
	g_ptr_array_unref(pattern->all);
	g_ptr_array_unref(pattern->none);
	g_ptr_array_unref(pattern->any);
}

static gboolean pattern_read(const char *text, Pattern *pattern, GError **error) {
	*pattern = (Pattern){g_ptr_array_new_with_free_func(g_free),
		g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free)};
	while (*(text += strspn(text, " "))) {
		if (*text == '{' || *text == '[' || *text == '%') {
			wire_error_set(error, "InvalidParameterException",
				"Terrarium's filter patterns are of terms and phrases: those of "
				"JSON, "
				"columns and regular expressions are not implemented.");
			return FALSE;
		}
		GPtrArray *terms = *text == '-'	  ? pattern->none
				   : *text == '?' ? pattern->any
						  : pattern->all;
		text += terms != pattern->all;
		gboolean quoted = *text == '"';
		text += quoted;
		gsize length = strcspn(text, quoted ? "\"" : " ");
		g_ptr_array_add(terms, g_strndup(text, length));
		text += length + (quoted && text[length]);
	}
	return TRUE;
}

static gboolean occurs(GPtrArray *terms, guint index, const char *message) {
	return strstr(message, terms->pdata[index]) != NULL;
}

static gboolean pattern_matches(const Pattern *pattern, const char *message) {
	for (guint i = 0; i < pattern->all->len; i++)
		if (!occurs(pattern->all, i, message))
			return FALSE;
	for (guint i = 0; i < pattern->none->len; i++)
		if (occurs(pattern->none, i, message))
			return FALSE;
	for (guint i = 0; i < pattern->any->len; i++)
		if (occurs(pattern->any, i, message))
			return TRUE;
	return pattern->any->len == 0;
}

static gboolean wants_stream(Value input, const char *stream) {
	Value names = value_get(input, "logStreamNames");
	const char *prefix = value_get_text(input, "logStreamNamePrefix");
	for (gsize i = 0; i < value_length(names); i++)
		if (g_strcmp0(value_text(value_at(names, i)), stream) == 0)
			return TRUE;
	return value_length(names) == 0 && (!prefix || g_str_has_prefix(stream, prefix));
}

static Value filtered(RegionCall *call, Value input, const Query *query, const Pattern *pattern) {
	gint64 limit = value_get_int(input, "limit", 10000);
	g_autoptr(ValueBuilder) events = value_builder_new(VALUE_TUPLE, NULL);
	gboolean more = FALSE;
	Place last = {0, 0};
	sqlite3_stmt *statement = select_events(call, query);
	while (!more && sqlite3_step(statement) == SQLITE_ROW) {
		const char *stream = (const char *)sqlite3_column_text(statement, 4);
		if (!wants_stream(input, stream) ||
			!pattern_matches(pattern, (const char *)sqlite3_column_text(statement, 3)))
			continue;
		more = (gint64)value_builder_length(events) == limit;
		if (more)
			break;
		last = (Place){
			sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 0)};
		Value event =
			value_with_take(event_of(statement), "logStreamName", value_string(stream));
		value_builder_add_take(events,
			value_with_take(event, "eventId",
				value_string_printf("%032" G_GINT64_MODIFIER "d", last.id)));
	}
	sqlite3_finalize(statement);
	Value output = value_object_take("events", value_builder_end(g_steal_pointer(&events)),
		"searchedLogStreams", value_empty_tuple(), NULL);
	return more ? value_with_take(output, "nextToken", make_token('f', last.time, last.id))
		    : output;
}

static Value filter_events(RegionCall *call, Value input, GError **error) {
	g_autofree char *group = group_name(input);
	g_auto(Value) object = get_group(call, group);
	if (value_is_null(object)) {
		no_such(error, "group");
		return VALUE_NOTHING;
	}
	Query query = {.group = group,
		.from = value_get_int(input, "startTime", 0),
		.to = value_get_int(input, "endTime", G_MAXINT64)};
	const char *token = value_get_text(input, "nextToken");
	if (token && !read_token(token, &query, error))
		return VALUE_NOTHING;
	Pattern pattern;
	gboolean fine =
		pattern_read(value_text_or(value_get(input, "filterPattern"), ""), &pattern, error);
	Value output = fine ? filtered(call, input, &query, &pattern) : VALUE_NOTHING;
	pattern_clear(&pattern);
	return output;
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
	no_such(error, "group");
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
	return store_table(region_store(region), schema, error);
}

static const RegionOperation operations[] = {
	{"CreateLogGroup", create_group},
	{"DescribeLogGroups", describe_groups, .reads_only = TRUE},
	{"DeleteLogGroup", delete_group},
	{"PutRetentionPolicy", change_retention},
	{"DeleteRetentionPolicy", change_retention},
	{"CreateLogStream", create_stream},
	{"DescribeLogStreams", describe_streams, .reads_only = TRUE},
	{"DeleteLogStream", delete_stream},
	{"PutLogEvents", put_events},
	{"GetLogEvents", get_events, .reads_only = TRUE},
	{"FilterLogEvents", filter_events, .reads_only = TRUE},
	{"TagResource", tag_resource},
	{"UntagResource", untag_resource},
	{"ListTagsForResource", list_tags, .reads_only = TRUE},
	{NULL},
};

const RegionService region_logs = {.name = "logs", .operations = operations, .start = start};
