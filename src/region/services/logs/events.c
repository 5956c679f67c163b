/*
 * The table of log events, and what writes to it: PutLogEvents, and other services by logs_append.
 * Events of a stream are in the order of their time and, at the same time, of their arrival.
 */
#include "base/text.h"
#include "region/services/logs/internal.h"
#include "region/services/logs/logs.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS log_events (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT "
	"NOT NULL, region TEXT NOT NULL, log_group TEXT NOT NULL, stream TEXT NOT NULL, time "
	"INTEGER "
	"NOT NULL, arrived INTEGER NOT NULL, message TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS log_events_by_stream ON log_events (account, region, "
	"log_group, "
	"stream, time, id);";

gboolean logs_table(Region *region, GError **error) {
	return store_table(region_store(region), schema, error);
}

sqlite3_stmt *logs_prepare(Region *region, const char *sql) {
	sqlite3_stmt *statement;
	sqlite3 *db = store_sqlite(region_store(region));
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		g_error("the log events cannot be read: %s", sqlite3_errmsg(db));
	return statement;
}

void logs_bind_text(sqlite3_stmt *statement, int index, const char *text) {
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
	sqlite3_stmt *statement = logs_prepare(region, "INSERT INTO log_events (account, region, "
						       "log_group, stream, time, arrived, message) "
						       "VALUES (?, ?, ?, ?, ?, ?, ?)");
	logs_bind_text(statement, 1, scope.account);
	logs_bind_text(statement, 2, scope.region);
	logs_bind_text(statement, 3, group);
	logs_bind_text(statement, 4, stream);
	sqlite3_bind_int64(statement, 5, event->timestamp);
	sqlite3_bind_int64(statement, 6, logs_now_ms(region));
	sqlite3_bind_text(statement, 7, event->text, (int)event->length, SQLITE_TRANSIENT);
	finish(region, statement);
}

void logs_delete_events(
	Region *region, StoreScope scope, const char *group, const char *stream, gint64 before) {
	sqlite3_stmt *statement =
		logs_prepare(region, "DELETE FROM log_events WHERE account = ? AND "
				     "region = ? AND log_group = ? AND (?4 IS "
				     "NULL OR stream = ?4) AND time < ?5");
	logs_bind_text(statement, 1, scope.account);
	logs_bind_text(statement, 2, scope.region);
	logs_bind_text(statement, 3, group);
	if (stream)
		logs_bind_text(statement, 4, stream);
	sqlite3_bind_int64(statement, 5, before);
	finish(region, statement);
}

/* ---- writing ---- */

static void append(Region *region, StoreScope scope, const char *group, const char *stream,
	const LogsEvent *events, gsize n) {
	g_autofree char *key = logs_stream_key(group, stream);
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
	changed = value_with_take(changed, "lastIngestionTime", value_int(logs_now_ms(region)));
	store_put_take(region_store(region), scope, STREAMS, key, changed);
}

Value logs_put_events(RegionCall *call, Value input, GError **error) {
	const char *group = value_get_text(input, "logGroupName");
	const char *stream = value_get_text(input, "logStreamName");
	Value given = value_get(input, "logEvents");
	if (!logs_check_stream(call, group, stream, error))
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
	g_autofree char *key = logs_stream_key(group, stream);
	g_autofree char *writer_key = g_strdup_printf("%s\n%s", key, writer ? writer : "");
	g_auto(Value) seen = store_get(store, scope, WRITERS, writer_key);
	guint64 last = (guint64)value_get_int(seen, "position", 0);
	guint64 position = n > 0 ? events[n - 1].position : 0;
	gsize skip = 0;
	while (skip < n && events[skip].position > 0 && events[skip].position <= last)
		skip++;
	if (!store_has(store, scope, STREAMS, key))
		logs_put_stream(region, scope, group, stream);
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
			logs_create_group(&call, input, NULL);
		else
			fine = logs_no_such(error, "group");
	}
	fine = fine && append_once(region, scope, group, stream, writer, events, n_events);
	if (own && !fine)
		store_rollback(store);
	return own && fine ? store_commit(store, error) : fine;
}
