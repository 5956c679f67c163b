/*
 * What is remembered of a task in <home>/tasks/<id>/state.ini, so that the next process goes on
 * where a killed one was. Written aside and renamed, so whole whenever the process is killed; not
 * forced to the disk, since what it tells of does not outlive the machine either.
 */
#include "glass/task_private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "state.ini"

static void set_text(GKeyFile *file, const char *group, const char *key, const char *text) {
	if (!text)
		return;
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_key_file_set_string(file, group, key, valid);
}

static void save_container(GKeyFile *file, const Container *container) {
	const char *group = container->runtime_id;
	Phase phase = container->phase == PHASE_ENDING ? PHASE_RUNNING : container->phase;
	g_key_file_set_integer(file, group, "phase", phase);
	g_key_file_set_integer(file, group, "health", container->health);
	if (container->has_exit_code)
		g_key_file_set_integer(file, group, "exit_code", container->exit_code);
	g_key_file_set_int64(file, group, "started", container->started_at);
	g_key_file_set_int64(file, group, "stopped", container->stopped_at);
	g_key_file_set_int64(file, group, "signalled", container->signalled_at);
	g_key_file_set_boolean(file, group, "signal_sent", container->signal_sent);
	set_text(file, group, "digest", container->image_digest);
	set_text(file, group, "signal", container->stop_signal);
	set_text(file, group, "reason", container->reason);
}

static gboolean replace_file(const char *path, const char *text, gsize length) {
	g_autofree char *aside = g_strconcat(path, ".new", NULL);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return FALSE;
	gboolean written = write(fd, text, length) == (gssize)length;
	return close(fd) == 0 && written && rename(aside, path) == 0;
}

void task_save(Task *task) {
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_key_file_set_boolean(file, "task", "stopping", task->stopping);
	set_text(file, "task", "code", task->stop_code);
	set_text(file, "task", "reason", task->stopped_reason);
	g_key_file_set_string_list(file, "task", "differences",
		(const char *const *)task->differences->pdata, task->differences->len - 1);
	for (guint i = 0; i < task->n_containers; i++)
		save_container(file, &task->containers[i]);
	gsize length;
	g_autofree char *text = g_key_file_to_data(file, &length, NULL);
	g_autofree char *path = g_build_filename(task->outside, FILE_NAME, NULL);
	if (!replace_file(path, text, length))
		g_warning("cannot write %s: %s", path, g_strerror(errno));
}

static void load_container(GKeyFile *file, Container *container) {
	const char *group = container->runtime_id;
	if (!g_key_file_has_group(file, group))
		return;
	container->phase = CLAMP(
		g_key_file_get_integer(file, group, "phase", NULL), PHASE_WAITING, PHASE_STOPPED);
	container->health = CLAMP(g_key_file_get_integer(file, group, "health", NULL),
		TASK_HEALTH_UNKNOWN, TASK_UNHEALTHY);
	container->has_exit_code = g_key_file_has_key(file, group, "exit_code", NULL);
	container->exit_code = g_key_file_get_integer(file, group, "exit_code", NULL);
	container->started_at = g_key_file_get_int64(file, group, "started", NULL);
	container->stopped_at = g_key_file_get_int64(file, group, "stopped", NULL);
	container->signalled_at = g_key_file_get_int64(file, group, "signalled", NULL);
	container->signal_sent = g_key_file_get_boolean(file, group, "signal_sent", NULL);
	container->image_digest = g_key_file_get_string(file, group, "digest", NULL);
	container->stop_signal = g_key_file_get_string(file, group, "signal", NULL);
	container->reason = g_key_file_get_string(file, group, "reason", NULL);
	if (container->phase == PHASE_STARTING) {
		container->phase = PHASE_WAITING;
		container->perhaps_started = TRUE;
	}
}

gboolean task_load(Task *task) {
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *path = g_build_filename(task->outside, FILE_NAME, NULL);
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL) ||
		!g_key_file_has_group(file, "task"))
		return FALSE;
	task->stopping = g_key_file_get_boolean(file, "task", "stopping", NULL);
	task->stop_code = g_key_file_get_string(file, "task", "code", NULL);
	task->stopped_reason = g_key_file_get_string(file, "task", "reason", NULL);
	g_auto(GStrv) differences =
		g_key_file_get_string_list(file, "task", "differences", NULL, NULL);
	for (char **at = differences; at && *at; at++)
		task_add_difference(task, *at);
	for (guint i = 0; i < task->n_containers; i++)
		load_container(file, &task->containers[i]);
	return TRUE;
}
