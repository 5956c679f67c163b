/*
 * Work inside the glass. Each job is a process of its own there, root inside, with a fresh
 * environment. `netns` names a network namespace of net.h (an owner, a VPC id, NET_EDGE); NULL is
 * the glass's own, which reaches nothing.
 */
#pragma once

#include "glass/glass.h"

/* Runs in the child: may block, has none of the parent's file descriptors but the standard ones and
 * those that glass_job_fds_async gave it, and not its main loop. Its result (NULL with an error) is
 * carried to the caller. */
typedef GBytes *(*GlassJob)(gpointer data, GError **error);

/* Runs `job`. `data` need only live until the call returns (the child has a copy of all memory).
 * Cancelling kills the child. */
void glass_job_async(Glass *glass, const char *netns, GlassJob job, gpointer data,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* The same with descriptors of the caller, which the job finds under the same numbers. */
void glass_job_fds_async(Glass *glass, const char *netns, GlassJob job, gpointer data,
	const int *fds, gsize n_fds, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer user_data);
GBytes *glass_job_finish(GAsyncResult *result, GError **error);
/* The same, waiting for it: for tests and for jobs of a few milliseconds. */
GBytes *glass_job_sync(
	Glass *glass, const char *netns, GlassJob job, gpointer data, GError **error);

/* Runs a program (searched in the system's PATH) to its end. argv and environment ("NAME=value",
 * added to the fresh one; may be NULL) are copied; `input` (may be NULL) is its stdin. */
void glass_run_async(Glass *glass, const char *netns, const char *const *argv,
	const char *const *environment, GBytes *input, GCancellable *cancellable,
	GAsyncReadyCallback callback, gpointer user_data);
/* FALSE if it could not be run, was killed, or ended with another status than 0 (the error then
 * says what it wrote to stderr). *output and *exit_status may be NULL; both are set when it ran at
 * all. */
gboolean glass_run_finish(GAsyncResult *result, GBytes **output, int *exit_status, GError **error);
gboolean glass_run_sync(Glass *glass, const char *netns, const char *const *argv,
	const char *const *environment, GBytes *input, GBytes **output, int *exit_status,
	GError **error);

/* When a process started, in clock ticks since the machine's start: tells it from a later one of
 * the same pid. 0: there is none. */
guint64 glass_start_of(pid_t pid);

/* A process that stays: its parent is the glass's init, so it outlives the caller. */
typedef struct GlassProcess GlassProcess;
/* It has ended. Its exit status is not known (init reaped it): what must be known is to be written
 * by the process itself. */
typedef void (*GlassProcessEnded)(GlassProcess *process, gpointer data);

typedef struct {
	const char *netns; /* or NULL */
	const char *const *argv;
	const char *const *environment; /* added to the fresh one; or NULL */
	const char *folder; /* working folder inside; NULL: / */
	const int *fds; /* of the caller, to be fds 3, 4, … of the process */
	gsize n_fds;
	int input, output, errors; /* fds for 0, 1, 2; -1: /dev/null */
} GlassSpawn;

#define GLASS_SPAWN_INIT                                                                           \
	{ .input = -1, .output = -1, .errors = -1 }

/* Starts it; fails also if the program cannot be executed. Takes some milliseconds. `ended` may be
 * NULL. */
GlassProcess *glass_spawn(Glass *glass, const GlassSpawn *spawn, GlassProcessEnded ended,
	gpointer data, GError **error);
/* Watches again a process that an earlier caller spawned: `pid` as numbered inside, `start` as
 * glass_process_start told. NULL without an error if it has ended. */
GlassProcess *glass_process_adopt(Glass *glass, pid_t pid, guint64 start, GlassProcessEnded ended,
	gpointer data, GError **error);
pid_t glass_process_pid(const GlassProcess *process); /* as numbered inside */
guint64 glass_process_start(
	const GlassProcess *process); /* tells it from a later one of the same pid */
int glass_process_pidfd(const GlassProcess *process); /* borrowed */
gboolean glass_process_signal(GlassProcess *process, int signal, GError **error);
/* Ends the watching, not the process. NULL is accepted. May be called from `ended`. */
void glass_process_free(GlassProcess *process);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GlassProcess, glass_process_free)

/* A socket (SOCK_STREAM: listening; SOCK_DGRAM: bound), opened in `netns`, non-blocking and
 * close-on-exec. -1 with an error. Takes about a millisecond. */
int glass_listen(Glass *glass, const char *netns, int type, const char *address, guint16 port,
	GError **error);
/* A socket opened in `netns` and connecting (non-blocking: writable when connected or failed, look
 * at SO_ERROR). -1 with an error. */
int glass_connect(Glass *glass, const char *netns, int type, const char *address, guint16 port,
	GError **error);
