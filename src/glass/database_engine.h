/*
 * Inside the room: what differs from one database engine to the other, and what they share. All of
 * it runs in a job's child process inside the glass, so it may block, but for `programs`.
 */
#pragma once

#include "glass/database.h"

/* The user and group that servers run as, in the glass. */
#define DATABASE_USER 70

/* Where one instance lies, as the glass sees it. */
typedef struct {
	const DatabaseSpec *spec;
	char *programs; /* folder of the server's programs */
	char *folder; /* <GLASS_HOME>/databases/<id> */
	const char *data; /* the data folder's name in it: "data", or "data.new" while it is made */
	char *new_password; /* for set_password */
} DatabasePlace;

/* A folder or file shown to the server: name under `folder` (or an absolute path), path inside. */
typedef struct {
	char *source, *path;
	gboolean read_only;
} DatabaseMount;

typedef struct {
	const char *const *names; /* of the API's Engine */
	const char *title; /* "PostgreSQL" */
	const char *package; /* that brings it */
	const char *stop_signal;
	const char *reload_signal; /* NULL: `reload` does it */
	/* The folder of the programs on this machine, or NULL; and "15.18". Caller frees both. */
	char *(*programs)(void);
	char *(*version)(const char *programs, GError **error);
	/* Makes the data folder, with master user and database. */
	gboolean (*create)(const DatabasePlace *place, GError **error);
	/* Files of its configuration: text by name, written to <folder>/conf. */
	void (*configure)(const DatabasePlace *place, GHashTable *files);
	/* How the server is started, called just before: argv (caller frees). */
	char **(*command)(const DatabasePlace *place);
	/* More that it is to see; may be NULL. */
	void (*mounts)(const DatabasePlace *place, GPtrArray *mounts);
	gboolean (*is_ready)(const DatabasePlace *place);
	/* Has the running server take its configuration, where no signal does. */
	void (*reload)(const DatabasePlace *place);
	gboolean (*set_password)(const DatabasePlace *place, GError **error);
	/* Adds sentences (char*) about what is otherwise here; may be NULL. */
	void (*differences)(const DatabasePlace *place, GPtrArray *sentences);
} DatabaseEngine;

extern const DatabaseEngine database_postgres, database_mariadb;
const DatabaseEngine *database_engine(const char *name); /* or NULL */

/* ---- servers (database_server.c) ---- */

/* Makes data, writes the configuration, starts the server unless it runs, and waits until it
 * accepts connections. Result: "pid start" as the glass numbers it. A GlassJob on a DatabasePlace.
 */
GBytes *database_bring_up(gpointer place, GError **error);
/* Stops the server. A GlassJob. */
GBytes *database_halt(gpointer place, GError **error);
/* The same, and removes the data. A GlassJob. */
GBytes *database_remove(gpointer place, GError **error);
/* Writes the configuration anew and has the server read it. A GlassJob. */
GBytes *database_reload(gpointer place, GError **error);
/* Sets the password. A GlassJob. */
GBytes *database_change_password(gpointer place, GError **error);
/* Stops all servers but those named. A GlassJob on a char**. */
GBytes *database_stop_others(gpointer ids, GError **error);

/* Runs a program of the engine to its end as the server's user, with the server's folders and no
 * network. */
gboolean database_run_program(
	const DatabasePlace *place, char **argv, const char *input, char **output, GError **error);
/* A self-signed certificate and key for the server, in PEM. */
gboolean database_certificate(const char *name, char **certificate, char **key, GError **error);
