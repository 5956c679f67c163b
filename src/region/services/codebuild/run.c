/*
 * The build controller: carries each build of the store to its end. Every step is one transaction;
 * what a killed process left half done is found again in the store and goes on from there. The
 * container outlives the region: its phases are read from what it has told meanwhile.
 *
 *   QUEUED            without a glass it stays there
 *   PROVISIONING      its interface is made, its image is looked up or prepared
 *   DOWNLOAD_SOURCE   a job unpacks the sources; the buildspec is read, the container started
 *   INSTALL … POST_BUILD   run.sh tells
 *   UPLOAD_ARTIFACTS  a job packs them
 *   FINALIZING, COMPLETED  what it had is given back
 */
#include <string.h>

#include "region/doors.h"
#include "region/services/codebuild/run.h"
#include "region/services/ec2/ec2.h"
#include "region/services/ecr/ecr.h"

#define FLUSH_MS 500
#define MINUTE_S 60.0
#define GLASS_ENDS_S 1

static const StoreScope everywhere = {NULL, NULL};

typedef struct {
	Region *region;
	Tasks *tasks; /* NULL without a glass */
	gboolean swept; /* nothing lies about that nobody wants */
	GHashTable *places; /* id of a task -> Place */
	GHashTable *busy; /* id of a build that a job works for -> its GCancellable */
	GString *progress; /* of the image, not yet in the logs */
	guint flush;
} Runner;

/* Where a build is in the store. */
typedef struct {
	Runner *runner;
	StoreScope scope;
	char *id;
} Place;

/* A build that is being looked at. */
typedef struct {
	Runner *runner;
	Region *region;
	StoreScope scope;
	Value build; /* changed while it is looked at */
	gint64 now;
} Look;

static void place_free(gpointer data) {
	g_free(((Place *)data)->id);
	g_free(data);
}

static Place *place_of(const Look *look) {
	Place *place = g_new0(Place, 1);
	*place = (Place){look->runner,
		{g_intern_string(look->scope.account), g_intern_string(look->scope.region)},
		g_strdup(value_get_text(look->build, "id"))};
	return place;
}

static char *task_id_of(Value build) {
	return g_strconcat(CODEBUILD_TASK, codebuild_uuid(build), NULL);
}

/* ---- changing ---- */

static void set_internal(Look *look, const char *member, Value value) {
	look->build = codebuild_with_internal_take(value_steal(&look->build), member, value);
}

static Value internal_of(const Look *look, const char *member) {
	return codebuild_internal(look->build, member);
}

static void begin_phase(Look *look, const char *type) {
	look->build = codebuild_phase_begin_take(value_steal(&look->build), type, look->now);
}

static void end_phase(Look *look, const char *status, const char *code, const char *message) {
	look->build = codebuild_phase_end_take(
		value_steal(&look->build), status, code, message, look->now);
}

static void next_phase(Look *look, const char *type) {
	end_phase(look, "SUCCEEDED", NULL, NULL);
	begin_phase(look, type);
}

/* The current phase has not ended (run.sh's may have, with the next not begun). */
static gboolean in_phase(const Look *look) {
	Value phases = value_get(look->build, "phases");
	return !value_has(value_at(phases, value_length(phases) - 1), "phaseStatus");
}

/* ---- the end ---- */

/* Its repository may drop the image while it runs. NULL digest: no longer. */
static void keep_image(Look *look, const char *digest) {
	g_autofree char *owner =
		g_strconcat(CODEBUILD_BUILDS, "/", value_get_text(look->build, "arn"), NULL);
	g_autoptr(GError) error = NULL;
	if (!ecr_keep_image(look->region, owner, digest, &error))
		g_warning("build %s: %s", value_get_text(look->build, "id"), error->message);
}

static void give_back(Look *look) {
	keep_image(look, NULL);
	const char *account = value_text(internal_of(look, "account"));
	const char *credentials = value_text(internal_of(look, "credentials"));
	if (credentials)
		door_service_credentials_remove(look->region, look->scope, account, credentials);
	if (account)
		ec2_interface_delete(look->region, (StoreScope){account, look->scope.region},
			value_text(internal_of(look, "interface")));
}

static void finish(Look *look, const char *status) {
	if (!codebuild_phase_is(look->build, "FINALIZING"))
		begin_phase(look, "FINALIZING");
	give_back(look);
	if (in_phase(look))
		end_phase(look, "SUCCEEDED", NULL, NULL);
	look->build = codebuild_complete_take(value_steal(&look->build), status, look->now);
	if (g_str_equal(status, "FAILED"))
		codebuild_auto_retry(look->region, look->scope, &look->build);
}

/* Ends the current phase and the build. A message may be "CODE: words". */
static void fail(Look *look, const char *status, const char *code, const char *message) {
	const char *colon = strstr(message, ": ");
	g_autofree char *own =
		code || !colon ? g_strdup(code) : g_strndup(message, (gsize)(colon - message));
	const char *words = code || !colon ? message : colon + 2;
	end_phase(look, status, own ? own : "CLIENT_ERROR", words);
	codebuild_say(look->region, look->scope, look->build,
		"Phase context status code: %s Message: %s", own ? own : "CLIENT_ERROR", words);
	finish(look, g_str_equal(status, "FAULT") ? "FAULT" : "FAILED");
}

static void fail_by(Look *look, const char *code, const GError *error) {
	fail(look, "FAILED", code, error->message);
}

/* ---- stopping and timeouts ---- */

/* STOPPED, TIMED_OUT, or NULL: it goes on. */
static const char *wanted_end(const Look *look) {
	gboolean queued = codebuild_phase_is(look->build, "QUEUED");
	gint64 from = codebuild_phase_started(look->build, queued ? "QUEUED" : "DOWNLOAD_SOURCE");
	double minutes = (double)(queued ? value_get_int(look->build, "queuedTimeoutInMinutes", 480)
					 : value_get_int(look->build, "timeoutInMinutes", 60));
	double left = minutes * MINUTE_S - (double)(look->now - from) / G_USEC_PER_SEC;
	if (value_to_bool(internal_of(look, "stop")))
		return "STOPPED";
	if (from == 0)
		return NULL;
	if (left <= 0)
		return "TIMED_OUT";
	region_wake_after(look->region, CODEBUILD_CONTROLLER, left);
	return NULL;
}

static void end_as(Look *look, const char *status) {
	gboolean timed_out = g_str_equal(status, "TIMED_OUT");
	if (!in_phase(look))
		begin_phase(look, "FINALIZING");
	end_phase(look, status, timed_out ? "BUILD_TIMED_OUT" : NULL,
		timed_out ? "Build has timed out. " : NULL);
	finish(look, status);
}

/* ---- QUEUED, PROVISIONING ---- */

static void provision(Look *look) {
	g_autoptr(GError) error = NULL;
	if (codebuild_sweeps(look->region))
		return;
	next_phase(look, "PROVISIONING");
	if (!codebuild_provision(look->region, look->scope, &look->build, &error))
		fail_by(look, NULL, error);
}

static void find_image(Look *look) {
	g_autoptr(GError) error = NULL;
	g_autofree char *digest = NULL;
	if (!ec2_interface_ready(look->region, value_text(internal_of(look, "interface"))))
		return;
	if (!codebuild_may_log(look->region, look->scope, look->build, &error)) {
		/* Nothing can be logged of it. */
		end_phase(look, "FAILED", "ACCESS_DENIED", error->message);
		finish(look, "FAILED");
		return;
	}
	switch (codebuild_image(look->region, look->scope, look->build, &digest, &error)) {
	case CODEBUILD_IMAGE_PENDING:
		return;
	case CODEBUILD_IMAGE_FAILED:
		g_prefix_error(&error, "Unable to pull customer's container image. ");
		fail_by(look, "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", error);
		return;
	case CODEBUILD_IMAGE_READY:
		keep_image(look, digest);
		set_internal(look, "image", value_string(digest));
		next_phase(look, "DOWNLOAD_SOURCE");
	}
}

/* ---- DOWNLOAD_SOURCE ---- */

static Place *begin_job(Look *look) {
	const char *id = value_get_text(look->build, "id");
	g_hash_table_insert(look->runner->busy, g_strdup(id), g_cancellable_new());
	return place_of(look);
}

static GCancellable *job_of(const Look *look) {
	return g_hash_table_lookup(look->runner->busy, value_get_text(look->build, "id"));
}

/* Looks at the build that a job has worked for, with its transaction open. FALSE: it is not wanted
 * any more. Takes the place. */
static gboolean job_ended(Place *place, Look *look) {
	Region *region = place->runner->region;
	*look = (Look){place->runner, region, place->scope,
		store_get(region_store(region), place->scope, CODEBUILD_BUILDS, place->id),
		region_now(region)};
	g_hash_table_remove(place->runner->busy, place->id);
	place_free(place);
	region_wake(region, CODEBUILD_CONTROLLER);
	if (!value_is_null(look->build) && !codebuild_ended(look->build) && !wanted_end(look) &&
		store_begin(region_store(region), NULL))
		return TRUE;
	value_clear(&look->build);
	return FALSE;
}

static void follow(Look *look);

static gboolean keep(Look *look) {
	g_autoptr(GError) error = NULL;
	codebuild_build_put_take(look->region, look->scope, value_ref(look->build));
	if (store_commit(region_store(look->region), &error)) {
		if (codebuild_ended(look->build))
			follow(look);
		return TRUE;
	}
	g_warning("build %s: %s", value_get_text(look->build, "id"), error->message);
	return FALSE;
}

/* Everything that the container needs is looked up and written. The task to run, or NULL. */
static TaskSpec *prepare(Look *look, const CodebuildSource *source, GError **error) {
	g_auto(Value) spec =
		codebuild_spec(look->region, look->scope, look->build, source->buildspec, error);
	if (value_is_null(spec))
		return NULL;
	const char *shell = value_text_or(value_get(spec, "shell"), "");
	if (source->revision)
		look->build = value_with_take(value_steal(&look->build), "resolvedSourceVersion",
			value_string(source->revision));
	set_internal(look, "spec", value_ref(spec));
	set_internal(look, "shell", value_string(g_str_equal(shell, "bash") ? "bash" : "sh"));
	g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) environment =
		codebuild_variables(look->region, look->scope, look->build, spec, secrets, error);
	if (!environment || !codebuild_secrets_keep(look->region, look->build, secrets, error) ||
		!codebuild_script_write(look->region, look->build, spec, error))
		return NULL;
	return codebuild_task_spec(look->region, look->scope, look->build, environment, error);
}

static void run_task(Look *look, TaskSpec *spec, GError **error) {
	g_hash_table_insert(look->runner->places, g_strdup(spec->id), place_of(look));
	tasks_run(look->runner->tasks, spec, error);
}

static void on_source(GObject *object, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	g_autoptr(CodebuildSource) source = codebuild_source_finish(result, &error);
	Look look;
	if (!job_ended(data, &look))
		return;
	TaskSpec *spec = source ? prepare(&look, source, &error) : NULL;
	if (spec) {
		end_phase(&look, "SUCCEEDED", NULL, NULL);
		set_internal(&look, "launched", value_bool(TRUE));
	} else {
		fail_by(&look, NULL, error);
	}
	if (keep(&look) && spec)
		run_task(&look, spec, &error);
	else
		task_spec_free(spec);
	if (spec && error)
		g_warning("build %s: %s", value_get_text(look.build, "id"), error->message);
	value_clear(&look.build);
}

static void download(Look *look) {
	Place *place = begin_job(look);
	codebuild_say(look->region, look->scope, look->build, "Phase is DOWNLOAD_SOURCE");
	codebuild_source_async(
		look->region, look->scope, look->build, job_of(look), on_source, place);
}

/* ---- the container ---- */

/* Takes up a container of a former process; one that was about to be started is started. */
static Task *adopt(Look *look) {
	g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) environment = codebuild_variables(
		look->region, look->scope, look->build, internal_of(look, "spec"), secrets, NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *id = task_id_of(look->build);
	TaskSpec *spec =
		codebuild_task_spec(look->region, look->scope, look->build, environment, &error);
	if (spec)
		run_task(look, spec, &error);
	if (error)
		g_warning("build %s: %s", value_get_text(look->build, "id"), error->message);
	return tasks_get(look->runner->tasks, id);
}

/* The glass has ended, and with it all that ran there. */
static void host_stopped(Look *look) {
	if (!in_phase(look))
		begin_phase(look, "FINALIZING");
	fail(look, "FAULT", "BUILD_HOST_STOPPED",
		"The machine that the build ran on was stopped. Retry the build.");
}

/* The container has ended: by itself, or because it was told to. */
static void container_ended(Look *look, const Task *task) {
	const char *ending = value_text(internal_of(look, "ending"));
	if (ending) {
		g_autofree char *status = g_strdup(ending);
		end_as(look, status);
		return;
	}
	if (value_to_bool(internal_of(look, "done"))) {
		look->build =
			value_with_take(value_steal(&look->build), "exportedEnvironmentVariables",
				codebuild_exported(look->region, look->build));
		if (value_to_bool(internal_of(look, "reached")))
			begin_phase(look, "UPLOAD_ARTIFACTS");
		else
			finish(look, "FAILED");
		return;
	}
	if (!glass_alive(region_glass(look->region))) {
		host_stopped(look);
		return;
	}
	/* A glass that is killed needs a moment to end, and its containers end first. */
	if (task && !task_container(task, 0).has_exit_code &&
		g_get_real_time() - task_container(task, 0).stopped_at <
			GLASS_ENDS_S * G_USEC_PER_SEC) {
		region_wake_after(look->region, CODEBUILD_CONTROLLER, GLASS_ENDS_S);
		return;
	}
	const char *reason = task ? task_container(task, 0).reason : NULL;
	gboolean never = value_to_int(internal_of(look, "events"), 0) == 0;
	if (!in_phase(look))
		begin_phase(look, never ? "INSTALL" : "FINALIZING");
	g_autofree char *words = g_strdup_printf("The build's container ended before the build: %s",
		reason	? reason
		: never ? "its image may have no /bin/sh"
			: "it was killed");
	fail(look, never ? "FAILED" : "FAULT", "BUILD_CONTAINER_ENDED", words);
}

static void watch_container(Look *look) {
	g_autofree char *id = task_id_of(look->build);
	Task *task = tasks_get(look->runner->tasks, id);
	if (!task)
		task = adopt(look);
	look->build = codebuild_events_take(look->region, value_steal(&look->build));
	codebuild_bases_look(look->region, look->build);
	if (!task || task_status(task) == TASK_STOPPED) {
		container_ended(look, task);
		return;
	}
	const char *end = wanted_end(look);
	if (end && !value_has(value_get(look->build, CODEBUILD_INTERNAL), "ending") &&
		!value_to_bool(internal_of(look, "done")))
		set_internal(look, "ending", value_string(end));
}

/* ---- UPLOAD_ARTIFACTS ---- */

static void on_artifacts(GObject *object, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) told = VALUE_NOTHING;
	gboolean fine = codebuild_artifacts_finish(result, &told, &error);
	Look look;
	if (!job_ended(data, &look))
		return;
	if (fine) {
		g_auto(Value) before = value_steal(&look.build);
		look.build = value_merge(before, told);
		end_phase(&look, "SUCCEEDED", NULL, NULL);
		codebuild_say(look.region, look.scope, look.build,
			"Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED");
		finish(&look, codebuild_all_succeeded(look.build) ? "SUCCEEDED" : "FAILED");
	} else {
		fail_by(&look, NULL, error);
	}
	keep(&look);
	value_clear(&look.build);
}

static void upload(Look *look) {
	Place *place = begin_job(look);
	codebuild_artifacts_async(look->region, look->scope, look->build, internal_of(look, "spec"),
		job_of(look), on_artifacts, place);
}

/* ---- the steps ---- */

/* One look at a build inside a transaction. */
static void step(Look *look) {
	gboolean queued = codebuild_phase_is(look->build, "QUEUED");
	gboolean packing = codebuild_phase_is(look->build, "UPLOAD_ARTIFACTS");
	gboolean launched = value_to_bool(internal_of(look, "launched"));
	const char *end = launched && !packing ? NULL : wanted_end(look);
	if (end) {
		if (job_of(look))
			g_cancellable_cancel(job_of(look));
		else
			end_as(look, end);
		return;
	}
	if (!look->runner->tasks)
		return;
	if (queued)
		provision(look);
	else if (codebuild_phase_is(look->build, "PROVISIONING"))
		find_image(look);
	else if (launched && !packing)
		watch_container(look);
}

/* After the commit: what runs follows what was decided. */
static void follow(Look *look) {
	g_autofree char *id = task_id_of(look->build);
	Task *task = look->runner->tasks ? tasks_get(look->runner->tasks, id) : NULL;
	gboolean packing = codebuild_phase_is(look->build, "UPLOAD_ARTIFACTS");
	if (codebuild_ended(look->build) || packing) {
		if (task) {
			task_forget(task);
			g_hash_table_remove(look->runner->places, id);
		}
		if (!packing) {
			codebuild_cache_touch(look->region, look->scope, look->build);
			codebuild_secrets_forget(look->region, look->build);
			if (look->runner->tasks)
				codebuild_sweep(look->region);
			return;
		}
	}
	const char *ending = value_text(internal_of(look, "ending"));
	if (task && ending && task_status(task) != TASK_STOPPING)
		task_stop(task, ending, "The build was ended.");
	if (!look->runner->tasks || job_of(look))
		return;
	if (packing)
		upload(look);
	else if (codebuild_phase_is(look->build, "DOWNLOAD_SOURCE") &&
		 !value_to_bool(internal_of(look, "launched")))
		download(look);
}

static void advance(Look *look) {
	Store *store = region_store(look->region);
	g_autoptr(GError) error = NULL;
	if (!store_begin(store, &error)) {
		g_warning("build %s: %s", value_get_text(look->build, "id"), error->message);
		return;
	}
	g_auto(Value) before = value_ref(look->build);
	step(look);
	if (!value_equal(before, look->build))
		codebuild_build_put_take(look->region, look->scope, value_ref(look->build));
	if (store_commit(store, &error))
		follow(look);
	else
		g_warning("build %s: %s", value_get_text(look->build, "id"), error->message);
}

/* ---- the controller ---- */

typedef void (*EachBuild)(Look *look);

static void each_build(Runner *runner, EachBuild call) {
	g_auto(StoreIter) iter =
		store_iter(region_store(runner->region), everywhere, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	while (store_iter_next(&iter, &id, &build)) {
		if (codebuild_ended(build))
			continue;
		Look look = {runner, runner->region, store_iter_scope(&iter), value_ref(build),
			region_now(runner->region)};
		call(&look);
		value_clear(&look.build);
	}
}

static gboolean is_build_task(const char *id) {
	return g_str_has_prefix(id, CODEBUILD_TASK);
}

static void control(Region *region, gpointer data) {
	Runner *runner = data;
	each_build(runner, advance);
	if (runner->tasks && !runner->swept) {
		runner->swept = TRUE;
		tasks_sweep(runner->tasks, is_build_task);
		codebuild_sweep(region);
	}
}

/* ---- what the glass tells ---- */

static void on_changed(Task *task, gpointer data) {
	region_wake(((Runner *)data)->region, CODEBUILD_CONTROLLER);
}

static void on_log(Task *task, const TaskLogLine *lines, gsize n_lines, gpointer data) {
	Runner *runner = data;
	const Place *place = g_hash_table_lookup(runner->places, task_id(task));
	g_return_if_fail(place != NULL);
	g_auto(Value) build =
		store_get(region_store(runner->region), place->scope, CODEBUILD_BUILDS, place->id);
	if (value_is_null(build))
		return;
	codebuild_log(runner->region, place->scope, build, lines, n_lines);
	region_wake(runner->region, CODEBUILD_CONTROLLER);
}

/* The glass is a new one: what ran in the former one has ended. */
static void lost(Look *look) {
	Store *store = region_store(look->region);
	if (!value_to_bool(internal_of(look, "launched")) ||
		codebuild_phase_is(look->build, "UPLOAD_ARTIFACTS") || !store_begin(store, NULL))
		return;
	host_stopped(look);
	keep(look);
}

/* ---- the image's progress, a few lines at a time ---- */

static void tell_waiting(Look *look) {
	if (codebuild_phase_is(look->build, "PROVISIONING") &&
		codebuild_image_is_curated(
			value_text(value_get_path(look->build, "environment", "image", NULL))))
		codebuild_say(
			look->region, look->scope, look->build, "%s", look->runner->progress->str);
}

static gboolean flush_progress(gpointer data) {
	Runner *runner = data;
	runner->flush = 0;
	g_strchomp(runner->progress->str);
	each_build(runner, tell_waiting);
	g_string_truncate(runner->progress, 0);
	return G_SOURCE_REMOVE;
}

static void tell(Region *region, const char *line) {
	Runner *runner = region_data(region, CODEBUILD_CONTROLLER);
	g_string_append_printf(runner->progress, "%s\n", line);
	if (!runner->flush)
		runner->flush = g_timeout_add(FLUSH_MS, flush_progress, runner);
}

/* ---- start and stop ---- */

void codebuild_project_gone(Region *region) {
	((Runner *)region_data(region, CODEBUILD_CONTROLLER))->swept = FALSE;
	region_wake(region, CODEBUILD_CONTROLLER);
}

static void runner_free(gpointer data) {
	Runner *runner = data;
	if (runner->flush)
		g_source_remove(runner->flush);
	tasks_free(runner->tasks);
	g_hash_table_unref(runner->places);
	g_hash_table_unref(runner->busy);
	g_string_free(runner->progress, TRUE);
	g_free(runner);
}

gboolean codebuild_run_start(Region *region, GError **error) {
	static const TaskEvents events = {.changed = on_changed, .log = on_log};
	Runner *runner = g_new0(Runner, 1);
	runner->region = region;
	runner->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, place_free);
	runner->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
	runner->progress = g_string_new(NULL);
	region_set_data(region, CODEBUILD_CONTROLLER, runner, runner_free);
	codebuild_environment_start(region, tell);
	codebuild_bases_start(region);
	codebuild_sweep_start(region);
	Glass *glass = region_glass(region);
	if (glass) {
		runner->tasks = tasks_new(
			glass, region_blobs(region), region_layers(region), &events, runner);
		if (!glass_adopted(glass))
			each_build(runner, lost);
	}
	region_controller_add(region, CODEBUILD_CONTROLLER, control, runner);
	region_wake_on(region, CODEBUILD_CONTROLLER, CODEBUILD_BUILDS);
	ec2_network_notify(region, CODEBUILD_CONTROLLER);
	region_wake(region, CODEBUILD_CONTROLLER);
	return TRUE;
}

void codebuild_run_stop(Region *region) {
	codebuild_environment_stop(region);
	codebuild_bases_stop(region);
	codebuild_sweep_stop(region);
}
