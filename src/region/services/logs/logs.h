/* What other services need of CloudWatch Logs: a place to write events to. */
#pragma once

#include "region/region.h"

typedef struct {
	gint64 timestamp; /* milliseconds since the epoch */
	guint64 position; /* grows strictly within what its writer writes to the stream; 0: none */
	const char *text; /* UTF-8, not NUL-terminated */
	gsize length;
} LogsEvent;

/* Appends events to a stream, which is made if it is missing; so is the group if `create_group`.
 * Opens its own transaction unless one is open. Events at or below the last position that this
 * stream has seen from `writer` are skipped, so that a writer that repeats itself after a crash
 * writes nothing twice. FALSE and Logs' error (ResourceNotFoundException when the group is not
 * there). */
gboolean logs_append(Region *region, StoreScope scope, const char *group, const char *stream,
	const char *writer, const LogsEvent *events, gsize n_events, gboolean create_group,
	GError **error);
