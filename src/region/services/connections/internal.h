/*
 * Between the files of connections.
 *
 * In the store, by scope:
 *   "connections/connection"  the connection's UUID -> as the API has it
 *   "connections/binding"     "owner/repo" -> {Repository, Location, Kind, GitDir, Connections,
 * Error} "connections/branch"      see connections.h Location is what the user gave. Kind is
 * "local" (a repository of the user's on this machine), "own" (a bare one in the region's home) or
 * "remote"; GitDir is there for the first two. Connections is an object whose keys are the
 * connections that may use it; Error is what the last look at it said.
 */
#pragma once

#include "region/services/connections/connections.h"

#define CONNECTIONS "connections/connection"
#define BINDINGS "connections/binding"

/* ---- connections.c ---- */

/* The UUID of a connection's ARN, in either spelling of the service; NULL: it is none of this
 * scope. Caller frees. */
char *connections_id(StoreScope scope, const char *arn);
Value connections_get(Region *region, StoreScope scope, const char *arn);

/* ---- binding.c ---- */

typedef struct {
	char *repository; /* "owner/repo" */
	char *location; /* as given; NULL: one of the region's own */
	char *kind; /* "local", "own", "remote" */
	char *git_dir; /* NULL: remote */
} Binding;

Binding *binding_new(Region *region, const char *repository, const char *location, GError **error);
void binding_free(Binding *binding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Binding, binding_free)
/* Lets a connection use it, inside the open transaction. FALSE: the name means another repository
 * already. */
gboolean binding_put(Region *region, StoreScope scope, const char *connection,
	const Binding *binding, GError **error);
/* Takes a repository (NULL: all) from a connection, inside the open transaction. FALSE: it had
 * none. What no connection uses is forgotten; repositories themselves stay. */
gboolean binding_remove(
	Region *region, StoreScope scope, const char *connection, const char *repository);
/* What a name means, in whichever scope; VALUE_NOTHING: nothing. */
Value binding_anywhere(Region *region, const char *repository);

/* ---- git.c ---- */

typedef struct {
	const char *git_dir; /* of a local repository: git runs as its owner, in it; or NULL */
	const char *folder; /* working folder; or NULL */
	gboolean remote; /* speaks with other machines: by the user's agent and helpers */
	int output; /* a descriptor for its output, taken; -1: it is collected */
	guint timeout_s; /* 0: none */
	GCancellable *cancellable;
} GitRun;

#define GIT_RUN_INIT                                                                               \
	{ .output = -1 }

/* Starts git (argv without "git"; the environment cleaned), as run says, without GIT_DIR. `add`
 * ("NAME=value") may be NULL; `input` is taken (-1: none). */
GSubprocess *git_spawn(const GitRun *run, const char *const *argv, const char *const *add,
	int input, GSubprocessFlags flags, GError **error);
/* Runs it to its end. */
void git_run_async(const GitRun *run, const char *const *argv, GAsyncReadyCallback callback,
	gpointer user_data);
/* What it wrote, in valid UTF-8; NULL and an error with what it said. Caller frees. */
char *git_run_finish(GAsyncResult *result, GError **error);
/* Makes the region's own bare repository, if it is not there. */
void git_init_async(const char *git_dir, GAsyncReadyCallback callback, gpointer user_data);

/* ---- watch.c ---- */

gboolean connections_watch_start(Region *region, GError **error);
void connections_watch_stop(Region *region);
/* Looks at the branches of a repository now, rather than soon. */
void connections_look(Region *region, const char *repository);

/* ---- fetch.c ---- */

/* Removes what a killed process left: half done, or done for who has died with it. */
void connections_fetch_clean(Region *region);

/* ---- pack.c ---- */

/* Writes all that is in `folder` into a zip, in a thread. */
void connections_pack_async(
	const char *folder, const char *zip, GAsyncReadyCallback callback, gpointer user_data);
gboolean connections_pack_finish(GAsyncResult *result, GError **error);

/* ---- routes: serve.c, admin.c ---- */

WireResponse *connections_serve(Region *region, const WireRequest *request, HttpReply *reply);
HttpSink *connections_serve_open(
	Region *region, const WireRequest *request, WireResponse **refusal);
WireResponse *connections_admin(Region *region, const WireRequest *request, HttpReply *reply);
/* Whether git is there; what to install if it is not. */
gboolean connections_need_git(GError **error);
