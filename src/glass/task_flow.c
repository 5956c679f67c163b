/*
 * What happens to a task, and when: containers start as their dependencies allow, an essential one
 * that ends takes the task with it, and stopping goes backwards. Everything is decided in
 * task_step, from what is known now, so it can be called whenever something may have changed, and
 * after a restart it goes on from what was saved. Nothing here waits: all work is done by jobs.
 */
#include "glass/task_private.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECOND G_TIME_SPAN_SECOND
#define DEFAULT_STOP_TIMEOUT 30

static void begin_stop(Task *task, const char *code, const char *reason) {
	if (task->stopping)
		return;
	task->stopping = TRUE;
	task->stop_code = g_strdup(code);
	task->stopped_reason = g_strdup(reason);
	task_changed(task);
}

void container_end_timers(Container *container) {
	if (container->start_timer)
		g_source_remove(container->start_timer);
	if (container->stop_timer)
		g_source_remove(container->stop_timer);
	container->start_timer = container->stop_timer = 0;
}

/* It will not start. */
static void refuse(Container *container, const char *kind, const char *message) {
	Task *task = container->task;
	container->phase = PHASE_STOPPED;
	container->stopped_at = g_get_real_time();
	g_free(container->reason);
	container->reason = g_strdup_printf("%s: %s", kind, message);
	if (container->spec->essential)
		begin_stop(task, "TaskFailedToStart", container->reason);
	task_changed(task);
}

/* ---- images ---- */

static void on_unpacked(GObject *source, GAsyncResult *result, gpointer data) {
	Container *container = data;
	Task *task = container->task;
	if (task->tasks) {
		g_autoptr(GError) error = NULL;
		container->layers = layers_unpack_finish(task->tasks->layers, result, &error);
		if (error && container->phase == PHASE_WAITING)
			refuse(container, "CannotPullContainerError", error->message);
		task_step(task);
	}
	task_unref(task);
}

static gboolean open_image(Container *container, GError **error) {
	if (!container->image)
		container->image =
			image_open(container->task->tasks->blobs, container->spec->image, error);
	return container->image != NULL;
}

static void prepare(Container *container) {
	g_autoptr(GError) error = NULL;
	if (!open_image(container, &error)) {
		refuse(container, "CannotPullContainerError", error->message);
		return;
	}
	const char *signal = container->image->config->stop_signal;
	g_free(container->image_digest);
	container->image_digest = g_strdup(container->image->manifest_digest);
	g_free(container->stop_signal);
	container->stop_signal = g_strdup(signal);
	task_ref(container->task);
	layers_unpack_async(
		container->task->tasks->layers, container->image, on_unpacked, container);
}

/* ---- ending ---- */

static void on_cleaned(GObject *source, GAsyncResult *result, gpointer data) {
	Container *container = data;
	Task *task = container->task;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) done = glass_job_finish(result, &error);
	if (!done)
		g_warning("container %s could not be removed: %s", container->runtime_id,
			error->message);
	if (task->tasks) {
		container->phase = PHASE_STOPPED;
		task_changed(task);
		task_step(task);
	}
	task_unref(task);
}

void container_drained(Container *container) {
	Task *task = container->task;
	Glass *glass = task->tasks->glass;
	CleanJob job = {
		container->folder, container->runtime_id, glass_limits_enforced(glass, NULL)};
	tasks_unwatch(container);
	g_clear_pointer(&container->log, log_reader_free);
	glass_job_async(glass, NULL, clean_job, &job, NULL, on_cleaned, container);
	task_ref(task);
}

/* The exit file that conmon wrote, which is whole when it is there. */
static void read_exit(Container *container) {
	g_autofree char *path = g_build_filename(container->outside, container->runtime_id, NULL);
	g_autofree char *oom = g_build_filename(container->outside, "oom", NULL);
	g_autofree char *text = NULL;
	struct stat status;
	container->has_exit_code = g_file_get_contents(path, &text, NULL, NULL);
	container->stopped_at = g_get_real_time();
	if (container->has_exit_code) {
		container->exit_code = atoi(text);
		if (stat(path, &status) == 0)
			container->stopped_at =
				status.st_mtim.tv_sec * SECOND + status.st_mtim.tv_nsec / 1000;
	}
	if (container->has_exit_code && g_file_test(oom, G_FILE_TEST_EXISTS))
		container->reason =
			g_strdup("OutOfMemoryError: Container killed due to memory usage");
	else if (!container->has_exit_code)
		container->reason = g_strdup("ContainerRuntimeError: the container's supervisor "
					     "ended before it, so its exit code is not known");
}

static void ended(Container *container) {
	container_end_timers(container);
	g_clear_pointer(&container->check, health_free);
	g_clear_pointer(&container->conmon, glass_process_free);
	container->phase = PHASE_ENDING;
	g_clear_pointer(&container->reason, g_free);
	read_exit(container);
	task_changed(container->task);
	if (container->log)
		log_reader_finish(container->log);
	else
		container_drained(container);
}

static void on_conmon_ended(GlassProcess *process, gpointer data) {
	ended(data);
}

/* ---- signals ---- */

static void on_signalled(GObject *source, GAsyncResult *result, gpointer data) {
	Container *container = data;
	g_autoptr(GError) error = NULL;
	/* One that has ended in between cannot be signalled, nor need it be. */
	gboolean sent = glass_run_finish(result, NULL, NULL, &error);
	if (!sent)
		g_debug("signal to %s: %s", container->runtime_id, error->message);
	if (sent && container->task->tasks && !container->signal_sent) {
		container->signal_sent = TRUE;
		task_save(container->task);
	}
	task_unref(container->task);
}

static void send_signal(Container *container, int number) {
	Glass *glass = container->task->tasks->glass;
	g_autofree char *text = g_strdup_printf("%d", number);
	const char *const argv[] = {CRUN, crun_cgroup_manager(glass_limits_enforced(glass, NULL)),
		"kill", container->runtime_id, text, NULL};
	task_ref(container->task);
	glass_run_async(glass, NULL, argv, NULL, NULL, NULL, on_signalled, container);
}

static void send_stop_signal(Container *container) {
	int number = container->stop_signal ? oci_signal(container->stop_signal) : 0;
	send_signal(container, number > 0 ? number : SIGTERM);
}

/* ---- starting ---- */

static gboolean on_start_overdue(gpointer data) {
	Container *container = data;
	container->start_timer = 0;
	container->overdue = TRUE;
	task_step(container->task);
	return G_SOURCE_REMOVE;
}

static gboolean on_stop_overdue(gpointer data);

/* Milliseconds until `seconds` after `since` (real time). */
static guint remaining(gint64 since, int seconds) {
	gint64 left = since + seconds * SECOND - g_get_real_time();
	return (guint)(CLAMP(left, 0, seconds * SECOND) / 1000);
}

static void arm_stop_timer(Container *container) {
	int timeout = container->spec->stop_timeout > 0 ? container->spec->stop_timeout
							: DEFAULT_STOP_TIMEOUT;
	container->stop_timer = g_timeout_add(
		remaining(container->signalled_at, timeout), on_stop_overdue, container);
}

/* It runs, or has run: what its start job says. */
static void take_up(Container *container, GVariant *record) {
	Task *task = container->task;
	gint32 pid;
	guint64 start;
	g_autofree const char **differences = NULL;
	g_variant_get(record, "(itx^a&s)", &pid, &start, &container->started_at, &differences);
	for (gsize i = 0; differences[i]; i++)
		task_add_difference(task, differences[i]);
	container->phase = PHASE_RUNNING;
	container->attached = TRUE;
	container->perhaps_started = FALSE;
	task_changed(task);
	tasks_watch(container);
	container->log = log_reader_new(container);
	log_reader_poke(container->log);
	g_autoptr(GError) error = NULL;
	container->conmon = glass_process_adopt(
		task->tasks->glass, pid, start, on_conmon_ended, container, &error);
	if (!container->conmon) {
		ended(container);
		return;
	}
	if (container->spec->start_timeout > 0)
		container->start_timer = g_timeout_add(
			remaining(container->started_at, container->spec->start_timeout),
			on_start_overdue, container);
	if (container->signalled_at && !container->signal_sent)
		send_stop_signal(container);
	if (container->signalled_at)
		arm_stop_timer(container);
	container->check = health_new(container);
}

/* Nothing of it was found that had started. */
static void not_started(Container *container, const GError *error) {
	if (container->phase == PHASE_RUNNING)
		ended(container);
	else if (!container->attaching)
		refuse(container, "CannotStartContainerError", error->message);
	else {
		container->perhaps_started = FALSE;
		container->phase = PHASE_WAITING;
	}
}

static void on_started(GObject *source, GAsyncResult *result, gpointer data) {
	Container *container = data;
	Task *task = container->task;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) answer = glass_job_finish(result, &error);
	if (task->tasks) {
		if (answer) {
			g_autoptr(GVariant) record = g_variant_ref_sink(g_variant_new_from_bytes(
				G_VARIANT_TYPE(START_RECORD), answer, FALSE));
			take_up(container, record);
		} else {
			not_started(container, error);
		}
		container->attaching = FALSE;
		task_step(task);
	}
	task_unref(task);
}

static void run_start_job(Container *container, GPtrArray *binds) {
	Glass *glass = container->task->tasks->glass;
	StartJob job = {
		.task = container->task->spec,
		.spec = container->spec,
		.folder = container->folder,
		.runtime_id = container->runtime_id,
		.image = binds ? container->image->config : NULL,
		.layers = container->layers,
		.binds = binds,
		.limits = glass_limits_enforced(glass, NULL),
	};
	task_ref(container->task);
	glass_job_async(glass, NULL, start_job, &job, NULL, on_started, container);
}

static void attach(Container *container) {
	container->attaching = TRUE;
	run_start_job(container, NULL);
}

static void start(Container *container) {
	g_autoptr(GError) error = NULL;
	for (guint i = 0; i < container->spec->volumes_from->len; i++) {
		const ContainerMount *mount = container->spec->volumes_from->pdata[i];
		if (!open_image(task_find_container(container->task, mount->source), &error)) {
			refuse(container, "CannotStartContainerError", error->message);
			return;
		}
	}
	g_autoptr(GPtrArray) binds = root_binds(container);
	container->phase = PHASE_STARTING;
	task_changed(container->task);
	run_start_job(container, binds);
}

/* ---- dependencies ---- */

typedef enum { MET, UNMET, NEVER } Readiness;

static Readiness judge(const Container *other, ContainerCondition condition) {
	gboolean begun = other->started_at != 0, over = other->phase == PHASE_STOPPED, met = FALSE;
	switch (condition) {
	case CONTAINER_START:
		met = begun;
		break;
	case CONTAINER_COMPLETE:
		met = begun && over;
		break;
	case CONTAINER_SUCCESS:
		met = over && other->has_exit_code && other->exit_code == 0;
		break;
	case CONTAINER_HEALTHY:
		met = !over && other->health == TASK_HEALTHY;
		break;
	}
	if (met)
		return MET;
	return over || other->overdue ? NEVER : UNMET;
}

static const char *describe(ContainerCondition condition) {
	static const char *const words[] = {[CONTAINER_START] = "START",
		[CONTAINER_COMPLETE] = "COMPLETE",
		[CONTAINER_SUCCESS] = "SUCCESS",
		[CONTAINER_HEALTHY] = "HEALTHY"};
	return words[condition];
}

/* A dependency that can no longer be met ends the task, essential or not. */
static void give_up(Container *container, const Container *other, ContainerCondition condition) {
	g_autofree char *message =
		g_strdup_printf("container '%s' waits for '%s' to reach %s, which %s",
			container->spec->name, other->spec->name, describe(condition),
			other->phase == PHASE_STOPPED ? "it did not before it ended"
						      : "it did not within its startTimeout");
	refuse(container, "CannotStartContainerError", message);
	begin_stop(container->task, "TaskFailedToStart", container->reason);
}

static Readiness is_ready(Container *container) {
	Readiness ready = MET;
	for (guint i = 0; i < container->spec->depends_on->len; i++) {
		const ContainerDependency *dependency = container->spec->depends_on->pdata[i];
		const Container *other =
			task_find_container(container->task, dependency->container);
		Readiness one = judge(other, dependency->condition);
		if (one == NEVER)
			give_up(container, other, dependency->condition);
		if (one == NEVER)
			return NEVER;
		ready = MAX(ready, one);
	}
	for (guint i = 0; i < container->spec->volumes_from->len; i++) {
		const ContainerMount *mount = container->spec->volumes_from->pdata[i];
		const Container *other = task_find_container(container->task, mount->source);
		Readiness one = judge(other, CONTAINER_START);
		if (one == NEVER)
			give_up(container, other, CONTAINER_START);
		if (one == NEVER)
			return NEVER;
		ready = MAX(ready, one);
	}
	return ready;
}

static void start_ready(Task *task) {
	for (guint i = 0; i < task->n_containers && !task->stopping; i++) {
		Container *container = &task->containers[i];
		if (container->phase == PHASE_WAITING && container->layers &&
			is_ready(container) == MET)
			start(container);
	}
}

/* ---- stopping ---- */

static gboolean on_stop_overdue(gpointer data) {
	Container *container = data;
	container->stop_timer = 0;
	send_signal(container, SIGKILL);
	return G_SOURCE_REMOVE;
}

static void stop(Container *container) {
	container->signalled_at = g_get_real_time();
	g_clear_pointer(&container->check, health_free);
	send_stop_signal(container);
	arm_stop_timer(container);
	task_changed(container->task);
}

static gboolean has_dependents(const Container *container) {
	const Task *task = container->task;
	for (guint i = 0; i < task->n_containers; i++) {
		const Container *other = &task->containers[i];
		gboolean lives = other->phase != PHASE_WAITING && other->phase != PHASE_STOPPED;
		for (guint j = 0; lives && j < other->spec->depends_on->len; j++) {
			const ContainerDependency *dependency = other->spec->depends_on->pdata[j];
			if (g_str_equal(dependency->container, container->spec->name))
				return TRUE;
		}
	}
	return FALSE;
}

static void stop_ready(Task *task) {
	/* First those that never ran, since nothing is to wait for them. */
	for (guint i = 0; i < task->n_containers; i++) {
		Container *container = &task->containers[i];
		if (container->phase != PHASE_WAITING)
			continue;
		container->phase = container->perhaps_started ? PHASE_STARTING : PHASE_STOPPED;
		if (container->perhaps_started)
			attach(container);
		task_changed(task);
	}
	for (guint i = 0; i < task->n_containers; i++) {
		Container *container = &task->containers[i];
		if (container->phase == PHASE_RUNNING && container->attached &&
			!container->signalled_at && !has_dependents(container))
			stop(container);
	}
}

static void judge_end(Task *task) {
	gboolean over = TRUE;
	for (guint i = 0; i < task->n_containers && !task->stopping; i++) {
		const Container *container = &task->containers[i];
		over = over && container->phase == PHASE_STOPPED;
		if (container->spec->essential && container->phase >= PHASE_ENDING)
			begin_stop(task, "EssentialContainerExited",
				"Essential container in task exited");
	}
	if (over)
		begin_stop(task, "EssentialContainerExited", "All containers in task exited");
}

void task_step(Task *task) {
	if (!task->stopping)
		start_ready(task);
	if (!task->stopping)
		judge_end(task);
	if (task->stopping)
		stop_ready(task);
}

void task_stop(Task *task, const char *stop_code, const char *reason) {
	begin_stop(task, stop_code, reason);
	task_step(task);
}

void task_resume(Task *task) {
	for (guint i = 0; i < task->n_containers; i++) {
		Container *container = &task->containers[i];
		if (container->phase == PHASE_RUNNING)
			attach(container);
		else if (container->phase == PHASE_WAITING && !task->stopping)
			prepare(container);
	}
	task_step(task);
	task_changed(task);
}
