/*
 * Databases: each instance is a small machine of wishes (shall it run, is it to be restarted, has
 * it a new password) and of one job at a time that brings it nearer to them. The jobs
 * (database_server.c) run in children, so the caller's loop never waits; they may be killed at any
 * point and are begun again by the next process, since what is done is kept: data that are whole
 * (renamed into place), and crun's record of what runs.
 */
#include "glass/database_engine.h"
#include "glass/enter.h"

#include <stdlib.h>
#include <string.h>

#define BACKOFF_MOST_S 60
#define STABLE_S 60 /* after which a crash is the first one again */

struct Databases {
	Glass *glass;
	DatabaseChanged changed;
	gpointer data;
	GHashTable *all; /* id -> Database */
	GHashTable *versions; /* of servers, by the engine's title */
	GCancellable *cancellable;
};

struct Database {
	int references; /* by its table, and by the job under way */
	Databases *databases; /* NULL: they are gone */
	const DatabaseEngine *engine;
	DatabasePlace place;
	DatabaseSpec *spec;
	char *version, *reason;
	GPtrArray *differences; /* NULL-terminated */
	DatabaseStatus status;
	GlassProcess *process; /* the running server */
	gboolean busy;
	/* What is wished. */
	gboolean run, restart, delete, settle, reload;
	char *new_password;
	/* After a crash or failure. */
	guint retry, failures;
	gint64 started;
};

static void step(Database *database);

/* ---- specs and engines ---- */

DatabaseSpec *database_spec_new(const char *id, const char *owner) {
	DatabaseSpec *spec = g_new0(DatabaseSpec, 1);
	spec->id = g_strdup(id);
	spec->owner = g_strdup(owner);
	return spec;
}

void database_spec_free(DatabaseSpec *spec) {
	if (!spec)
		return;
	g_free(spec->id);
	g_free(spec->owner);
	g_free(spec->address);
	g_free(spec->engine);
	g_free(spec->version);
	g_free(spec->master_user);
	g_free(spec->master_password);
	g_free(spec->database);
	g_strfreev(spec->parameters);
	g_free(spec);
}

const DatabaseEngine *database_engine(const char *name) {
	static const DatabaseEngine *const engines[] = {&database_mariadb, &database_postgres};
	for (guint i = 0; name && i < G_N_ELEMENTS(engines); i++)
		if (g_strv_contains(engines[i]->names, name))
			return engines[i];
	return NULL;
}

/* The engine and its programs, or an error that names what to install. */
static const DatabaseEngine *find_engine(const char *name, char **programs, GError **error) {
	const DatabaseEngine *engine = database_engine(name);
	if (!engine) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED,
			"the database engine %s is not served", name);
		return NULL;
	}
	*programs = engine->programs();
	if (*programs)
		return engine;
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED,
		"%s is not installed on this machine: install the package %s", engine->title,
		engine->package);
	return NULL;
}

char *database_server_version(const char *engine, GError **error) {
	g_autofree char *programs = NULL;
	const DatabaseEngine *found = find_engine(engine, &programs, error);
	return found ? found->version(programs, error) : NULL;
}

/* ---- life ---- */

static void database_unref(Database *database) {
	if (--database->references > 0)
		return;
	g_clear_handle_id(&database->retry, g_source_remove);
	glass_process_free(database->process);
	database_spec_free(database->spec);
	g_free(database->place.programs);
	g_free(database->place.folder);
	g_free(database->place.new_password);
	g_free(database->version);
	g_free(database->reason);
	g_free(database->new_password);
	g_ptr_array_unref(database->differences);
	g_free(database);
}

/* Out of the table: its jobs may still end, but it tells nobody. */
static void database_forget(gpointer data) {
	Database *database = data;
	database->databases = NULL;
	g_clear_handle_id(&database->retry, g_source_remove);
	g_clear_pointer(&database->process, glass_process_free);
	database_unref(database);
}

Databases *databases_new(Glass *glass, DatabaseChanged changed, gpointer data) {
	Databases *databases = g_new0(Databases, 1);
	databases->glass = glass;
	databases->changed = changed;
	databases->data = data;
	databases->cancellable = g_cancellable_new();
	databases->all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, database_forget);
	databases->versions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	return databases;
}

void databases_free(Databases *databases) {
	if (!databases)
		return;
	g_hash_table_unref(databases->all);
	g_hash_table_unref(databases->versions);
	g_cancellable_cancel(databases->cancellable);
	g_object_unref(databases->cancellable);
	g_free(databases);
}

Database *databases_get(Databases *databases, const char *id) {
	return g_hash_table_lookup(databases->all, id);
}

/* ---- statuses ---- */

static void set_status(Database *database, DatabaseStatus status) {
	if (database->status == status)
		return;
	database->status = status;
	if (database->databases && database->databases->changed)
		database->databases->changed(database, database->databases->data);
}

static void add_difference(Database *database, char *sentence) {
	g_ptr_array_insert(database->differences, (int)database->differences->len - 1, sentence);
}

static void note_differences(Database *database) {
	const DatabaseSpec *spec = database->spec;
	g_ptr_array_set_size(database->differences, 0);
	g_ptr_array_add(database->differences, NULL);
	if (!g_strv_contains(database->engine->names, spec->engine) ||
		g_strcmp0(spec->version, database->version) != 0)
		add_difference(database,
			g_strdup_printf("%s version %s is served by %s %s", spec->engine,
				spec->version, database->engine->title, database->version));
	g_autoptr(GPtrArray) more = g_ptr_array_new();
	if (database->engine->differences)
		database->engine->differences(&database->place, more);
	for (guint i = 0; i < more->len; i++)
		add_difference(database, more->pdata[i]);
}

/* ---- jobs ---- */

typedef void (*Finish)(Database *database, GBytes *result, const GError *error);

typedef struct {
	Database *database;
	Finish finish;
} Work;

static void on_job(GObject *source, GAsyncResult *result, gpointer data) {
	g_autofree Work *work = data;
	Database *database = work->database;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = glass_job_finish(result, &error);
	database->busy = FALSE;
	if (database->databases) {
		work->finish(database, bytes, error);
		if (database->databases)
			step(database);
	}
	database_unref(database);
}

static void begin(Database *database, GlassJob job, Finish finish) {
	Work *work = g_new(Work, 1);
	*work = (Work){database, finish};
	database->references++;
	database->busy = TRUE;
	glass_job_async(database->databases->glass, NULL, job, &database->place,
		database->databases->cancellable, on_job, work);
}

/* ---- failures ---- */

static gboolean on_retry(gpointer data) {
	Database *database = data;
	database->retry = 0;
	step(database);
	return G_SOURCE_REMOVE;
}

/* 1, 2, 4 … seconds. */
static void retry_later(Database *database) {
	int wait = MIN(1 << MIN(database->failures, 6), BACKOFF_MOST_S);
	database->failures++;
	database->retry = g_timeout_add_seconds((guint)wait, on_retry, database);
}

static void try_at_once(Database *database) {
	g_clear_handle_id(&database->retry, g_source_remove);
	database->failures = 0;
}

static void on_server_ended(GlassProcess *process, gpointer data) {
	Database *database = data;
	g_clear_pointer(&database->process, glass_process_free);
	if (database->busy)
		return;
	g_warning("database server %s ended", database->spec->id);
	if (g_get_monotonic_time() - database->started > STABLE_S * G_USEC_PER_SEC)
		database->failures = 0;
	set_status(database, DATABASE_STARTING);
	retry_later(database);
}

/* ---- steps ---- */

static void finish_halt(Database *database, GBytes *result, const GError *error) {
	g_clear_pointer(&database->process, glass_process_free);
	database->settle = FALSE;
	if (error)
		g_warning("database server %s: %s", database->spec->id, error->message);
}

static void finish_remove(Database *database, GBytes *result, const GError *error) {
	if (error) {
		g_warning("database %s cannot be removed: %s", database->spec->id, error->message);
		retry_later(database);
		return;
	}
	Databases *databases = database->databases;
	g_autofree char *id = g_strdup(database->spec->id);
	gpointer key, value;
	g_hash_table_steal_extended(databases->all, id, &key, &value);
	g_free(key);
	set_status(database, DATABASE_DELETED);
	database_forget(database);
}

static gboolean adopt(Database *database, GBytes *result, GError **error) {
	g_auto(GStrv) parts = g_strsplit(g_bytes_get_data(result, NULL), " ", 2);
	database->process = glass_process_adopt(database->databases->glass, atoi(parts[0]),
		g_ascii_strtoull(parts[1], NULL, 10), on_server_ended, database, error);
	return database->process != NULL;
}

static void finish_start(Database *database, GBytes *result, const GError *error) {
	g_autoptr(GError) problem = NULL;
	if (!error && adopt(database, result, &problem)) {
		database->started = g_get_monotonic_time();
		g_clear_pointer(&database->reason, g_free);
		return;
	}
	g_free(database->reason);
	database->reason = g_strdup(error     ? error->message
				    : problem ? problem->message
					      : "the server ended");
	g_warning("database server %s: %s", database->spec->id, database->reason);
	retry_later(database);
	set_status(database, DATABASE_FAILED);
}

static void finish_password(Database *database, GBytes *result, const GError *error) {
	if (!error) {
		g_free(database->spec->master_password);
		database->spec->master_password = g_steal_pointer(&database->place.new_password);
		return;
	}
	g_warning("database server %s: %s", database->spec->id, error->message);
	/* A server that has ended meanwhile gets it after its restart. */
	if (!database->new_password)
		database->new_password = g_steal_pointer(&database->place.new_password);
	retry_later(database);
}

static void finish_reload(Database *database, GBytes *result, const GError *error) {
	if (error)
		g_warning("database server %s: %s", database->spec->id, error->message);
}

static gboolean has_data(const Database *database) {
	g_autofree char *path = g_build_filename(glass_home(database->databases->glass),
		"databases", database->spec->id, "data", NULL);
	return g_file_test(path, G_FILE_TEST_IS_DIR);
}

static void start_server(Database *database) {
	set_status(database, has_data(database) ? DATABASE_STARTING : DATABASE_CREATING);
	database->reload = FALSE;
	database->restart = FALSE;
	begin(database, database_bring_up, finish_start);
}

static void change_password(Database *database) {
	g_free(database->place.new_password);
	database->place.new_password = g_steal_pointer(&database->new_password);
	set_status(database, DATABASE_MODIFYING);
	begin(database, database_change_password, finish_password);
}

/* The next thing to do, if none is under way. */
static void step(Database *database) {
	gboolean halt = !database->run && (database->process || database->settle);
	if (database->busy || database->retry)
		return;
	if (database->delete)
		begin(database, database_remove, finish_remove);
	else if (halt || (database->restart && database->process))
		begin(database, database_halt, finish_halt);
	else if (!database->run)
		set_status(database, DATABASE_STOPPED);
	else if (!database->process)
		start_server(database);
	else if (database->reload) {
		database->reload = FALSE;
		begin(database, database_reload, finish_reload);
	} else if (database->new_password)
		change_password(database);
	else {
		note_differences(database);
		set_status(database, DATABASE_AVAILABLE);
	}
}

/* ---- the interface ---- */

/* Asked of the program once. Caller frees. */
static char *find_version(
	Databases *databases, const DatabaseEngine *engine, const char *programs, GError **error) {
	char *version = g_strdup(g_hash_table_lookup(databases->versions, engine->title));
	if (!version && (version = engine->version(programs, error)))
		g_hash_table_insert(
			databases->versions, (gpointer)engine->title, g_strdup(version));
	return version;
}

static Database *take_up(
	Databases *databases, DatabaseSpec *spec_taken, gboolean run, GError **error) {
	g_autoptr(DatabaseSpec) spec = spec_taken;
	g_autofree char *programs = NULL;
	const DatabaseEngine *engine = find_engine(spec->engine, &programs, error);
	g_autofree char *version = engine ? find_version(databases, engine, programs, error) : NULL;
	g_autofree char *name = g_strconcat("databases/", spec->id, NULL);
	g_autofree char *folder = version ? glass_make_folder(databases->glass, name, error) : NULL;
	if (!folder)
		return NULL;
	Database *database = g_new0(Database, 1);
	database->references = 1;
	database->databases = databases;
	database->engine = engine;
	database->spec = g_steal_pointer(&spec);
	database->version = g_steal_pointer(&version);
	database->differences = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(database->differences, NULL);
	database->place = (DatabasePlace){.spec = database->spec,
		.programs = g_steal_pointer(&programs),
		.folder = g_steal_pointer(&folder),
		.data = "data"};
	database->run = run;
	database->settle = !run;
	database->status = !run			? DATABASE_STOPPING
			   : has_data(database) ? DATABASE_STARTING
						: DATABASE_CREATING;
	g_hash_table_insert(databases->all, g_strdup(database->spec->id), database);
	step(database);
	return database;
}

Database *databases_run(Databases *databases, DatabaseSpec *spec, GError **error) {
	Database *there = databases_get(databases, spec->id);
	if (!there)
		return take_up(databases, spec, TRUE, error);
	database_spec_free(spec);
	database_start(there);
	return there;
}

Database *databases_keep(Databases *databases, DatabaseSpec *spec, GError **error) {
	Database *there = databases_get(databases, spec->id);
	if (!there)
		return take_up(databases, spec, FALSE, error);
	database_spec_free(spec);
	database_stop(there);
	return there;
}

static void on_swept(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = glass_job_finish(result, &error);
	if (error && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		g_warning("left-over database servers: %s", error->message);
}

void databases_sweep(Databases *databases) {
	g_autofree char **ids = (char **)g_hash_table_get_keys_as_array(databases->all, NULL);
	glass_job_async(databases->glass, NULL, database_stop_others, ids, databases->cancellable,
		on_swept, NULL);
}

const char *database_id(const Database *database) {
	return database->spec->id;
}

DatabaseStatus database_status(const Database *database) {
	return database->status;
}

const char *database_reason(const Database *database) {
	return database->reason;
}

const char *database_version_served(const Database *database) {
	return database->version;
}

const char *const *database_differences(const Database *database) {
	return (const char *const *)database->differences->pdata;
}

char *database_log_path(const Database *database) {
	return g_build_filename(glass_home(database->databases->glass), "databases",
		database->spec->id, "server.log", NULL);
}

void database_stop(Database *database) {
	if (!database->run)
		return;
	database->run = FALSE;
	try_at_once(database);
	set_status(database, DATABASE_STOPPING);
	step(database);
}

void database_start(Database *database) {
	if (database->run && database->status != DATABASE_FAILED)
		return;
	database->run = TRUE;
	try_at_once(database);
	set_status(database, DATABASE_STARTING);
	step(database);
}

void database_reboot(Database *database) {
	if (!database->run)
		return;
	database->restart = TRUE;
	try_at_once(database);
	set_status(database, DATABASE_STOPPING);
	step(database);
}

void database_set_password(Database *database, const char *password) {
	g_free(database->new_password);
	database->new_password = g_strdup(password);
	if (database->status == DATABASE_AVAILABLE)
		set_status(database, DATABASE_MODIFYING);
	step(database);
}

void database_set_port(Database *database, int port) {
	database->spec->port = port;
}

void database_set_parameters(Database *database, char **parameters) {
	g_strfreev(database->spec->parameters);
	database->spec->parameters = parameters;
	database->reload = TRUE;
	if (database->status == DATABASE_AVAILABLE)
		set_status(database, DATABASE_MODIFYING);
	step(database);
}

void database_delete(Database *database) {
	database->delete = TRUE;
	try_at_once(database);
	set_status(database, DATABASE_STOPPING);
	step(database);
}
