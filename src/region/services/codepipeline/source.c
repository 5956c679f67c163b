/*
 * Changes of sources: compares what each source action's source is now with what was seen last, and
 * starts the pipeline when it is another one. What is seen first is only noted: the execution that
 * its creation starts brings it.
 */
#include "region/services/codepipeline/internal.h"
#include "region/services/s3/s3.h"
#include "value/json.h"

static const StoreScope everywhere = {NULL, NULL};

static Value override_of(Value action, const char *type, const char *revision) {
	return value_object_take("actionName", value_ref(value_get(action, "name")), "revisionType",
		value_string(type), "revisionValue", value_string(revision), NULL);
}

/* Starts the pipeline for a change of one source; of a branch, with the commit that it is at. */
static void start(Region *region, StoreScope scope, Value declaration, Value action,
	const char *reference, const char *revision) {
	const PipelineProvider *provider = pipeline_provider(value_get(action, "actionTypeId"));
	const char *name = value_get_text(declaration, "name");
	g_autoptr(ValueBuilder) told = value_builder_new(VALUE_TUPLE, NULL);
	if (*reference)
		value_builder_add_take(told, override_of(action, "COMMIT_ID", revision));
	if (*reference && !g_str_has_prefix(reference, "refs/"))
		value_builder_add_take(told, override_of(action, PIPELINE_BRANCH, reference));
	g_auto(Value) overrides = value_builder_end(g_steal_pointer(&told));
	gboolean by_trigger = *reference && value_length(value_get(declaration, "triggers")) > 0;
	PipelineStart start = {.trigger = by_trigger ? "WebhookV2" : provider->trigger,
		.detail =
			value_text(value_get_path(action, "configuration", "ConnectionArn", NULL)),
		.overrides = overrides};
	g_autoptr(GError) error = NULL;
	g_autofree char *id = pipeline_start(region, scope, name, &start, &error);
	if (!id)
		g_message("The pipeline %s does not start for a change of its source: %s", name,
			error->message);
}

/* ---- changes that are looked at more closely ---- */

typedef struct {
	Region *region;
	StoreScope scope;
	char *pipeline, *action, *reference, *from, *to;
	char *key; /* among those that are under way */
} Examination;

static void examination_free(Examination *examination) {
	g_free(examination->pipeline);
	g_free(examination->action);
	g_free(examination->reference);
	g_free(examination->from);
	g_free(examination->to);
	g_free(examination->key);
	g_free(examination);
}

/* Configuration and triggers: when they change, what is there then is seen for the first time. */
static char *what_of(Value declaration, Value action) {
	g_auto(Value) what = value_tuple_take(2, value_ref(value_get(action, "configuration")),
		value_ref(value_get(declaration, "triggers")));
	return value_to_json(what, VALUE_JSON_COMPACT);
}

static void settle(Examination *examination, gboolean starts) {
	Store *store = region_store(examination->region);
	g_auto(Value) pipeline =
		pipeline_get(examination->region, examination->scope, examination->pipeline, NULL);
	Value declaration = value_get(pipeline, "declaration");
	Value stage = value_at(value_get(declaration, "stages"), 0);
	Value action =
		pipeline_named(value_get(stage, "actions"), "name", examination->action, NULL);
	g_autofree char *key = pipeline_id(examination->pipeline, examination->action, NULL);
	g_auto(Value) seen = store_get(store, examination->scope, PIPELINE_SOURCES, key);
	g_autofree char *what = value_is_null(action) ? NULL : what_of(declaration, action);
	Value before = value_get(seen, "revisions");
	if (!what || !pipeline_is(seen, "what", what) ||
		!pipeline_is(before, examination->reference, examination->from))
		return;
	if (starts)
		start(examination->region, examination->scope, declaration, action,
			examination->reference, examination->to);
	Value after = value_with_take(
		value_ref(before), examination->reference, value_string(examination->to));
	store_put_take(store, examination->scope, PIPELINE_SOURCES, key,
		value_with_take(value_ref(seen), "revisions", after));
}

static void on_examined(gboolean starts, gpointer data) {
	Examination *examination = data;
	Store *store = region_store(examination->region);
	GHashTable *all = region_data(examination->region, PIPELINE_SOURCE_CONTROLLER);
	g_hash_table_remove(all, examination->key);
	if (store_begin(store, NULL)) {
		settle(examination, starts);
		store_commit(store, NULL);
	}
	region_wake(examination->region, PIPELINE_SOURCE_CONTROLLER);
	examination_free(examination);
}

/* Is it looked at more closely? Then what was seen stays as it is until that has ended. */
static gboolean examine(Region *region, StoreScope scope, Value declaration, Value action,
	const char *reference, const char *from, const char *to) {
	const PipelineProvider *provider = pipeline_provider(value_get(action, "actionTypeId"));
	GHashTable *all = region_data(region, PIPELINE_SOURCE_CONTROLLER);
	const char *pipeline = value_get_text(declaration, "name");
	const char *name = value_get_text(action, "name");
	g_autofree char *key =
		g_strjoin(" ", scope.account, scope.region, pipeline, name, reference, NULL);
	if (!provider->examine || !from)
		return FALSE;
	if (g_hash_table_contains(all, key))
		return TRUE;
	Examination *examination = g_new0(Examination, 1);
	*examination = (Examination){.region = region,
		.scope = {g_intern_string(scope.account), g_intern_string(scope.region)},
		.pipeline = g_strdup(pipeline),
		.action = g_strdup(name),
		.reference = g_strdup(reference),
		.from = g_strdup(from),
		.to = g_strdup(to),
		.key = g_strdup(key)};
	gboolean begun = provider->examine(
		region, scope, declaration, action, reference, from, to, on_examined, examination);
	if (begun)
		g_hash_table_add(all, g_strdup(key));
	else
		examination_free(examination);
	return begun;
}

/* ---- looking ---- */

/* Of what was not there at the first look: has the execution that the pipeline's creation started
 * brought it, or is it about to? */
static gboolean is_brought(
	Region *region, StoreScope scope, Value declaration, Value action, const char *revision) {
	const char *pipeline = value_get_text(declaration, "name");
	const char *name = value_get_text(action, "name");
	Value stages = value_get(declaration, "stages");
	g_auto(Value) stage = pipeline_stage_get(
		region, scope, pipeline, value_get_text(value_at(stages, 0), "name"));
	Value latest = value_get_path(stage, "actions", name, NULL);
	Value current = value_get_path(stage, "revisions", name, NULL);
	if (value_is_null(latest) || pipeline_is(current, "revisionId", revision))
		return TRUE;
	g_autoptr(PipelineAction) running = pipeline_action_load(region, scope, pipeline,
		value_get_text(latest, "execution"), value_get_text(latest, "id"));
	return running != NULL;
}

static void look_at_source(Region *region, StoreScope scope, Value declaration, Value action) {
	const PipelineProvider *provider = pipeline_provider(value_get(action, "actionTypeId"));
	if (!provider || !provider->revisions)
		return;
	Store *store = region_store(region);
	g_auto(Value) now = provider->revisions(region, scope, declaration, action);
	g_autofree char *what = what_of(declaration, action);
	g_autofree char *key = pipeline_id(
		value_get_text(declaration, "name"), value_get_text(action, "name"), NULL);
	g_auto(Value) seen = store_get(store, scope, PIPELINE_SOURCES, key);
	Value before = value_get(seen, "revisions");
	gboolean same = pipeline_is(seen, "what", what);
	if (same && value_equal(before, now))
		return;
	g_auto(Value) noted = value_ref(now);
	for (gsize i = 0; same && i < value_length(now); i++) {
		const char *reference = value_key_at(now, i);
		const char *from = value_get_text(before, reference);
		const char *to = value_text_or(value_at(now, i), "");
		if (g_strcmp0(from, to) == 0 ||
			(value_length(before) == 0 &&
				is_brought(region, scope, declaration, action, to)))
			continue;
		if (examine(region, scope, declaration, action, reference, from, to))
			noted = value_with_take(value_steal(&noted), reference, value_string(from));
		else
			start(region, scope, declaration, action, reference, to);
	}
	if (!same || !value_equal(before, noted))
		store_put_take(store, scope, PIPELINE_SOURCES, key,
			value_object_take(
				"what", value_string(what), "revisions", value_ref(noted), NULL));
}

static void look_at(Region *region, StoreScope scope, Value pipeline) {
	Value declaration = value_get(pipeline, "declaration");
	Value actions = value_get(value_at(value_get(declaration, "stages"), 0), "actions");
	for (gsize i = 0; i < value_length(actions); i++)
		look_at_source(region, scope, declaration, value_at(actions, i));
}

/* ---- told by a call ---- */

/* The source action that a call names; VALUE_NOTHING and an error. */
static Value named_source(Value declaration, Value input, GError **error) {
	const char *stage = value_get_text(input, "stageName");
	const char *name = value_get_text(input, "actionName");
	guint index;
	if (!pipeline_stage_find(declaration, stage, &index, error))
		return VALUE_NOTHING;
	Value action = pipeline_named(
		value_get(value_at(value_get(declaration, "stages"), index), "actions"), "name",
		name, NULL);
	if (!pipeline_is(value_get(action, "actionTypeId"), "category", "Source")) {
		wire_error_set(error, "ActionNotFoundException",
			"Stage '%s' does not have a source action with name '%s'", stage, name);
		return VALUE_NOTHING;
	}
	return action;
}

/* A revision that the source has not brought before starts the pipeline. */
Value pipeline_put_revision(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "pipelineName");
	const char *stage = value_get_text(input, "stageName");
	const char *revision =
		value_text(value_get_path(input, "actionRevision", "revisionId", NULL));
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	Value action = named_source(value_get(pipeline, "declaration"), input, error);
	if (value_is_null(action))
		return VALUE_NOTHING;
	g_auto(Value) state = pipeline_stage_get(call->region, call->scope, name, stage);
	Value current =
		value_get_path(state, "revisions", value_get_text(input, "actionName"), NULL);
	if (pipeline_is(current, "revisionId", revision))
		return value_object_take("newRevision", value_bool(FALSE), "pipelineExecutionId",
			value_ref(value_get_path(state, "latest", "pipelineExecutionId", NULL)),
			NULL);
	PipelineStart start = {.trigger = "PutActionRevision", .detail = call->principal_arn};
	g_autofree char *id = pipeline_start(call->region, call->scope, name, &start, error);
	return id ? value_object_take("newRevision", value_bool(TRUE), "pipelineExecutionId",
			    value_string(id), NULL)
		  : VALUE_NOTHING;
}

/* ---- the controller ---- */

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

static void forget_examinations(gpointer data) {
	g_hash_table_unref(data);
}

gboolean pipeline_sources_start(Region *region, GError **error) {
	region_set_data(region, PIPELINE_SOURCE_CONTROLLER,
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), forget_examinations);
	region_controller_add(region, PIPELINE_SOURCE_CONTROLLER, control, NULL);
	region_wake_on(region, PIPELINE_SOURCE_CONTROLLER, PIPELINE_PIPELINES);
	region_wake_on(region, PIPELINE_SOURCE_CONTROLLER, "ecr/image");
	region_wake_on(region, PIPELINE_SOURCE_CONTROLLER, "connections/");
	s3_watch(region, on_object, NULL);
	region_wake(region, PIPELINE_SOURCE_CONTROLLER);
	return TRUE;
}
