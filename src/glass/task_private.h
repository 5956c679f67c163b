/*
 * Inside the room: what the files that run tasks share. task.c has the objects, task_flow.c says
 * what happens when, task_store.c remembers, task_inside.c and task_root.c work inside the glass,
 * task_log.c, task_health.c and task_exec.c do what their names say.
 */
#pragma once

#include "glass/job.h"
#include "glass/oci.h"
#include "glass/task.h"

#define TASKS_FOLDER "tasks"

typedef struct Container Container;
typedef struct LogReader LogReader;
typedef struct Health Health;

typedef enum {
	PHASE_WAITING, /* for its image or its dependencies */
	PHASE_STARTING, /* the job that starts it is under way */
	PHASE_RUNNING,
	PHASE_ENDING, /* ended: its log is read to the end, its root unmounted */
	PHASE_STOPPED,
} Phase;

struct Container {
	Task *task;
	guint index;
	const ContainerSpec *spec; /* of the task's spec */
	char *runtime_id, *folder,
		*outside; /* its folder as the glass and as this process see it */
	Image *image; /* NULL until needed */
	char **layers; /* unpacked; NULL: not yet */
	char *image_digest, *stop_signal;
	Phase phase;
	gboolean
		perhaps_started; /* a killed region was starting it: ask the glass, whatever next */
	gboolean attaching; /* only looking whether it was started */
	gboolean attached; /* its start job has answered in this process */
	TaskHealth health;
	gboolean has_exit_code;
	int exit_code;
	char *reason;
	gint64 started_at, stopped_at, signalled_at;
	gboolean signal_sent; /* the stop signal is known to have reached it */
	gboolean overdue; /* its start timeout is over */
	GlassProcess *conmon;
	guint start_timer, stop_timer;
	LogReader *log;
	Health *check;
};

struct Task {
	gatomicrefcount references; /* one of Tasks, one of each answer awaited */
	Tasks *tasks; /* NULL: forgotten, answers are to be dropped */
	TaskSpec *spec;
	char *outside;
	guint n_containers;
	Container *containers; /* in the order of the spec */
	gboolean stopping;
	gboolean changed_queued;
	char *stop_code, *stopped_reason;
	GPtrArray *differences; /* of char*, ends with NULL */
};

struct Tasks {
	Glass *glass;
	Blobs *blobs;
	Layers *layers;
	const TaskEvents *events;
	gpointer data;
	GHashTable *by_id; /* id -> Task */
	GHashTable *watches; /* inotify watch -> Container */
	int inotify;
	guint inotify_source;
	GPtrArray *execs; /* of TaskExec: those under way */
};

/* ---- task.c ---- */
Task *task_ref(Task *task);
void task_unref(Task *task);
/* Tells of a change, once the main loop is idle, and writes it down now. */
void task_changed(Task *task);
void task_add_difference(Task *task, const char *text);
Container *task_find_container(Task *task, const char *name);
/* Watches the container's folder for its log. */
void tasks_watch(Container *container);
void tasks_unwatch(Container *container);

/* ---- task_flow.c ---- */
/* Does whatever can be done now: start, stop, end. Harmless when there is nothing. */
void task_step(Task *task);
/* A loaded task: takes up what runs. */
void task_resume(Task *task);
/* The container's log has been read to its end. */
void container_drained(Container *container);
void container_end_timers(Container *container);

/* ---- task_store.c ---- */
void task_save(Task *task);
gboolean task_load(Task *task); /* FALSE: nothing is known of it */

/* ---- task_inside.c: jobs (GlassJob) ---- */
#define CRUN "crun", "--root", "/run/crun"
/* "--cgroup-manager=…", by whether limits are enforced. */
const char *crun_cgroup_manager(gboolean limits);

typedef struct {
	const TaskSpec *task;
	const ContainerSpec *spec;
	const char *folder, *runtime_id;
	const ImageConfig *image; /* NULL: only look whether it was started */
	char **layers;
	GPtrArray *binds; /* of RootBind */
	gboolean limits;
} StartJob;

/* What a start job answers, as a GVariant: conmon's pid and start, real time of the container's
 * start, differences. */
#define START_RECORD "(itxas)"
/* Starts the container, or finds that it was started: then the same answer again. */
GBytes *start_job(gpointer data, GError **error);

typedef struct {
	const char *folder, *runtime_id;
	gboolean limits;
} CleanJob;
/* Removes the container (killing it if it runs) and unmounts its root. */
GBytes *clean_job(gpointer data, GError **error);

typedef struct {
	char **ids; /* of tasks */
	gboolean limits;
} RemoveJob;
/* Removes tasks whole. */
GBytes *remove_job(gpointer data, GError **error);

/* ---- task_root.c: inside ---- */
typedef struct {
	char *source; /* the folder as the glass sees it */
	char *path; /* in the container */
	gboolean read_only;
	gboolean fill; /* fill it, if empty, with what the image has there */
} RootBind;
/* All that is mounted into the container but tmpfs, nested ones after what they are in. Outside. */
GPtrArray *root_binds(Container *container);
/* Inside: mounts the root at <folder>/merged, makes and fills the binds. */
gboolean root_mount(const StartJob *job, GError **error);
/* Inside, when it is unmounted: lets go of the layers. */
void root_unlink_layers(void);
/* Inside: <folder>/hosts and <folder>/resolv.conf. */
gboolean root_write_etc(const StartJob *job, GError **error);

/* ---- task_log.c ---- */
LogReader *log_reader_new(Container *container);
void log_reader_free(LogReader *reader); /* NULL is accepted */
/* There may be more to read. */
void log_reader_poke(LogReader *reader);
/* Nothing more will be written: container_drained is called when all is read. */
void log_reader_finish(LogReader *reader);

/* ---- task_health.c ---- */
/* Begins checking; NULL if there is no check. */
Health *health_new(Container *container);
void health_free(Health *health); /* NULL is accepted */

/* ---- task_exec.c ---- */
typedef struct {
	const char *runtime_id, *folder;
	char **command, **environment;
	gboolean terminal, limits;
	int rows, columns;
	int stdio[3]; /* -1: /dev/null. With a terminal only [0], a socket */
	int control; /* its peer sends sizes; when that is closed the program is killed */
	int timeout; /* ms; 0: none */
} ExecJob;
/* Answers an int: the exit status. An error: it could not be started, or had no time (G_IO_ERROR,
 * TIMED_OUT). */
void exec_job_async(
	Tasks *tasks, const ExecJob *job, GAsyncReadyCallback callback, gpointer user_data);
gboolean exec_job_finish(GAsyncResult *result, int *exit_code, GError **error);
/* Forgets all execs of a task (NULL: of all) without telling. */
void task_execs_drop(Tasks *tasks, Task *task);
