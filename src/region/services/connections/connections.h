/*
 * Connections to git repositories (CodeStar Connections, CodeConnections), for who builds from
 * them.
 *
 * What the world calls "owner/repo" at a provider is bound here to a git repository: one on this
 * machine, one of the region's own, or a remote one. The head of each branch is an object
 * "connections/branch" under "owner/repo branch": {Repository, Branch, CommitId, SeenAt}. It
 * changes when somebody pushes or commits, so region_wake_on(region, …, CONNECTIONS_BRANCHES) tells
 * of it.
 */
#pragma once

#include <gio/gio.h>

#include "region/region.h"

#define CONNECTIONS_BRANCHES "connections/branch"
/* Tags likewise, under "owner/repo tag": {Repository, Tag, CommitId, SeenAt}; CommitId may be the
 * id of an annotated tag, which means its commit wherever a commit is asked for. */
#define CONNECTIONS_TAGS "connections/tag"

/* May `repository` ("owner/repo") be fetched over the connection? FALSE and an error in words for
 * the user: no such connection, it still waits for approval, or the repository is bound to nothing.
 */
gboolean connections_available(Region *region, StoreScope scope, const char *connection_arn,
	const char *repository, GError **error);

/* The commit that a branch is at, by the last look at it. Caller frees; NULL: no such branch, or
 * not seen yet. */
char *connections_branch_head(
	Region *region, StoreScope scope, const char *repository, const char *branch);

typedef enum {
	CONNECTIONS_ZIP, /* the commit's files (CODE_ZIP) */
	CONNECTIONS_CLONE, /* the files and the whole repository in .git */
	CONNECTIONS_REFERENCE, /* no files, but what a clone is to be made of (CODEBUILD_CLONE_REF)
				*/
} ConnectionsFormat;

typedef struct {
	char *path; /* a zip file (of a reference: JSON) under the region's home; the caller's: to
		     * be moved or deleted */
	char *commit_id, *message;
	char *author, *author_email;
	char *author_date; /* "2024-05-01T10:00:00Z" */
	char *branch; /* NULL if a commit was asked for */
} ConnectionsSource;

/* Frees the struct; the file stays. NULL is accepted. */
void connections_source_free(ConnectionsSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConnectionsSource, connections_source_free)

/* Fetches what `branch_or_commit` (a branch's name, or a whole commit id) means now. Strings are
 * copied. `callback` is called from the loop, after this has returned; the region must still be
 * there when it uses it, as for any callback. Errors are in words for the user. */
void connections_fetch_async(Region *region, StoreScope scope, const char *connection_arn,
	const char *repository, const char *branch_or_commit, ConnectionsFormat format,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
ConnectionsSource *connections_fetch_finish(GAsyncResult *result, GError **error);

/* What a file of CONNECTIONS_REFERENCE says: {ConnectionArn, FullRepositoryName, CommitId}.
 * VALUE_NOTHING: the file is none. */
Value connections_reference_read(const char *path);

/* May a role use the connection, under either name of the permission? */
gboolean connections_allow(
	Region *region, StoreScope scope, const char *role, const char *connection_arn);

/* The paths that differ between two commits, as connections_fetch_async gets at them. The caller
 * frees the list. */
void connections_changes_async(Region *region, StoreScope scope, const char *connection_arn,
	const char *repository, const char *from, const char *to, GAsyncReadyCallback callback,
	gpointer user_data);
GStrv connections_changes_finish(GAsyncResult *result, GError **error);
