/*
 * Tasks as objects: making, finding, telling, forgetting. Relies on task_flow.c for what happens
 * when. A task lives as long as Tasks knows it or an answer to it is awaited; answers to one that
 * has been forgotten are dropped (its `tasks` is NULL then).
 */
#include "glass/task_private.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LONGEST_ID 64

Task *task_ref(Task *task) {
	g_atomic_ref_count_inc(&task->references);
	return task;
}

static void container_clear(Container *container) {
	image_free(container->image);
	g_strfreev(container->layers);
	char *const texts[] = {container->runtime_id, container->folder, container->outside,
		container->image_digest, container->stop_signal, container->reason};
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
}

void task_unref(Task *task) {
	if (!g_atomic_ref_count_dec(&task->references))
		return;
	for (guint i = 0; i < task->n_containers; i++)
		container_clear(&task->containers[i]);
	g_free(task->containers);
	task_spec_free(task->spec);
	g_free(task->outside);
	g_free(task->stop_code);
	g_free(task->stopped_reason);
	g_ptr_array_unref(task->differences);
	g_free(task);
}

/* Ends all watching of it; what runs runs on. */
static void task_drop(Task *task) {
	for (guint i = 0; i < task->n_containers; i++) {
		Container *container = &task->containers[i];
		tasks_unwatch(container);
		container_end_timers(container);
		g_clear_pointer(&container->check, health_free);
		g_clear_pointer(&container->log, log_reader_free);
		g_clear_pointer(&container->conmon, glass_process_free);
	}
	task_execs_drop(task->tasks, task);
	task->tasks = NULL;
	task_unref(task);
}

static Task *task_new(Tasks *tasks, TaskSpec *spec) {
	Task *task = g_new0(Task, 1);
	g_atomic_ref_count_init(&task->references);
	task->tasks = tasks;
	task->spec = spec;
	task->outside = g_build_filename(glass_home(tasks->glass), TASKS_FOLDER, spec->id, NULL);
	task->differences = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(task->differences, NULL);
	task->n_containers = spec->containers->len;
	task->containers = g_new0(Container, task->n_containers);
	for (guint i = 0; i < task->n_containers; i++) {
		Container *container = &task->containers[i];
		container->task = task;
		container->index = i;
		container->spec = spec->containers->pdata[i];
		container->runtime_id = g_strdup_printf("%s-%u", spec->id, i);
		container->folder =
			g_strdup_printf(GLASS_HOME "/" TASKS_FOLDER "/%s/%u", spec->id, i);
		container->outside = g_strdup_printf("%s/%u", task->outside, i);
	}
	return task;
}

static gboolean tell(gpointer data) {
	Task *task = data;
	task->changed_queued = FALSE;
	if (task->tasks && task->tasks->events->changed)
		task->tasks->events->changed(task, task->tasks->data);
	task_unref(task);
	return G_SOURCE_REMOVE;
}

void task_changed(Task *task) {
	task_save(task);
	if (task->changed_queued)
		return;
	task->changed_queued = TRUE;
	g_idle_add_full(G_PRIORITY_DEFAULT, tell, task_ref(task), NULL);
}

void task_add_difference(Task *task, const char *text) {
	for (guint i = 0; i + 1 < task->differences->len; i++) {
		if (g_str_equal(task->differences->pdata[i], text))
			return;
	}
	g_ptr_array_insert(task->differences, (int)task->differences->len - 1, g_strdup(text));
}

Container *task_find_container(Task *task, const char *name) {
	for (guint i = 0; i < task->n_containers; i++) {
		if (g_str_equal(task->containers[i].spec->name, name))
			return &task->containers[i];
	}
	return NULL;
}

/* ---- watching for logs ---- */

static void poke_all(Tasks *tasks) {
	GHashTableIter iter;
	gpointer container;
	g_hash_table_iter_init(&iter, tasks->watches);
	while (g_hash_table_iter_next(&iter, NULL, &container))
		log_reader_poke(((Container *)container)->log);
}

static gboolean on_inotify(int fd, GIOCondition condition, gpointer data) {
	Tasks *tasks = data;
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	gssize length = read(fd, buffer, sizeof buffer);
	for (gssize at = 0; at < length;) {
		const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
		at += (gssize)(sizeof *event + event->len);
		Container *container =
			g_hash_table_lookup(tasks->watches, GINT_TO_POINTER(event->wd));
		if (event->mask & IN_Q_OVERFLOW)
			poke_all(tasks);
		else if (container && event->len && g_str_equal(event->name, "log"))
			log_reader_poke(container->log);
	}
	return G_SOURCE_CONTINUE;
}

void tasks_watch(Container *container) {
	Tasks *tasks = container->task->tasks;
	int watch = inotify_add_watch(tasks->inotify, container->outside, IN_MODIFY | IN_CREATE);
	if (watch < 0)
		g_warning("the log of %s is read only when it ends: cannot watch %s: %s",
			container->runtime_id, container->outside, g_strerror(errno));
	else
		g_hash_table_insert(tasks->watches, GINT_TO_POINTER(watch), container);
}

void tasks_unwatch(Container *container) {
	Tasks *tasks = container->task->tasks;
	GHashTableIter iter;
	gpointer watch, other;
	g_hash_table_iter_init(&iter, tasks->watches);
	while (g_hash_table_iter_next(&iter, &watch, &other)) {
		if (other != container)
			continue;
		inotify_rm_watch(tasks->inotify, GPOINTER_TO_INT(watch));
		g_hash_table_iter_remove(&iter);
	}
}

/* ---- all of them ---- */

Tasks *tasks_new(
	Glass *glass, Blobs *blobs, Layers *layers, const TaskEvents *events, gpointer data) {
	Tasks *tasks = g_new0(Tasks, 1);
	tasks->glass = glass;
	tasks->blobs = blobs;
	tasks->layers = layers;
	tasks->events = events;
	tasks->data = data;
	tasks->by_id =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)task_drop);
	tasks->watches = g_hash_table_new(NULL, NULL);
	tasks->execs = g_ptr_array_new();
	tasks->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (tasks->inotify >= 0)
		tasks->inotify_source = g_unix_fd_add(tasks->inotify, G_IO_IN, on_inotify, tasks);
	return tasks;
}

void tasks_free(Tasks *tasks) {
	if (!tasks)
		return;
	task_execs_drop(tasks, NULL);
	g_hash_table_unref(tasks->by_id);
	g_hash_table_unref(tasks->watches);
	g_ptr_array_unref(tasks->execs);
	if (tasks->inotify_source)
		g_source_remove(tasks->inotify_source);
	if (tasks->inotify >= 0)
		close(tasks->inotify);
	g_free(tasks);
}

static gboolean id_valid(const char *id, GError **error) {
	gsize length = strlen(id);
	gboolean valid = length > 0 && length <= LONGEST_ID;
	for (const char *at = id; *at; at++)
		valid = valid && (g_ascii_isalnum(*at) || *at == '-');
	if (!valid)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			"'%s' is not the id of a task", id);
	return valid;
}

static gboolean make_folders(Task *task, GError **error) {
	for (guint i = 0; i < task->n_containers; i++) {
		g_autofree char *name = g_strdup_printf(TASKS_FOLDER "/%s/%u", task->spec->id, i);
		g_autofree char *made = glass_make_folder(task->tasks->glass, name, error);
		if (!made)
			return FALSE;
	}
	return TRUE;
}

static void say_limits(Task *task) {
	const TaskSpec *spec = task->spec;
	const char *reason;
	if (glass_limits_enforced(task->tasks->glass, &reason))
		return;
	g_autofree char *memory =
		g_strdup_printf("memory limit of %d MiB not enforced: %s", spec->memory, reason);
	g_autofree char *cpu =
		g_strdup_printf("limit of %d cpu units not enforced: %s", spec->cpu, reason);
	if (spec->memory > 0)
		task_add_difference(task, memory);
	if (spec->cpu > 0)
		task_add_difference(task, cpu);
}

Task *tasks_run(Tasks *tasks, TaskSpec *spec, GError **error) {
	g_autoptr(TaskSpec) owned = spec;
	g_autoptr(GPtrArray) order = NULL;
	if (!id_valid(spec->id, error) || !(order = task_spec_order(spec, error)))
		return NULL;
	if (g_hash_table_contains(tasks->by_id, spec->id)) {
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_EXISTS, "task %s is there already", spec->id);
		return NULL;
	}
	Task *task = task_new(tasks, g_steal_pointer(&owned));
	g_hash_table_insert(tasks->by_id, task->spec->id, task);
	if (!make_folders(task, error)) {
		g_hash_table_remove(tasks->by_id, spec->id);
		return NULL;
	}
	if (!task_load(task)) {
		say_limits(task);
		task_save(task);
	}
	task_resume(task);
	return task;
}

Task *tasks_get(Tasks *tasks, const char *id) {
	return g_hash_table_lookup(tasks->by_id, id);
}

static void on_removed(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) done = glass_job_finish(result, &error);
	if (!done)
		g_warning("a task could not be removed: %s", error->message);
}

static void remove_tasks(Tasks *tasks, char **ids) {
	RemoveJob job = {ids, glass_limits_enforced(tasks->glass, NULL)};
	glass_job_async(tasks->glass, NULL, remove_job, &job, NULL, on_removed, NULL);
}

void tasks_sweep(Tasks *tasks, TaskIsOwn is_own) {
	g_autofree char *path = g_build_filename(glass_home(tasks->glass), TASKS_FOLDER, NULL);
	g_autoptr(GStrvBuilder) unknown = g_strv_builder_new();
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;
	while (folder && (name = g_dir_read_name(folder))) {
		if (!g_hash_table_contains(tasks->by_id, name) && (!is_own || is_own(name)))
			g_strv_builder_add(unknown, name);
	}
	g_auto(GStrv) ids = g_strv_builder_end(unknown);
	if (*ids)
		remove_tasks(tasks, ids);
}

void task_forget(Task *task) {
	Tasks *tasks = task->tasks;
	char *ids[] = {task->spec->id, NULL};
	remove_tasks(tasks, ids);
	g_hash_table_remove(tasks->by_id, task->spec->id);
}

/* ---- telling ---- */

const TaskSpec *task_spec(const Task *task) {
	return task->spec;
}

const char *task_id(const Task *task) {
	return task->spec->id;
}

TaskStatus task_status(const Task *task) {
	guint waiting = 0, stopped = 0;
	for (guint i = 0; i < task->n_containers; i++) {
		waiting += task->containers[i].phase < PHASE_RUNNING;
		stopped += task->containers[i].phase == PHASE_STOPPED;
	}
	if (stopped == task->n_containers)
		return TASK_STOPPED;
	if (task->stopping)
		return TASK_STOPPING;
	return waiting ? TASK_PENDING : TASK_RUNNING;
}

TaskHealth task_health(const Task *task) {
	TaskHealth worst = TASK_HEALTH_UNKNOWN;
	gboolean unknown = FALSE;
	for (guint i = 0; i < task->n_containers; i++) {
		const Container *container = &task->containers[i];
		if (!container->spec->essential || !container->spec->health_check)
			continue;
		worst = MAX(worst, container->health);
		unknown = unknown || container->health == TASK_HEALTH_UNKNOWN;
	}
	return worst == TASK_HEALTHY && unknown ? TASK_HEALTH_UNKNOWN : worst;
}

const char *task_stop_code(const Task *task) {
	return task->stop_code;
}

const char *task_stopped_reason(const Task *task) {
	return task->stopped_reason;
}

guint task_container_count(const Task *task) {
	return task->n_containers;
}

static TaskStatus container_status(const Container *container) {
	switch (container->phase) {
	case PHASE_WAITING:
	case PHASE_STARTING:
		return TASK_PENDING;
	case PHASE_RUNNING:
		return container->signalled_at ? TASK_STOPPING : TASK_RUNNING;
	case PHASE_ENDING:
		return TASK_STOPPING;
	case PHASE_STOPPED:
		break;
	}
	return TASK_STOPPED;
}

TaskContainer task_container(const Task *task, guint index) {
	g_return_val_if_fail(index < task->n_containers, (TaskContainer){0});
	const Container *container = &task->containers[index];
	return (TaskContainer){
		.name = container->spec->name,
		.runtime_id = container->runtime_id,
		.image_digest = container->image_digest,
		.status = container_status(container),
		.health = container->health,
		.has_exit_code = container->has_exit_code,
		.exit_code = container->exit_code,
		.reason = container->reason,
		.started_at = container->started_at,
		.stopped_at = container->stopped_at,
	};
}

const char *const *task_differences(const Task *task) {
	return (const char *const *)task->differences->pdata;
}
