/*
 * Health checks: a command in the container, `interval` after its start and after each answer, as
 * Docker and so ECS have it. Before its first success failures within the start period do not
 * count. One thing is quicker than there: a container of which nothing is known yet is also asked
 * after 1, 2, 4, … seconds; those answers can only make it healthy.
 */
#include "glass/task_private.h"

#include <sys/socket.h>
#include <unistd.h>

struct Health {
	Container *container;
	guint timer;
	int failures, backoff, control;
	int interval, timeout, retries, start_period; /* seconds */
	char **command;
};

static gboolean probe(gpointer data);

static void schedule(Health *health, guint milliseconds) {
	health->timer = g_timeout_add(milliseconds, probe, health);
}

/* Microseconds since the container's start. */
static gint64 age(const Health *health) {
	return g_get_real_time() - health->container->started_at;
}

static void schedule_next(Health *health) {
	gint64 left = health->interval * 1000 - age(health) / 1000;
	if (health->container->health != TASK_HEALTH_UNKNOWN || left <= 0) {
		schedule(health, (guint)health->interval * 1000);
		return;
	}
	schedule(health, (guint)MIN(left, health->backoff * 1000));
	health->backoff *= 2;
}

static void judge(Health *health, gboolean ok, gint64 asked) {
	Container *container = health->container;
	TaskHealth before = container->health;
	gboolean lenient = asked < MAX(health->interval - 1, 0) * G_TIME_SPAN_SECOND ||
			   asked < health->start_period * G_TIME_SPAN_SECOND;
	if (ok) {
		health->failures = 0;
		container->health = TASK_HEALTHY;
	} else if (before != TASK_HEALTH_UNKNOWN || !lenient) {
		health->failures++;
		if (health->failures >= health->retries)
			container->health = TASK_UNHEALTHY;
	}
	schedule_next(health);
	if (container->health == before)
		return;
	task_changed(container->task);
	task_step(container->task);
}

typedef struct {
	Container *container;
	gint64 asked; /* age of the container */
} Question;

static void on_answer(GObject *source, GAsyncResult *result, gpointer data) {
	g_autofree Question *question = data;
	Container *container = question->container;
	Task *task = container->task;
	Health *health = task->tasks ? container->check : NULL;
	g_autoptr(GError) error = NULL;
	int exit_code = 1;
	gboolean ran = exec_job_finish(result, &exit_code, &error);
	if (health) {
		close(health->control);
		health->control = -1;
		judge(health, ran && exit_code == 0, question->asked);
	}
	task_unref(task);
}

static gboolean probe(gpointer data) {
	Health *health = data;
	Tasks *tasks = health->container->task->tasks;
	int ends[2];
	health->timer = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		schedule(health, (guint)health->interval * 1000);
		return G_SOURCE_REMOVE;
	}
	ExecJob job = {
		.runtime_id = health->container->runtime_id,
		.folder = health->container->folder,
		.command = health->command,
		.limits = glass_limits_enforced(tasks->glass, NULL),
		.stdio = {-1, -1, -1},
		.control = ends[1],
		.timeout = health->timeout * 1000,
	};
	Question *question = g_new0(Question, 1);
	*question = (Question){health->container, age(health)};
	health->control = ends[0];
	task_ref(health->container->task);
	exec_job_async(tasks, &job, on_answer, question);
	close(ends[1]);
	return G_SOURCE_REMOVE;
}

/* {"CMD", …}, {"CMD-SHELL", "…"}; NULL for {"NONE"} and nothing. */
static char **command_of(const ContainerHealthCheck *check) {
	char **given = check ? check->command : NULL;
	if (!given || !*given || g_str_equal(*given, "NONE"))
		return NULL;
	if (g_str_equal(*given, "CMD"))
		return given[1] ? g_strdupv(given + 1) : NULL;
	if (!g_str_equal(*given, "CMD-SHELL"))
		return g_strdupv(given);
	const char *const shell[] = {"/bin/sh", "-c", given[1] ? given[1] : "", NULL};
	return g_strdupv((char **)shell);
}

Health *health_new(Container *container) {
	const ContainerHealthCheck *check = container->spec->health_check;
	char **command = command_of(check);
	if (!command)
		return NULL;
	Health *health = g_new0(Health, 1);
	health->container = container;
	health->command = command;
	health->control = -1;
	health->backoff = 1;
	health->interval = check->interval > 0 ? check->interval : 30;
	health->timeout = check->timeout > 0 ? check->timeout : 5;
	health->retries = check->retries > 0 ? check->retries : 3;
	health->start_period = MAX(check->start_period, 0);
	schedule_next(health);
	return health;
}

void health_free(Health *health) {
	if (!health)
		return;
	if (health->timer)
		g_source_remove(health->timer);
	if (health->control >= 0)
		close(health->control);
	g_strfreev(health->command);
	g_free(health);
}
