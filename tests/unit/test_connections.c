/* Fetching out of bound repositories: zips and clones, of local and remote ones, and what fails. */
#include <archive.h>
#include <archive_entry.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region/internal.h"
#include "region/services/connections/internal.h"

static const StoreScope here = {"000000000000", "us-east-1"};

typedef struct {
	char *home, *repository, *arn, *commit;
	Region *region;
} Fixture;

static guint free_port(void) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, length), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* Runs a shell line in a folder; what it wrote. */
static char *shell(const char *folder, const char *line) {
	const char *const argv[] = {"sh", "-ec", line, NULL};
	char *output = NULL;
	int status = 0;
	g_assert_true(g_spawn_sync(folder, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		&output, NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
	return g_strchomp(output);
}

static void bind_repository(Fixture *fixture, const char *name, const char *location) {
	g_autoptr(GError) error = NULL;
	g_autofree char *id = connections_id(here, fixture->arn);
	g_autoptr(Binding) binding = binding_new(fixture->region, name, location, &error);
	g_assert_no_error(error);
	g_assert_true(store_begin(region_store(fixture->region), NULL));
	g_assert_true(binding_put(fixture->region, here, id, binding, &error));
	g_assert_true(store_commit(region_store(fixture->region), NULL));
}

static void set_status(Fixture *fixture, const char *status) {
	Store *store = region_store(fixture->region);
	g_autofree char *id = connections_id(here, fixture->arn);
	Value connection = connections_get(fixture->region, here, fixture->arn);
	g_assert_true(store_begin(store, NULL));
	store_put_take(store, here, CONNECTIONS, id,
		value_with_take(connection, "ConnectionStatus", value_string(status)));
	g_assert_true(store_commit(store, NULL));
}

static void set_up(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	fixture->home = g_dir_make_tmp("connections-XXXXXX", NULL);
	fixture->repository = g_build_filename(fixture->home, "app", NULL);
	g_autofree char *made = shell(fixture->home,
		"git init -q -b main app; cd app; git config user.name 'A U Thor'; git config "
		"user.email a@example.com; mkdir bin; echo hello >file; echo '#!/bin/sh' >bin/run; "
		"chmod 755 bin/run; ln -s file link; git add .; "
		"GIT_AUTHOR_DATE=2024-05-01T12:00:00+0200 git commit -q -m 'First\n\nBody'");
	fixture->commit = shell(fixture->repository, "git rev-parse HEAD");
	RegionOptions options = {.home = fixture->home, .port = free_port(), .no_glass = TRUE};
	fixture->region = region_new(&options, &error);
	g_assert_no_error(error);
	g_auto(Value) input = value_object_take(
		"ConnectionName", value_string("c"), "ProviderType", value_string("GitHub"), NULL);
	g_auto(Value) connection = region_call(
		fixture->region, here, "codestar-connections", "CreateConnection", input, &error);
	g_assert_no_error(error);
	fixture->arn = g_strdup(value_get_text(connection, "ConnectionArn"));
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	region_free(fixture->region);
	g_autofree char *gone = shell("/", "true");
	const char *const argv[] = {"rm", "-rf", fixture->home, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
		NULL, NULL, NULL));
	g_free(fixture->home);
	g_free(fixture->repository);
	g_free(fixture->arn);
	g_free(fixture->commit);
}

static void keep_result(GObject *source, GAsyncResult *result, gpointer data) {
	*(GAsyncResult **)data = g_object_ref(result);
}

static ConnectionsSource *fetch(Fixture *fixture, const char *repository, const char *reference,
	ConnectionsFormat format, GError **error) {
	g_autoptr(GAsyncResult) result = NULL;
	connections_fetch_async(fixture->region, here, fixture->arn, repository, reference, format,
		NULL, keep_result, &result);
	while (!result)
		g_main_context_iteration(NULL, TRUE);
	return connections_fetch_finish(result, error);
}

/* What is in a zip: "name mode=content", a line each; of the mode what git keeps. */
static char *contents(const char *path) {
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	struct archive *zip = archive_read_new();
	struct archive_entry *entry;
	archive_read_support_format_zip(zip);
	g_assert_cmpint(archive_read_open_filename(zip, path, 65536), ==, ARCHIVE_OK);
	while (archive_read_next_header(zip, &entry) == ARCHIVE_OK) {
		char text[64] = "";
		if (archive_entry_filetype(entry) == AE_IFREG)
			archive_read_data(zip, text, sizeof text - 1);
		if (archive_entry_filetype(entry) != AE_IFDIR)
			g_ptr_array_add(
				lines, g_strdup_printf("%s %o=%s", archive_entry_pathname(entry),
					       archive_entry_mode(entry) & 0170111, text));
	}
	archive_read_free(zip);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("", (char **)lines->pdata);
}

static void check_commit(const Fixture *fixture, const ConnectionsSource *source) {
	g_assert_cmpstr(source->commit_id, ==, fixture->commit);
	g_assert_cmpstr(source->message, ==, "First\n\nBody");
	g_assert_cmpstr(source->author, ==, "A U Thor");
	g_assert_cmpstr(source->author_email, ==, "a@example.com");
	g_assert_cmpstr(source->author_date, ==, "2024-05-01T10:00:00Z");
}

static void check_zip(const ConnectionsSource *source) {
	g_autofree char *found = contents(source->path);
	g_assert_cmpstr(found, ==, "bin/run 100111=#!/bin/sh\nfile 100000=hello\nlink 120111=");
}

static void test_local(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	set_status(fixture, "AVAILABLE");
	bind_repository(fixture, "acme/app", fixture->repository);
	g_autoptr(ConnectionsSource) branch =
		fetch(fixture, "acme/app", "main", CONNECTIONS_ZIP, &error);
	g_assert_no_error(error);
	check_commit(fixture, branch);
	check_zip(branch);
	g_assert_cmpstr(branch->branch, ==, "main");
	g_autoptr(ConnectionsSource) commit =
		fetch(fixture, "acme/app", fixture->commit, CONNECTIONS_ZIP, &error);
	g_assert_no_error(error);
	check_commit(fixture, commit);
	g_assert_null(commit->branch);
	g_assert_cmpstr(commit->path, !=, branch->path);
}

static void test_clone(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	set_status(fixture, "AVAILABLE");
	bind_repository(fixture, "acme/app", fixture->repository);
	g_autoptr(ConnectionsSource) source =
		fetch(fixture, "acme/app", "main", CONNECTIONS_CLONE, &error);
	g_assert_no_error(error);
	check_commit(fixture, source);
	g_autofree char *line = g_strdup_printf(
		"mkdir out; cd out; bsdtar -xf '%s' 2>/dev/null || python3 -m zipfile -e '%s' .; "
		"git rev-parse HEAD; git rev-parse --abbrev-ref HEAD; cat file",
		source->path, source->path);
	g_autofree char *said = shell(fixture->home, line);
	g_autofree char *wanted = g_strdup_printf("%s\nmain\nhello", fixture->commit);
	g_assert_cmpstr(said, ==, wanted);
	g_autofree char *found = contents(source->path);
	g_assert_nonnull(strstr(found, "bin/run 100111="));
}

/* Two at once, over HTTP from the region itself. */
static void test_remote(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	set_status(fixture, "AVAILABLE");
	bind_repository(fixture, "acme/app", fixture->repository);
	g_autofree char *url = g_strdup_printf(
		"http://127.0.0.1:%u/git/acme/app.git", region_api_port(fixture->region));
	bind_repository(fixture, "acme/remote", url);
	GAsyncResult *results[2] = {NULL, NULL};
	for (int i = 0; i < 2; i++)
		connections_fetch_async(fixture->region, here, fixture->arn, "acme/remote", "main",
			CONNECTIONS_ZIP, NULL, keep_result, &results[i]);
	while (!results[0] || !results[1])
		g_main_context_iteration(NULL, TRUE);
	for (int i = 0; i < 2; i++) {
		g_autoptr(ConnectionsSource) source = connections_fetch_finish(results[i], &error);
		g_assert_no_error(error);
		check_commit(fixture, source);
		check_zip(source);
		g_object_unref(results[i]);
	}
}

static void test_failures(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) pending = NULL, unbound = NULL, branch = NULL, other = NULL;
	g_assert_null(fetch(fixture, "acme/app", "main", CONNECTIONS_ZIP, &pending));
	g_assert_nonnull(strstr(pending->message, "is not available: it is PENDING"));
	set_status(fixture, "AVAILABLE");
	g_assert_null(fetch(fixture, "acme/app", "main", CONNECTIONS_ZIP, &unbound));
	g_assert_nonnull(strstr(unbound->message, "terrarium connection bind c acme/app"));
	bind_repository(fixture, "acme/app", fixture->repository);
	g_assert_null(fetch(fixture, "acme/app", "--all", CONNECTIONS_ZIP, &branch));
	g_assert_nonnull(strstr(branch->message,
		"[GitHub] No Branch [--all] found for FullRepositoryName [acme/app]"));
	g_assert_false(connections_available(fixture->region, here,
		"arn:aws:codeconnections:us-east-1:000000000000:connection/none", "acme/app",
		&other));
	g_assert_cmpstr(wire_error_code(other), ==, "ResourceNotFoundException");
}

/* The head of a branch is in the store soon after a commit, and goes with the binding. */
static void test_heads(Fixture *fixture, gconstpointer data) {
	set_status(fixture, "AVAILABLE");
	bind_repository(fixture, "acme/app", fixture->repository);
	g_autofree char *head = NULL;
	while (!head) {
		g_main_context_iteration(NULL, TRUE);
		head = connections_branch_head(fixture->region, here, "acme/app", "main");
	}
	g_assert_cmpstr(head, ==, fixture->commit);
	g_autofree char *second =
		shell(fixture->repository, "git commit -q --allow-empty -m 2; git rev-parse HEAD");
	while (g_strcmp0(head, second) != 0) {
		g_main_context_iteration(NULL, TRUE);
		g_free(head);
		head = connections_branch_head(fixture->region, here, "acme/app", "main");
	}
	g_autofree char *id = connections_id(here, fixture->arn);
	g_assert_true(store_begin(region_store(fixture->region), NULL));
	g_assert_true(binding_remove(fixture->region, here, id, "acme/app"));
	g_assert_true(store_commit(region_store(fixture->region), NULL));
	g_assert_null(connections_branch_head(fixture->region, here, "acme/app", "main"));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/connections/" name, Fixture, NULL, set_up, test, tear_down)
	ADD("local", test_local);
	ADD("clone", test_clone);
	ADD("remote", test_remote);
	ADD("failures", test_failures);
	ADD("heads", test_heads);
	return g_test_run();
}
