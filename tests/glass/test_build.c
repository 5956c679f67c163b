/*
 * Image builds for real: buildah in the glass, from an empty image and a static busybox, so that
 * nothing is fetched.
 */
#include "glass/build.h"
#include "glass/job.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSYBOX "/bin/busybox"

typedef struct {
	char *home, *context;
	Glass *glass; /* NULL: no glass on this machine, the test is skipped */
	Blobs *blobs;
	GString *said;
} Fixture;

static void run_shell(const char *script) {
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	g_autoptr(GError) error = NULL;
	int status = 0;
	g_spawn_sync(
		NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
}

static void set_up(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	fixture->home = g_dir_make_tmp("glass-build-XXXXXX", NULL);
	fixture->context = g_dir_make_tmp("context-XXXXXX", NULL);
	fixture->said = g_string_new(NULL);
	g_assert_cmpint(chmod(fixture->home, 0755), ==, 0);
	g_autofree char *buildah = g_find_program_in_path("buildah");
	g_assert_nonnull(buildah);
	g_assert_true(g_file_test(BUSYBOX, G_FILE_TEST_EXISTS)); /* package busybox-static */
	fixture->glass = glass_open(fixture->home, &error);
	if (g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_test_skip(error->message);
		return;
	}
	g_assert_no_error(error);
	fixture->blobs = blobs_open(fixture->home, &error);
	g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	blobs_free(fixture->blobs);
	if (fixture->glass) {
		const char *const argv[] = {"rm", "-rf", GLASS_HOME "/builds", NULL};
		/* What is left of it (the folder itself) is the outside's. */
		glass_run_sync(fixture->glass, NULL, argv, NULL, NULL, NULL, NULL, NULL);
		glass_destroy(fixture->glass, &error);
		g_assert_no_error(error);
	}
	g_autofree char *script =
		g_strdup_printf("rm -rf '%s' '%s'", fixture->home, fixture->context);
	run_shell(script);
	g_string_free(fixture->said, TRUE);
	g_free(fixture->home);
	g_free(fixture->context);
}

static void write_context(Fixture *fixture, const char *dockerfile) {
	g_autofree char *path = g_build_filename(fixture->context, "Dockerfile", NULL);
	g_assert_true(g_file_set_contents(path, dockerfile, -1, NULL));
	g_autofree char *script = g_strdup_printf(
		"cd '%s' && cp " BUSYBOX " busybox && mkdir -p data/secret && echo one > data/a && "
		"echo two > data/secret/b && printf 'data/secret\\n' > .dockerignore",
		fixture->context);
	run_shell(script);
}

static void take_line(const char *line, gpointer data) {
	g_test_message("%s", line);
	g_string_append_printf(data, "%s\n", line);
}

static void keep_result(GObject *source, GAsyncResult *result, gpointer data) {
	*(GAsyncResult **)data = g_object_ref(result);
}

static int pack(Fixture *fixture) {
	g_autoptr(GError) error = NULL;
	int fd = open(fixture->home, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	g_assert_cmpint(fd, >=, 0);
	build_context_write(fixture->context, NULL, fd, &error);
	g_assert_no_error(error);
	return fd;
}

static char *build(Fixture *fixture, GCancellable *cancellable, GError **error) {
	g_autoptr(GAsyncResult) result = NULL;
	char *arguments[] = {(char *)"WORD=hello world", NULL};
	BuildSpec spec = {.context = pack(fixture), .arguments = arguments};
	g_string_truncate(fixture->said, 0);
	build_run_async(fixture->glass, fixture->blobs, &spec, take_line, fixture->said,
		cancellable, keep_result, &result);
	close(spec.context);
	while (!result)
		g_main_context_iteration(NULL, TRUE);
	return build_run_finish(result, error);
}

static char *mounts(Fixture *fixture) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) output = NULL;
	const char *const argv[] = {"cat", "/proc/1/mounts", NULL};
	glass_run_sync(fixture->glass, NULL, argv, NULL, NULL, &output, NULL, &error);
	g_assert_no_error(error);
	gsize length;
	const char *text = g_bytes_get_data(output, &length);
	return g_strndup(text, length);
}

static const char *const dockerfile =
	"FROM scratch\n"
	"COPY busybox /bin/busybox\n"
	"SHELL [\"/bin/busybox\", \"sh\", \"-c\"]\n"
	"ARG WORD\n"
	"COPY data /data\n"
	"RUN echo \"$WORD\" > /word; /bin/busybox env; "
	"/bin/busybox test -e /data/a && ! /bin/busybox test -e /data/secret\n"
	"ENV GREETING=hi\n"
	"CMD [\"/bin/busybox\", \"cat\", \"/word\"]\n";

static void test_build(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	if (!fixture->glass)
		return;
	write_context(fixture, dockerfile);
	g_autofree char *before = mounts(fixture);
	g_autofree char *digest = build(fixture, NULL, &error);
	g_assert_no_error(error);
	g_autoptr(Image) image = image_open(fixture->blobs, digest, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(image->config->command[0], ==, "/bin/busybox");
	g_assert_nonnull(strstr(fixture->said->str, "WORD=hello world"));
	g_assert_null(strstr(fixture->said->str, "Using cache"));
	/* The certificates were there, and left nothing behind. */
	for (gsize i = 0; image->config->environment[i]; i++)
		g_assert_false(g_str_has_prefix(image->config->environment[i], "SSL_CERT_FILE="));

	g_autofree char *again = build(fixture, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(again, ==, digest);
	g_assert_nonnull(strstr(fixture->said->str, "Using cache"));
	g_autofree char *after = mounts(fixture);
	g_assert_cmpstr(after, ==, before);
}

static void test_failure(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	if (!fixture->glass)
		return;
	write_context(fixture, "FROM scratch\nCOPY busybox /bin/busybox\n"
			       "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo no; exit 3\"]\n");
	g_autofree char *before = mounts(fixture);
	g_autofree char *digest = build(fixture, NULL, &error);
	g_assert_null(digest);
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, "RUN /bin/busybox sh -c"));
	g_assert_nonnull(strstr(error->message, "exit status 3"));
	g_autofree char *after = mounts(fixture);
	g_assert_cmpstr(after, ==, before);
}

static gboolean cancel_when_running(gpointer data) {
	Fixture *fixture = ((gpointer *)data)[0];
	if (!strstr(fixture->said->str, "now sleeping"))
		return G_SOURCE_CONTINUE;
	g_cancellable_cancel(((gpointer *)data)[1]);
	return G_SOURCE_REMOVE;
}

static gboolean sleeper_runs(Fixture *fixture) {
	const char *const argv[] = {"pgrep", "-f", "sleep 4321$", NULL};
	return glass_run_sync(fixture->glass, NULL, argv, NULL, NULL, NULL, NULL, NULL);
}

/* A cancelled build leaves neither process nor mount, and the next one is not held up. */
static void test_cancel(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	if (!fixture->glass)
		return;
	write_context(fixture, "FROM scratch\nCOPY busybox /bin/busybox\n"
			       "RUN [\"/bin/busybox\", \"sh\", \"-c\", "
			       "\"echo now sleeping; /bin/busybox sleep 4321\"]\n");
	g_autofree char *before = mounts(fixture);
	gpointer pair[] = {fixture, cancellable};
	guint timer = g_timeout_add(20, cancel_when_running, pair);
	g_autofree char *digest = build(fixture, cancellable, &error);
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
	g_assert_null(digest);
	g_assert_null(g_main_context_find_source_by_id(NULL, timer));
	gint64 deadline = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
	while (sleeper_runs(fixture) && g_get_monotonic_time() < deadline)
		g_usleep(20000);
	g_assert_false(sleeper_runs(fixture));
	g_clear_error(&error);
	write_context(fixture, dockerfile);
	g_autofree char *next = build(fixture, NULL, &error);
	g_assert_no_error(error);
	g_assert_nonnull(next);
	g_autofree char *after = mounts(fixture);
	g_assert_cmpstr(after, ==, before);
}

static char *load(Fixture *fixture, const char *path, GError **error) {
	g_autoptr(GAsyncResult) result = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	build_load_async(fixture->glass, fixture->blobs, fd, take_line, fixture->said, NULL,
		keep_result, &result);
	close(fd);
	while (!result)
		g_main_context_iteration(NULL, TRUE);
	return build_run_finish(result, error);
}

/* The image as an OCI archive, made of the store's blobs, loads as the same layers. */
static void test_load(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	if (!fixture->glass)
		return;
	write_context(fixture, dockerfile);
	g_autofree char *digest = build(fixture, NULL, &error);
	g_assert_no_error(error);
	g_autofree char *archive = g_build_filename(fixture->home, "saved.tar", NULL);
	g_autofree char *script = g_strdup_printf(
		"cd '%s' && mkdir layout && cp -r builds/out/oci-layout builds/out/index.json "
		"layout/ && mkdir layout/blobs && cp -r blobs/sha256 layout/blobs/ && "
		"tar -C layout -cf saved.tar . && rm -r layout",
		fixture->home);
	run_shell(script);
	g_autofree char *loaded = load(fixture, archive, &error);
	g_assert_no_error(error);
	g_autoptr(Image) one = image_open(fixture->blobs, digest, &error);
	g_autoptr(Image) other = image_open(fixture->blobs, loaded, &error);
	g_assert_no_error(error);
	g_assert_cmpint(
		g_strv_length(one->config->diff_ids), ==, g_strv_length(other->config->diff_ids));
	for (gsize i = 0; one->config->diff_ids[i]; i++)
		g_assert_cmpstr(one->config->diff_ids[i], ==, other->config->diff_ids[i]);
	g_assert_true(g_file_set_contents(archive, "no tar", -1, NULL));
	g_autofree char *bad = load(fixture, archive, &error);
	g_assert_null(bad);
	g_assert_nonnull(strstr(error->message, "no tar archive"));
}

static void test_ignore(void) {
	const char *const lines[] = {"# comment", "/node_modules/", "*.log", "**/cache", "docs",
		"!docs/keep.md", "a?[xy]", NULL};
	static const struct {
		const char *path;
		gboolean ignored;
	} cases[] = {
		{"node_modules", TRUE},
		{"node_modules/x/y.js", TRUE},
		{"sub/node_modules", FALSE},
		{"npm.log", TRUE},
		{"sub/npm.log", FALSE},
		{"cache", TRUE},
		{"a/b/cache/c", TRUE},
		{"cached", FALSE},
		{"docs/a.md", TRUE},
		{"docs/keep.md", FALSE},
		{"abx", TRUE},
		{"abz", FALSE},
		{"# comment", FALSE},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].path);
		g_assert_cmpint(build_ignores(lines, cases[i].path), ==, cases[i].ignored);
	}
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/build/ignore", test_ignore);
	g_test_add("/build/build", Fixture, NULL, set_up, test_build, tear_down);
	g_test_add("/build/failure", Fixture, NULL, set_up, test_failure, tear_down);
	g_test_add("/build/cancel", Fixture, NULL, set_up, test_cancel, tear_down);
	g_test_add("/build/load", Fixture, NULL, set_up, test_load, tear_down);
	return g_test_run();
}
