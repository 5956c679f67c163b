/*
 * Image builds: buildah, inside the glass, with chroot isolation and the glass's egress. The layers
 * that it keeps between builds lie in <home>/builds/storage. The result goes into the blob store.
 *
 * Where no registry can be reached, `FROM debian:<release>[-slim]` is served from the apt mirror
 * by mmdebstrap, and the progress says so.
 */
#pragma once

#include "glass/image.h"

/* From glass/glass.h. */
typedef struct Glass Glass;

typedef struct {
	char *context; /* folder on the host */
	char *dockerfile; /* relative to the context or absolute; NULL: Dockerfile, then
			     Containerfile */
	char *target; /* stage; NULL: the last */
	char **arguments; /* "NAME=value" */
	char **labels; /* "name=value" */
	gboolean no_cache;
} BuildSpec;

/* One line of what the build says. */
typedef void (*BuildProgress)(const char *line, gpointer data);

/* Builds. `spec` need only live for this call. Builds of one glass run one after the other (they
 * share their storage). Cancelling ends the build with G_IO_ERROR_CANCELLED. */
void build_run_async(Glass *glass, Blobs *blobs, const BuildSpec *spec, BuildProgress progress,
	gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer data);
/* The digest of the image's manifest in the blob store. Caller frees. */
char *build_run_finish(GAsyncResult *result, GError **error);
