/* What S3 keeps in memory, and the opening of its tables. */
#pragma once

#include "region/services/s3/internal.h"

typedef struct {
	S3Watch watch;
	gpointer data;
} S3Watching;

typedef struct {
	char *folder;
	gint *alive; /* shared with threads; 0 when the region has gone */
	GHashTable *statements; /* SQL -> sqlite3_stmt */
	GHashTable *released; /* set of file ids that are perhaps needed no more */
	guint release_source;
	GHashTable *busy_slots; /* set of "upload number": places of files that are written now */
	GPtrArray *ready; /* of Put (put.c), that are to be committed */
	guint commit_source;
	GHashTable *logs; /* bucket -> GString: lines of its access log that wait */
	GArray *watches; /* of S3Watching */
	GPtrArray *untold; /* of S3News */
	guint tell_source;
} S3State;

S3State *s3_state(Region *region);
gboolean s3_table_open(Region *region, GError **error);
void s3_news_free(gpointer news);
