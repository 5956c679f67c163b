/* Packing files by a buildspec's patterns: what a job in the glass does for artifacts. */
#pragma once

#include <glib.h>

typedef struct {
	char *root; /* the source folder, as the glass sees it */
	char *base; /* in it; "" or ".": itself */
	char **files; /* patterns; NULL-terminated */
	char **exclude;
	gboolean discard; /* no folders in the archive */
	gboolean symlinks; /* links stay links */
	gboolean plain; /* a folder of files instead of a zip */
	char *zip; /* what to write, as the glass sees it */
} PackRequest;

void pack_request_clear(PackRequest *request);
/* Does a pattern (*, ?, **, as buildspecs have them) match a path? */
gboolean pack_matches(const char *pattern, const char *path);
/* Writes the zip. The number of files in it; 0 and an error in AWS's words. Blocks. */
guint pack_write(const PackRequest *request, GError **error);
