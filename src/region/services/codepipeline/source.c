/*
 * Changes of sources: compares what each source action's source is now with what was seen last, and
 * starts the pipeline when it is another one. What is seen first is only noted: the execution that
 * its creation starts brings it.
 */
#include "region/services/codepipeline/internal.h"
#include "region/services/s3/s3.h"
#include "value/json.h"

static const StoreScope everywhere = {NULL, NULL};

/* Starts the pipeline for a change of one source; of a branch, with the commit that it is at. */
static void start(Region *region, StoreScope scope, Value declaration, Value action,
	const char *reference, const char *revision) {
	const PipelineProvider *provider = pipeline_provider(value_get(action, "actionTypeId"));
	const char *name = value_get_text(declaration, "name");
	g_auto(Value) overrides = VALUE_NOTHING;
	if (*reference)
		overrides = value_tuple_take(1,
			value_object_take("actionName", value_ref(value_get(action, "name")),
				"revisionType", value_string("COMMIT_ID"), "revisionValue",
				value_string(revision), "branch", value_string(reference), NULL));
	PipelineStart start = {.trigger = provider->trigger,
		.detail =
			value_text(value_get_path(action, "configuration", "ConnectionArn", NULL)),
		.overrides = overrides};
	g_autoptr(GError) error = NULL;
	g_autofree char *id = pipeline_start(region, scope, name, &start, &error);
	if (!id)
		g_message("The pipeline %s does not start for a change of its source: %s", name,
			error->message);
}

static void look_at_source(Region *region, StoreScope scope, Value declaration, Value action) {
	const PipelineProvider *provider = pipeline_provider(value_get(action, "actionTypeId"));
	if (!provider || !provider->revisions)
		return;
	Store *store = region_store(region);
	g_auto(Value) now = provider->revisions(region, scope, declaration, action);
	g_autofree char *what = value_to_json(value_get(action, "configuration"), 0);
	g_autofree char *key = pipeline_id(
		value_get_text(declaration, "name"), value_get_text(action, "name"), NULL);
	g_auto(Value) seen = store_get(store, scope, PIPELINE_SOURCES, key);
	Value before = value_get(seen, "revisions");
	gboolean same = pipeline_is(seen, "what", what);
	if (same && value_equal(before, now))
		return;
	for (gsize i = 0; same && i < value_length(now); i++)
		if (!value_equal(value_at(now, i), value_get(before, value_key_at(now, i))))
			start(region, scope, declaration, action, value_key_at(now, i),
				value_text_or(value_at(now, i), ""));
	store_put_take(store, scope, PIPELINE_SOURCES, key,
		value_object_take("what", value_string(what), "revisions", value_ref(now), NULL));
}

static void look_at(Region *region, StoreScope scope, Value pipeline) {
	Value declaration = value_get(pipeline, "declaration");
	Value actions = value_get(value_at(value_get(declaration, "stages"), 0), "actions");
	for (gsize i = 0; i < value_length(actions); i++)
		look_at_source(region, scope, declaration, value_at(actions, i));
}

static void control(Region *region, gpointer data) {
	Store *store = region_store(region);
	g_auto(StoreIter) iter = store_iter(store, everywhere, PIPELINE_PIPELINES);
	const char *name;
	Value pipeline;
	while (store_iter_next(&iter, &name, &pipeline)) {
		if (!store_begin(store, NULL))
			return;
		look_at(region, store_iter_scope(&iter), pipeline);
		store_commit(store, NULL);
	}
}

static void on_object(Region *region, const char *event, const char *bucket, const char *key,
	const char *version, const char *etag, gpointer data) {
	region_wake(region, PIPELINE_SOURCE_CONTROLLER);
}

gboolean pipeline_sources_start(Region *region, GError **error) {
	region_controller_add(region, PIPELINE_SOURCE_CONTROLLER, control, NULL);
	region_wake_on(region, PIPELINE_SOURCE_CONTROLLER, PIPELINE_PIPELINES);
	region_wake_on(region, PIPELINE_SOURCE_CONTROLLER, "ecr/image");
	region_wake_on(region, PIPELINE_SOURCE_CONTROLLER, "connections/");
	s3_watch(region, on_object, NULL);
	region_wake(region, PIPELINE_SOURCE_CONTROLLER);
	return TRUE;
}
