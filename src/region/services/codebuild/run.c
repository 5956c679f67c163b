/* The build controller (for now: queued builds are stopped and time out). */
#include "region/services/codebuild/internal.h"

static const StoreScope everywhere = {NULL, NULL};

static void advance(Region *region, StoreScope scope, Value build_taken) {
	g_auto(Value) build = build_taken;
	gint64 now = region_now(region);
	double start = value_to_double(value_get(build, "startTime"), 0);
	double left = start + 60 * (double)value_get_int(build, "queuedTimeoutInMinutes", 480) -
		      (double)now / G_USEC_PER_SEC;
	const char *end = value_to_bool(codebuild_internal(build, "stop")) ? "STOPPED"
			  : left <= 0					   ? "TIMED_OUT"
									   : NULL;
	if (!end) {
		region_wake_after(region, CODEBUILD_CONTROLLER, left);
		return;
	}
	if (!store_begin(region_store(region), NULL))
		return;
	build = codebuild_phase_end_take(value_steal(&build), end, NULL, NULL, now);
	build = codebuild_complete_take(value_steal(&build), end, now);
	codebuild_build_put_take(region, scope, value_steal(&build));
	store_commit(region_store(region), NULL);
}

static void control(Region *region, gpointer data) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	while (store_iter_next(&iter, &id, &build))
		if (!codebuild_ended(build))
			advance(region, store_iter_scope(&iter), value_ref(build));
}

gboolean codebuild_run_start(Region *region, GError **error) {
	region_controller_add(region, CODEBUILD_CONTROLLER, control, NULL);
	region_wake_on(region, CODEBUILD_CONTROLLER, CODEBUILD_BUILDS);
	region_wake(region, CODEBUILD_CONTROLLER);
	return TRUE;
}

void codebuild_run_stop(Region *region) {
}
