/*
 * GetLogEvents and FilterLogEvents: events of one stream either way, or of a group's, behind a
 * token that names the last one given; so what comes meanwhile is neither missed nor told twice.
 */
#include <stdio.h>

#include "region/services/logs/internal.h"

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
	sqlite3_stmt *statement = logs_prepare(call->region, sql);
	logs_bind_text(statement, 1, call->scope.account);
	logs_bind_text(statement, 2, call->scope.region);
	logs_bind_text(statement, 3, query->group);
	if (query->stream)
		logs_bind_text(statement, 4, query->stream);
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

Value logs_get_events(RegionCall *call, Value input, GError **error) {
	g_autofree char *group = logs_group_name(input);
	const char *stream = value_get_text(input, "logStreamName");
	const char *token = value_get_text(input, "nextToken");
	if (!logs_check_stream(call, group, stream, error))
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

static gboolean wants_stream(Value input, const char *stream) {
	Value names = value_get(input, "logStreamNames");
	const char *prefix = value_get_text(input, "logStreamNamePrefix");
	for (gsize i = 0; i < value_length(names); i++)
		if (g_strcmp0(value_text(value_at(names, i)), stream) == 0)
			return TRUE;
	return value_length(names) == 0 && (!prefix || g_str_has_prefix(stream, prefix));
}

static Value filtered(
	RegionCall *call, Value input, const Query *query, const LogsPattern *pattern) {
	gint64 limit = value_get_int(input, "limit", 10000);
	g_autoptr(ValueBuilder) events = value_builder_new(VALUE_TUPLE, NULL);
	gboolean more = FALSE;
	Place last = {0, 0};
	sqlite3_stmt *statement = select_events(call, query);
	while (!more && sqlite3_step(statement) == SQLITE_ROW) {
		const char *stream = (const char *)sqlite3_column_text(statement, 4);
		if (!wants_stream(input, stream) ||
			!logs_pattern_matches(
				pattern, (const char *)sqlite3_column_text(statement, 3)))
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

Value logs_filter_events(RegionCall *call, Value input, GError **error) {
	g_autofree char *group = logs_group_name(input);
	g_auto(Value) object = logs_group_get(call, group);
	if (value_is_null(object)) {
		logs_no_such(error, "group");
		return VALUE_NOTHING;
	}
	Query query = {.group = group,
		.from = value_get_int(input, "startTime", 0),
		.to = value_get_int(input, "endTime", G_MAXINT64)};
	const char *token = value_get_text(input, "nextToken");
	if (token && !read_token(token, &query, error))
		return VALUE_NOTHING;
	LogsPattern pattern;
	gboolean fine = logs_pattern_read(
		value_text_or(value_get(input, "filterPattern"), ""), &pattern, error);
	Value output = fine ? filtered(call, input, &query, &pattern) : VALUE_NOTHING;
	logs_pattern_clear(&pattern);
	return output;
}
