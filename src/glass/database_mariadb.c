/*
 * MariaDB, which serves the engines mysql and mariadb. Its superuser root comes in by the local
 * socket only; the master user has the privileges that RDS gives it, and comes from anywhere.
 */
#include "glass/database_engine.h"
#include "glass/enter.h"

#include <string.h>
#include <unistd.h>

#define SERVER "/usr/sbin/mariadbd"

static const char *const engine_names[] = {"mariadb", "mysql", NULL};

static gboolean fail(GError **error, const char *what, const char *why) {
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s: %s", what, why);
	return FALSE;
}

static char *find_programs(void) {
	return g_file_test(SERVER, G_FILE_TEST_IS_EXECUTABLE) &&
			       g_file_test("/usr/bin/mariadb", G_FILE_TEST_IS_EXECUTABLE)
		       ? g_strdup("/usr/bin")
		       : NULL;
}

/* "mariadbd  Ver 10.11.19-MariaDB-… for debian-linux-gnu". */
static char *find_version(const char *programs, GError **error) {
	g_autofree char *output = NULL;
	char *argv[] = {(char *)SERVER, (char *)"--no-defaults", (char *)"--version", NULL};
	if (!g_spawn_sync(
		    NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL, error))
		return NULL;
	const char *at = strstr(output, "Ver ");
	if (at)
		return g_strndup(at + 4, strspn(at + 4, "0123456789."));
	fail(error, SERVER, "its version is not clear");
	return NULL;
}

/* ---- creating ---- */

/* `text` between quotes, which are doubled in it, as are backslashes in strings. */
static char *quoted(const char *text, char quote) {
	GString *out = g_string_new(NULL);
	g_string_append_c(out, quote);
	for (; *text; text++) {
		if (*text == quote || (*text == '\\' && quote == '\''))
			g_string_append_c(out, *text);
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, quote);
	return g_string_free(out, FALSE);
}

/* Statements for the bootstrap: one a line. */
static char *first_statements(const DatabaseSpec *spec) {
	g_autofree char *user = quoted(spec->master_user, '\'');
	g_autofree char *password = quoted(spec->master_password, '\'');
	GString *sql = g_string_new("FLUSH PRIVILEGES;\n");
	g_string_append_printf(sql, "CREATE USER %s@'%%' IDENTIFIED BY %s;\n", user, password);
	g_string_append_printf(sql,
		"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, "
		"INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, "
		"REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, "
		"ALTER ROUTINE, CREATE USER, EVENT, TRIGGER ON *.* TO %s@'%%' WITH GRANT "
		"OPTION;\n",
		user);
	if (spec->database) {
		g_autofree char *database = quoted(spec->database, '`');
		g_string_append_printf(sql, "CREATE DATABASE IF NOT EXISTS %s;\n", database);
	}
	return g_string_free(sql, FALSE);
}

/* The bootstrap ends with 0 whatever its statements do. */
static char *first_error(const char *output) {
	const char *at = strstr(output, "ERROR");
	return at ? g_strndup(at, strcspn(at, "\n")) : NULL;
}

static char *defaults(const DatabaseSpec *spec);

static gboolean create(const DatabasePlace *place, GError **error) {
	char *make[] = {(char *)"/usr/bin/mariadb-install-db", (char *)"--no-defaults",
		(char *)"--datadir=/data", (char *)"--skip-test-db",
		(char *)"--auth-root-authentication-method=socket",
		(char *)"--auth-root-socket-user=root", (char *)"--skip-name-resolve", NULL};
	if (!database_run_program(place, make, NULL, NULL, error))
		return FALSE;
	/* The first database gets the character set that the server is to have. */
	g_autofree char *set = defaults(place->spec);
	char *bootstrap[] = {(char *)SERVER, (char *)"--no-defaults", (char *)"--bootstrap",
		(char *)"--datadir=/data", set, NULL};
	g_autofree char *statements = first_statements(place->spec), *output = NULL;
	if (!database_run_program(place, bootstrap, statements, &output, error))
		return FALSE;
	g_autofree char *problem = first_error(output);
	return !problem || fail(error, "the first database cannot be made", problem);
}

/* ---- configuration ---- */

/* The value of a parameter, or NULL; borrowed. */
static const char *parameter(const DatabaseSpec *spec, const char *name) {
	gsize length = strlen(name);
	for (char **each = spec->parameters; each && *each; each++)
		if (strncmp(*each, name, length) == 0 && (*each)[length] == '=')
			return *each + length + 1;
	return NULL;
}

/* "--character-set-server=…": RDS's default is utf8mb4. Caller frees. */
static char *defaults(const DatabaseSpec *spec) {
	const char *set = parameter(spec, "character_set_server");
	return g_strconcat("--character-set-server=", set ? set : "utf8mb4", NULL);
}

static void configure(const DatabasePlace *place, GHashTable *files) {
	const DatabaseSpec *spec = place->spec;
	GString *text = g_string_new("[mariadbd]\n"
				     "datadir = /data\n"
				     "socket = /run/db/mysql.sock\n"
				     "pid_file = /data/server.pid\n"
				     "tmpdir = /tmp\n"
				     "ssl_cert = /conf/server.crt\n"
				     "ssl_key = /conf/server.key\n"
				     "skip_name_resolve = 1\n"
				     "default_time_zone = '+00:00'\n"
				     "character_set_server = utf8mb4\n");
	g_string_append_printf(text, "bind_address = %s\nport = %d\n", spec->address, spec->port);
	/* Later lines win. What only MySQL has is not an error (loose_). */
	for (char **each = spec->parameters; each && *each; each++) {
		g_auto(GStrv) pair = g_strsplit(*each, "=", 2);
		const char *name =
			g_strcmp0(pair[0], "time_zone") == 0 ? "default_time_zone" : pair[0];
		if (pair[1])
			g_string_append_printf(text, "loose_%s = \"%s\"\n", name, pair[1]);
	}
	g_hash_table_insert(files, g_strdup("my.cnf"), g_string_free(text, FALSE));
}

static char **command(const DatabasePlace *place) {
	/* The note of a server that was killed would say that this one is ready. */
	g_autofree char *note = g_build_filename(place->folder, place->data, "server.pid", NULL);
	unlink(note);
	char *argv[] = {(char *)SERVER, (char *)"--defaults-file=/conf/my.cnf", NULL};
	return g_strdupv(argv);
}

/* ---- while it runs ---- */

static gboolean run_client(
	const DatabasePlace *place, const char *sql, gboolean go_on, GError **error) {
	g_autofree char *socket = g_build_filename(place->folder, "socket/mysql.sock", NULL);
	const char *const argv[] = {"mariadb", "--no-defaults", "-S", socket, "-u", "root",
		go_on ? "--force" : "--batch", NULL};
	GlassOutput output = {0};
	if (!glass_program(NULL, argv, NULL, sql, strlen(sql), &output, error))
		return FALSE;
	g_autofree char *words = g_strndup((const char *)output.errors->data, output.errors->len);
	gboolean fine = output.status == 0;
	glass_output_clear(&output);
	return fine || go_on || fail(error, "the database server", g_strstrip(words));
}

static gboolean is_ready(const DatabasePlace *place) {
	g_autofree char *note = g_build_filename(place->folder, place->data, "server.pid", NULL);
	return g_file_test(note, G_FILE_TEST_EXISTS) && run_client(place, "SELECT 1;", FALSE, NULL);
}

static gboolean set_password(const DatabasePlace *place, GError **error) {
	g_autofree char *user = quoted(place->spec->master_user, '\'');
	g_autofree char *password = quoted(place->new_password, '\'');
	g_autofree char *sql =
		g_strdup_printf("ALTER USER %s@'%%' IDENTIFIED BY %s;\n", user, password);
	return run_client(place, sql, FALSE, error);
}

static gboolean is_plain(const char *value) {
	return *value && strspn(value, "0123456789.-") == strlen(value);
}

/* It reads no file again: each dynamic variable is set; static ones refuse, and wait. */
static void reload(const DatabasePlace *place) {
	GString *sql = g_string_new(NULL);
	for (char **each = place->spec->parameters; each && *each; each++) {
		g_auto(GStrv) pair = g_strsplit(*each, "=", 2);
		if (!pair[1])
			continue;
		g_autofree char *text =
			is_plain(pair[1]) ? g_strdup(pair[1]) : quoted(pair[1], '\'');
		g_string_append_printf(sql, "SET GLOBAL %s = %s;\n", pair[0], text);
	}
	run_client(place, sql->str, TRUE, NULL);
	g_string_free(sql, TRUE);
}

static void add_differences(const DatabasePlace *place, GPtrArray *sentences) {
	if (g_str_equal(place->spec->engine, "mysql"))
		g_ptr_array_add(sentences,
			g_strdup("MySQL is served by MariaDB: collations utf8mb4_0900_*, JSON "
				 "columns and caching_sha2_password are MySQL's alone"));
}

const DatabaseEngine database_mariadb = {
	.names = engine_names,
	.title = "MariaDB",
	.package = "mariadb-server-core and mariadb-client-core",
	.stop_signal = "TERM",
	.programs = find_programs,
	.version = find_version,
	.create = create,
	.configure = configure,
	.command = command,
	.is_ready = is_ready,
	.reload = reload,
	.set_password = set_password,
	.differences = add_differences,
};
