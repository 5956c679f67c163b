/*
 * Image builds: buildah, inside the glass, with chroot isolation and the glass's egress. The layers
 * that it keeps between builds lie in <home>/builds/storage. The result goes into the blob store.
 *
 * Where no registry can be reached, `FROM debian:<release>[-slim]` is served from the apt mirror
 * by mmdebstrap, and the progress says so. Such a base is made once a week and region, and all
 * builds read it from <home>/builds/bases (build.sh tells how). The certificates that this machine
 * trusts are there while the build runs (RUN sees a mount, and SSL_CERT_FILE and the like name it);
 * they do not become part of the image.
 */
#pragma once

#include "glass/image.h"

/* From glass/glass.h. */
typedef struct Glass Glass;

/* Writes what a build needs as a tar to `fd`: the folder without what its .dockerignore names
 * (<Dockerfile>.dockerignore goes before that), below "context/", and the Dockerfile as
 * "Dockerfile". `dockerfile` is relative to the folder or absolute; NULL: Dockerfile, then
 * Containerfile. Blocks. */
gboolean build_context_write(const char *folder, const char *dockerfile, int fd, GError **error);
/* Whether the lines of a .dockerignore leave out `path` (relative to the context, no leading /). */
gboolean build_ignores(const char *const *lines, const char *path);

typedef struct {
	int context; /* a file of what build_context_write wrote, read from its beginning; borrowed
		      */
	char *target; /* stage; NULL: the last */
	char **arguments; /* "NAME=value"; or NULL */
	char **labels; /* "name=value"; or NULL */
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

/* Loads an image that was saved to a tar (docker-archive or oci-archive), a file `archive` that is
 * borrowed, in the same queue. Ends by build_run_finish. */
void build_load_async(Glass *glass, Blobs *blobs, int archive, BuildProgress progress,
	gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer data);

#define BUILD_BASES "builds/bases" /* below the home */

/* Sees to it that `name` ("debian:bookworm-slim") is among the bases and not a week old. Who asks
 * while another makes it waits for that one. Ends by build_plain_finish. */
void build_base_async(Glass *glass, const char *name, BuildProgress progress,
	gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer data);

typedef struct {
	guint days; /* storage not used for so long goes */
	guint mib; /* and what was not used for longest, if it is more in all */
	const char *const *used; /* folders of builds/projects that stay */
} BuildPruning;

/* Removes storage (builds/storage, builds/projects/…) by age and size; then, if nothing is used,
 * bases that are out of date and that nothing builds upon. Who owns a folder tells by its
 * modification time when it was used. No build may begin meanwhile. Ends by build_plain_finish. */
void build_prune_async(Glass *glass, const BuildPruning *pruning, GCancellable *cancellable,
	GAsyncReadyCallback callback, gpointer data);

gboolean build_plain_finish(GAsyncResult *result, GError **error);
