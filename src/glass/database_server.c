/*
 * A database server as a process: its bundle, start under crun, readiness, end. Runs in children
 * inside the glass. The server is a detached container, so it outlives whoever started it; crun's
 * own record tells the next one that it runs.
 */
#include "glass/database_engine.h"
#include "glass/enter.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#define CRUN_ROOT "/run/crun-databases"
#define READY_S 600 /* crash recovery may take its time */
#define STOP_S 60
#define LOG_LIMIT (16 * 1024 * 1024)
#define TAIL 600

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean fail(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, GLASS_ERROR, GLASS_ERROR_FAILED, message);
	return FALSE;
}

static GBytes *done(void) {
	return g_bytes_new_static("", 0);
}

/* ---- programs ---- */

static gboolean run(const char *const *argv, const char *input, char **output, GError **error) {
	GlassOutput result = {0};
	if (!glass_program(NULL, argv, NULL, input, input ? strlen(input) : 0, &result, error))
		return FALSE;
	gboolean fine = result.status == 0;
	GByteArray *words = result.errors->len > 0 ? result.errors : result.output;
	if (!fine)
		fail(error, "%s: exit status %d: %.*s", argv[0], result.status,
			(int)MIN(words->len, TAIL), (const char *)words->data);
	/* Programs report trouble on stderr and may still end with 0: both are the output. */
	if (output)
		*output = g_strdup_printf("%.*s%.*s", (int)result.output->len,
			(const char *)result.output->data, (int)result.errors->len,
			(const char *)result.errors->data);
	glass_output_clear(&result);
	return fine;
}

static gboolean crun(const char *command, const char *argument, const char *id, const char *last,
	char **output, GError **error) {
	const char *argv[10] = {"crun", "--root", CRUN_ROOT, "--cgroup-manager=disabled", command};
	int n = 5;
	if (argument)
		argv[n++] = argument;
	argv[n++] = id;
	argv[n] = last;
	return run(argv, NULL, output, error);
}

/* ---- the bundle ---- */

static void mount_free(gpointer data) {
	DatabaseMount *mount = data;
	g_free(mount->source);
	g_free(mount->path);
	g_free(mount);
}

static void add_mount(GPtrArray *mounts, const DatabasePlace *place, const char *source,
	const char *path, gboolean read_only) {
	DatabaseMount *mount = g_new0(DatabaseMount, 1);
	mount->source = g_path_is_absolute(source) ? g_strdup(source)
						   : g_build_filename(place->folder, source, NULL);
	mount->path = g_strdup(path);
	mount->read_only = read_only;
	g_ptr_array_add(mounts, mount);
}

static GPtrArray *list_mounts(const DatabasePlace *place) {
	GPtrArray *mounts = g_ptr_array_new_with_free_func(mount_free);
	add_mount(mounts, place, "/usr", "/usr", TRUE);
	add_mount(mounts, place, place->data, "/data", FALSE);
	add_mount(mounts, place, "conf", "/conf", TRUE);
	add_mount(mounts, place, "socket", "/run/db", FALSE);
	const DatabaseEngine *engine = database_engine(place->spec->engine);
	if (engine->mounts)
		engine->mounts(place, mounts);
	return mounts;
}

static void add_tmpfs(json_t *mounts, const char *path, const char *mode, const char *size) {
	json_array_append_new(mounts,
		json_pack("{s:s, s:s, s:s, s:[s, s, s, s]}", "destination", path, "type", "tmpfs",
			"source", "tmpfs", "options", "nosuid", "nodev", mode, size));
}

static json_t *mounts_json(const DatabasePlace *place) {
	json_t *mounts = json_pack(
		"[{s:s, s:s, s:s}]", "destination", "/proc", "type", "proc", "source", "proc");
	add_tmpfs(mounts, "/dev", "mode=755", "size=64k");
	add_tmpfs(mounts, "/dev/shm", "mode=1777", "size=512m");
	add_tmpfs(mounts, "/tmp", "mode=1777", "size=1g");
	g_autoptr(GPtrArray) binds = list_mounts(place);
	for (guint i = 0; i < binds->len; i++) {
		const DatabaseMount *bind = binds->pdata[i];
		json_array_append_new(mounts,
			json_pack("{s:s, s:s, s:s, s:[s, s, s, s]}", "destination", bind->path,
				"type", "bind", "source", bind->source, "options", "rbind",
				bind->read_only ? "ro" : "rw", "nosuid", "nodev"));
	}
	return mounts;
}

static json_t *arguments_json(char **argv) {
	json_t *arguments = json_array();
	for (; *argv; argv++)
		json_array_append_new(arguments, json_string(*argv));
	return arguments;
}

/* What crun is told; `network`: in the owner's namespace, else in one of its own. */
static gboolean write_bundle(
	const DatabasePlace *place, char **argv, gboolean network, GError **error) {
	g_autofree char *root = g_build_filename(place->folder, "root", NULL);
	g_autofree char *path = g_build_filename(place->folder, "bundle", "config.json", NULL);
	g_autofree char *netns = g_strdup_printf("/run/netns/%s", place->spec->owner);
	json_t *net = network ? json_pack("{s:s, s:s}", "type", "network", "path", netns)
			      : json_pack("{s:s}", "type", "network");
	json_t *config = json_pack(
		"{s:s, s:{s:b, s:{s:i, s:i}, s:o, s:[s, s, s], s:s, s:b}, s:{s:s, s:b}, s:s, s:o, "
		"s:{s:[{s:s}, {s:s}, {s:s}, {s:s}, o]}}",
		"ociVersion", "1.0.2", "process", "terminal", 0, "user", "uid", DATABASE_USER,
		"gid", DATABASE_USER, "args", arguments_json(argv), "env",
		"PATH=/usr/sbin:/usr/bin", "HOME=/tmp", "TZ=UTC", "cwd", "/tmp", "noNewPrivileges",
		1, "root", "path", root, "readonly", 1, "hostname", "db", "mounts",
		mounts_json(place), "linux", "namespaces", "type", "pid", "type", "ipc", "type",
		"uts", "type", "mount", net);
	char *text = config ? json_dumps(config, JSON_INDENT(1)) : NULL;
	json_decref(config);
	gboolean fine = text && g_file_set_contents(path, text, -1, error);
	if (!text)
		fail(error, "the bundle of %s cannot be written", place->spec->id);
	free(text);
	return fine;
}

/* ---- folders ---- */

static gboolean make_folder(
	const DatabasePlace *place, const char *name, guint mode, uid_t owner, GError **error) {
	g_autofree char *path = g_build_filename(place->folder, name, NULL);
	if ((mkdir(path, mode) < 0 && errno != EEXIST) || chown(path, owner, owner) < 0 ||
		chmod(path, mode) < 0)
		return fail(error, "cannot make %s: %s", path, g_strerror(errno));
	return TRUE;
}

/* The few names that a server looks up. */
static gboolean write_accounts(const DatabasePlace *place, GError **error) {
	static const char *const files[][2] = {{"passwd", "root:x:0:0::/:/usr/sbin/nologin\n"
							  "rds:x:70:70::/data:/usr/sbin/nologin\n"},
		{"group", "root:x:0:\nrds:x:70:\n"}, {"hosts", "127.0.0.1 localhost db\n"},
		{"nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"}};
	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path =
			g_build_filename(place->folder, "root/etc", files[i][0], NULL);
		if (!g_file_set_contents(path, files[i][1], -1, error))
			return FALSE;
		if (chmod(path, 0644) < 0)
			return fail(error, "cannot keep %s: %s", path, g_strerror(errno));
	}
	return TRUE;
}

static gboolean make_root(const DatabasePlace *place, GError **error) {
	static const char *const folders[] = {"root", "root/usr", "root/etc", "root/tmp",
		"root/dev", "root/proc", "root/run", "root/run/db", "root/data", "root/conf",
		"root/var", "bundle", "conf"};
	static const char *const links[] = {"bin", "lib", "lib64", "sbin"};
	for (guint i = 0; i < G_N_ELEMENTS(folders); i++)
		if (!make_folder(place, folders[i], 0755, 0, error))
			return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
		g_autofree char *path = g_build_filename(place->folder, "root", links[i], NULL);
		g_autofree char *target = g_strconcat("usr/", links[i], NULL);
		if (symlink(target, path) < 0 && errno != EEXIST)
			return fail(error, "cannot make %s: %s", path, g_strerror(errno));
	}
	return write_accounts(place, error) &&
	       make_folder(place, "socket", 0750, DATABASE_USER, error);
}

/* TRUE in *changed if a file is another than before. */
static gboolean write_configuration(const DatabasePlace *place, gboolean *changed, GError **error) {
	g_autoptr(GHashTable) files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	database_engine(place->spec->engine)->configure(place, files);
	GHashTableIter iter;
	gpointer name, text;
	g_hash_table_iter_init(&iter, files);
	while (g_hash_table_iter_next(&iter, &name, &text)) {
		g_autofree char *path = g_build_filename(place->folder, "conf", name, NULL);
		g_autofree char *before = NULL;
		if (g_file_get_contents(path, &before, NULL, NULL) && g_str_equal(before, text))
			continue;
		*changed = TRUE;
		if (!g_file_set_contents(path, text, -1, error) || chmod(path, 0644) < 0)
			return FALSE;
	}
	return TRUE;
}

/* The server's key is its own to read. */
static gboolean write_certificate(const DatabasePlace *place, GError **error) {
	g_autofree char *path = g_build_filename(place->folder, "conf", "server.crt", NULL);
	g_autofree char *key_path = g_build_filename(place->folder, "conf", "server.key", NULL);
	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	g_autofree char *certificate = NULL, *key = NULL;
	if (!database_certificate(place->spec->id, &certificate, &key, error) ||
		!g_file_set_contents(key_path, key, -1, error))
		return FALSE;
	if (chmod(key_path, 0600) < 0 || chown(key_path, DATABASE_USER, DATABASE_USER) < 0)
		return fail(error, "cannot keep the key %s: %s", key_path, g_strerror(errno));
	/* Last: what is there whole is not made again. */
	return g_file_set_contents(path, certificate, -1, error) && chmod(path, 0644) == 0;
}

/* ---- one-time programs ---- */

gboolean database_run_program(
	const DatabasePlace *place, char **argv, const char *input, char **output, GError **error) {
	g_autofree char *id = g_strconcat(place->spec->id, "-once", NULL);
	g_autofree char *bundle = g_build_filename(place->folder, "bundle", NULL);
	crun("delete", "--force", id, NULL, NULL, NULL);
	if (!write_bundle(place, argv, FALSE, error))
		return FALSE;
	const char *const command[] = {"crun", "--root", CRUN_ROOT, "--cgroup-manager=disabled",
		"run", "--bundle", bundle, id, NULL};
	return run(command, input, output, error);
}

/* Data are there whole or not at all. */
static gboolean make_data(const DatabasePlace *place, GError **error) {
	g_autofree char *data = g_build_filename(place->folder, "data", NULL);
	g_autofree char *new_data = g_build_filename(place->folder, "data.new", NULL);
	if (g_file_test(data, G_FILE_TEST_IS_DIR))
		return TRUE;
	DatabasePlace making = *place;
	making.data = "data.new";
	if (!run((const char *[]){"rm", "-rf", new_data, NULL}, NULL, NULL, error) ||
		!make_folder(place, "data.new", 0700, DATABASE_USER, error) ||
		!database_engine(place->spec->engine)->create(&making, error))
		return FALSE;
	sync();
	return rename(new_data, data) == 0 ||
	       fail(error, "cannot keep the new data: %s", g_strerror(errno));
}

/* ---- the server ---- */

/* Its process as the glass numbers it; 0: it does not run. */
static pid_t server_pid(const char *id) {
	g_autofree char *text = NULL;
	if (!crun("state", NULL, id, NULL, &text, NULL))
		return 0;
	json_t *state = json_loads(text, 0, NULL);
	const char *status = json_string_value(json_object_get(state, "status"));
	pid_t pid = g_strcmp0(status, "running") == 0
			    ? (pid_t)json_integer_value(json_object_get(state, "pid"))
			    : 0;
	json_decref(state);
	return pid;
}

/* The last lines of the log, for words about a failure. Caller frees. */
static char *log_tail(const char *path) {
	g_autofree char *text = NULL;
	gsize length;
	if (!g_file_get_contents(path, &text, &length, NULL))
		return g_strdup("");
	char *tail = text + (length > TAIL ? length - TAIL : 0);
	char *line = length > TAIL ? strchr(tail, '\n') : NULL;
	return g_utf8_make_valid(g_strstrip(line ? line + 1 : tail), -1);
}

static gboolean start_server(const DatabasePlace *place, const char *log, GError **error) {
	static const char script[] =
		"umask 022; log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null";
	g_autofree char *bundle = g_build_filename(place->folder, "bundle", NULL);
	g_autofree char *old = g_strconcat(log, ".1", NULL);
	struct stat about;
	g_auto(GStrv) argv = database_engine(place->spec->engine)->command(place);
	crun("delete", "--force", place->spec->id, NULL, NULL, NULL);
	if (stat(log, &about) == 0 && about.st_size > LOG_LIMIT)
		(void)rename(log, old);
	if (!write_bundle(place, argv, TRUE, error))
		return FALSE;
	const char *const command[] = {"sh", "-c", script, "sh", log, "crun", "--root", CRUN_ROOT,
		"--cgroup-manager=disabled", "run", "--detach", "--bundle", bundle, place->spec->id,
		NULL};
	if (run(command, NULL, NULL, NULL))
		return TRUE;
	g_autofree char *tail = log_tail(log);
	return fail(error, "the server cannot be started: %s", tail);
}

static gboolean wait_ready(const DatabasePlace *place, pid_t pid, const char *log, GError **error) {
	const DatabaseEngine *engine = database_engine(place->spec->engine);
	guint64 start = glass_start_of(pid);
	for (int i = 0; i < READY_S * 20; i++) {
		if (start == 0 || glass_start_of(pid) != start) {
			g_autofree char *tail = log_tail(log);
			return fail(error, "the server ended: %s", tail);
		}
		if (engine->is_ready(place))
			return TRUE;
		g_usleep(50000);
	}
	return fail(error, "the server did not become ready within %d seconds", READY_S);
}

static void reload(const DatabasePlace *place) {
	const DatabaseEngine *engine = database_engine(place->spec->engine);
	if (engine->reload_signal)
		crun("kill", NULL, place->spec->id, engine->reload_signal, NULL, NULL);
	else
		engine->reload(place);
}

GBytes *database_bring_up(gpointer data, GError **error) {
	const DatabasePlace *place = data;
	g_autofree char *log = g_build_filename(place->folder, "server.log", NULL);
	gboolean changed = FALSE;
	if (!make_root(place, error) || !make_data(place, error) ||
		!write_certificate(place, error) || !write_configuration(place, &changed, error))
		return NULL;
	pid_t pid = server_pid(place->spec->id);
	if (pid && changed)
		reload(place);
	if (!pid &&
		(!start_server(place, log, error) || (pid = server_pid(place->spec->id)) == 0)) {
		g_autofree char *tail = log_tail(log);
		if (error && !*error)
			fail(error, "the server ended at once: %s", tail);
		return NULL;
	}
	if (!wait_ready(place, pid, log, error))
		return NULL;
	g_autofree char *result =
		g_strdup_printf("%d %" G_GUINT64_FORMAT, pid, glass_start_of(pid));
	return g_bytes_new(result, strlen(result) + 1);
}

static void stop_server(const char *id, const char *signal) {
	if (server_pid(id) && crun("kill", NULL, id, signal, NULL, NULL))
		for (int i = 0; i < STOP_S * 20 && server_pid(id); i++)
			g_usleep(50000);
	crun("delete", "--force", id, NULL, NULL, NULL);
}

GBytes *database_halt(gpointer data, GError **error) {
	const DatabasePlace *place = data;
	stop_server(place->spec->id, database_engine(place->spec->engine)->stop_signal);
	return done();
}

GBytes *database_remove(gpointer data, GError **error) {
	const DatabasePlace *place = data;
	g_autofree char *once = g_strconcat(place->spec->id, "-once", NULL);
	crun("delete", "--force", once, NULL, NULL, NULL);
	stop_server(place->spec->id, "KILL");
	return run((const char *[]){"rm", "-rf", place->folder, NULL}, NULL, NULL, error) ? done()
											  : NULL;
}

GBytes *database_reload(gpointer data, GError **error) {
	const DatabasePlace *place = data;
	gboolean changed = FALSE;
	if (!write_configuration(place, &changed, error))
		return NULL;
	if (changed)
		reload(place);
	return done();
}

GBytes *database_change_password(gpointer data, GError **error) {
	const DatabasePlace *place = data;
	return database_engine(place->spec->engine)->set_password(place, error) ? done() : NULL;
}

GBytes *database_stop_others(gpointer data, GError **error) {
	g_autofree char *text = NULL;
	char **ids = data;
	const char *const argv[] = {"crun", "--root", CRUN_ROOT, "list", "--quiet", NULL};
	if (!g_file_test(CRUN_ROOT, G_FILE_TEST_IS_DIR) || !run(argv, NULL, &text, NULL))
		return done();
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (*g_strstrip(*line) && !g_strv_contains((const char *const *)ids, *line) &&
			!g_str_has_suffix(*line, "-once"))
			stop_server(*line, "INT");
	return done();
}
