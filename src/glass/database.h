/*
 * Databases: one server (the host's own PostgreSQL or MariaDB programs, read-only, under crun) for
 * each RDS instance, as a user of its own in the network namespace of an interface in the DB
 * subnets. Data lives in <home>/databases/<id> until database_delete. The server runs on when the
 * region dies and is adopted.
 */
#pragma once

#include <gio/gio.h>

/* From glass/glass.h. */
typedef struct Glass Glass;

typedef struct Databases Databases;
typedef struct Database Database;

typedef struct {
	char *id; /* letters, digits and '-'; unique in the glass */
	char *owner; /* the owner whose network namespace it runs in (net.h) */
	char *address; /* of its interface */
	int port;
	char *engine; /* "postgres", "mysql", "mariadb" */
	char *version; /* as asked for: "13.4" */
	char *master_user, *master_password;
	char *database; /* created with the instance; NULL: none */
	char **parameters; /* "name=value" of its parameter group */
} DatabaseSpec;

/* An instance, its other fields to be filled in. Copies both; databases_run takes it. */
DatabaseSpec *database_spec_new(const char *id, const char *owner);
void database_spec_free(DatabaseSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DatabaseSpec, database_spec_free)

typedef enum {
	DATABASE_CREATING,
	DATABASE_STARTING,
	DATABASE_AVAILABLE,
	DATABASE_MODIFYING,
	DATABASE_STOPPING,
	DATABASE_STOPPED,
	DATABASE_FAILED, /* see database_reason; its data is as it was */
	DATABASE_DELETED,
} DatabaseStatus;

/* Called when a database's status changed. */
typedef void (*DatabaseChanged)(Database *database, gpointer data);

/* Which server would serve `engine`: "15.18", or NULL and an error that names what to install.
 * Caller frees. */
char *database_server_version(const char *engine, GError **error);

/* The databases of a glass. `changed` is called from the main loop, with `data`. */
Databases *databases_new(Glass *glass, DatabaseChanged changed, gpointer data);
void databases_free(Databases *databases);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Databases, databases_free)

/* Creates the instance if its data is not there, starts it if it does not run, adopts it if it
 * does. Takes `spec`. Fails for an engine that this machine does not have. */
Database *databases_run(Databases *databases, DatabaseSpec *spec, GError **error);
/* Takes up an instance that shall not run (stopped, or about to be deleted): a server of it that
 * still runs is stopped. Takes `spec`; fails as databases_run does. */
Database *databases_keep(Databases *databases, DatabaseSpec *spec, GError **error);
Database *databases_get(Databases *databases, const char *id);
/* Stops servers (and only those: data stays) that databases_run was not told of. Once, after a
 * restart. */
void databases_sweep(Databases *databases);

/* Texts are borrowed. */
const char *database_id(const Database *database);
DatabaseStatus database_status(const Database *database);
const char *database_reason(const Database *database); /* of a failure; or NULL */
const char *database_version_served(const Database *database); /* "15.18" */
/* What differs from what was asked for ("engine version 13.4 is served by PostgreSQL 15.18");
 * borrowed. */
const char *const *database_differences(const Database *database);

/* These return at once: `changed` tells how it goes. */
void database_stop(Database *database);
void database_start(Database *database);
void database_reboot(Database *database);
/* Changes the master user's password of a running instance (MODIFYING until done). */
void database_set_password(Database *database, const char *password);
/* The port that it listens on from its next start. */
void database_set_port(Database *database, int port);
/* Changes parameters (taken); those that need a restart take effect with the next one (as
 * pending-reboot).
 */
void database_set_parameters(Database *database, char **parameters);
/* Stops it and deletes its data; the last event says DELETED, and `database` is invalid after it.
 */
void database_delete(Database *database);

/* The server's log (stderr), as the region sees it. Caller frees. */
char *database_log_path(const Database *database);
