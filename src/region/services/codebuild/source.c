/*
 * The sources of a build: zip files, unpacked by a job in the glass (they are the user's, and what
 * is in them must not reach beyond the build's folder), which also finds the buildspec.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/openat2.h>
#include <unistd.h>

#include "glass/job.h"
#include "region/services/codebuild/run.h"
#include "region/services/connections/connections.h"
#include "region/services/iam/iam.h"
#include "region/services/s3/s3.h"

#define LARGEST_BUILDSPEC (1 << 20)
#define BLOCK 65536

/* One source: where it comes from and where it goes to. */
typedef struct {
	int fd; /* the zip; -1: an empty folder */
	char *folder; /* as the glass sees it */
} Piece;

typedef struct {
	Region *region;
	StoreScope scope;
	Value build;
	GArray *pieces; /* of Piece; the first is the primary one */
	char *job; /* the build's folder as the glass sees it */
	char *buildspec; /* path in the primary source; NULL: it is inline */
	char *revision;
	gsize next; /* source to be looked at: 0 is the primary one */
	gsize input; /* of those that CodePipeline gives, the next one */
} Work;

static void work_free(gpointer data) {
	Work *work = data;
	for (guint i = 0; i < work->pieces->len; i++) {
		Piece *piece = &g_array_index(work->pieces, Piece, i);
		if (piece->fd >= 0)
			close(piece->fd);
		g_free(piece->folder);
	}
	g_array_unref(work->pieces);
	value_clear(&work->build);
	g_free(work->job);
	g_free(work->buildspec);
	g_free(work->revision);
	g_free(work);
}

void codebuild_source_free(CodebuildSource *source) {
	if (!source)
		return;
	g_free(source->buildspec);
	g_free(source->revision);
	g_free(source);
}

const char *codebuild_uuid(Value build) {
	const char *id = value_get_text(build, "id");
	return strrchr(id, ':') + 1;
}

char *codebuild_job_path(Region *region, Value build, const char *name) {
	return g_build_filename(
		region_home(region), CODEBUILD_JOBS, codebuild_uuid(build), name, NULL);
}

char *codebuild_source_folder(Value build, const char *identifier) {
	/* A number of its own for each, that follows from the build. */
	g_autofree char *name =
		g_strconcat(codebuild_uuid(build), "/", identifier ? identifier : "", NULL);
	return g_strdup_printf(
		CODEBUILD_HOME "/output/src%09u/src", g_str_hash(name) % 1000000000u);
}

/* ---- inside the glass ---- */

static gboolean failed(GError **error, const char *what) {
	g_set_error(
		error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", what, g_strerror(errno));
	return FALSE;
}

static gboolean copy_entry(struct archive *from, struct archive *to) {
	const void *bytes;
	size_t size;
	la_int64_t offset;
	int result;
	while ((result = archive_read_data_block(from, &bytes, &size, &offset)) == ARCHIVE_OK)
		if (archive_write_data_block(to, bytes, size, offset) < ARCHIVE_WARN)
			return FALSE;
	return result == ARCHIVE_EOF;
}

static gboolean copy_all(struct archive *from, struct archive *to, GError **error) {
	struct archive_entry *entry;
	int result;
	while ((result = archive_read_next_header(from, &entry)) == ARCHIVE_OK ||
		result == ARCHIVE_WARN) {
		const char *path = archive_entry_pathname(entry);
		if (archive_entry_hardlink(entry) || !path || !*path)
			continue;
		archive_entry_set_uid(entry, 0);
		archive_entry_set_gid(entry, 0);
		if (archive_write_header(to, entry) < ARCHIVE_WARN || !copy_entry(from, to)) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", path,
				archive_error_string(to) ? archive_error_string(to)
							 : archive_error_string(from));
			return FALSE;
		}
	}
	if (result == ARCHIVE_EOF && archive_write_close(to) >= ARCHIVE_WARN)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
		archive_error_string(from) ? archive_error_string(from) : "not an archive");
	return FALSE;
}

/* Unpacks a zip (or a tar) into the working folder. */
static gboolean unpack(int fd, GError **error) {
	struct archive *from = archive_read_new(), *to = archive_write_disk_new();
	archive_read_support_filter_all(from);
	archive_read_support_format_zip(from);
	archive_read_support_format_tar(from);
	archive_write_disk_set_options(
		to, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
			    ARCHIVE_EXTRACT_SECURE_NODOTDOT |
			    ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_UNLINK);
	gboolean fine = FALSE;
	if (lseek(fd, 0, SEEK_SET) < 0 || archive_read_open_fd(from, fd, BLOCK) != ARCHIVE_OK)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"the source is no zip archive: %s",
			archive_error_string(from) ? archive_error_string(from) : "");
	else
		fine = copy_all(from, to, error);
	archive_read_free(from);
	archive_write_free(to);
	return fine;
}

static gboolean remove_folder(const char *path) {
	g_autofree char *quoted = g_shell_quote(path);
	g_autofree char *command = g_strconcat("rm -rf --one-file-system -- ", quoted, NULL);
	int status;
	return g_spawn_command_line_sync(command, NULL, NULL, &status, NULL) && status == 0;
}

static gboolean make_folders(const Work *work, GError **error) {
	static const char *const names[] = {
		"events", "exported", "expanded", "tmp", "output", "wanted", "local-cache"};
	if (!remove_folder(work->job) || g_mkdir_with_parents(work->job, 0755) < 0)
		return failed(error, work->job);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(work->job, names[i], NULL);
		if (g_mkdir_with_parents(path, 0755) < 0)
			return failed(error, path);
		/* Commands may run as anybody (run-as). */
		if (i < 4 && chmod(path, 0777) < 0)
			return failed(error, path);
	}
	return TRUE;
}

/* The text of the buildspec, never from outside of the source. */
static GBytes *read_buildspec(const Work *work, GError **error) {
	const Piece *primary = &g_array_index(work->pieces, Piece, 0);
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
	struct stat status;
	int folder = open(primary->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = (int)syscall(SYS_openat2, folder, work->buildspec, &how, sizeof how);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
		status.st_size > LARGEST_BUILDSPEC) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"YAML_FILE_ERROR: YAML file does not exist: %s", work->buildspec);
		return NULL;
	}
	char *text = g_malloc((gsize)status.st_size + 1);
	gssize n = read(fd, text, (gsize)status.st_size);
	return g_bytes_new_take(text, n < 0 ? 0 : (gsize)n);
}

gboolean codebuild_job_lock(const char *job, GError **error) {
	g_autofree char *path = g_strconcat(job, ".lock", NULL);
	int lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return (lock >= 0 && flock(lock, LOCK_EX) == 0) || failed(error, path);
}

static GBytes *source_job(gpointer data, GError **error) {
	const Work *work = data;
	if (!codebuild_job_lock(work->job, error) || !make_folders(work, error))
		return NULL;
	for (guint i = 0; i < work->pieces->len; i++) {
		const Piece *piece = &g_array_index(work->pieces, Piece, i);
		if (g_mkdir_with_parents(piece->folder, 0755) < 0 || chdir(piece->folder) < 0) {
			failed(error, piece->folder);
			return NULL;
		}
		if (piece->fd >= 0 && !unpack(piece->fd, error)) {
			g_prefix_error(error, "CLIENT_ERROR: ");
			return NULL;
		}
	}
	return work->buildspec ? read_buildspec(work, error) : g_bytes_new("", 0);
}

/* ---- outside ---- */

static char *glass_path(Value build, const char *container_path) {
	return g_strdup_printf(GLASS_HOME "/" CODEBUILD_JOBS "/%s%s", codebuild_uuid(build),
		container_path + strlen(CODEBUILD_HOME));
}

static void on_unpacked(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GTask) task = data;
	Work *work = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GBytes) bytes = glass_job_finish(result, &error);
	if (!bytes) {
		g_task_return_error(task, error);
		return;
	}
	CodebuildSource *found = g_new0(CodebuildSource, 1);
	const char *inline_text =
		value_text_or(value_get_path(work->build, "source", "buildspec", NULL), "");
	gsize length;
	const char *text = g_bytes_get_data(bytes, &length);
	found->buildspec = work->buildspec ? g_strndup(text, length) : g_strdup(inline_text);
	found->revision = g_steal_pointer(&work->revision);
	g_task_return_pointer(task, found, (GDestroyNotify)codebuild_source_free);
}

static void add_piece(Work *work, int fd, const char *identifier) {
	g_autofree char *folder = codebuild_source_folder(work->build, identifier);
	Piece piece = {fd, glass_path(work->build, folder)};
	g_array_append_val(work->pieces, piece);
}

static gboolean may_read(const Work *work, const char *arn, GError **error) {
	const char *role = value_get_text(work->build, "serviceRole");
	if (iam_allows(
		    work->region, (StoreScope){work->scope.account, ""}, role, "s3:GetObject", arn))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
		"CLIENT_ERROR: AccessDenied: %s is not authorized to perform: s3:GetObject on "
		"resource: %s",
		role, arn);
	return FALSE;
}

/* The version that is wanted of a source, or NULL. */
static const char *version_of(const Work *work, const char *identifier) {
	Value versions = value_get(work->build, "secondarySourceVersions");
	if (!identifier)
		return value_get_text(work->build, "sourceVersion");
	for (gsize i = 0; i < value_length(versions); i++)
		if (g_strcmp0(value_get_text(value_at(versions, i), "sourceIdentifier"),
			    identifier) == 0)
			return value_get_text(value_at(versions, i), "sourceVersion");
	return NULL;
}

/* "bucket/key" or "arn:aws:s3:::bucket/key". */
static gboolean add_object(
	Work *work, const char *location, const char *identifier, GError **error) {
	static const char prefix[] = "arn:aws:s3:::";
	const char *path = location + (g_str_has_prefix(location, prefix) ? strlen(prefix) : 0);
	g_auto(GStrv) parts = g_strsplit(path, "/", 2);
	g_autofree char *arn = g_strconcat(prefix, path, NULL);
	g_auto(S3Object) object = {.fd = -1};
	if (!parts[1] || !*parts[1] || g_str_has_suffix(path, "/")) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			"CLIENT_ERROR: NotImplemented: Terrarium implements sources in S3 that are "
			"zip files, not folders (%s)",
			location);
		return FALSE;
	}
	if (!may_read(work, arn, error))
		return FALSE;
	if (!s3_object_open(work->region, parts[0], parts[1], version_of(work, identifier), &object,
		    error)) {
		g_prefix_error(error, "CLIENT_ERROR: ");
		return FALSE;
	}
	if (!identifier && g_strcmp0(object.version_id, "null") != 0)
		work->revision = g_strdup(object.version_id);
	add_piece(work, object.fd, identifier);
	object.fd = -1;
	return TRUE;
}

/* ---- repositories ---- */

/* "owner/repo" of "https://github.com/owner/repo.git". Caller frees. */
static char *repository_of(const char *location) {
	const char *host = strstr(location, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;
	g_autofree char *name = g_strdup(path ? path + 1 : location);
	if (g_str_has_suffix(name, ".git"))
		name[strlen(name) - strlen(".git")] = '\0';
	return g_steal_pointer(&name);
}

static void take_next(GTask *task);

static Value inputs_of(const Work *work) {
	return codebuild_internal(work->build, "inputs");
}

static Value source_at(const Work *work) {
	return work->next == 0
		       ? value_get(work->build, "source")
		       : value_at(value_get(work->build, "secondarySources"), work->next - 1);
}

static const char *identifier_at(const Work *work) {
	if (work->next == 0 && work->input > 0)
		return value_get_text(value_at(inputs_of(work), work->input), "name");
	return work->next == 0 ? NULL : value_get_text(source_at(work), "sourceIdentifier");
}

static void on_fetched(GObject *object, GAsyncResult *result, gpointer data) {
	g_autoptr(GTask) task = data;
	Work *work = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(ConnectionsSource) source = connections_fetch_finish(result, &error);
	int fd = source ? open(source->path, O_RDONLY | O_CLOEXEC) : -1;
	if (source)
		unlink(source->path);
	if (source && fd < 0)
		failed(&error, source->path);
	if (error) {
		g_prefix_error(&error, "CLIENT_ERROR: ");
		g_task_return_error(task, error);
		return;
	}
	if (work->next == 0 && work->input == 0)
		work->revision = g_strdup(source->commit_id);
	add_piece(work, fd, identifier_at(work));
	if (work->input < value_length(inputs_of(work)))
		work->input++;
	else
		work->next++;
	take_next(task);
}

static gboolean fetch(GTask *task, Value source, GError **error) {
	Work *work = g_task_get_task_data(task);
	Value auth = value_get(source, "auth");
	const char *type = value_get_text(source, "type");
	const char *connection = value_get_text(auth, "resource");
	const char *version = version_of(work, identifier_at(work));
	g_autofree char *repository = repository_of(value_get_text(source, "location"));
	if (g_strcmp0(value_get_text(auth, "type"), "CODECONNECTIONS") != 0 || !connection) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			"CLIENT_ERROR: NotImplemented: Terrarium implements sources of type %s by "
			"a "
			"connection only (auth of type CODECONNECTIONS)",
			type);
		return FALSE;
	}
	if (version && g_str_has_prefix(version, "refs/heads/"))
		version += strlen("refs/heads/");
	g_autofree char *main =
		connections_branch_head(work->region, work->scope, repository, "main");
	connections_fetch_async(work->region, work->scope, connection, repository,
		version && *version ? version
		: main		    ? "main"
				    : "master",
		CONNECTIONS_CLONE, g_task_get_cancellable(task), on_fetched, g_object_ref(task));
	return TRUE;
}

/* ---- what CodePipeline gives ---- */

/* A reference to a repository (CODEBUILD_CLONE_REF): the build clones it, by its own role. */
static gboolean clone_reference(GTask *task, Value reference, GError **error) {
	Work *work = g_task_get_task_data(task);
	const char *connection = value_get_text(reference, "ConnectionArn");
	const char *commit = value_get_text(reference, "CommitId");
	const char *role = value_get_text(work->build, "serviceRole");
	if (!connections_allow(work->region, work->scope, role, connection)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
			"CLIENT_ERROR: authorization failed for %s source and source version %s "
			"(%s is not authorized to perform: codeconnections:UseConnection on "
			"resource: %s)",
			work->input == 0 ? "primary" : "secondary", commit, role, connection);
		return FALSE;
	}
	connections_fetch_async(work->region, work->scope, connection,
		value_get_text(reference, "FullRepositoryName"), commit, CONNECTIONS_CLONE,
		g_task_get_cancellable(task), on_fetched, g_object_ref(task));
	return TRUE;
}

static gboolean add_input(Work *work, Value input, GError **error) {
	const char *path = value_get_text(input, "zip");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		failed(error, path);
		g_prefix_error(error, "CLIENT_ERROR: ");
		return FALSE;
	}
	add_piece(work, fd, identifier_at(work));
	if (work->input == 0)
		work->revision = g_strdup(value_get_text(input, "revision"));
	return TRUE;
}

/* The first is the primary source. FALSE: an error, or *waits for one. */
static gboolean add_inputs(GTask *task, gboolean *waits, GError **error) {
	Work *work = g_task_get_task_data(task);
	Value inputs = inputs_of(work);
	if (value_length(inputs) == 0)
		add_piece(work, -1, NULL);
	for (; work->input < value_length(inputs); work->input++) {
		Value input = value_at(inputs, work->input);
		g_auto(Value) reference = connections_reference_read(value_get_text(input, "zip"));
		if (!value_is_null(reference)) {
			*waits = clone_reference(task, reference, error);
			return FALSE;
		}
		if (!add_input(work, input, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- all of them ---- */

static void unpack_all(GTask *task) {
	Work *work = g_task_get_task_data(task);
	g_autofree int *fds = g_new(int, work->pieces->len);
	gsize n_fds = 0;
	for (guint i = 0; i < work->pieces->len; i++)
		if (g_array_index(work->pieces, Piece, i).fd >= 0)
			fds[n_fds++] = g_array_index(work->pieces, Piece, i).fd;
	glass_job_fds_async(region_glass(work->region), NULL, source_job, work, fds, n_fds,
		g_task_get_cancellable(task), on_unpacked, g_object_ref(task));
}

/* Adds the next source; FALSE: an error, or *waits for it. */
static gboolean add_next(GTask *task, gboolean *waits, GError **error) {
	Work *work = g_task_get_task_data(task);
	Value source = source_at(work);
	const char *type = value_text_or(value_get(source, "type"), "");
	const char *location = value_text_or(value_get(source, "location"), "");
	if (g_str_equal(type, "CODEPIPELINE"))
		return add_inputs(task, waits, error);
	if (g_str_equal(type, "S3"))
		return add_object(work, location, identifier_at(work), error);
	if (g_str_equal(type, "NO_SOURCE")) {
		add_piece(work, -1, identifier_at(work));
		return TRUE;
	}
	*waits = fetch(task, source, error);
	return FALSE;
}

static void take_next(GTask *task) {
	Work *work = g_task_get_task_data(task);
	gsize n = 1 + value_length(value_get(work->build, "secondarySources"));
	GError *error = NULL;
	gboolean waits = FALSE;
	for (; work->next < n; work->next++)
		if (!add_next(task, &waits, &error)) {
			if (!waits)
				g_task_return_error(task, error);
			return;
		}
	unpack_all(task);
}

/* A buildspec of several lines, or of JSON, is inline; otherwise it is a file of the source. */
static char *buildspec_path(Value build) {
	const char *given = value_text_or(value_get_path(build, "source", "buildspec", NULL), "");
	if (!*given)
		return g_strdup("buildspec.yml");
	gboolean is_inline = strchr(given, '\n') || *given == '{' || strchr(given, ':');
	return is_inline ? NULL : g_strdup(given);
}

void codebuild_source_async(Region *region, StoreScope scope, Value build,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data) {
	g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, data);
	Work *work = g_new0(Work, 1);
	*work = (Work){region, scope, value_ref(build), g_array_new(FALSE, FALSE, sizeof(Piece)),
		glass_path(build, CODEBUILD_HOME), buildspec_path(build), NULL, 0};
	g_task_set_task_data(task, work, work_free);
	GError *error = NULL;
	g_autofree char *jobs = glass_make_folder(region_glass(region), CODEBUILD_JOBS, &error);
	if (jobs)
		take_next(task);
	else
		g_task_return_error(task, error);
}

CodebuildSource *codebuild_source_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_pointer(G_TASK(result), error);
}
