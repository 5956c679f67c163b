/*
 * Jobs: work in child processes inside the glass, and their results carried out. Relies on enter.c.
 * A child is forked twice (entering a pid namespace takes effect on the next fork). The caller's
 * main loop is only ever held for the forks.
 */
#include "glass/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/close_range.h>

/* What a child writes: a header, then the bytes, or the error's domain and message, each with its
 * NUL. */
typedef struct {
	gint32 failed;
	gint32 code;
} Header;

static void write_all(int fd, const void *data, gsize length) {
	for (const char *p = data; length > 0;) {
		gssize n = write(fd, p, length);
		if (n < 0 && errno != EINTR)
			_exit(1);
		if (n > 0) {
			p += n;
			length -= n;
		}
	}
}

static void write_error(int fd, const GError *error) {
	Header header = {TRUE, error->code};
	const char *domain = g_quark_to_string(error->domain);
	write_all(fd, &header, sizeof header);
	write_all(fd, domain, strlen(domain) + 1);
	write_all(fd, error->message, strlen(error->message) + 1);
}

static GBytes *parse_result(GByteArray *raw, GError **error) {
	Header header;
	if (raw->len < sizeof header) {
		g_set_error_literal(error, GLASS_ERROR, GLASS_ERROR_DEAD,
			"a job in the glass ended without a result");
		return NULL;
	}
	memcpy(&header, raw->data, sizeof header);
	const guint8 *rest = raw->data + sizeof header;
	gsize length = raw->len - sizeof header;
	if (!header.failed)
		return g_bytes_new(rest, length);
	const char *domain = (const char *)rest;
	gsize domain_length = strnlen(domain, length);
	const char *message = domain_length + 1 < length ? domain + domain_length + 1 : "failed";
	g_set_error_literal(error,
		domain_length < length ? g_quark_from_string(domain) : GLASS_ERROR, header.code,
		message);
	return NULL;
}

/* The inner process of a job. */
G_NORETURN static void perform(int fd, GlassJob job, gpointer data) {
	g_autoptr(GError) error = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	g_autoptr(GBytes) result = job(data, &error);
	if (!result && !error)
		g_set_error_literal(&error, GLASS_ERROR, GLASS_ERROR_FAILED, "no result");
	if (error) {
		write_error(fd, error);
		_exit(0);
	}
	Header header = {FALSE, 0};
	gsize length;
	const void *bytes = g_bytes_get_data(result, &length);
	write_all(fd, &header, sizeof header);
	write_all(fd, bytes, length);
	_exit(0);
}

/* The descriptors that a job was given beside its data. */
typedef struct {
	const int *fds;
	gsize n;
} Given;

/* Closes what a job is not to have: a job that lasts must not hold the parent's connections open.
 */
static void close_others(int result, const Given *given) {
	g_autofree int *keep = g_new(int, given->n + 2);
	gsize n = 0;
	keep[n++] = 2;
	for (gsize i = 0; i <= given->n; i++) {
		int fd = i < given->n ? given->fds[i] : result;
		gsize at = n;
		if (fd <= 2)
			continue;
		for (; at > 0 && keep[at - 1] > fd; at--)
			keep[at] = keep[at - 1];
		keep[at] = fd;
		n++;
	}
	for (gsize i = 0; i < n; i++) {
		unsigned int last = i + 1 < n ? (unsigned int)keep[i + 1] - 1 : ~0U;
		if ((unsigned int)keep[i] + 1 <= last)
			close_range((unsigned int)keep[i] + 1, last, 0);
	}
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* Forks the process that enters, and from it the one that works. *fd gives the result. */
static pid_t start_job(Glass *glass, int flags, const char *netns, GlassJob job, gpointer data,
	const Given *given, int *fd, GError **error) {
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "pipe: %s", g_strerror(errno));
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		g_autoptr(GError) problem = NULL;
		glass_leave_parent(glass);
		if (!glass_enter(glass, flags, netns, &problem)) {
			write_error(ends[1], problem);
			_exit(1);
		}
		close_others(ends[1], given);
		pid_t inner = fork();
		if (inner == 0)
			perform(ends[1], job, data);
		close_range(3, ~0U, 0);
		if (inner > 0)
			waitpid(inner, NULL, 0);
		_exit(0);
	}
	close(ends[1]);
	*fd = ends[0];
	if (pid < 0) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "fork: %s", g_strerror(errno));
		close(ends[0]);
	}
	return pid;
}

/* Reads what is there; FALSE at the end. */
static gboolean read_some(int fd, GByteArray *raw) {
	guint8 part[16384];
	gssize n = read(fd, part, sizeof part);
	if (n > 0)
		g_byte_array_append(raw, part, n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

void glass_reap(pid_t pid) {
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static GBytes *run_job(
	Glass *glass, int flags, const char *netns, GlassJob job, gpointer data, GError **error) {
	int fd;
	pid_t pid = start_job(glass, flags, netns, job, data, &(Given){0}, &fd, error);
	if (pid < 0)
		return NULL;
	g_autoptr(GByteArray) raw = g_byte_array_new();
	while (read_some(fd, raw))
		;
	close(fd);
	glass_reap(pid);
	return parse_result(raw, error);
}

GBytes *glass_job_flags(Glass *glass, int flags, GlassJob job, gpointer data, GError **error) {
	return run_job(glass, flags, NULL, job, data, error);
}

GBytes *glass_job_sync(
	Glass *glass, const char *netns, GlassJob job, gpointer data, GError **error) {
	return run_job(glass, GLASS_ENTER_ALL, netns, job, data, error);
}

/* ---- jobs that the main loop waits for ---- */

typedef struct {
	pid_t pid;
	int fd;
	guint source;
	gulong cancel;
	GByteArray *raw;
} Pending;

static void pending_free(gpointer data) {
	Pending *pending = data;
	g_byte_array_unref(pending->raw);
	g_free(pending);
}

static void on_cancel(GCancellable *cancellable, gpointer data) {
	kill(((Pending *)data)->pid, SIGKILL);
}

static gboolean on_result(int fd, GIOCondition condition, gpointer data) {
	g_autoptr(GTask) task = data;
	Pending *pending = g_task_get_task_data(task);
	if (read_some(fd, pending->raw)) {
		g_steal_pointer(&task);
		return G_SOURCE_CONTINUE;
	}
	g_cancellable_disconnect(g_task_get_cancellable(task), pending->cancel);
	close(fd);
	glass_reap(pending->pid);
	if (g_task_return_error_if_cancelled(task))
		return G_SOURCE_REMOVE;
	GError *error = NULL;
	GBytes *result = parse_result(pending->raw, &error);
	if (result)
		g_task_return_pointer(task, result, (GDestroyNotify)g_bytes_unref);
	else
		g_task_return_error(task, error);
	return G_SOURCE_REMOVE;
}

void glass_job_async(Glass *glass, const char *netns, GlassJob job, gpointer data,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data) {
	glass_job_fds_async(glass, netns, job, data, NULL, 0, cancellable, callback, user_data);
}

void glass_job_fds_async(Glass *glass, const char *netns, GlassJob job, gpointer data,
	const int *fds, gsize n_fds, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer user_data) {
	GTask *task = g_task_new(NULL, cancellable, callback, user_data);
	GError *error = NULL;
	int fd;
	const Given given = {fds, n_fds};
	pid_t pid = start_job(glass, GLASS_ENTER_ALL, netns, job, data, &given, &fd, &error);
	if (pid < 0) {
		g_task_return_error(task, error);
		g_object_unref(task);
		return;
	}
	Pending *pending = g_new0(Pending, 1);
	*pending = (Pending){.pid = pid, .fd = fd, .raw = g_byte_array_new()};
	g_task_set_task_data(task, pending, pending_free);
	g_task_set_check_cancellable(task, FALSE);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (cancellable)
		pending->cancel =
			g_cancellable_connect(cancellable, G_CALLBACK(on_cancel), pending, NULL);
	pending->source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_result, task);
}

GBytes *glass_job_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_pointer(G_TASK(result), error);
}

/* ---- programs ---- */

typedef struct {
	const char *const *argv, *const *environment;
	GBytes *input;
} Run;

/* Result: status, length of the output, output, errors. */
static GBytes *run_program(gpointer data, GError **error) {
	const Run *run = data;
	GlassOutput output = {0};
	gsize length = 0;
	const char *input = run->input ? g_bytes_get_data(run->input, &length) : NULL;
	if (!glass_program(NULL, run->argv, run->environment, input, length, &output, error))
		return NULL;
	guint32 head[2] = {(guint32)output.status, output.output->len};
	GByteArray *all = g_byte_array_new();
	g_byte_array_append(all, (guint8 *)head, sizeof head);
	g_byte_array_append(all, output.output->data, output.output->len);
	g_byte_array_append(all, output.errors->data, output.errors->len);
	glass_output_clear(&output);
	return g_byte_array_free_to_bytes(all);
}

static gboolean parse_run(GBytes *result, GBytes **output, int *exit_status, GError **error) {
	if (!result)
		return FALSE;
	gsize length;
	const char *data = g_bytes_get_data(result, &length);
	guint32 head[2];
	memcpy(head, data, sizeof head);
	if (output)
		*output = g_bytes_new_from_bytes(result, sizeof head, head[1]);
	if (exit_status)
		*exit_status = (int)head[0];
	if (head[0] == 0)
		return TRUE;
	gsize skip = sizeof head + head[1];
	g_autofree char *errors = g_strndup(data + skip, length - skip);
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "exit status %u: %s", head[0],
		g_strstrip(errors));
	return FALSE;
}

void glass_run_async(Glass *glass, const char *netns, const char *const *argv,
	const char *const *environment, GBytes *input, GCancellable *cancellable,
	GAsyncReadyCallback callback, gpointer user_data) {
	Run run = {argv, environment, input};
	glass_job_async(glass, netns, run_program, &run, cancellable, callback, user_data);
}

gboolean glass_run_finish(GAsyncResult *result, GBytes **output, int *exit_status, GError **error) {
	g_autoptr(GBytes) bytes = glass_job_finish(result, error);
	return parse_run(bytes, output, exit_status, error);
}

gboolean glass_run_sync(Glass *glass, const char *netns, const char *const *argv,
	const char *const *environment, GBytes *input, GBytes **output, int *exit_status,
	GError **error) {
	Run run = {argv, environment, input};
	g_autoptr(GBytes) bytes = glass_job_sync(glass, netns, run_program, &run, error);
	return parse_run(bytes, output, exit_status, error);
}
