/*
 * Image builds. The work is build.sh's, run inside the glass in namespaces of its own; here are its
 * start, its output, and the way of the result into the blob store. That is done by a child process
 * outside, as the store is the region's own and hashing takes longer than the main loop may be
 * held.
 */
#include "glass/build.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "glass/build_script.h"
#include "glass/enter.h"
#include "glass/net.h"

#define BUILDS "builds"
#define CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"

typedef struct {
	Glass *glass;
	Blobs *blobs;
	GPtrArray *argv; /* NULL-terminated */
	int input; /* the script's stdin */
	BuildProgress progress;
	gpointer progress_data;
	gboolean queued; /* one of those that make an image, one after the other */
	int output; /* what it says is read from here; -1: not started, or at its end */
	guint source;
	GString *line; /* what has come of the next one */
	char *last; /* the last line, and the last that tells of an error */
	char *complaint;

	pid_t importer;
	int imported; /* its answer is read from here */
	GString *answer;
	gulong cancel;
} Build;

static void build_free(gpointer data) {
	Build *build = data;
	g_ptr_array_unref(build->argv);
	if (build->input >= 0)
		close(build->input);
	if (build->source)
		g_source_remove(build->source);
	if (build->output >= 0)
		close(build->output);
	g_string_free(build->line, TRUE);
	g_string_free(build->answer, TRUE);
	g_free(build->last);
	g_free(build->complaint);
	g_free(build);
}

/* ---- what the script says ---- */

static void take_line(Build *build) {
	if (build->line->len == 0)
		return;
	g_free(build->last);
	build->last = g_strdup(build->line->str);
	if (g_ascii_strncasecmp(build->last, "error", strlen("error")) == 0) {
		g_free(build->complaint);
		build->complaint = g_strdup(build->last);
	}
	if (build->progress)
		build->progress(build->last, build->progress_data);
	g_string_truncate(build->line, 0);
}

/* Reads what is there; FALSE at the end. */
static gboolean take_output(Build *build) {
	char part[4096];
	gssize n = read(build->output, part, sizeof part);
	for (gssize i = 0; i < n; i++) {
		if (part[i] == '\n' || part[i] == '\r')
			take_line(build);
		else if (part[i])
			g_string_append_c(build->line, part[i]);
	}
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static void end_output(Build *build) {
	take_line(build);
	close(build->output);
	build->output = -1;
}

static gboolean on_output(int fd, GIOCondition condition, gpointer data) {
	Build *build = data;
	if (take_output(build))
		return G_SOURCE_CONTINUE;
	end_output(build);
	build->source = 0;
	return G_SOURCE_REMOVE;
}

/* The script has ended, and so has all that could write. */
static void finish_output(Build *build) {
	if (build->source)
		g_source_remove(build->source);
	build->source = 0;
	while (build->output >= 0 && take_output(build)) {
		struct pollfd more = {build->output, POLLIN};
		if (poll(&more, 1, 0) == 0)
			break;
	}
	if (build->output >= 0)
		end_output(build);
}

/* ---- the script ---- */

typedef struct {
	const char *const *argv;
	int input, output;
} Script;

G_NORETURN static void execute(const Script *script) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(script->input, 0);
	dup2(script->output, 1);
	dup2(script->output, 2);
	lseek(0, 0, SEEK_SET);
	execvp(script->argv[0], (char *const *)script->argv);
	dprintf(2, "%s: %s\n", script->argv[0], g_strerror(errno));
	_exit(127);
}

/* In the glass. The result is the exit status. */
static GBytes *run_script(gpointer data, GError **error) {
	const Script *script = data;
	pid_t pid = fork();
	if (pid == 0)
		execute(script);
	if (pid < 0) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "fork: %s", g_strerror(errno));
		return NULL;
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return g_bytes_new(&code, sizeof code);
}

/* ---- from the layout into the store ---- */

static void start_next(Glass *glass);

/* Ends the build with a digest (taken; NULL where no image was made) or an error (taken), and
 * starts the next. */
static void finish(GTask *task, char *digest, GError *error) {
	Build *build = g_task_get_task_data(task);
	Glass *glass = build->glass;
	gboolean queued = build->queued;
	if (queued)
		g_queue_pop_head(glass_build_queue(glass));
	if (error)
		g_task_return_error(task, error);
	else if (queued)
		g_task_return_pointer(task, digest, g_free);
	else
		g_task_return_boolean(task, TRUE);
	g_object_unref(task);
	if (queued)
		start_next(glass);
}

G_NORETURN static void import(Build *build, int answer) {
	g_autoptr(GError) error = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	glass_leave_parent(build->glass);
	g_autofree char *out = g_build_filename(glass_home(build->glass), BUILDS, "out", NULL);
	g_autofree char *digest = image_import_layout(build->blobs, out, &error);
	const char *text = digest ? digest : error->message;
	_exit(write(answer, text, strlen(text)) < 0 || !digest);
}

static void on_import_cancelled(GCancellable *cancellable, gpointer data) {
	kill(((Build *)data)->importer, SIGKILL);
}

static gboolean on_answer(int fd, GIOCondition condition, gpointer data) {
	GTask *task = data;
	Build *build = g_task_get_task_data(task);
	char part[512];
	gssize n = read(fd, part, sizeof part);
	if (n > 0)
		g_string_append_len(build->answer, part, n);
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return G_SOURCE_CONTINUE;
	close(fd);
	g_cancellable_disconnect(g_task_get_cancellable(task), build->cancel);
	int status = 0;
	while (waitpid(build->importer, &status, 0) < 0 && errno == EINTR)
		;
	GError *error = NULL;
	if (g_cancellable_set_error_if_cancelled(g_task_get_cancellable(task), &error))
		finish(task, NULL, error);
	else if (status == 0)
		finish(task, g_strdup(build->answer->str), NULL);
	else
		finish(task, NULL,
			g_error_new(GLASS_ERROR, GLASS_ERROR_FAILED,
				"the image could not be stored: %s",
				build->answer->len ? build->answer->str : "killed"));
	return G_SOURCE_REMOVE;
}

static void start_import(GTask *task) {
	Build *build = g_task_get_task_data(task);
	int ends[2];
	pid_t pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
	if (pid == 0)
		import(build, ends[1]);
	if (pid < 0) {
		finish(task, NULL,
			g_error_new(
				GLASS_ERROR, GLASS_ERROR_FAILED, "fork: %s", g_strerror(errno)));
		return;
	}
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	build->importer = pid;
	if (g_task_get_cancellable(task))
		build->cancel = g_cancellable_connect(
			g_task_get_cancellable(task), G_CALLBACK(on_import_cancelled), build, NULL);
	g_unix_fd_add(ends[0], G_IO_IN | G_IO_HUP, on_answer, task);
}

/* ---- the queue ---- */

static void on_script_ended(GObject *source, GAsyncResult *result, gpointer data) {
	GTask *task = data;
	Build *build = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GBytes) bytes = glass_job_finish(result, &error);
	finish_output(build);
	if (!bytes) {
		finish(task, NULL, error);
		return;
	}
	int status;
	memcpy(&status, g_bytes_get_data(bytes, NULL), sizeof status);
	if (status == 0 && build->queued)
		start_import(task);
	else if (status == 0)
		finish(task, NULL, NULL);
	else
		finish(task, NULL,
			g_error_new(GLASS_ERROR, GLASS_ERROR_FAILED, "%s",
				build->complaint ? build->complaint
				: build->last	 ? build->last
						 : "the build ended without a word"));
}

/* What a build without the network fails by is hard to tell from its own words. */
static void tell_egress(Build *build) {
	const char *reason = NULL;
	if (!build->progress || glass_has_egress(build->glass, &reason))
		return;
	g_autofree char *line =
		g_strdup_printf("Warning: the build reaches no network: %s", reason);
	g_strdelimit(g_strchomp(line), "\n", ' ');
	build->progress(line, build->progress_data);
}

static gboolean start(GTask *task, GError **error) {
	Build *build = g_task_get_task_data(task);
	if (g_cancellable_set_error_if_cancelled(g_task_get_cancellable(task), error))
		return FALSE;
	g_autofree char *folder = glass_make_folder(build->glass, BUILDS, error);
	int ends[2];
	if (!folder)
		return FALSE;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "pipe: %s", g_strerror(errno));
		return FALSE;
	}
	tell_egress(build);
	Script script = {(const char *const *)build->argv->pdata, build->input, ends[1]};
	const int fds[] = {script.input, script.output};
	glass_job_fds_async(build->glass, NET_EDGE, run_script, &script, fds, G_N_ELEMENTS(fds),
		g_task_get_cancellable(task), on_script_ended, task);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	build->output = ends[0];
	build->source = g_unix_fd_add(ends[0], G_IO_IN | G_IO_HUP, on_output, build);
	return TRUE;
}

static void start_next(Glass *glass) {
	GTask *task = g_queue_peek_head(glass_build_queue(glass));
	GError *error = NULL;
	if (task && !start(task, &error))
		finish(task, NULL, error);
}

static void add(GPtrArray *argv, const char *word) {
	g_ptr_array_add(argv, g_strdup(word));
}

static void add_options(GPtrArray *argv, const char *option, char *const *values) {
	for (gsize i = 0; values && values[i]; i++) {
		add(argv, option);
		add(argv, values[i]);
	}
}

/* The script in namespaces that end with it, and its own first words. */
static GPtrArray *command_new(const char *action) {
	static const char *const words[] = {"unshare", "--mount", "--pid", "--fork", "--kill-child",
		"--mount-proc", "sh", "-c"};
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		add(argv, words[i]);
	g_autoptr(GString) text = g_string_new(NULL);
	/* They are in the order of their names: the functions come last. */
	for (const BuildScript *script = build_scripts; script->name; script++)
		g_string_prepend_len(text, script->text, (gssize)script->length);
	add(argv, text->str);
	add(argv, "build.sh");
	add(argv, action);
	add(argv, GLASS_HOME "/" BUILDS);
	add(argv, g_file_test(CERTIFICATES, G_FILE_TEST_EXISTS) ? CERTIFICATES : "");
	return argv;
}

/* Takes argv. `input` may be -1. */
static Build *build_new(
	Glass *glass, GPtrArray *argv, int input, BuildProgress progress, gpointer progress_data) {
	g_ptr_array_add(argv, NULL);
	Build *build = g_new0(Build, 1);
	*build = (Build){.glass = glass,
		.argv = argv,
		.input = input >= 0 ? fcntl(input, F_DUPFD_CLOEXEC, 3)
				    : open("/dev/null", O_RDONLY | O_CLOEXEC),
		.progress = progress,
		.progress_data = progress_data,
		.output = -1,
		.line = g_string_new(NULL),
		.answer = g_string_new(NULL)};
	return build;
}

static GTask *task_of(
	Build *build, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data) {
	GTask *task = g_task_new(NULL, cancellable, callback, data);
	g_task_set_task_data(task, build, build_free);
	g_task_set_check_cancellable(task, FALSE);
	return task;
}

static void enqueue(Blobs *blobs, Build *build, GTask *task) {
	GQueue *queue = glass_build_queue(build->glass);
	build->blobs = blobs;
	build->queued = TRUE;
	g_queue_push_tail(queue, task);
	if (g_queue_get_length(queue) == 1)
		start_next(build->glass);
}

void build_run_async(Glass *glass, Blobs *blobs, const BuildSpec *spec, BuildProgress progress,
	gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer data) {
	GPtrArray *argv = command_new("build");
	if (spec->target) {
		add(argv, "--target");
		add(argv, spec->target);
	}
	add_options(argv, "--build-arg", spec->arguments);
	add_options(argv, "--label", spec->labels);
	if (spec->no_cache)
		add(argv, "--no-cache");
	Build *build = build_new(glass, argv, spec->context, progress, progress_data);
	enqueue(blobs, build, task_of(build, cancellable, callback, data));
}

void build_load_async(Glass *glass, Blobs *blobs, int archive, BuildProgress progress,
	gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer data) {
	Build *build = build_new(glass, command_new("load"), archive, progress, progress_data);
	enqueue(blobs, build, task_of(build, cancellable, callback, data));
}

char *build_run_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_pointer(G_TASK(result), error);
}

/* ---- what makes no image ---- */

static void run_at_once(GTask *task) {
	GError *error = NULL;
	if (!start(task, &error))
		finish(task, NULL, error);
}

void build_base_async(Glass *glass, const char *name, BuildProgress progress,
	gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer data) {
	GPtrArray *argv = command_new("base");
	add(argv, name);
	Build *build = build_new(glass, argv, -1, progress, progress_data);
	run_at_once(task_of(build, cancellable, callback, data));
}

void build_prune_async(Glass *glass, const BuildPruning *pruning, GCancellable *cancellable,
	GAsyncReadyCallback callback, gpointer data) {
	GPtrArray *argv = command_new("prune");
	g_ptr_array_add(argv, g_strdup_printf("%u", pruning->days));
	g_ptr_array_add(argv, g_strdup_printf("%u", pruning->mib));
	for (gsize i = 0; pruning->used[i]; i++)
		add(argv, pruning->used[i]);
	Build *build = build_new(glass, argv, -1, NULL, NULL);
	run_at_once(task_of(build, cancellable, callback, data));
}

gboolean build_plain_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_boolean(G_TASK(result), error);
}
