/* Pipelines: made, changed (each change is a version), read, listed, deleted; their tags. */
#include <string.h>

#include "region/services/codepipeline/internal.h"

static const char *const kinds_of_pipeline[] = {PIPELINE_VERSIONS, PIPELINE_STAGES,
	PIPELINE_EXECUTIONS, PIPELINE_ACTIVE, PIPELINE_ACTIONS, PIPELINE_SOURCES, PIPELINE_TOKENS,
	NULL};

/* ---- the store ---- */

Value pipeline_get(Region *region, StoreScope scope, const char *name, GError **error) {
	Value pipeline = store_get(region_store(region), scope, PIPELINE_PIPELINES, name);
	if (value_is_null(pipeline))
		wire_error_set(error, "PipelineNotFoundException",
			"Account '%s' does not have a pipeline with name '%s'", scope.account,
			name);
	return pipeline;
}

static char *version_id(const char *name, gint64 version) {
	return g_strdup_printf("%s/%010" G_GINT64_FORMAT, name, version);
}

Value pipeline_version(Region *region, StoreScope scope, const char *name, gint64 version) {
	g_autofree char *id = version_id(name, version);
	return store_get(region_store(region), scope, PIPELINE_VERSIONS, id);
}

Value pipeline_stage_get(Region *region, StoreScope scope, const char *name, const char *stage) {
	g_autofree char *id = pipeline_id(name, stage, NULL);
	Value found = store_get(region_store(region), scope, PIPELINE_STAGES, id);
	return value_is_null(found) ? value_empty_object() : found;
}

void pipeline_stage_put_take(
	Region *region, StoreScope scope, const char *name, const char *stage, Value taken) {
	g_autofree char *id = pipeline_id(name, stage, NULL);
	store_put_take(region_store(region), scope, PIPELINE_STAGES, id, taken);
}

static void put(RegionCall *call, Value declaration, Value created) {
	Store *store = region_store(call->region);
	const char *name = value_get_text(declaration, "name");
	g_autofree char *arn = region_arn(call->scope, "codepipeline", "%s", name);
	g_autofree char *id = version_id(name, value_get_int(declaration, "version", 1));
	store_put(store, call->scope, PIPELINE_VERSIONS, id, declaration);
	store_put_take(store, call->scope, PIPELINE_PIPELINES, name,
		value_object_take("declaration", value_ref(declaration), "pipelineArn",
			value_string(arn), "created", value_ref(created), "updated",
			region_timestamp(call->region), NULL));
}

/* ---- operations ---- */

Value pipeline_create(RegionCall *call, Value input, GError **error) {
	Value given = value_get(input, "pipeline");
	const char *name = value_get_text(given, "name");
	if (store_has(region_store(call->region), call->scope, PIPELINE_PIPELINES, name)) {
		wire_error_set(error, "PipelineNameInUseException",
			"A pipeline with the name '%s' already exists in account '%s'", name,
			call->scope.account);
		return VALUE_NOTHING;
	}
	Value checked = pipeline_check(call, given, error);
	if (value_is_null(checked))
		return VALUE_NOTHING;
	g_auto(Value) declaration = value_with_take(checked, "version", value_int(1));
	g_auto(Value) now = region_timestamp(call->region);
	put(call, declaration, now);
	g_autofree char *arn = region_arn(call->scope, "codepipeline", "%s", name);
	g_auto(Value) tags = region_tags_from_list(value_get(input, "tags"), "key", "value");
	region_tags_set(call->region, call->scope, arn, tags);
	PipelineStart start = {.trigger = "CreatePipeline", .detail = call->principal_arn};
	g_autofree char *first = pipeline_start(call->region, call->scope, name, &start, NULL);
	Value answer = value_object_take("pipeline", value_ref(declaration), NULL);
	return value_length(value_get(input, "tags")) == 0
		       ? answer
		       : value_with_take(answer, "tags", value_ref(value_get(input, "tags")));
}

Value pipeline_update(RegionCall *call, Value input, GError **error) {
	Value given = value_get(input, "pipeline");
	g_auto(Value) pipeline =
		pipeline_get(call->region, call->scope, value_get_text(given, "name"), error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	gint64 version = value_get_int(value_get(pipeline, "declaration"), "version", 1) + 1;
	Value checked = pipeline_check(call, given, error);
	if (value_is_null(checked))
		return VALUE_NOTHING;
	g_auto(Value) declaration = value_with_take(checked, "version", value_int(version));
	put(call, declaration, value_get(pipeline, "created"));
	return value_object_take("pipeline", value_ref(declaration), NULL);
}

Value pipeline_read(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "name");
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	gint64 version = value_get_int(input, "version", 0);
	Value declaration = version > 0 ? pipeline_version(call->region, call->scope, name, version)
					: value_ref(value_get(pipeline, "declaration"));
	if (value_is_null(declaration)) {
		wire_error_set(error, "PipelineVersionNotFoundException",
			"Pipeline '%s' does not have a version '%" G_GINT64_FORMAT "'", name,
			version);
		return VALUE_NOTHING;
	}
	return value_object_take("pipeline", declaration, "metadata",
		value_without_take(value_ref(pipeline), "declaration"), NULL);
}

/* What its running actions began elsewhere is not wanted any more. */
static void stop_actions(RegionCall *call, const char *name) {
	g_autoptr(GArray) active =
		pipeline_executions(call->region, call->scope, name, PIPELINE_ACTIVE);
	for (guint i = 0; i < active->len; i++) {
		Value execution = g_array_index(active, Value, i);
		const char *id = value_get_text(execution, "pipelineExecutionId");
		Value actions = pipeline_internal(execution, "actions");
		for (gsize k = 0; k < value_length(actions); k++) {
			g_autoptr(PipelineAction) action = pipeline_action_load(call->region,
				call->scope, name, id, value_text_or(value_at(actions, k), ""));
			const PipelineProvider *provider =
				action ? pipeline_provider(
						 value_get(action->declaration, "actionTypeId"))
				       : NULL;
			if (provider && provider->stop)
				provider->stop(action);
			if (action)
				pipeline_action_clean(call->region, action->id);
		}
	}
}

Value pipeline_delete(RegionCall *call, Value input, GError **error) {
	Store *store = region_store(call->region);
	const char *name = value_get_text(input, "name");
	g_autofree char *prefix = g_strconcat(name, "/", NULL);
	g_autofree char *arn = region_arn(call->scope, "codepipeline", "%s", name);
	stop_actions(call, name);
	for (guint i = 0; kinds_of_pipeline[i]; i++) {
		g_auto(StoreIter) iter =
			store_iter_prefix(store, call->scope, kinds_of_pipeline[i], prefix);
		const char *id;
		Value object;
		while (store_iter_next(&iter, &id, &object))
			store_delete(store, call->scope, kinds_of_pipeline[i], id);
	}
	region_tags_clear(call->region, call->scope, arn);
	store_delete(store, call->scope, PIPELINE_PIPELINES, name);
	return VALUE_NOTHING;
}

Value pipeline_list(RegionCall *call, Value input, GError **error) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, PIPELINE_PIPELINES);
	const char *name;
	Value pipeline;
	while (store_iter_next(&iter, &name, &pipeline)) {
		Value declaration = value_get(pipeline, "declaration");
		value_builder_add_take(all,
			value_object_take("name", value_string(name), "version",
				value_ref(value_get(declaration, "version")), "pipelineType",
				value_ref(value_get(declaration, "pipelineType")), "executionMode",
				value_ref(value_get(declaration, "executionMode")), "created",
				value_ref(value_get(pipeline, "created")), "updated",
				value_ref(value_get(pipeline, "updated")), NULL));
	}
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	return pipeline_page(call, input, "pipelines", items, 1000, error);
}

/* ---- tags ---- */

static const char *tagged(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "resourceArn");
	g_autofree char *name = NULL;
	if (region_arn_parse(arn, NULL, NULL, NULL, &name) &&
		store_has(region_store(call->region), call->scope, PIPELINE_PIPELINES, name))
		return arn;
	wire_error_set(error, "ResourceNotFoundException",
		"The resource with the ARN '%s' does not exist", arn);
	return NULL;
}

Value pipeline_tag(RegionCall *call, Value input, GError **error) {
	const char *arn = tagged(call, input, error);
	g_auto(Value) given = region_tags_from_list(value_get(input, "tags"), "key", "value");
	if (!arn)
		return VALUE_NOTHING;
	g_auto(Value) former = region_tags(call->region, call->scope, arn);
	g_auto(Value) all = value_merge(former, given);
	if (value_length(all) > 50) {
		wire_error_set(error, "TooManyTagsException",
			"The tags limit for a resource (50) has been exceeded");
		return VALUE_NOTHING;
	}
	region_tags_set(call->region, call->scope, arn, given);
	return value_empty_object();
}

Value pipeline_untag(RegionCall *call, Value input, GError **error) {
	const char *arn = tagged(call, input, error);
	Value keys = value_get(input, "tagKeys");
	for (gsize i = 0; arn && i < value_length(keys); i++)
		region_tags_remove(
			call->region, call->scope, arn, value_text_or(value_at(keys, i), ""));
	return value_empty_object();
}

Value pipeline_list_tags(RegionCall *call, Value input, GError **error) {
	const char *arn = tagged(call, input, error);
	if (!arn)
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->scope, arn);
	g_auto(Value) list = region_tags_to_list(tags, "key", "value");
	return pipeline_page(call, input, "tags", list, 100, error);
}
