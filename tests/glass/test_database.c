/* Real PostgreSQL and MariaDB servers in the namespace of an interface, reached by their clients
 * from another one. */
#include "glass/database.h"
#include "glass/job.h"
#include "glass/net.h"

#include <string.h>

#define PASSWORD "correct-horse"
#define ID "db-TEST"

static char *home;
static Glass *glass;

static void declare_network(void) {
	g_autoptr(GError) error = NULL;
	g_autoptr(NetState) state = net_state_new();
	const char *const cidr[] = {"10.0.0.0/24", NULL}, *const in_db[] = {"sg-db", NULL};
	const char *const in_app[] = {"sg-app", NULL};
	net_state_vpc(state, "vpc-1", cidr);
	net_state_route_table(state, "rtb", "vpc-1");
	net_state_subnet(state, "subnet", "vpc-1", "10.0.0.0/24", "a", "rtb");
	NetSecurityGroup *app = net_state_security_group(state, "sg-app", "vpc-1");
	NetSecurityGroup *db = net_state_security_group(state, "sg-db", "vpc-1");
	net_security_group_rule(app, TRUE, -1, -1, -1, "0.0.0.0/0", NULL);
	net_security_group_rule(db, FALSE, 6, 5432, 5432, NULL, "sg-app");
	net_security_group_rule(db, FALSE, 6, 3306, 3306, NULL, "sg-app");
	net_state_interface(state, "eni-db", "subnet", "db", "10.0.0.20", in_db);
	net_state_interface(state, "eni-app", "subnet", "app", "10.0.0.30", in_app);
	net_apply_sync(glass, state, &error);
	g_assert_no_error(error);
}

static DatabaseSpec *make_spec(void) {
	static const char *const parameters[] = {
		"work_mem=8192", "max_connections=30", "rds.force_ssl=1", NULL};
	DatabaseSpec *spec = database_spec_new(ID, "db");
	spec->address = g_strdup("10.0.0.20");
	spec->port = 5432;
	spec->engine = g_strdup("postgres");
	spec->version = g_strdup("13.4");
	spec->master_user = g_strdup("app");
	spec->master_password = g_strdup(PASSWORD);
	spec->database = g_strdup("shop");
	spec->parameters = g_strdupv((char **)parameters);
	return spec;
}

static void on_changed(Database *database, gpointer data) {
	*(DatabaseStatus *)data = database_status(database);
}

/* Runs the loop until the last status is `wanted`, or a minute is over. */
static void wait_for(const DatabaseStatus *status, DatabaseStatus wanted) {
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	while (*status != wanted && g_get_monotonic_time() < end)
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(5000);
	g_assert_cmpint(*status, ==, wanted);
}

/* What psql says to `sql` from the app's namespace; NULL (and *problem) if it fails. */
static char *ask(const char *database, const char *password, const char *sql, char **problem) {
	g_autofree char *setting = g_strconcat("PGPASSWORD=", password, NULL);
	const char *const argv[] = {"psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "10.0.0.20",
		"-U", "app", "-d", database, "-c", sql, NULL};
	const char *const environment[] = {setting, "PGCONNECT_TIMEOUT=5", "HOME=/tmp", NULL};
	g_autoptr(GBytes) output = NULL;
	g_autoptr(GError) error = NULL;
	if (!glass_run_sync(glass, "app", argv, environment, NULL, &output, NULL, &error)) {
		if (problem)
			*problem = g_strdup(error->message);
		else
			g_test_message("%s", error->message);
		return NULL;
	}
	gsize length;
	const char *text = g_bytes_get_data(output, &length);
	return g_strchomp(g_strndup(text, length));
}

#define assert_answer(database, password, sql, wanted)                                             \
	do {                                                                                       \
		g_autofree char *answer = ask(database, password, sql, NULL);                      \
		g_assert_cmpstr(answer, ==, wanted);                                               \
	} while (0)

static void assert_refused(const char *password, const char *sql, const char *words) {
	g_autofree char *problem = NULL;
	g_autofree char *answer = ask("shop", password, sql, &problem);
	g_assert_null(answer);
	g_assert_nonnull(problem);
	g_assert_nonnull(strstr(problem, words));
}

/* As RDS has it: no superuser, but databases, roles and RDS's extensions. */
static void check_master_user(void) {
	assert_answer("shop", PASSWORD, "show is_superuser", "off");
	assert_answer(
		"shop", PASSWORD, "select pg_has_role('app', 'rds_superuser', 'member')", "t");
	assert_answer("shop", PASSWORD, "create extension pg_stat_statements", "");
	assert_answer("shop", PASSWORD, "select count(*) > 0 from pg_stat_statements", "t");
	assert_answer("shop", PASSWORD, "create role other login password 'x'", "");
	assert_answer("postgres", PASSWORD, "create database more", "");
	assert_answer("shop", PASSWORD, "show work_mem", "8MB");
	assert_answer("shop", PASSWORD, "show max_connections", "30");
	assert_answer(
		"shop", PASSWORD, "select ssl from pg_stat_ssl where pid = pg_backend_pid()", "t");
	assert_refused("wrong", "select 1", "password authentication failed");
	assert_refused(PASSWORD, "alter role rdsadmin password 'x'", "must be superuser");
	assert_refused(PASSWORD, "copy (select 1) to program 'id'", "superuser");
}

static void assert_nothing_left(void) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) left = NULL;
	const char *const list[] = {"sh", "-c",
		"ls " GLASS_HOME "/databases; crun --root /run/crun-databases list -q", NULL};
	glass_run_sync(glass, NULL, list, NULL, NULL, &left, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(left), ==, 0);
}

/* FALSE: there can be none on this machine. */
static gboolean open_glass(void) {
	g_autoptr(GError) error = NULL;
	glass = glass_open(home, &error);
	if (g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_test_skip(error->message);
		return FALSE;
	}
	g_assert_no_error(error);
	declare_network();
	return TRUE;
}

static void test_postgres(void) {
	g_autoptr(GError) error = NULL;
	DatabaseStatus status = DATABASE_DELETED;
	if (!open_glass())
		return;
	g_autofree char *version = database_server_version("postgres", &error);
	g_assert_no_error(error);
	Databases *databases = databases_new(glass, on_changed, &status);
	Database *database = databases_run(databases, make_spec(), &error);
	g_assert_no_error(error);
	g_assert_cmpint(database_status(database), ==, DATABASE_CREATING);
	gint64 began = g_get_monotonic_time();
	wait_for(&status, DATABASE_AVAILABLE);
	g_test_message(
		"available after %" G_GINT64_FORMAT " ms", (g_get_monotonic_time() - began) / 1000);
	g_autofree char *difference =
		g_strdup_printf("postgres version 13.4 is served by PostgreSQL %s", version);
	g_assert_true(g_strv_contains(database_differences(database), difference));
	check_master_user();
	assert_answer("shop", PASSWORD, "create table t(x int); insert into t values (7)", "");

	/* Stop and start keep the data. */
	database_stop(database);
	wait_for(&status, DATABASE_STOPPED);
	assert_refused(PASSWORD, "select 1", "refused");
	database_start(database);
	wait_for(&status, DATABASE_AVAILABLE);
	assert_answer("shop", PASSWORD, "select x from t", "7");

	/* Parameters: at once, and with a reboot. */
	const char *const other[] = {"work_mem=16384", "max_connections=40", NULL};
	database_set_parameters(database, g_strdupv((char **)other));
	wait_for(&status, DATABASE_AVAILABLE);
	assert_answer("shop", PASSWORD, "show work_mem", "16MB");
	assert_answer("shop", PASSWORD, "show max_connections", "30");
	database_reboot(database);
	g_assert_cmpint(status, ==, DATABASE_STOPPING);
	wait_for(&status, DATABASE_AVAILABLE);
	assert_answer("shop", PASSWORD, "show max_connections", "40");

	/* The server runs on when its caller goes; the next one adopts it. */
	assert_answer("shop", PASSWORD, "select pg_postmaster_start_time() into began", "");
	databases_free(databases);
	assert_answer("shop", PASSWORD, "select x from t", "7");
	databases = databases_new(glass, on_changed, &status);
	DatabaseSpec *spec = make_spec();
	g_strfreev(spec->parameters);
	spec->parameters = g_strdupv((char **)other);
	database = databases_run(databases, spec, &error);
	g_assert_no_error(error);
	databases_sweep(databases);
	status = DATABASE_STARTING;
	wait_for(&status, DATABASE_AVAILABLE);
	assert_answer(
		"shop", PASSWORD, "select pg_postmaster_start_time() = (select * from began)", "t");

	database_set_password(database, "it's-another");
	g_assert_cmpint(status, ==, DATABASE_MODIFYING);
	wait_for(&status, DATABASE_AVAILABLE);
	assert_answer("shop", "it's-another", "select x from t", "7");
	assert_refused(PASSWORD, "select 1", "password authentication failed");

	/* A crash: the server comes back by itself. */
	const char *const kill[] = {
		"crun", "--root", "/run/crun-databases", "kill", ID, "KILL", NULL};
	glass_run_sync(glass, NULL, kill, NULL, NULL, NULL, NULL, &error);
	g_assert_no_error(error);
	wait_for(&status, DATABASE_STARTING);
	wait_for(&status, DATABASE_AVAILABLE);
	assert_answer("shop", "it's-another", "select x from t", "7");

	/* Deleting leaves nothing. */
	database_delete(database);
	wait_for(&status, DATABASE_DELETED);
	g_assert_null(databases_get(databases, ID));
	assert_nothing_left();
	databases_free(databases);
	g_assert_true(glass_destroy(g_steal_pointer(&glass), &error));
}

static char *ask_mariadb(const char *password, const char *sql) {
	g_autofree char *setting = g_strconcat("MYSQL_PWD=", password, NULL);
	const char *const argv[] = {"mariadb", "--no-defaults", "-N", "-h", "10.0.0.20", "-u",
		"app", "shop", "-e", sql, NULL};
	const char *const environment[] = {setting, "HOME=/tmp", NULL};
	g_autoptr(GBytes) output = NULL;
	g_autoptr(GError) error = NULL;
	if (!glass_run_sync(glass, "app", argv, environment, NULL, &output, NULL, &error)) {
		g_test_message("%s", error->message);
		return NULL;
	}
	gsize length;
	const char *text = g_bytes_get_data(output, &length);
	return g_strchomp(g_strndup(text, length));
}

#define assert_mariadb(password, sql, wanted)                                                      \
	do {                                                                                       \
		g_autofree char *answer = ask_mariadb(password, sql);                              \
		g_assert_cmpstr(answer, ==, wanted);                                               \
	} while (0)

static void test_mariadb(void) {
	static const char *const before[] = {
		"max_connections=33", "explicit_only_in_mysql=1", NULL};
	static const char *const after[] = {"max_connections=44", "sql_mode=ANSI_QUOTES", NULL};
	g_autoptr(GError) error = NULL;
	DatabaseStatus status = DATABASE_DELETED;
	if (!open_glass())
		return;
	Databases *databases = databases_new(glass, on_changed, &status);
	DatabaseSpec *spec = make_spec();
	g_free(spec->engine);
	spec->engine = g_strdup("mysql");
	spec->port = 3306;
	g_strfreev(spec->parameters);
	spec->parameters = g_strdupv((char **)before);
	Database *database = databases_run(databases, spec, &error);
	g_assert_no_error(error);
	wait_for(&status, DATABASE_AVAILABLE);
	g_assert_nonnull(database_differences(database)[0]);
	assert_mariadb(PASSWORD, "create table t(x text); insert into t values ('ü')", "");
	assert_mariadb(PASSWORD, "select x, @@max_connections, @@character_set_database from t",
		"ü\t33\tutf8mb4");
	assert_mariadb(PASSWORD, "set global general_log_file='/data/x'", NULL);
	database_set_parameters(database, g_strdupv((char **)after));
	wait_for(&status, DATABASE_AVAILABLE);
	assert_mariadb(PASSWORD, "select @@max_connections, @@sql_mode", "44\tANSI_QUOTES");
	database_set_password(database, "it's-another");
	wait_for(&status, DATABASE_AVAILABLE);
	assert_mariadb(PASSWORD, "select 1", NULL);
	database_reboot(database);
	wait_for(&status, DATABASE_AVAILABLE);
	assert_mariadb("it's-another", "select x, @@sql_mode from t", "ü\tANSI_QUOTES");
	database_delete(database);
	wait_for(&status, DATABASE_DELETED);
	assert_nothing_left();
	databases_free(databases);
	g_assert_true(glass_destroy(g_steal_pointer(&glass), &error));
}

static void test_engines(void) {
	g_autoptr(GError) error = NULL;
	g_autofree char *version = database_server_version("oracle-ee", &error);
	g_assert_null(version);
	g_assert_error(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED);
	g_assert_nonnull(strstr(error->message, "oracle-ee"));
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
	g_test_set_nonfatal_assertions();
	home = g_dir_make_tmp("terrarium-database-XXXXXX", NULL);
	g_test_add_func("/database/engines", test_engines);
	g_test_add_func("/database/postgres", test_postgres);
	g_test_add_func("/database/mariadb", test_mariadb);
	int failed = g_test_run();
	glass_destroy_home(home, NULL);
	const char *const remove[] = {"rm", "-rf", home, NULL};
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
	g_free(home);
	return failed;
}
