/*
 * What the files of CodeBuild share. Projects and builds lie in the store in the shape that the API
 * gives them; what only CodeBuild itself knows is in the member "internal", which
 * `codebuild_view_take` takes away before an answer.
 *
 * A build's "internal":
 *   request    the input of StartBuild, for a retry
 *   artifacts, secondaryArtifacts   ProjectArtifacts, overrides applied
 *   inputs, outputs  [{name, zip, location, revision}] of CodePipeline
 *   interface, account   its network interface, and whose it is (the project's account, or ours)
 *   credentials   the id under which the container gets its role's
 *   image      digest of what it runs in
 *   slot       number of the project's storage that it has
 *   shell      what its commands run under, once they are there
 *   launched   its container was started
 *   spec       the buildspec, as read
 *   events     how many of its events are in its phases; done, reached: see run.h
 *   stop       it was told to; ending: STOPPED or TIMED_OUT, once that was decided
 */
#pragma once

#include "region/region.h"
#include "region/services/codebuild/codebuild.h"

typedef Value CodebuildOperation(RegionCall *call, Value input, GError **error);

#define CODEBUILD_PROJECTS "codebuild/project" /* by name */
#define CODEBUILD_INTERNAL "internal"
#define CODEBUILD_SERVICE "codebuild.amazonaws.com"
#define CODEBUILD_LOGS "/aws/codebuild/"

/* ---- values ---- */

Value codebuild_view_take(Value object);
/* Those of `names` (ended by NULL) that `input` has, over `base` (taken). */
Value codebuild_copy_take(Value base, Value input, const char *const *names);
/* The object with one member of its "internal" set. Takes both. */
Value codebuild_with_internal_take(Value object, const char *member, Value value);
/* A member of its "internal", borrowed. */
Value codebuild_internal(Value object, const char *member);
/* Sets InvalidInputException and returns VALUE_NOTHING. */
Value codebuild_invalid(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The name behind a project's name or ARN. Caller frees. */
char *codebuild_project_name(const char *name_or_arn);

/* ---- projects (project.c) ---- */

/* The project, or ResourceNotFoundException. */
Value codebuild_project_find(Region *region, StoreScope scope, const char *name, GError **error);
/* Checks what a project or a StartBuild has of these (any may be VALUE_NOTHING), refusing by name
 * what is not served. */
gboolean codebuild_check(Region *region, StoreScope scope, Value settings, GError **error);
CodebuildOperation codebuild_create_project, codebuild_update_project, codebuild_delete_project,
	codebuild_batch_get_projects, codebuild_list_projects, codebuild_update_visibility,
	codebuild_invalidate_cache;

/* ---- builds (build.c) ---- */

/* A build as StartBuild makes it. `initiator` as the API tells it. */
Value codebuild_build_new(Region *region, StoreScope scope, Value project, Value input,
	const char *initiator, GError **error);
/* Puts a build under its id. Takes it. Inside a transaction. */
void codebuild_build_put_take(Region *region, StoreScope scope, Value build);
/* The next build of the same request, if the project's auto-retry limit allows one: inside the
 * transaction in which `build` (replaced by one that tells of it) failed. */
void codebuild_auto_retry(Region *region, StoreScope scope, Value *build);
CodebuildOperation codebuild_start_build, codebuild_stop_build, codebuild_retry_build,
	codebuild_batch_get_builds, codebuild_batch_delete_builds, codebuild_list_builds,
	codebuild_list_builds_for_project;

/* ---- phases (phase.c) ---- */

/* Begins a phase at `when` (microseconds) and makes it the current one; the one before must have
 * ended. Takes the build. */
Value codebuild_phase_begin_take(Value build, const char *type, gint64 when);
/* Ends the current phase. `status` as PhaseStatus; `code` and `message` of its context may be NULL.
 * Takes the build. */
Value codebuild_phase_end_take(
	Value build, const char *status, const char *code, const char *message, gint64 when);
/* The build has ended: COMPLETED. Takes it. */
Value codebuild_complete_take(Value build, const char *status, gint64 when);
gboolean codebuild_phase_is(Value build, const char *type);
/* When a phase began (microseconds); 0: it has not. */
gint64 codebuild_phase_started(Value build, const char *type);
/* No phase that has ended did otherwise. */
gboolean codebuild_all_succeeded(Value build);

/* ---- what runs (run.c) ---- */

#define CODEBUILD_CONTROLLER "codebuild"
gboolean codebuild_run_start(Region *region, GError **error);
void codebuild_run_stop(Region *region);
/* A project, or its storage, is not wanted any more: what it has on disk goes. */
void codebuild_project_gone(Region *region);
