/*
 * What the files of CloudWatch Logs share. Groups and streams lie in the store, events in a table
 * of the same file, so that one transaction keeps both.
 */
#pragma once

#include "region/region.h"

#define GROUPS "logs/group"
#define STREAMS "logs/stream" /* id: group, a line break, stream */
#define WRITERS "logs/writer" /* id: group, stream and writer, with line breaks between */

/* ---- groups and streams (logs.c) ---- */

/* Milliseconds since the epoch. */
gint64 logs_now_ms(Region *region);
/* The group, or VALUE_NOTHING. */
Value logs_group_get(RegionCall *call, const char *name);
/* The group that a call means, by name or by its ARN as logGroupIdentifier. Caller frees. */
char *logs_group_name(Value input);
/* The stream's id in the store. Caller frees. */
char *logs_stream_key(const char *group, const char *stream);
/* Sets ResourceNotFoundException for a "group" or a "stream". Returns FALSE. */
gboolean logs_no_such(GError **error, const char *what);
/* FALSE and that error if one of the two is not there. */
gboolean logs_check_stream(RegionCall *call, const char *group, const char *stream, GError **error);
void logs_put_stream(Region *region, StoreScope scope, const char *group, const char *stream);
Value logs_create_group(RegionCall *call, Value input, GError **error);

/* ---- events (events.c) ---- */

/* Makes the table where it is missing. */
gboolean logs_table(Region *region, GError **error);
/* Prepares a statement; the caller finalizes it. A failure is a broken file or a mistake here, and
 * ends the process. */
sqlite3_stmt *logs_prepare(Region *region, const char *sql);
void logs_bind_text(sqlite3_stmt *statement, int index, const char *text);
/* stream NULL: of the whole group. before: only what is older, in milliseconds. */
void logs_delete_events(
	Region *region, StoreScope scope, const char *group, const char *stream, gint64 before);
Value logs_put_events(RegionCall *call, Value input, GError **error);

/* ---- reading (read.c, pattern.c) ---- */

/* Operations: the output, or VALUE_NOTHING and the error. */
Value logs_get_events(RegionCall *call, Value input, GError **error);
Value logs_filter_events(RegionCall *call, Value input, GError **error);

/* A pattern's terms: all plain ones must occur, none with "-", and one of those with "?". */
typedef struct {
	GPtrArray *all, *none, *any;
} LogsPattern;
/* FALSE and InvalidParameterException for what is not implemented; to be cleared in any case. */
gboolean logs_pattern_read(const char *text, LogsPattern *pattern, GError **error);
void logs_pattern_clear(LogsPattern *pattern);
gboolean logs_pattern_matches(const LogsPattern *pattern, const char *message);
