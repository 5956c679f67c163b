/*
 * PostgreSQL as RDS has it: the superuser is rdsadmin, who comes in by the local socket only; the
 * master user is a member of rds_superuser, which is none. Extensions that RDS lets it create are
 * marked as trusted in a copy of the extensions' control files.
 */
#include "glass/database_engine.h"
#include "glass/enter.h"

#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSIONS "/usr/lib/postgresql"

static const char *const engine_names[] = {"postgres", NULL};

static gboolean fail(GError **error, const char *what, const char *why) {
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s: %s", what, why);
	return FALSE;
}

/* ---- what is installed ---- */

/* The newest major version. */
static char *find_programs(void) {
	g_autoptr(GDir) folder = g_dir_open(VERSIONS, 0, NULL);
	int best = 0;
	const char *name;
	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *server = g_build_filename(VERSIONS, name, "bin/postgres", NULL);
		int version = (int)g_ascii_strtoll(name, NULL, 10);
		if (version > best && g_file_test(server, G_FILE_TEST_IS_EXECUTABLE))
			best = version;
	}
	return best ? g_strdup_printf(VERSIONS "/%d/bin", best) : NULL;
}

/* "postgres (PostgreSQL) 15.18 (Debian …)". */
static char *find_version(const char *programs, GError **error) {
	g_autofree char *server = g_build_filename(programs, "postgres", NULL);
	g_autofree char *output = NULL;
	char *argv[] = {server, (char *)"--version", NULL};
	if (!g_spawn_sync(
		    NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL, error))
		return NULL;
	const char *at = strstr(output, ") ");
	if (at)
		return g_strndup(at + 2, strspn(at + 2, "0123456789."));
	fail(error, server, "its version is not clear");
	return NULL;
}

/* "/usr/lib/postgresql/15/bin" → "/usr/share/postgresql/15/extension". Caller frees. */
static char *extensions_folder(const DatabasePlace *place) {
	g_autofree char *version = g_path_get_dirname(place->programs);
	g_autofree char *number = g_path_get_basename(version);
	return g_build_filename("/usr/share/postgresql", number, "extension", NULL);
}

/* ---- words of SQL and of the configuration ---- */

static char *quoted(const char *text, char quote) {
	GString *out = g_string_new(NULL);
	g_string_append_c(out, quote);
	for (; *text; text++) {
		if (*text == quote)
			g_string_append_c(out, quote);
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, quote);
	return g_string_free(out, FALSE);
}

/* In postgresql.conf backslashes count too. */
static char *configured(const char *text) {
	g_auto(GStrv) parts = g_strsplit(text, "\\", -1);
	g_autofree char *doubled = g_strjoinv("\\\\", parts);
	return quoted(doubled, '\'');
}

/* ---- creating ---- */

static gboolean has_locale(const char *name) {
	locale_t locale = newlocale(LC_ALL_MASK, name, (locale_t)0);
	if (locale)
		freelocale(locale);
	return locale != (locale_t)0;
}

/* Statements for single-user mode: one a line. */
static char *first_statements(const DatabaseSpec *spec) {
	static const char roles[] =
		"CREATE ROLE rds_superuser;\n"
		"CREATE ROLE rds_replication;\n"
		"CREATE ROLE rds_password;\n"
		"CREATE ROLE rds_iam;\n"
		"GRANT pg_monitor, pg_signal_backend, rds_replication, rds_password TO "
		"rds_superuser WITH ADMIN OPTION;\n"
		"CREATE DATABASE rdsadmin OWNER rdsadmin;\n"
		"REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC;\n";
	g_autofree char *user = quoted(spec->master_user, '"');
	g_autofree char *password = quoted(spec->master_password, '\'');
	GString *sql = g_string_new(roles);
	g_string_append_printf(sql,
		"CREATE ROLE %s LOGIN CREATEDB CREATEROLE PASSWORD %s VALID UNTIL 'infinity' IN "
		"ROLE rds_superuser;\n"
		"ALTER DATABASE postgres OWNER TO %s;\n"
		"ALTER DATABASE template1 OWNER TO %s;\n",
		user, password, user, user);
	if (spec->database && !g_str_equal(spec->database, "postgres")) {
		g_autofree char *database = quoted(spec->database, '"');
		g_string_append_printf(sql, "CREATE DATABASE %s OWNER %s;\n", database, user);
	}
	return g_string_free(sql, FALSE);
}

/* Single-user mode ends with 0 whatever its statements do. */
static char *first_error(const char *output) {
	const char *at = strstr(output, "ERROR:");
	if (!at)
		at = strstr(output, "FATAL:");
	return at ? g_strndup(at, strcspn(at, "\n")) : NULL;
}

static gboolean create(const DatabasePlace *place, GError **error) {
	g_autofree char *initdb = g_build_filename(place->programs, "initdb", NULL);
	g_autofree char *postgres = g_build_filename(place->programs, "postgres", NULL);
	const char *locale =
		has_locale("en_US.UTF-8") ? "--locale=en_US.UTF-8" : "--locale=C.UTF-8";
	char *make[] = {initdb, (char *)"--pgdata=/data", (char *)"--username=rdsadmin",
		(char *)"--encoding=UTF8", (char *)locale, (char *)"--auth-local=peer",
		(char *)"--auth-host=scram-sha-256", (char *)"--no-sync",
		(char *)"--no-instructions", NULL};
	if (!database_run_program(place, make, NULL, NULL, error))
		return FALSE;
	char *single[] = {postgres, (char *)"--single", (char *)"-D", (char *)"/data", (char *)"-c",
		(char *)"password_encryption=scram-sha-256", (char *)"-c",
		(char *)"log_min_error_statement=panic", (char *)"postgres", NULL};
	g_autofree char *statements = first_statements(place->spec), *output = NULL;
	if (!database_run_program(place, single, statements, &output, error))
		return FALSE;
	g_autofree char *problem = first_error(output);
	return !problem || fail(error, "the first database cannot be made", problem);
}

/* ---- extensions ---- */

/* What RDS lets rds_superuser create. */
static const char *const allowed_extensions[] = {"address_standardizer", "amcheck", "autoinc",
	"bloom", "btree_gin", "btree_gist", "citext", "cube", "dblink", "dict_int", "dict_xsyn",
	"earthdistance", "fuzzystrmatch", "hll", "hstore", "insert_username", "intagg", "intarray",
	"ip4r", "isn", "lo", "ltree", "moddatetime", "old_snapshot", "pageinspect",
	"pg_buffercache", "pg_cron", "pg_freespacemap", "pg_hint_plan", "pg_partman", "pg_prewarm",
	"pg_repack", "pg_stat_statements", "pg_trgm", "pg_visibility", "pg_walinspect", "pgaudit",
	"pgcrypto", "pglogical", "pgrouting", "pgrowlocks", "pgstattuple", "pgtap", "plpgsql",
	"plpgsql_check", "postgis", "postgis_raster", "postgis_tiger_geocoder", "postgis_topology",
	"postgres_fdw", "prefix", "rdkit", "refint", "seg", "sslinfo", "tablefunc", "tcn",
	"tsm_system_rows", "tsm_system_time", "unaccent", "unit", "uuid-ossp", "vector", "xml2",
	NULL};

static void trust(const char *folder, const char *name) {
	g_autofree char *file = g_strconcat(name, ".control", NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL), *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL) || strstr(text, "\ntrusted"))
		return;
	g_autofree char *trusted = g_strconcat(text, "\ntrusted = true\n", NULL);
	if (!g_file_set_contents(path, trusted, -1, NULL) || chmod(path, 0644) < 0)
		g_debug("%s stays untrusted", name);
}

/* A copy of the extensions' folder as it is now: made anew for each start, so that extensions
 * installed since are found. */
static gboolean copy_extensions(const DatabasePlace *place, const char *target) {
	g_autofree char *source = extensions_folder(place);
	const char *const copy[] = {
		"sh", "-c", "rm -rf \"$2\" && cp -rL \"$1\" \"$2\"", "sh", source, target, NULL};
	GlassOutput output = {0};
	gboolean fine =
		glass_program(NULL, copy, NULL, NULL, 0, &output, NULL) && output.status == 0;
	glass_output_clear(&output);
	for (const char *const *name = allowed_extensions; fine && *name; name++)
		trust(target, *name);
	return fine;
}

static void list_mounts(const DatabasePlace *place, GPtrArray *mounts) {
	g_autofree char *own = g_build_filename(place->folder, "extensions", NULL);
	if (!copy_extensions(place, own))
		return;
	DatabaseMount *mount = g_new0(DatabaseMount, 1);
	*mount = (DatabaseMount){g_steal_pointer(&own), extensions_folder(place), TRUE};
	g_ptr_array_add(mounts, mount);
}

/* ---- configuration ---- */

/* Of the libraries to preload, those that are installed. */
static char *installed_libraries(const DatabasePlace *place, const char *wanted) {
	g_autofree char *version = g_path_get_dirname(place->programs);
	g_auto(GStrv) names = g_strsplit(wanted, ",", -1);
	g_autoptr(GPtrArray) there = g_ptr_array_new();
	for (char **name = names; *name; name++) {
		g_autofree char *file = g_strconcat(g_strstrip(*name), ".so", NULL);
		g_autofree char *path = g_build_filename(version, "lib", file, NULL);
		if (g_file_test(path, G_FILE_TEST_EXISTS))
			g_ptr_array_add(there, *name);
	}
	g_ptr_array_add(there, NULL);
	return g_strjoinv(",", (char **)there->pdata);
}

static gboolean is_on(const char *value) {
	return g_str_equal(value, "1") || g_ascii_strcasecmp(value, "on") == 0 ||
	       g_ascii_strcasecmp(value, "true") == 0;
}

/* The value of a parameter, or NULL; borrowed. */
static const char *parameter(const DatabaseSpec *spec, const char *name) {
	gsize length = strlen(name);
	for (char **each = spec->parameters; each && *each; each++)
		if (strncmp(*each, name, length) == 0 && (*each)[length] == '=')
			return *each + length + 1;
	return NULL;
}

static void add_parameters(const DatabasePlace *place, GString *text) {
	for (char **each = place->spec->parameters; each && *each; each++) {
		g_auto(GStrv) pair = g_strsplit(*each, "=", 2);
		if (!pair[1] || g_str_has_prefix(pair[0], "rds.") ||
			g_str_equal(pair[0], "shared_preload_libraries"))
			continue;
		g_autofree char *value = configured(pair[1]);
		g_string_append_printf(text, "%s = %s\n", pair[0], value);
	}
	const char *libraries = parameter(place->spec, "shared_preload_libraries");
	g_autofree char *there =
		installed_libraries(place, libraries ? libraries : "pg_stat_statements");
	g_autofree char *value = configured(there);
	g_string_append_printf(text, "shared_preload_libraries = %s\n", value);
	const char *logical = parameter(place->spec, "rds.logical_replication");
	if (logical && is_on(logical))
		g_string_append(text, "wal_level = 'logical'\n");
}

static char *access_rules(const DatabaseSpec *spec) {
	const char *force = parameter(spec, "rds.force_ssl");
	const char *kind = force && is_on(force) ? "hostssl" : "host";
	return g_strdup_printf("local all rdsadmin peer map=rds\n"
			       "local all all reject\n"
			       "host all rdsadmin all reject\n"
			       "host rdsadmin all all reject\n"
			       "%s all all all scram-sha-256\n",
		kind);
}

static void configure(const DatabasePlace *place, GHashTable *files) {
	const DatabaseSpec *spec = place->spec;
	GString *text = g_string_new("hba_file = '/conf/pg_hba.conf'\n"
				     "ident_file = '/conf/pg_ident.conf'\n"
				     "unix_socket_directories = '/run/db'\n"
				     "dynamic_shared_memory_type = 'posix'\n"
				     "ssl = on\n"
				     "ssl_cert_file = '/conf/server.crt'\n"
				     "ssl_key_file = '/conf/server.key'\n"
				     "password_encryption = 'scram-sha-256'\n"
				     "timezone = 'UTC'\n"
				     "log_timezone = 'UTC'\n"
				     "log_destination = 'stderr'\n"
				     "log_line_prefix = '%t:%r:%u@%d:[%p]:'\n");
	g_string_append_printf(
		text, "listen_addresses = '%s'\nport = %d\n", spec->address, spec->port);
	add_parameters(place, text);
	g_hash_table_insert(files, g_strdup("postgresql.conf"), g_string_free(text, FALSE));
	g_hash_table_insert(files, g_strdup("pg_hba.conf"), access_rules(spec));
	g_hash_table_insert(files, g_strdup("pg_ident.conf"), g_strdup("rds root rdsadmin\n"));
}

static char **command(const DatabasePlace *place) {
	/* The note of a server that was killed would say that this one is ready. */
	g_autofree char *note =
		g_build_filename(place->folder, place->data, "postmaster.pid", NULL);
	unlink(note);
	g_autofree char *postgres = g_build_filename(place->programs, "postgres", NULL);
	char *argv[] = {postgres, (char *)"-D", (char *)"/data", (char *)"-c",
		(char *)"config_file=/conf/postgresql.conf", NULL};
	return g_strdupv(argv);
}

/* ---- while it runs ---- */

/* A line (from 0) of the server's own note; caller frees; NULL if it is not there. */
static char *note_line(const DatabasePlace *place, guint line) {
	g_autofree char *path =
		g_build_filename(place->folder, place->data, "postmaster.pid", NULL);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	return line < g_strv_length(lines) ? g_strdup(g_strstrip(lines[line])) : NULL;
}

static gboolean is_ready(const DatabasePlace *place) {
	g_autofree char *status = note_line(place, 7);
	return g_strcmp0(status, "ready") == 0;
}

static gboolean set_password(const DatabasePlace *place, GError **error) {
	g_autofree char *psql = g_build_filename(place->programs, "psql", NULL);
	g_autofree char *socket = g_build_filename(place->folder, "socket", NULL);
	/* The port that it has now: a new one comes with its next start. */
	g_autofree char *port = note_line(place, 3);
	g_autofree char *user = quoted(place->spec->master_user, '"');
	g_autofree char *password = quoted(place->new_password, '\'');
	g_autofree char *sql =
		g_strdup_printf("SET log_statement = 'none'; SET log_min_duration_statement = -1;\n"
				"ALTER ROLE %s PASSWORD %s;\n",
			user, password);
	const char *const argv[] = {psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", socket, "-p",
		port ? port : "5432", "-U", "rdsadmin", "-d", "postgres", NULL};
	GlassOutput output = {0};
	if (!glass_program(NULL, argv, NULL, sql, strlen(sql), &output, error))
		return FALSE;
	g_autofree char *words = g_strndup((const char *)output.errors->data, output.errors->len);
	gboolean fine = output.status == 0;
	glass_output_clear(&output);
	return fine || fail(error, "the password cannot be changed", g_strstrip(words));
}

static void add_differences(const DatabasePlace *place, GPtrArray *sentences) {
	if (!has_locale("en_US.UTF-8"))
		g_ptr_array_add(sentences,
			g_strdup("collation is C.UTF-8: this machine lacks en_US.UTF-8"));
	const char *wanted = parameter(place->spec, "shared_preload_libraries");
	if (!wanted)
		return;
	g_auto(GStrv) names = g_strsplit(wanted, ",", -1);
	for (char **name = names; *name; name++) {
		g_autofree char *there = installed_libraries(place, *name);
		if (*g_strstrip(*name) && !*there)
			g_ptr_array_add(
				sentences, g_strdup_printf("library %s is not installed", *name));
	}
}

const DatabaseEngine database_postgres = {
	.names = engine_names,
	.title = "PostgreSQL",
	.package = "postgresql-15",
	.stop_signal = "INT",
	.reload_signal = "HUP",
	.programs = find_programs,
	.version = find_version,
	.create = create,
	.configure = configure,
	.command = command,
	.mounts = list_mounts,
	.is_ready = is_ready,
	.set_password = set_password,
	.differences = add_differences,
};
