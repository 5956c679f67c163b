/*
 * How a build runs: what the files of the runner share. A build has a folder
 * <home>/builds/jobs/<uuid> that its container sees as /codebuild:
 *
 *   script/    run.sh, which carries out the phases, and its commands, one a file
 *   events/    what run.sh tells: files whose names tell the order, "003-start-BUILD"; texts beside
 *   output/    sources and what is made of them
 *   exported/, expanded/   values of variables, and of artifacts' names, at the end
 *   wanted/    bases that it asks for (base.c)
 *   tmp/       run.sh's own
 *
 * and beside it <uuid>.lock, held by jobs that write there, and <uuid>.secrets, which only the
 * region reads: values that logs must not show.
 */
#pragma once

#include "glass/task.h"
#include "region/services/codebuild/internal.h"

#define CODEBUILD_JOBS "builds/jobs"
#define CODEBUILD_CACHES "builds/projects"
#define CODEBUILD_HOME "/codebuild" /* in the container */
#define CODEBUILD_BASES "/var/lib/terrarium/bases" /* in the container: see glass/build.h */
#define CODEBUILD_TASK "build-" /* begins the ids of tasks */

/* The uuid of a build; borrowed from it. */
const char *codebuild_uuid(Value build);
/* A path below the build's folder as the region sees it; `name` may be NULL. Caller frees. */
char *codebuild_job_path(Region *region, Value build, const char *name);

/* ---- network.c ---- */

/* Gives a build its interface, the credentials of its role, and a place in its project's storage,
 * inside the open transaction. FALSE and "CODE: words". */
gboolean codebuild_provision(Region *region, StoreScope scope, Value *build, GError **error);
/* May its role write the build's log? An error in AWS's words if not. */
gboolean codebuild_may_log(Region *region, StoreScope scope, Value build, GError **error);

/* ---- environment.c ---- */

typedef enum {
	CODEBUILD_IMAGE_READY,
	CODEBUILD_IMAGE_PENDING,
	CODEBUILD_IMAGE_FAILED
} CodebuildImage;
/* The digest of the image that a build runs in. PENDING: ours is being prepared; the controller is
 * woken when it is there, and CodebuildTell hears of the progress. */
CodebuildImage codebuild_image(
	Region *region, StoreScope scope, Value build, char **digest, GError **error);
/* Is it one of AWS's own, which our image serves? */
gboolean codebuild_image_is_curated(const char *image);
typedef void (*CodebuildTell)(Region *region, const char *line);
/* `tell` gets lines for the logs of builds that wait for the image. */
void codebuild_environment_start(Region *region, CodebuildTell tell);
void codebuild_environment_stop(Region *region);
extern const RegionHttpRoute codebuild_routes[];

/* ---- source.c ---- */

/* In a job: waits for one that works in the same folder (`job`, as the glass sees it) and has not
 * noticed yet that its region is gone. Holds until the job's end. */
gboolean codebuild_job_lock(const char *job, GError **error);

typedef struct {
	char *buildspec; /* its text */
	char *revision; /* or NULL */
} CodebuildSource;
void codebuild_source_free(CodebuildSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CodebuildSource, codebuild_source_free)
/* Makes the build's folder anew and puts its sources there. */
void codebuild_source_async(Region *region, StoreScope scope, Value build,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
CodebuildSource *codebuild_source_finish(GAsyncResult *result, GError **error);
/* Where a source is in the container: NULL identifier: the primary one. Caller frees. */
char *codebuild_source_folder(Value build, const char *identifier);

/* ---- variables.c ---- */

/* The environment of a build ("NAME=value"), with what the service role may read of secrets and
 * parameters. `secrets` gets the values (char*) that logs must not show. NULL and an error whose
 * message is "CODE: words". Caller frees by g_strfreev. */
char **codebuild_variables(Region *region, StoreScope scope, Value build, Value spec,
	GPtrArray *secrets, GError **error);

/* ---- spec.c ---- */

/* The buildspec `text` as buildspec_parse has it, what is passed over written to the build's log.
 * Errors are "CODE: words". */
Value codebuild_spec(
	Region *region, StoreScope scope, Value build, const char *text, GError **error);

/* ---- script.c ---- */

/* Writes what run.sh carries out. */
gboolean codebuild_script_write(Region *region, Value build, Value spec, GError **error);

/* ---- launch.c ---- */

/* How to run the container. `environment` is borrowed; NULL when it runs already. */
TaskSpec *codebuild_task_spec(
	Region *region, StoreScope scope, Value build, char **environment, GError **error);
/* The folder of the project's storage that the build has, below <home>. Caller frees. */
char *codebuild_cache_folder(StoreScope scope, Value build);

/* ---- artifact.c ---- */

/* Gathers and hands over the artifacts that the build's spec names. Errors are "CODE: words". *told
 * (the caller's) gets members of the build that tell of them. */
void codebuild_artifacts_async(Region *region, StoreScope scope, Value build, Value spec,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean codebuild_artifacts_finish(GAsyncResult *result, Value *told, GError **error);

/* ---- event.c ---- */

/* Applies what run.sh has told since the last look ("events" in the build's internal): phases begin
 * and end; internal "done" is set at the end, "reached" if the build phase was. Takes the build. */
Value codebuild_events_take(Region *region, Value build);
/* The variables that the build exports, as the API has them. */
Value codebuild_exported(Region *region, Value build);

/* ---- base.c ---- */

/* Has bases made that a build asks for: whenever its container may have written something. */
void codebuild_bases_look(Region *region, Value build);
void codebuild_bases_start(Region *region);
void codebuild_bases_stop(Region *region);

/* ---- sweep.c ---- */

/* Removes folders of builds that have ended, and storage of projects that is no longer used; once
 * an hour also what makes too much of it. */
void codebuild_sweep(Region *region);
/* Storage is being removed: no build may take any. The controller is woken at the end. */
gboolean codebuild_sweeps(Region *region);
/* The storage that a build has was used now. */
void codebuild_cache_touch(Region *region, StoreScope scope, Value build);
void codebuild_sweep_start(Region *region);
void codebuild_sweep_stop(Region *region);

/* ---- log.c ---- */

/* Writes a line of the region's own to the build's log: "[Container] date words". */
void codebuild_say(Region *region, StoreScope scope, Value build, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
/* Writes what the container wrote. */
void codebuild_log(
	Region *region, StoreScope scope, Value build, const TaskLogLine *lines, gsize n_lines);
/* Keeps and forgets the values that must not be shown. */
gboolean codebuild_secrets_keep(
	Region *region, Value build, const GPtrArray *secrets, GError **error);
void codebuild_secrets_forget(Region *region, Value build);
