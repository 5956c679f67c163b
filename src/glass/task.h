/*
 * Tasks: containers that share one network namespace, as ECS's awsvpc mode has it. A task is
 * started from its spec, runs on by itself (conmon and crun, inside the glass), and is adopted
 * again when the region comes back: tasks_run with a spec whose id already has containers does not
 * start them twice.
 *
 * Order (dependsOn), health checks, the rule that an essential container takes the task with it,
 * and stopping (signal, stopTimeout, kill) are kept here. Why a task should run is the region's
 * affair.
 */
#pragma once

#include "glass/container.h"
#include "glass/layer.h"

typedef struct Tasks Tasks;
typedef struct Task Task;

typedef struct {
	char *name;
	char *host_path; /* as the glass sees it; NULL: lives and dies with the task */
} TaskVolume;

typedef struct {
	char *id; /* letters, digits and '-'; unique in the glass */
	char *owner; /* the owner whose network namespace it runs in (net.h) */
	char *hostname; /* "ip-10-0-0-130.ec2.internal" */
	char *address; /* of its ENI, for /etc/hosts; or NULL */
	char **dns_servers; /* VPC+2; NULL: none */
	char **dns_search; /* or NULL */
	int cpu; /* units; 0: no limit */
	int memory; /* MiB; 0: no limit */
	GPtrArray *volumes; /* of TaskVolume */
	GPtrArray *containers; /* of ContainerSpec */
} TaskSpec;

/* A task without containers. Copies both; tasks_run takes it. */
TaskSpec *task_spec_new(const char *id, const char *owner);
void task_spec_free(TaskSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TaskSpec, task_spec_free)
void task_spec_volume(TaskSpec *spec, const char *name, const char *host_path);
/* Takes `container`; returns it. */
ContainerSpec *task_spec_container(TaskSpec *spec, ContainerSpec *container);
/* Its containers (ContainerSpec, borrowed) in an order in which they can be started by dependsOn,
 * otherwise as given; stopping goes backwards. NULL for a spec that cannot run: no container, a
 * name used twice or unknown, a circle, waiting for the end of an essential container or for health
 * that nobody checks. The caller frees the array. */
GPtrArray *task_spec_order(const TaskSpec *spec, GError **error);

typedef enum {
	TASK_PENDING, /* images being unpacked, dependencies waited for */
	TASK_RUNNING, /* every container has started */
	TASK_STOPPING,
	TASK_STOPPED, /* nothing of it runs any more */
} TaskStatus;

typedef enum { TASK_HEALTH_UNKNOWN, TASK_HEALTHY, TASK_UNHEALTHY } TaskHealth;

/* What is known of a container; strings are borrowed and last until the next event. */
typedef struct {
	const char *name;
	const char *runtime_id;
	const char *image_digest; /* of the manifest that runs */
	TaskStatus status;
	TaskHealth health; /* UNKNOWN without a health check or before its first answer */
	gboolean has_exit_code;
	int exit_code;
	const char *reason; /* ECS's words: "CannotStartContainerError: …", "OutOfMemoryError: …";
			       or NULL */
	gint64 started_at, stopped_at; /* microseconds since the epoch (real time); 0: not yet */
} TaskContainer;

typedef struct {
	const char *container;
	gboolean is_stderr;
	gint64 timestamp; /* microseconds since the epoch, when the container wrote it */
	const char *text; /* without the newline; not NUL-terminated */
	gsize length;
	guint64 position; /* grows strictly within a container: who keeps the last one sees no line
			     twice */
} TaskLogLine;

typedef struct {
	/* A container or the task changed (status, health): look with task_status and
	 * task_container. */
	void (*changed)(Task *task, gpointer data);
	/* What containers wrote, in order. The position behind the lines is remembered on disk
	 * after the return: a region killed in between gets them again, with the same positions.
	 * May be NULL. */
	void (*log)(Task *task, const TaskLogLine *lines, gsize n_lines, gpointer data);
} TaskEvents;

/* Borrows all for as long as it lives. Freeing it ends the watching, not the tasks. */
Tasks *tasks_new(
	Glass *glass, Blobs *blobs, Layers *layers, const TaskEvents *events, gpointer data);
void tasks_free(Tasks *tasks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tasks, tasks_free)

/* Runs a task, or adopts it if containers of that id exist. Takes `spec`. The owner's network
 * namespace must be there. Fails only for a spec that cannot run (a cycle in dependsOn, an unknown
 * volume, a privileged request); what goes wrong later ends in TASK_STOPPED with a reason. */
Task *tasks_run(Tasks *tasks, TaskSpec *spec, GError **error);
Task *tasks_get(Tasks *tasks, const char *id); /* NULL if unknown */
/* Kills and removes what runs or lies about of tasks that tasks_run was not told of: called once
 * after a restart, when all that the store knows have been adopted. `is_own` (NULL: all are) tells
 * those of this Tasks from another's in the same glass. */
typedef gboolean (*TaskIsOwn)(const char *id);
void tasks_sweep(Tasks *tasks, TaskIsOwn is_own);

/* What it runs by, its id (both borrowed), and how far it is. */
const TaskSpec *task_spec(const Task *task);
const char *task_id(const Task *task);
TaskStatus task_status(const Task *task);
/* ECS's task health: UNHEALTHY if an essential container's check fails, HEALTHY when all of them
 * are. */
TaskHealth task_health(const Task *task);
/* Why it stopped or stops: "EssentialContainerExited", "TaskFailedToStart", or what task_stop was
 * given. */
const char *task_stop_code(const Task *task);
const char *task_stopped_reason(const Task *task);
guint task_container_count(const Task *task);
TaskContainer task_container(const Task *task, guint index);
/* What differs from the spec on this machine ("memory limit not enforced: …"), NULL-terminated,
 * borrowed. */
const char *const *task_differences(const Task *task);

/* Stops: every container gets its stop signal, in reverse order of dependsOn, and after its stop
 * timeout SIGKILL. Returns at once. Stopping twice is the same as once. */
void task_stop(Task *task, const char *stop_code, const char *reason);
/* Forgets a stopped task and removes its folder; `task` is invalid afterwards. */
void task_forget(Task *task);

/* A program beside the containers' own, in one of them. */
typedef struct TaskExec TaskExec;
typedef void (*TaskExecDone)(TaskExec *exec, int exit_code, const GError *error, gpointer data);
/* Starts `command` in `container`. With `terminal` it gets a terminal of rows × columns, and fds[0]
 * (a socket) is its other end (fds[1], fds[2]: -1); without, fds are the other ends of its stdin,
 * stdout and stderr. The caller owns the fds. `done` is called once, after which `exec` is invalid;
 * with an error: it could not be started. environment ("NAME=value") is added to the container's
 * own; may be NULL. A terminal's size is set while the program starts: it may see it as a change.
 */
TaskExec *task_exec(Task *task, const char *container, char **command, char **environment,
	gboolean terminal, int rows, int columns, int fds[3], TaskExecDone done, gpointer data,
	GError **error);
void task_exec_resize(TaskExec *exec, int rows, int columns);
/* Kills the program (its terminal or pipes are gone). `done` still comes. */
void task_exec_kill(TaskExec *exec);
